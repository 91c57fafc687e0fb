package promfetch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

// get asks a handler, with headers as "Name: value".
func get(t testing.TB, handler http.Handler, method string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(patience(t), method, "/metrics", nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHandlerNegotiates(t *testing.T) {
	client := newClient(t, app("shop", instance(t, "# TYPE a gauge\na 1\n"), closedPort(t)))
	handler := promfetch.Handler(client, promfetch.Request{Selector: "org/space/shop"})
	for _, row := range []struct{ accept, contentType, has string }{
		{"*/*", "text/plain; version=0.0.4; charset=utf-8", "} 1\n"},
		{"application/openmetrics-text;version=1.0.0,text/plain;q=0", "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF\n"},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", "shop"},
	} {
		answer := get(t, handler, "GET", "Accept: "+row.accept)
		if answer.StatusCode != 200 {
			t.Errorf("%s: %d", row.accept, answer.StatusCode)
		}
		contains(t, answer.Header.Get("Content-Type"), row.contentType)
		if answer.Header.Get("X-Promfetch-Up") != "1" || answer.Header.Get("X-Promfetch-Failed") != "1" || answer.Header.Get("Vary") != "Accept" {
			t.Errorf("%v", answer.Header)
		}
		contains(t, body(t, answer), row.has)
	}
	head := get(t, handler, "HEAD")
	if head.StatusCode != 200 || body(t, head) != "" || head.Header.Get("Content-Type") == "" {
		t.Error("HEAD:", head)
	}
	post := get(t, handler, "POST")
	if post.StatusCode != 405 || post.Header.Get("Allow") != "GET, HEAD" {
		t.Error("POST:", post)
	}
}

func TestHandlerPassesOn(t *testing.T) {
	asked := make(chan *http.Request, 1)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		io.WriteString(w, "a 1\n")
	})
	handler := promfetch.Handler(newClient(t, app("shop", address)), promfetch.Request{Selector: "org/space/shop"})
	get(t, handler, "GET", "X-Prometheus-Scrape-Timeout-Seconds: 20", "X-Forwarded-For: 192.0.2.7", "Authorization: Basic secret")
	r := <-asked
	if tensOfSeconds(r) != "1" {
		t.Error("the caller's time, less a margin, has to be passed on")
	}
	contains(t, r.Header.Get("X-Forwarded-For"), "192.0.2.7, 192.0.2.1")
	if r.Header.Get("Authorization") != "" {
		t.Error("the login was for somebody else")
	}
}

func TestHandlerErrors(t *testing.T) {
	notThere := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) })
	twice := app("twice", instance(t, "a 1\n"), instance(t, "a 2\n"))
	twice[0].Index, twice[1].Index = "0", "0"
	client := newClient(t, append(append(app("wrong-path", notThere), app("away", closedPort(t))...), twice...))
	young := newClient(t, nil, promfetch.WithOption("gorouters[0].host", "127.0.0.1"), promfetch.WithOption("gorouters[0].port", "1"), promfetch.WithOption("start_response_delay_interval", "1h"))
	closed := newClient(t, nil)
	closed.Close()
	for _, row := range []struct {
		client  *promfetch.Client
		request promfetch.Request
		status  int
		retry   string
		says    string
		why     string
	}{
		{client, promfetch.Request{Selector: "org/space/nobody"}, 404, "", "404 Cannot found app with id or path org/space/nobody\n", "promfetcher's words"},
		{client, promfetch.Request{Selector: "nobody\x1b[2J.example.org"}, 404, "", "", "what the caller wrote"},
		{client, promfetch.Request{Selector: "org/space/wrong-path"}, 406, "", "406 Cannot found endpoint '/metrics'", "the path is wrong"},
		{client, promfetch.Request{Selector: "org/space/twice", Instance: "0"}, 409, "", "409 ", "which of them"},
		{client, promfetch.Request{Selector: "org/space/away", Format: "xml"}, 400, "", "400 ", "the host asks for nonsense"},
		{young, promfetch.Request{Selector: "a/b/c"}, 503, "5", "503 ", "the table is not complete"},
		{closed, promfetch.Request{Selector: "a/b/c"}, 503, "5", "503 The client has ended\n", "the host is about to end"},
		{client, promfetch.Request{Selector: "org/space/away"}, 200, "", "promfetch_up{", "the health series say it"},
	} {
		handler := promfetch.Handler(row.client, row.request)
		answer := get(t, handler, "GET")
		if answer.StatusCode != row.status || answer.Header.Get("Retry-After") != row.retry {
			t.Errorf("%s: %d, %v", row.why, answer.StatusCode, answer.Header)
		}
		text := body(t, answer)
		contains(t, text, row.says)
		if strings.ContainsRune(text, '\x1b') {
			t.Errorf("a control character in %q", text)
		}
		if row.status == 200 {
			continue
		}
		for accept, want := range map[string]string{
			"application/json":                         "application/problem+json",
			"text/html, Application/Problem+JSON;q=.5": "application/problem+json",
			"application/json;q=0, */*":                "text/plain; charset=utf-8",
			"application/json; q=0.0":                  "text/plain; charset=utf-8",
			"*/*":                                      "text/plain; charset=utf-8",
		} {
			answer := get(t, handler, "GET", "Accept: "+accept)
			if got := answer.Header.Get("Content-Type"); got != want || answer.StatusCode != row.status {
				t.Errorf("%s, %s: %d %s", row.why, accept, answer.StatusCode, got)
			}
		}
	}
}

func TestHandlerFunc(t *testing.T) {
	client := newClient(t, app("shop", instance(t, "a 1\n")))
	for _, row := range []struct {
		err    error
		status int
	}{
		{nil, 200},
		{errors.New("which app?"), 400},
		{&promfetch.Error{Code: promfetch.ErrNotFound, Name: "NOT_FOUND", Message: "not for you"}, 404},
		{&promfetch.Error{Code: promfetch.ErrPanic, Name: "PANIC", Message: "a secret"}, 500},
		{&promfetch.Error{Code: promfetch.ErrTimeout}, 504},
		{&promfetch.Error{Code: 299}, 502},
		{&promfetch.Error{Code: 750}, 500},
	} {
		handler := promfetch.HandlerFunc(client, func(*http.Request) (promfetch.Request, error) {
			return promfetch.Request{Selector: "org/space/shop"}, row.err
		})
		answer := get(t, handler, "GET")
		text := body(t, answer)
		if answer.StatusCode != row.status || strings.Contains(text, "secret") {
			t.Errorf("%v: %d %s", row.err, answer.StatusCode, text)
		}
	}
}

func TestWhoHangsUpEndsTheFetch(t *testing.T) {
	slow, came, left := hanging(t)
	client := newClient(t, app("slow", slow))
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		promfetch.Handler(client, promfetch.Request{Selector: "org/space/slow"}).ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-came
		cancel()
	}()
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	_, err := http.DefaultClient.Do(r)
	wants(t, err, context.Canceled)
	wait(t, left, "the end of the fetch")
	wait(t, ended, "the end of the handler")
}

func TestHalfAPageIsNoPage(t *testing.T) {
	client := newClient(t, app("shop", instance(t, families(5000))))
	handler := promfetch.Handler(client, promfetch.Request{Selector: "org/space/shop"})
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the server must close the connection")
		}
	}()
	handler.ServeHTTP(failing{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
}

type failing struct{ http.ResponseWriter }

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }
