package promfetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

func TestFetch(t *testing.T) {
	client := newClient(t, app("shop", instance(t, "# TYPE a counter\na 1\n"), instance(t, "# TYPE a counter\na 2\n"), closedPort(t)))
	page, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/shop"})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, page.String(), "# TYPE a counter\n", `app_name="shop",index="0"`, `app_name="shop",index="1"`, "promfetch_up{")
	if page.Up != 2 || len(page.Failures) != 1 {
		t.Errorf("%d up, failures %v", page.Up, page.Failures)
	}
	wants(t, page.Failures[0], promfetch.ErrRefused, promfetch.ErrFetch)
	if page.ContentType != "text/plain; version=0.0.4; charset=utf-8" {
		t.Error(page.ContentType)
	}
	var out bytes.Buffer
	if n, err := page.WriteTo(&out); err != nil || n != int64(len(page.Bytes())) || out.String() != page.String() {
		t.Error("WriteTo and String differ", n, err)
	}
	if (*promfetch.Exposition)(nil).String() != "" {
		t.Error("no page is no text")
	}
}

// tensOfSeconds of the time that an instance is told to have.
func tensOfSeconds(r *http.Request) string {
	seconds, _, _ := strings.Cut(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), ".")
	return strings.TrimSuffix(seconds, seconds[max(0, len(seconds)-1):])
}

