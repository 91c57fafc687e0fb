package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"io"
)

// Exposition is a page of metrics. It is Go's own memory and never changes; nothing has to be closed.
type Exposition struct {
	// ContentType of the page, with its version.
	ContentType string
	// Up is how many instances (or pages that were merged) are in it.
	Up int
	// Failures are the reasons why others are not: each is an [*Error].
	Failures []error

	data []byte
}

// Fetch asks all instances of an app and merges what they answer. Where only some answer, the page is theirs, and
// the failures of the others are in it. Where none does, that is an error with the commonest reason, unless
// AllFailedIsPage.
//
// The context's deadline is the time for the page: what has arrived by then is in it.
func (c *Client) Fetch(ctx context.Context, r Request) (*Exposition, error) {
	k, err := c.begin(ctx, &r)
	if err != nil {
		return nil, err
	}
	defer k.end()
	var cerr *C.promfetch_error
	x := C.promfetch_fetch_request(k.client, k.request, &cerr)
	if x == nil {
		return nil, k.fail(cerr)
	}
	return exposition(x), nil
}

// exposition copies a page out of C and frees it there. Go's collector does not see memory of C: it would let large
// pages pile up.
func exposition(x *C.promfetch_exposition) *Exposition {
	defer C.promfetch_exposition_free(x)
	var n C.size_t
	data := C.promfetch_exposition_data(x, &n)
	page := &Exposition{
		ContentType: C.GoString(C.promfetch_exposition_content_type(x)),
		Up:          int(C.promfetch_exposition_up_count(x)),
		data:        append([]byte(nil), view(data, n)...),
	}
	for i := range C.promfetch_exposition_failure_count(x) {
		page.Failures = append(page.Failures, borrowed(C.promfetch_exposition_failure(x, i)))
	}
	return page
}

// Bytes is the page, not to be changed.
func (x *Exposition) Bytes() []byte {
	if x == nil {
		return nil
	}
	return x.data
}

// String is the page. In protobuf that is no text.
func (x *Exposition) String() string { return string(x.Bytes()) }

// WriteTo writes the page.
func (x *Exposition) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(x.Bytes())
	return int64(n), err
}
