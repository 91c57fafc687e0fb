package promfetch_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

func TestVersions(t *testing.T) {
	if promfetch.Version() == "" || promfetch.ABIVersion() != 1 {
		t.Errorf("version %q, ABI %d", promfetch.Version(), promfetch.ABIVersion())
	}
}

// The header in the module is a copy, made by scripts/go-archive. Where the original is beside it they must be equal.
func TestTheHeaderIsTheLibrarys(t *testing.T) {
	copied, err := os.ReadFile(filepath.Join("include", "promfetch.h"))
	if err != nil {
		t.Skip("no archive in the module, so no header")
	}
	original, err := os.ReadFile(filepath.Join("..", "..", "include", "promfetch.h"))
	if err != nil {
		t.Skip("not in the repository")
	}
	if string(copied) != string(original) {
		t.Error("ffi/go/include/promfetch.h is old: run scripts/go-archive")
	}
}

func TestOptions(t *testing.T) {
	targets := promfetch.WithTargets()
	for _, row := range []struct {
		options []promfetch.Option
		want    error
		why     string
	}{
		{[]promfetch.Option{targets}, nil, "no targets yet"},
		{[]promfetch.Option{targets, {}}, nil, "the zero value is nothing"},
		{[]promfetch.Option{targets, promfetch.WithOption("fetch_timeout", "10s")}, nil, "a key"},
		{[]promfetch.Option{targets, promfetch.WithOption("gorouters[0].host", "127.0.0.1")}, nil, "a dotted key"},
		{[]promfetch.Option{targets, promfetch.WithOption("fetch_time", "10s")}, promfetch.ErrUnknownOption, "misspelt"},
		{[]promfetch.Option{targets, promfetch.WithOption("fetch_timeout", "soon")}, promfetch.ErrInvalidOption, "no duration"},
		{[]promfetch.Option{targets, promfetch.WithOption("fetch_timeout", "1s\x00")}, promfetch.ErrInvalidArgument, "NUL"},
		{[]promfetch.Option{targets, promfetch.WithOption("\xff", "1s")}, promfetch.ErrInvalidArgument, "no UTF-8"},
		{[]promfetch.Option{promfetch.WithTargets(promfetch.TargetSpec{Address: "nowhere"})}, promfetch.ErrUsage, "no port"},
		{[]promfetch.Option{targets, promfetch.WithLogger(9, func(promfetch.Level, string) {})}, promfetch.ErrInvalidArgument, "no level"},
		{[]promfetch.Option{targets, promfetch.WithLogger(promfetch.LevelInfo, nil)}, promfetch.ErrInvalidArgument, "no function"},
	} {
		client, err := promfetch.NewClient(row.options...)
		if row.want == nil && err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		if row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.why, err)
		}
		if client.Close() != nil {
			t.Error("Close failed")
		}
	}
}

func TestTheNearestKeyIsNamed(t *testing.T) {
	_, err := promfetch.NewClient(promfetch.WithOption("fetch_timeot", "1s"))
	contains(t, err.Error(), "fetch_timeout")
}

func TestTheEnvironmentConfigures(t *testing.T) {
	t.Setenv("PROMFETCH_TARGETS__0__ADDRESS", instance(t, "a 1\n"))
	t.Setenv("PROMFETCH_TARGETS__0__APP", "from-environment")
	t.Setenv("PROMFETCH_TARGETS__0__ORGANIZATION", "org")
	t.Setenv("PROMFETCH_TARGETS__0__SPACE", "space")
	for _, options := range [][]promfetch.Option{nil, {promfetch.WithEnvironment()}} {
		client, err := promfetch.NewClient(options...)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		page, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/from-environment"})
		if err != nil {
			t.Fatal(err)
		}
		contains(t, page.String(), `app_name="from-environment"`)
	}
	t.Setenv("PROMFETCH_FETCH_TIMEOUT", "soon")
	_, err := promfetch.NewClient()
	wants(t, err, promfetch.ErrInvalidOption)
}

