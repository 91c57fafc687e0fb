package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"io"
	"iter"
	"runtime"
	"sync"
)

// Stream is a page family by family: HELP, TYPE and samples of one metric name at a time. All pieces one after the
// other are the page. It takes less memory than an [Exposition], as the page never exists as a whole; the inputs do.
type Stream struct {
	// ContentType of the page, with its version.
	ContentType string
	// Up is how many instances (or pages that were merged) are in it.
	Up int
	// Failures are the reasons why others are not: each is an [*Error].
	Failures []error

	ctx  context.Context
	open *openStream

	mu  sync.Mutex
	buf []byte
	end error
}

// openStream is the part of a stream that has to be freed.
type openStream struct {
	once sync.Once
	ptr  *C.promfetch_stream
	// What of Go's memory the stream in C reads.
	pins *runtime.Pinner
}

func (o *openStream) free() {
	o.once.Do(func() {
		C.promfetch_stream_free(o.ptr)
		if o.pins != nil {
			o.pins.Unpin()
		}
		o.ptr = nil
	})
}

// Stream asks as [Client.Fetch] does, waits until all have answered, and gives the page piece by piece. When the
// context is cancelled later, reading ends with its error.
func (c *Client) Stream(ctx context.Context, r Request) (*Stream, error) {
	k, err := c.begin(ctx, &r)
	if err != nil {
		return nil, err
	}
	defer k.end()
	var cerr *C.promfetch_error
	ptr := C.promfetch_stream_open(k.client, k.request, &cerr)
	if ptr == nil {
		return nil, k.fail(cerr)
	}
	return newStream(ctx, &openStream{ptr: ptr}), nil
}

func newStream(ctx context.Context, open *openStream) *Stream {
	s := &Stream{
		ContentType: C.GoString(C.promfetch_stream_content_type(open.ptr)),
		Up:          int(C.promfetch_stream_up_count(open.ptr)),
		ctx:         ctx,
		open:        open,
	}
	for i := range C.promfetch_stream_failure_count(open.ptr) {
		s.Failures = append(s.Failures, borrowed(C.promfetch_stream_failure(open.ptr, i)))
	}
	runtime.AddCleanup(s, (*openStream).free, open)
	return s
}

// Next is the next piece, or io.EOF after the last. It is good until the next call on the stream.
func (s *Stream) Next() ([]byte, error) {
	if s == nil || s.open == nil {
		return nil, ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	piece, err := s.next()
	if err != nil {
		return nil, err
	}
	// A copy: who keeps a piece for too long then reads another one, not freed memory.
	s.buf = append(s.buf[:0], piece...)
	return s.buf, nil
}

// next is the piece in memory of C.
func (s *Stream) next() ([]byte, error) {
	if s.end != nil {
		return nil, s.end
	}
	// A deadline was for the asking, which is over.
	if s.ctx.Err() != nil && s.ctx.Err() != context.DeadlineExceeded {
		return nil, s.finish(&Error{Code: ErrCancelled, Name: ErrCancelled.name(), Message: "the context has ended while the page was read", causes: causes(s.ctx)})
	}
	var n C.size_t
	var cerr *C.promfetch_error
	data := C.promfetch_stream_next(s.open.ptr, &n, &cerr)
	switch {
	case data != nil:
		return view(data, n), nil
	case cerr != nil:
		return nil, s.finish(take(cerr))
	}
	return nil, s.finish(io.EOF)
}

// finish frees what is in C; from now on the answer is err.
func (s *Stream) finish(err error) error {
	s.end, s.buf = err, nil
	s.open.free()
	runtime.KeepAlive(s)
	return err
}

// Small families are written together.
const writeSize = 32 << 10

// WriteTo writes all that is left of the page.
func (s *Stream) WriteTo(w io.Writer) (int64, error) {
	if s == nil || s.open == nil {
		return 0, ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var written int64
	var pending []byte
	write := func(p []byte) error {
		n, err := w.Write(p)
		written += int64(n)
		return err
	}
	for {
		piece, err := s.next()
		if err != nil {
			if len(pending) > 0 {
				if err := write(pending); err != nil {
					return written, err
				}
			}
			if err == io.EOF {
				err = nil
			}
			return written, err
		}
		if len(pending)+len(piece) < writeSize {
			pending = append(pending, piece...)
			continue
		}
		if len(pending) > 0 {
			if err := write(pending); err != nil {
				return written, err
			}
			pending = pending[:0]
		}
		// From C's memory as it is: a writer must not keep what it is given.
		if err := write(piece); err != nil {
			return written, err
		}
	}
}

// All is the rest of the page for a range loop. It ends at the end of the page, or after an error.
func (s *Stream) All() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			piece, err := s.Next()
			if err == io.EOF {
				return
			}
			if !yield(piece, err) || err != nil {
				return
			}
		}
	}
}

// Close frees the stream. Reading it afterwards is an error.
func (s *Stream) Close() error {
	if s == nil || s.open == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish(ErrClosed)
	return nil
}
