package promfetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

// Long enough for any machine: who waits for it hangs.
const forever = time.Minute

func patience(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), forever)
	t.Cleanup(cancel)
	return ctx
}

// instance is a server with these metrics; its address is what a target needs.
func instance(t testing.TB, page string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
}

func serve(t testing.TB, handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// hanging answers nothing until the caller leaves. The channel tells of each caller that came, and then that it left.
func hanging(t testing.TB) (address string, came, left chan struct{}) {
	came, left = make(chan struct{}, 100), make(chan struct{}, 100)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}), came, left
}

// closedPort is an address where nobody listens.
func closedPort(t testing.TB) string {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	return strings.TrimPrefix(server.URL, "http://")
}

// app is targets of the app org/space/name.
func app(name string, addresses ...string) []promfetch.TargetSpec {
	var targets []promfetch.TargetSpec
	for _, address := range addresses {
		targets = append(targets, promfetch.TargetSpec{Address: address, App: name, Organization: "org", Space: "space"})
	}
	return targets
}

func newClient(t testing.TB, targets []promfetch.TargetSpec, options ...promfetch.Option) *promfetch.Client {
	t.Helper()
	client, err := promfetch.NewClient(append([]promfetch.Option{promfetch.WithTargets(targets...)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// wants fails unless err is all of these.
func wants(t testing.TB, err error, targets ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", targets)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("the error %q (%T) is not %q", err, err, target)
		}
	}
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

// wait is for what another goroutine will do.
func wait[T any](t testing.TB, channel <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-time.After(forever):
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}
