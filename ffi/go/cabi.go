package promfetch

// What all calls into C need: strings there and back, and errors.

// #include <promfetch.h>
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

// Version of the library that is linked, such as "0.1.0".
func Version() string { return C.GoString(C.promfetch_version()) }

// ABIVersion is the number of the interface between this package and the library.
func ABIVersion() uint32 { return uint32(C.promfetch_abi_version()) }

// checkABI finds a library that is older or newer than the header this was built with. The name of the shared library
// has the number in it, so this can happen only where somebody has renamed files.
func checkABI() error {
	if got := ABIVersion(); got != C.PROMFETCH_ABI_VERSION {
		return fmt.Errorf("promfetch: libpromfetch has ABI %d, this program was built for %d", got, C.PROMFETCH_ABI_VERSION)
	}
	return nil
}

// text is a string for C: a NUL at its end, in Go's memory, which C may read for the time of one call.
//
// One with a NUL inside would be cut there, and mean something else to C than to the caller; check finds those.
func text(s string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(append([]byte(s), 0))))
}

// optional is NULL for "": what nobody has set.
func optional(s string) *C.char {
	if s == "" {
		return nil
	}
	return text(s)
}

// check refuses what cannot be said in C. All else is the library's to judge, invalid UTF-8 too.
func check(what string, values ...string) error {
	for _, value := range values {
		if strings.IndexByte(value, 0) >= 0 {
			return usage("the %s must not contain a NUL byte", what)
		}
	}
	return nil
}

// usage is an error that is found before the library is asked.
func usage(format string, args ...any) error {
	return &Error{Code: ErrInvalidArgument, Name: ErrInvalidArgument.name(), Message: fmt.Sprintf(format, args...)}
}

func (c Code) name() string { return C.GoString(C.promfetch_code_name(C.uint32_t(c))) }

// bytesOf is a pointer to data for C, NULL if there is none.
func bytesOf(data []byte) *C.char {
	if len(data) == 0 {
		return nil
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(data)))
}

// view is memory of C as it is there, for as long as its handle lives.
func view(data *C.char, n C.size_t) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(n))
}

// copied is a string of C, which may hold NUL bytes.
func copied(data *C.char, n C.size_t) string {
	if data == nil {
		return ""
	}
	return string(view(data, n))
}

// take makes an error of what a call has left, and frees that.
func take(cerr *C.promfetch_error) *Error {
	if cerr == nil {
		// Not to be: who fails says why. A nil error would be worse.
		return &Error{Code: ErrPanic, Name: ErrPanic.name(), Message: "the library failed without a reason"}
	}
	defer C.promfetch_error_free(cerr)
	return borrowed(cerr)
}

// borrowed is the same for an error that belongs to somebody else.
func borrowed(cerr *C.promfetch_error) *Error {
	code := Code(C.promfetch_error_code(cerr))
	return &Error{
		Code:      code,
		Name:      code.name(),
		Message:   C.GoString(C.promfetch_error_message(cerr)),
		Transient: C.promfetch_error_is_transient(cerr) != 0,
	}
}
