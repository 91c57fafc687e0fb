//go:build promfetch_static

package promfetch

// The archive that comes with the module, one for each target (scripts/go-archive in the repository makes them). The
// program then needs no installed libpromfetch, neither to build nor to run. The tag promfetch_musl says that the C
// compiler is one for musl, which Go cannot know.

// #cgo CFLAGS: -I${SRCDIR}/include
// #cgo linux,amd64,!promfetch_musl LDFLAGS: ${SRCDIR}/lib/linux_amd64/libpromfetch.a -lgcc_s -lm -ldl -lpthread
// #cgo linux,arm64,!promfetch_musl LDFLAGS: ${SRCDIR}/lib/linux_arm64/libpromfetch.a -lgcc_s -lm -ldl -lpthread
// #cgo linux,amd64,promfetch_musl LDFLAGS: ${SRCDIR}/lib/linux_amd64_musl/libpromfetch.a
import "C"