// What of a request arrives at the instances.
func TestWhatInstancesAreAsked(t *testing.T) {
	asked := make(chan *http.Request, 1)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		fmt.Fprint(w, "a 1\n")
	})
	client := newClient(t, app("shop", address))
	for _, row := range []struct {
		name    string
		request promfetch.Request
		got     func(*http.Request) string
		want    string
	}{
		{"the usual path", promfetch.Request{}, func(r *http.Request) string { return r.URL.String() }, "/metrics"},
		{"MetricPath", promfetch.Request{MetricPath: "/a/b?c=d"}, func(r *http.Request) string { return r.URL.String() }, "/a/b?c=d"},
		{"Headers", promfetch.Request{Headers: http.Header{"X-Own": {"one"}}}, func(r *http.Request) string { return r.Header.Get("X-Own") }, "one"},
		{"Authorization", promfetch.Request{Authorization: "Bearer secret"}, func(r *http.Request) string { return r.Header.Get("Authorization") }, "Bearer secret"},
		{"ForwardedFor", promfetch.Request{ForwardedFor: "192.0.2.1"}, func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }, "192.0.2.1"},
		{"Format", promfetch.Request{Format: promfetch.OpenMetrics}, func(r *http.Request) string { return r.Header.Get("Accept")[:27] }, "application/openmetrics-text"[:27]},
		{"ScrapeTimeout", promfetch.Request{ScrapeTimeout: "20"}, tensOfSeconds, "1"},
		{"the shorter time", promfetch.Request{ScrapeTimeout: "29", Timeout: 19 * time.Second}, tensOfSeconds, "1"},
		{"a scraper's nonsense", promfetch.Request{ScrapeTimeout: "-1", Timeout: 19 * time.Second}, tensOfSeconds, "1"},
		{"the shorter time again", promfetch.Request{ScrapeTimeout: "20", Timeout: 29 * time.Second}, tensOfSeconds, "1"},
	} {
		row.request.Selector = "org/space/shop"
		if _, err := client.Fetch(patience(t), row.request); err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := row.got(<-asked); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestWhatOfThePageIsWanted(t *testing.T) {
	client := newClient(t, append(app("shop", instance(t, "a 1\n"), instance(t, "a 2\n")), promfetch.TargetSpec{
		Address: instance(t, "a 3\n"), App: "shop", Organization: "org", Space: "space", ProcessType: "worker", Index: "7",
		Labels: map[string]string{"zone": "z1"},
	}))
	for _, row := range []struct {
		request     promfetch.Request
		contentType string
		has, hasNot string
	}{
		{promfetch.Request{}, "text/plain", "promfetch_up", "} 3\n"},
		{promfetch.Request{OnlyAppMetrics: true}, "text/plain", "} 1\n", "promfetch_up"},
		{promfetch.Request{Instance: "1"}, "text/plain", "} 2\n", `index="0"`},
		{promfetch.Request{ProcessType: "worker"}, "text/plain", `zone="z1"`, `index="0"`},
		{promfetch.Request{Format: promfetch.OpenMetrics}, "application/openmetrics-text", "# EOF\n", "\x0a\x00"},
		{promfetch.Request{Format: promfetch.Protobuf}, "application/vnd.google.protobuf", "shop", "# TYPE"},
		{promfetch.Request{Accept: "application/openmetrics-text;version=1.0.0"}, "application/openmetrics-text", "# EOF\n", "# HELP a\n"},
		{promfetch.Request{Accept: "nonsense"}, "text/plain", "} 1\n", "# EOF"},
	} {
		row.request.Selector = "org/space/shop"
		page, err := client.Fetch(patience(t), row.request)
		if err != nil {
			t.Errorf("%+v: %v", row.request, err)
			continue
		}
		contains(t, page.ContentType, row.contentType)
		contains(t, page.String(), row.has)
		if strings.Contains(page.String(), row.hasNot) {
			t.Errorf("%+v: %q is in:\n%s", row.request, row.hasNot, page)
		}
	}
}

func TestEveryFailureOfAnInstanceIsAnError(t *testing.T) {
	status := func(code int) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	slow, _, _ := hanging(t)
	for _, row := range []struct {
		address string
		target  promfetch.TargetSpec
		want    promfetch.Code
	}{
		{address: closedPort(t), want: promfetch.ErrRefused},
		{address: status(404), want: promfetch.ErrStatus4xx},
		{address: status(500), want: promfetch.ErrStatus5xx},
		{address: instance(t, "{{{ no metrics"), want: promfetch.ErrParse},
		{address: instance(t, strings.Repeat("a{b=\"c\"} 1\n", 200)), want: promfetch.ErrTooLarge},
		{address: slow, target: promfetch.TargetSpec{Timeout: 200 * time.Millisecond}, want: promfetch.ErrTimeout},
		{address: instance(t, "a 1\n"), target: promfetch.TargetSpec{TLS: true}, want: promfetch.ErrTLS},
		{address: serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", 302) }), want: promfetch.ErrRedirect},
		{address: serve(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprint(conn, "SSH-2.0-nothing\r\n")
			conn.Close()
		}), want: promfetch.ErrProtocol},
	} {
		target := row.target
		target.Address, target.App, target.Routes = row.address, "shop", []string{"shop"}
		client := newClient(t, []promfetch.TargetSpec{target}, promfetch.WithOption("max_samples", "100"))
		_, err := client.Fetch(patience(t), promfetch.Request{Selector: "shop"})
		if !errors.Is(err, row.want) {
			t.Errorf("want %v: %v", row.want, err)
			continue
		}
		var failure *promfetch.Error
		if !errors.As(err, &failure) || failure.Code != row.want || failure.Name != row.want.Error() || failure.Message == "" {
			t.Errorf("%#v", failure)
		}
		if failure.Timeout() != (row.want == promfetch.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: it was not the context", err)
		}
	}
}

func TestAllFailedCanBeAPage(t *testing.T) {
	client := newClient(t, app("shop", closedPort(t)))
	page, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/shop", AllFailedIsPage: true})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, page.String(), "promfetch_up{", "} 0\n")
	if page.Up != 0 || len(page.Failures) != 1 {
		t.Errorf("%d up, failures %v", page.Up, page.Failures)
	}
}

func TestWrongRequests(t *testing.T) {
	client := newClient(t, app("shop", instance(t, "a 1\n")))
	for _, row := range []struct {
		request promfetch.Request
		want    error
		why     string
	}{
		{promfetch.Request{}, promfetch.ErrInvalidArgument, "no selector"},
		{promfetch.Request{Selector: "a/b"}, promfetch.ErrUsage, "two segments"},
		{promfetch.Request{Selector: "org/space/other"}, promfetch.ErrNotFound, "no such app"},
		{promfetch.Request{Selector: "org/space/shop\x00"}, promfetch.ErrInvalidArgument, "NUL"},
		{promfetch.Request{Selector: "org/space/\xff\xfe"}, promfetch.ErrInvalidArgument, "no UTF-8"},
		{promfetch.Request{Selector: "org/space/%ff"}, promfetch.ErrUsage, "no UTF-8 either"},
		{promfetch.Request{Selector: strings.Repeat("a/", 1<<20)}, promfetch.ErrUsage, "long"},
		{promfetch.Request{Selector: "org/space/shop", MetricPath: "//evil"}, promfetch.ErrInvalidArgument, "another host"},
		{promfetch.Request{Selector: "org/space/shop", MetricPath: "/a\x00b"}, promfetch.ErrInvalidArgument, "NUL"},
		{promfetch.Request{Selector: "org/space/shop", Format: "xml"}, promfetch.ErrInvalidArgument, "no format"},
		{promfetch.Request{Selector: "org/space/shop", Timeout: -1}, promfetch.ErrInvalidArgument, "the past"},
		{promfetch.Request{Selector: "org/space/shop", Instance: "9"}, promfetch.ErrNotFound, "no such instance"},
		{promfetch.Request{Selector: "org/space/shop", Authorization: "a\r\nb"}, promfetch.ErrInvalidArgument, "two lines"},
		{promfetch.Request{Selector: "org/space/shop", Headers: http.Header{"a b": {"c"}}}, promfetch.ErrInvalidArgument, "no name of a header"},
		{promfetch.Request{Selector: "org/space/shop", Headers: http.Header{"A": {"c\n"}}}, promfetch.ErrInvalidArgument, "two lines"},
		{promfetch.Request{Selector: "org/space/shop", Headers: http.Header{"A": {"c\x00"}}}, promfetch.ErrInvalidArgument, "NUL"},
	} {
		_, err := client.Fetch(patience(t), row.request)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.why, err)
		}
	}
	// Nothing of these hurt the client.
	if _, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/shop"}); err != nil {
		t.Error(err)
	}
}

