package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// Label of a page: added to each of its samples.
type Label struct{ Name, Value string }

// MergeOptions configure a [Merge]. The zero value is the usual.
type MergeOptions struct {
	// Format of the page. "" is text.
	Format Format
	// Accept is an Accept header, which counts more than Format.
	Accept string
	// LabelConflict is what becomes of a sample's own label that has the name of an added one: "export" (the usual)
	// renames it to exported_…, "drop" leaves it out.
	LabelConflict string
	// MaxSamples of one page, if not 0.
	MaxSamples int
	// MaxLine is the longest line of a page in bytes, if not 0.
	MaxLine int
}

// Merge makes one page of many. It needs no client and does no I/O. Several goroutines may add to one, though one
// after the other.
type Merge struct {
	open *openMerge
}

// openMerge is the part that has to be freed.
type openMerge struct {
	mu  sync.Mutex
	ptr *C.promfetch_merge
	// Memory of Go that C reads until Finish, or until the stream is closed.
	pins *runtime.Pinner
	// Bytes of the pages that were added.
	size int
}

// NewMerge begins an empty page. Close frees it; one that is forgotten is freed some time later.
func NewMerge(options MergeOptions) (*Merge, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	settings := []setting{
		{"format", string(options.Format)},
		{"accept", options.Accept},
		{"label_conflict", options.LabelConflict},
	}
	if options.MaxSamples != 0 {
		settings = append(settings, setting{"max_samples", strconv.Itoa(options.MaxSamples)})
	}
	if options.MaxLine != 0 {
		settings = append(settings, setting{"max_line", strconv.Itoa(options.MaxLine)})
	}
	for _, setting := range settings {
		if err := check(setting.key, setting.value); err != nil {
			return nil, err
		}
	}
	ptr := C.promfetch_merge_new()
	var cerr *C.promfetch_error
	for _, setting := range settings {
		if setting.value != "" {
			C.promfetch_merge_set(ptr, text(setting.key), text(setting.value), &cerr)
		}
	}
	if cerr != nil {
		C.promfetch_merge_free(ptr)
		return nil, take(cerr)
	}
	m := &Merge{open: &openMerge{ptr: ptr, pins: new(runtime.Pinner)}}
	runtime.AddCleanup(m, (*openMerge).close, m.open)
	return m, nil
}

// Add adds a page, which is copied. contentType says what it is written in; "" lets the bytes tell. The labels are
// added to each sample in their order.
//
// A page that is no valid exposition is an error, costs only itself, and is listed among the failures of the result.
func (m *Merge) Add(labels []Label, contentType string, page []byte) error {
	return m.add(labels, contentType, page, false)
}

// AddPinned is Add without the copy: page must not be changed until Finish, until the stream of [Merge.Stream] is
// closed, or until Close.
func (m *Merge) AddPinned(labels []Label, contentType string, page []byte) error {
	return m.add(labels, contentType, page, true)
}

func (m *Merge) add(labels []Label, contentType string, page []byte, pinned bool) error {
	if err := check("content type", contentType); err != nil {
		return err
	}
	clabels, err := newLabels(labels)
	if err != nil {
		return err
	}
	defer C.promfetch_labels_free(clabels)

	ptr, done, err := m.use()
	if err != nil {
		return err
	}
	defer done()
	var cerr *C.promfetch_error
	data, n := bytesOf(page), C.size_t(len(page))
	var code C.uint32_t
	if pinned && n > 0 {
		m.open.pins.Pin(data)
		code = C.promfetch_merge_add_borrowed(ptr, clabels, optional(contentType), data, n, nil, nil, &cerr)
	} else {
		code = C.promfetch_merge_add(ptr, clabels, optional(contentType), data, n, &cerr)
	}
	if cerr != nil {
		return take(cerr)
	}
	if code != C.PROMFETCH_OK {
		// The page alone is bad: that is no error of the call, and the merge knows why.
		return borrowed(C.promfetch_merge_failure(ptr, C.promfetch_merge_failure_count(ptr)-1))
	}
	m.open.size += len(page)
	return nil
}

// newLabels is NULL for no labels.
func newLabels(labels []Label) (*C.promfetch_labels, error) {
	if len(labels) == 0 {
		return nil, nil
	}
	for _, label := range labels {
		if err := check("label", label.Name, label.Value); err != nil {
			return nil, err
		}
	}
	ptr := C.promfetch_labels_new()
	var cerr *C.promfetch_error
	for _, label := range labels {
		C.promfetch_labels_set(ptr, text(label.Name), text(label.Value), &cerr)
	}
	if cerr != nil {
		C.promfetch_labels_free(ptr)
		return nil, take(cerr)
	}
	return ptr, nil
}

// Finish is the merged page. Afterwards the Merge is empty, with its options, and can be used again.
func (m *Merge) Finish() (*Exposition, error) {
	stream, size, err := m.take()
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	// Family by family: C's own finish would be a second copy of the whole page. It is longer than its inputs, by the
	// labels, how much cannot be known.
	data := make([]byte, 0, size+size/4)
	for {
		piece, err := stream.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(data)+len(piece) > cap(data) {
			data = slices.Grow(data, len(data)+len(piece))
		}
		data = append(data, piece...)
	}
	return &Exposition{ContentType: stream.ContentType, Up: stream.Up, Failures: stream.Failures, data: data}, nil
}

// Stream is Finish family by family.
func (m *Merge) Stream() (*Stream, error) {
	stream, _, err := m.take()
	return stream, err
}

// take begins the merged page of what was added, of so many bytes, and leaves nothing.
func (m *Merge) take() (stream *Stream, size int, err error) {
	ptr, done, err := m.use()
	if err != nil {
		return nil, 0, err
	}
	defer done()
	var cerr *C.promfetch_error
	opened := C.promfetch_merge_stream(ptr, &cerr)
	if opened == nil {
		return nil, 0, take(cerr)
	}
	// The stream reads what was pinned; the next page has pins of its own.
	open := &openStream{ptr: opened, pins: m.open.pins}
	size, m.open.size, m.open.pins = m.open.size, 0, new(runtime.Pinner)
	return newStream(context.Background(), open), size, nil
}

// Close frees the Merge, with what was added and not finished.
func (m *Merge) Close() error {
	if m != nil && m.open != nil {
		m.open.close()
		runtime.KeepAlive(m)
	}
	return nil
}

// use locks the Merge; in C it is for one thread at a time.
func (m *Merge) use() (ptr *C.promfetch_merge, done func(), err error) {
	if m == nil || m.open == nil {
		return nil, nil, ErrClosed
	}
	m.open.mu.Lock()
	if m.open.ptr == nil {
		m.open.mu.Unlock()
		return nil, nil, ErrClosed
	}
	return m.open.ptr, func() {
		m.open.mu.Unlock()
		runtime.KeepAlive(m)
	}, nil
}

func (o *openMerge) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	C.promfetch_merge_free(o.ptr)
	o.ptr = nil
	o.pins.Unpin()
}
