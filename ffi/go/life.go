package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"sync"
)

// life counts who uses a C client, so that it is freed when nobody does. In C that is the caller's care.
type life struct {
	// Ends with close: what is under way is cancelled by it.
	ctx  context.Context
	kill context.CancelFunc
	// Closed when the C client is freed.
	freed chan struct{}

	mu     sync.Mutex
	ptr    *C.promfetch_client
	uses   int
	closed bool
}

func newLife(ptr *C.promfetch_client) *life {
	ctx, kill := context.WithCancel(context.Background())
	return &life{ctx: ctx, kill: kill, freed: make(chan struct{}), ptr: ptr}
}

func (l *life) acquire() (*C.promfetch_client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	l.uses++
	return l.ptr, nil
}

func (l *life) release() {
	l.mu.Lock()
	l.uses--
	last := l.closed && l.uses == 0
	l.mu.Unlock()
	if last {
		l.free()
	}
}

// close lets nobody in any more, ends what is under way, and waits until the client is freed.
func (l *life) close() {
	l.mu.Lock()
	free := !l.closed && l.uses == 0
	l.closed = true
	l.mu.Unlock()
	l.kill()
	if free {
		l.free()
	}
	<-l.freed
}

// free is called once: by close, or by the last user after it.
func (l *life) free() {
	C.promfetch_client_free(l.ptr)
	l.ptr = nil
	close(l.freed)
}
