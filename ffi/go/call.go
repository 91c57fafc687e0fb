package promfetch

// #include <promfetch.h>
import "C"

import (
	"runtime"
	"sync"
)

// Call is one call of the program's own that is measured: how many began, failed to end, and how long they took is
// in [Client.Metrics], by API and name.
type Call struct {
	err  error
	open *openCall
}

type openCall struct {
	once sync.Once
	ptr  *C.promfetch_call
}

func (o *openCall) end() { o.once.Do(func() { C.promfetch_call_end(o.ptr) }) }

// Call begins to measure. End ends it:
//
//	defer client.Call("ecs", "ListTasks").End()
func (c *Client) Call(api, name string) *Call {
	if err := check("name of a call", api, name); err != nil {
		return &Call{err: err}
	}
	client, done, err := c.use()
	if err != nil {
		return &Call{err: err}
	}
	defer done()
	var cerr *C.promfetch_error
	ptr := C.promfetch_call_start(client, text(api), text(name), &cerr)
	if ptr == nil {
		return &Call{err: take(cerr)}
	}
	call := &Call{open: &openCall{ptr: ptr}}
	runtime.AddCleanup(call, (*openCall).end, call.open)
	return call
}

// CountCall counts a call of the program's own that has no duration.
func (c *Client) CountCall(api, name string) error {
	if err := check("name of a call", api, name); err != nil {
		return err
	}
	client, done, err := c.use()
	if err != nil {
		return err
	}
	defer done()
	var cerr *C.promfetch_error
	if C.promfetch_call_increment(client, text(api), text(name), &cerr) != C.PROMFETCH_OK {
		return take(cerr)
	}
	return nil
}

// Err says why nothing is measured.
func (c *Call) Err() error { return c.err }

// End ends the call. A second End does nothing.
func (c *Call) End() {
	if c != nil && c.open != nil {
		c.open.end()
		runtime.KeepAlive(c)
	}
}
