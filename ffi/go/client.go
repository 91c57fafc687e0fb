package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"time"
)

// Client knows the instances of all apps, and asks them. Any number of goroutines may use one at once.
type Client struct {
	life *life
}

// NewClient starts a client: its sources, and what it needs to ask instances. Without any option it is configured
// from the environment, as [WithEnvironment] does; with options, from these alone. It is ready at once for what
// [WithTargets] names; [Client.WaitReady] waits for the other sources.
//
// Close ends it. One that is forgotten is closed some time after nothing refers to it any more.
func NewClient(options ...Option) (*Client, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	var o *C.promfetch_options
	if len(options) > 0 {
		var err error
		if o, err = newOptions(options); err != nil {
			return nil, err
		}
		defer C.promfetch_options_free(o)
	}
	var cerr *C.promfetch_error
	ptr := C.promfetch_client_new(o, &cerr)
	if ptr == nil {
		return nil, take(cerr)
	}
	c := &Client{life: newLife(ptr)}
	// Not on the goroutine of all cleanups: the library waits for its own threads.
	runtime.AddCleanup(c, func(l *life) { go l.close() }, c.life)
	return c, nil
}

// Close ends the client. Calls under way end with [ErrCancelled] and [ErrClosed]; it waits for them. Pages and
// streams that were answered before stay good. A second Close does nothing.
func (c *Client) Close() error {
	if c != nil && c.life != nil {
		c.life.close()
		runtime.KeepAlive(c)
	}
	return nil
}

// use is the C client for one call; done gives it back. After Close it is an error.
func (c *Client) use() (ptr *C.promfetch_client, done func(), err error) {
	if c == nil || c.life == nil {
		return nil, nil, ErrClosed
	}
	ptr, err = c.life.acquire()
	if err != nil {
		return nil, nil, err
	}
	return ptr, func() {
		c.life.release()
		// Else it could be cleaned up while its last call is under way.
		runtime.KeepAlive(c)
	}, nil
}

// How long WaitReady can go without a look at its context: C has no way to interrupt it.
const readySlice = 100 * time.Millisecond

// WaitReady waits until all apps of the platform are known. When the context ends first, the error is
// [ErrNotReady], and that of the context.
func (c *Client) WaitReady(ctx context.Context) error {
	ptr, done, err := c.use()
	if err != nil {
		return err
	}
	defer done()
	for {
		slice := readySlice
		if deadline, ok := ctx.Deadline(); ok {
			slice = max(0, min(slice, time.Until(deadline)))
		}
		if ctx.Err() != nil || c.life.ctx.Err() != nil {
			slice = 0 // only to hear what is missing
		}
		var cerr *C.promfetch_error
		if C.promfetch_client_wait_ready(ptr, C.uint64_t(slice.Milliseconds()), &cerr) == 0 {
			return nil
		}
		failure := take(cerr)
		switch {
		case failure.Code != ErrNotReady:
			return failure
		case c.life.ctx.Err() != nil:
			failure.causes = []error{ErrClosed}
			return failure
		case ctx.Err() != nil:
			failure.causes = causes(ctx)
			return failure
		}
	}
}

// SetTargets replaces all fixed targets. Nothing changes when one of them is wrong.
func (c *Client) SetTargets(targets []TargetSpec) error {
	list, err := json.Marshal(append([]TargetSpec{}, targets...))
	if err != nil {
		return usage("the targets: %v", err)
	}
	return c.SetTargetsJSON(list)
}

// SetTargetsJSON is SetTargets with the list as the library reads it.
func (c *Client) SetTargetsJSON(list []byte) error {
	ptr, done, err := c.use()
	if err != nil {
		return err
	}
	defer done()
	var cerr *C.promfetch_error
	if C.promfetch_client_set_targets(ptr, bytesOf(list), C.size_t(len(list)), &cerr) != 0 {
		return take(cerr)
	}
	return nil
}

// Metrics is a page of the client's own metrics, in the text format 0.0.4.
func (c *Client) Metrics() (*Exposition, error) {
	ptr, done, err := c.use()
	if err != nil {
		return nil, err
	}
	defer done()
	var cerr *C.promfetch_error
	x := C.promfetch_client_metrics(ptr, &cerr)
	if x == nil {
		return nil, take(cerr)
	}
	return exposition(x), nil
}