func TestTwoInstancesOfOneIndexAreAmbiguous(t *testing.T) {
	targets := app("shop", instance(t, "a 1\n"), instance(t, "a 2\n"))
	targets[0].Index, targets[1].Index = "3", "3"
	_, err := newClient(t, targets).Fetch(patience(t), promfetch.Request{Selector: "org/space/shop", Instance: "3"})
	wants(t, err, promfetch.ErrAmbiguous)
}

func TestNotReady(t *testing.T) {
	client := newClient(t, nil, promfetch.WithOption("gorouters[0].host", "127.0.0.1"), promfetch.WithOption("gorouters[0].port", "1"), promfetch.WithOption("start_response_delay_interval", "1h"))
	_, err := client.Fetch(patience(t), promfetch.Request{Selector: "a/b/c"})
	wants(t, err, promfetch.ErrNotReady, promfetch.ErrDiscovery)
	var failure *promfetch.Error
	if !errors.As(err, &failure) || !failure.Transient {
		t.Errorf("%#v must be transient", failure)
	}
}

func TestTheContextEndsAFetch(t *testing.T) {
	slow, came, left := hanging(t)
	client := newClient(t, app("slow", slow))
	request := promfetch.Request{Selector: "org/space/slow"}

	// In the middle.
	reason := errors.New("no longer wanted")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		<-came
		cancel(reason)
	}()
	_, err := client.Fetch(ctx, request)
	wants(t, err, context.Canceled, reason, promfetch.ErrCancelled, promfetch.ErrFetch)
	wait(t, left, "the end of the connection")

	// Before it begins.
	_, err = client.Fetch(ctx, request)
	wants(t, err, context.Canceled, reason, promfetch.ErrCancelled)
	past, cancelPast := context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancelPast()
	_, err = client.Fetch(past, request)
	wants(t, err, context.DeadlineExceeded, promfetch.ErrTimeout)

	// At its deadline.
	soon, cancelSoon := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancelSoon()
	_, err = client.Fetch(soon, request)
	wants(t, err, context.DeadlineExceeded, promfetch.ErrTimeout)
	if errors.Is(err, context.Canceled) {
		t.Error("nobody cancelled")
	}
}

func TestAtTheDeadlineThePageIsWhatHasCome(t *testing.T) {
	slow, _, _ := hanging(t)
	client := newClient(t, app("shop", instance(t, "a 1\n"), slow))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	page, err := client.Fetch(ctx, promfetch.Request{Selector: "org/space/shop"})
	if err != nil {
		t.Fatal(err)
	}
	if page.Up != 1 || len(page.Failures) != 1 {
		t.Errorf("%d up, failures %v", page.Up, page.Failures)
	}
	wants(t, page.Failures[0], promfetch.ErrTimeout)
	contains(t, page.String(), "} 1\n")
}

func TestManyGoroutinesUseOneClient(t *testing.T) {
	slow, _, _ := hanging(t)
	targets := append(app("shop", instance(t, "a 1\n"), instance(t, "a 2\n")), app("slow", slow)...)
	client := newClient(t, targets)
	want, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/shop", OnlyAppMetrics: true})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for number := range 64 {
		all.Add(1)
		go func() {
			defer all.Done()
			for round := range 10 {
				switch (number + round) % 5 {
				case 0:
					ctx, cancel := context.WithCancel(context.Background())
					time.AfterFunc(time.Millisecond, cancel)
					if _, err := client.Fetch(ctx, promfetch.Request{Selector: "org/space/slow"}); !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				case 1:
					if err := client.SetTargets(targets); err != nil {
						t.Error(err)
					}
				case 2:
					if _, err := client.Metrics(); err != nil {
						t.Error(err)
					}
				default:
					page, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/shop", OnlyAppMetrics: true})
					if err != nil || page.String() != want.String() {
						t.Errorf("%v\n%s", err, page)
					}
				}
			}
		}()
	}
	all.Wait()
}