func TestWaitReady(t *testing.T) {
	client := newClient(t, app("shop", instance(t, "a 1\n")))
	if err := client.WaitReady(patience(t)); err != nil {
		t.Error(err)
	}

	// A router that is never there.
	client = newClient(t, nil, promfetch.WithOption("gorouters[0].host", "127.0.0.1"), promfetch.WithOption("gorouters[0].port", "1"), promfetch.WithOption("start_response_delay_interval", "1h"))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	wants(t, client.WaitReady(ctx), promfetch.ErrNotReady, promfetch.ErrDiscovery, context.DeadlineExceeded)
	cancelled, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	wants(t, client.WaitReady(cancelled), promfetch.ErrNotReady, context.Canceled)
	time.AfterFunc(10*time.Millisecond, func() { client.Close() })
	wants(t, client.WaitReady(context.Background()), promfetch.ErrClosed)
}

func TestSetTargets(t *testing.T) {
	one, two := instance(t, "a 1\n"), instance(t, "a 2\n")
	client := newClient(t, nil)
	_, err := client.Fetch(patience(t), promfetch.Request{Selector: "shop"})
	wants(t, err, promfetch.ErrNotFound, promfetch.ErrDiscovery)

	for _, row := range []struct{ address, want string }{{one, "} 1\n"}, {two, "} 2\n"}} {
		if err := client.SetTargets([]promfetch.TargetSpec{{Address: row.address, App: "shop", Routes: []string{"shop"}}}); err != nil {
			t.Fatal(err)
		}
		page, err := client.Fetch(patience(t), promfetch.Request{Selector: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		contains(t, page.String(), row.want)
	}

	wants(t, client.SetTargets([]promfetch.TargetSpec{{Address: one, App: "shop"}, {Address: "?", App: "shop"}}), promfetch.ErrUsage)
	if _, err := client.Fetch(patience(t), promfetch.Request{Selector: "shop"}); err != nil {
		t.Error("a list with a mistake must change nothing:", err)
	}
	for _, list := range []string{"", "{}", "[", "[1]", `[{"address":"127.0.0.1:1","app":"x","nonsense":1}]`, "\x00", "[\"\xff\"]", strings.Repeat("[", 100000)} {
		wants(t, client.SetTargetsJSON([]byte(list)), promfetch.ErrUsage)
	}
	if err := client.SetTargets(nil); err != nil {
		t.Fatal(err)
	}
	_, err = client.Fetch(patience(t), promfetch.Request{Selector: "shop"})
	wants(t, err, promfetch.ErrNotFound)
}

func TestSnapshotAndMetrics(t *testing.T) {
	address := instance(t, "a 1\n")
	client := newClient(t, []promfetch.TargetSpec{{Address: address, App: "shop", Routes: []string{"shop.example.org"}}})
	snapshot, err := client.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	route := snapshot.Routes["shop.example.org"]
	if !snapshot.Ready || len(route) != 1 || route[0].Address != address || !slices.Contains(route[0].Source, "targets") {
		t.Errorf("%+v", snapshot)
	}
	client.Call("ecs", "ListTasks").End()
	call := client.Call("ecs", "Describe\"Tasks")
	if call.Err() != nil {
		t.Fatal(call.Err())
	}
	if err := client.CountCall("ecs", "ListTasks"); err != nil {
		t.Fatal(err)
	}
	page, err := client.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	contains(t, page.String(), `promfetch_calls_started_total{api="ecs",call="ListTasks"} 2`, `promfetch_call_duration_seconds_count{api="ecs",call="ListTasks"} 1`)
	contains(t, page.ContentType, "text/plain", "0.0.4")
	client.Close()
	call.End() // its numbers outlive the client
	call.End()
	wants(t, client.Call("a", "b").Err(), promfetch.ErrClosed)
	wants(t, client.Call("a\x00", "b").Err(), promfetch.ErrInvalidArgument)
	client.Call("a", "b").End()
	wants(t, client.CountCall("a", "b"), promfetch.ErrClosed)
	wants(t, client.CountCall("a\x00", "b"), promfetch.ErrInvalidArgument)
}

func TestLog(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	// What nobody holds any more is cleaned up: this tells that the library has let go of the function.
	type held struct{ _ [64]byte }
	let := make(chan struct{})
	client := func() *promfetch.Client {
		holds := new(held)
		runtime.AddCleanup(holds, func(struct{}) { close(let) }, struct{}{})
		// Whoever checks no certificates is warned.
		return newClient(t, app("shop", instance(t, "a 1\n")), promfetch.WithOption("skip_ssl_validation", "true"), promfetch.WithLogger(promfetch.LevelTrace, func(level promfetch.Level, line string) {
			runtime.KeepAlive(holds)
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, level.String()+" "+line)
		}))
	}()
	if _, err := client.Fetch(patience(t), promfetch.Request{Selector: "org/space/shop"}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	select {
	case <-let:
		t.Fatal("the function is gone while the client is there")
	default:
	}
	client.Close()
	mu.Lock()
	contains(t, strings.Join(lines, "\n"), "warn `skip_ssl_validation`")
	mu.Unlock()
	for range 100 {
		runtime.GC()
		select {
		case <-let:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the log function is never let go")
}

func TestSlog(t *testing.T) {
	var mu sync.Mutex
	var out strings.Builder
	locked := writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	})
	client := newClient(t, nil,
		promfetch.WithSlog(slog.NewTextHandler(locked, &slog.HandlerOptions{Level: slog.LevelDebug})),
		promfetch.WithOption("skip_ssl_validation", "true"))
	client.Close()
	mu.Lock()
	defer mu.Unlock()
	contains(t, out.String(), "level=WARN", "skip_ssl_validation")
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestUseAfterClose(t *testing.T) {
	client := newClient(t, nil)
	for _, closed := range []*promfetch.Client{client, {}, nil} {
		closed.Close()
		closed.Close()
		ctx, r := patience(t), promfetch.Request{Selector: "a/b/c"}
		for name, call := range map[string]func() error{
			"WaitReady":  func() error { return closed.WaitReady(ctx) },
			"SetTargets": func() error { return closed.SetTargets(nil) },
			"Snapshot":   func() error { _, err := closed.Snapshot(); return err },
			"Metrics":    func() error { _, err := closed.Metrics(); return err },
			"Fetch":      func() error { _, err := closed.Fetch(ctx, r); return err },
			"Stream":     func() error { _, err := closed.Stream(ctx, r); return err },
			"Discover":   func() error { _, err := closed.Discover(ctx, r); return err },
			"Instances":  func() error { _, err := closed.Instances(ctx, r); return err },
			"Call":       func() error { return closed.Call("a", "b").Err() },
			"CountCall":  func() error { return closed.CountCall("a", "b") },
		} {
			if err := call(); !errors.Is(err, promfetch.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestCloseEndsCallsUnderWay(t *testing.T) {
	address, came, left := hanging(t)
	client := newClient(t, app("slow", address))
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() {
			_, err := client.Fetch(context.Background(), promfetch.Request{Selector: "org/space/slow"})
			failed <- err
		}()
	}
	wait(t, came, "a fetch")
	client.Close()
	for range cap(failed) {
		// Those that came too late hear only that it is closed.
		wants(t, wait(t, failed, "the end"), promfetch.ErrClosed)
	}
	wait(t, left, "the end of the connection")
}

// A client that is forgotten is closed: its connection goes.
func TestTheNet(t *testing.T) {
	let := make(chan struct{})
	func() {
		type held struct{ _ [64]byte }
		holds := new(held)
		runtime.AddCleanup(holds, func(struct{}) { close(let) }, struct{}{})
		client, err := promfetch.NewClient(promfetch.WithTargets(), promfetch.WithLogger(promfetch.LevelError, func(promfetch.Level, string) { runtime.KeepAlive(holds) }))
		if err != nil {
			t.Fatal(err)
		}
		client.Call("never", "ended")
		merge, err := promfetch.NewMerge(promfetch.MergeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := merge.AddPinned(nil, "", []byte("a 1\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := merge.Stream(); err != nil {
			t.Fatal(err)
		}
		if err := merge.AddPinned(nil, "", []byte("a 1\n")); err != nil {
			t.Fatal(err)
		}
	}()
	for range 500 {
		runtime.GC()
		select {
		case <-let:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the client is never closed")
}
