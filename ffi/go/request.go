package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request says what to ask, and of whom. Only Selector is needed.
type Request struct {
	// Selector is "organization/space/app", an app GUID, or a route such as "shop.example.org/cart".
	Selector string
	// MetricPath is asked of the instances; "" is "/metrics", or what a target says.
	MetricPath string
	// Format of the page. "" is text.
	Format Format
	// Accept is an Accept header, which counts more than Format: the best format in it that any instance has sent.
	Accept string
	// Timeout for the whole call. A deadline of the context shortens it. What has arrived by then is the page.
	Timeout time.Duration
	// ScrapeTimeout is the value of X-Prometheus-Scrape-Timeout-Seconds: a margin for the way back is taken off. The
	// shorter of the two counts.
	ScrapeTimeout string
	// Headers are sent to the app's instances, and to nobody else.
	Headers http.Header
	// Authorization is sent to the app's instances, and to nobody else.
	Authorization string
	// ForwardedFor is X-Forwarded-For as the instances see it.
	ForwardedFor string
	// ProcessType is "web" if nobody says otherwise.
	ProcessType string
	// Instance, an index or a GUID, asks this one alone.
	Instance string
	// OnlyAppMetrics leaves out external exporters and the health series.
	OnlyAppMetrics bool
	// AllFailedIsPage answers with a page of health series where no instance has given metrics, not with an error.
	AllFailedIsPage bool
}

// Format of a page.
type Format string

// The formats.
const (
	Text        Format = "text"
	OpenMetrics Format = "openmetrics"
	Protobuf    Format = "protobuf"
)

// call is one call on a client, which the context or Close can interrupt.
type call struct {
	client *C.promfetch_client
	done   func()
	life   *life
	ctx    context.Context
	// Whether the context's deadline is what the library was given as time-out.
	byDeadline bool
	stops      [2]func() bool

	// request is NULL after end: what stops the call may come too late.
	mu      sync.Mutex
	request *C.promfetch_request
}

// What the library may take beyond its time-out, for the page of what has arrived. Then it is interrupted.
const grace = time.Second

// begin makes the request in C. end has to be called if there is no error.
func (c *Client) begin(ctx context.Context, r *Request) (*call, error) {
	client, done, err := c.use()
	if err != nil {
		return nil, err
	}
	k := &call{client: client, done: done, life: c.life, ctx: ctx}
	if err := k.make(r); err != nil {
		done()
		return nil, err
	}
	k.stops[0] = context.AfterFunc(ctx, k.ended)
	k.stops[1] = context.AfterFunc(c.life.ctx, k.cancel)
	return k, nil
}

func (k *call) make(r *Request) error {
	timeout := r.Timeout
	if deadline, ok := k.ctx.Deadline(); ok {
		left := max(time.Until(deadline), time.Millisecond)
		if timeout == 0 || left < timeout {
			timeout, k.byDeadline = left, true
		}
	}
	if err := k.ctx.Err(); err != nil {
		code := ErrCancelled
		if err == context.DeadlineExceeded {
			code = ErrTimeout
		}
		return &Error{Code: code, Name: code.name(), Message: "the context has ended before the call", causes: causes(k.ctx)}
	}
	settings := r.settings(timeout)
	for _, setting := range settings {
		if err := check(setting.key, setting.value); err != nil {
			return err
		}
	}
	if err := check("selector", r.Selector); err != nil {
		return err
	}

	// Errors stick: after the first one the other calls do nothing.
	var cerr *C.promfetch_error
	k.request = C.promfetch_request_new(text(r.Selector), &cerr)
	for _, setting := range settings {
		C.promfetch_request_set(k.request, text(setting.key), text(setting.value), &cerr)
	}
	for name, values := range r.Headers {
		for _, value := range values {
			if err := check("header", name, value); err != nil {
				C.promfetch_request_free(k.request)
				C.promfetch_error_free(cerr)
				return err
			}
			C.promfetch_request_header(k.request, text(name), text(value), &cerr)
		}
	}
	if cerr != nil {
		C.promfetch_request_free(k.request)
		return take(cerr)
	}
	return nil
}

type setting struct{ key, value string }

// settings is what of the request is not as usual.
func (r *Request) settings(timeout time.Duration) []setting {
	all := []setting{
		{"metric_path", r.MetricPath},
		{"format", string(r.Format)},
		{"accept", r.Accept},
		{"scrape_timeout", r.ScrapeTimeout},
		{"process_type", r.ProcessType},
		{"instance", r.Instance},
		{"authorization", r.Authorization},
		{"forwarded_for", r.ForwardedFor},
	}
	if timeout != 0 {
		all = append(all, setting{"timeout", timeout.String()})
	}
	if r.OnlyAppMetrics {
		all = append(all, setting{"only_app_metrics", "true"})
	}
	if r.AllFailedIsPage {
		all = append(all, setting{"all_failed", "page"})
	}
	return slices.DeleteFunc(all, func(s setting) bool { return s.value == "" })
}

// ended is called when the context has. At its deadline the library stops by itself, with what has arrived until then.
func (k *call) ended() {
	if k.byDeadline && k.ctx.Err() == context.DeadlineExceeded {
		time.AfterFunc(grace, k.cancel)
		return
	}
	k.cancel()
}

func (k *call) cancel() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.request != nil {
		C.promfetch_request_cancel(k.request)
	}
}

func (k *call) end() {
	for _, stop := range k.stops {
		stop()
	}
	k.mu.Lock()
	C.promfetch_request_free(k.request)
	k.request = nil
	k.mu.Unlock()
	k.done()
}

// fail is the error of the call, with who has ended it.
func (k *call) fail(cerr *C.promfetch_error) error {
	err := take(cerr)
	ended := err.Code == ErrCancelled || err.Code == ErrTimeout
	switch {
	case ended && k.ctx.Err() != nil:
		err.causes = causes(k.ctx)
	case err.Code == ErrCancelled && k.life.ctx.Err() != nil:
		err.causes = []error{ErrClosed}
	case err.Code == ErrTimeout && k.byDeadline && k.left() < clocks:
		err.causes = []error{context.DeadlineExceeded}
	}
	return err
}

// The library's clock may be ahead of the context's by this.
const clocks = 100 * time.Millisecond

// left is the time until the context's deadline.
func (k *call) left() time.Duration {
	deadline, _ := k.ctx.Deadline()
	return time.Until(deadline)
}

// causes is what errors.Is should find of a context that has ended.
func causes(ctx context.Context) []error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || cause == err {
		return []error{err}
	}
	return []error{err, cause}
}
