package promfetch_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

func TestDiscover(t *testing.T) {
	one, two := instance(t, "a 1\n"), instance(t, "a 2\n")
	client := newClient(t, append(app("shop", one, two), promfetch.TargetSpec{
		Address: one, App: "own", Routes: []string{"own"}, Path: "/own?a=b", TLS: true, Labels: map[string]string{"zone": "z\"1\n"},
	}))
	targets, err := client.Discover(patience(t), promfetch.Request{Selector: "org/space/shop"})
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) != 2 || targets[0].Address() != one || targets[1].URL() != "http://"+two+"/metrics" {
		t.Fatalf("%+v", targets)
	}
	for name, want := range map[string]string{
		"app_name": "shop", "organization_name": "org", "space_name": "space", "index": "1", "instance": two,
		"__scheme__": "http", "__metrics_path__": "/metrics", "__meta_promfetch_process_type": "web", "nothing": "",
	} {
		if got := targets[1].Labels[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	targets, err = client.Discover(patience(t), promfetch.Request{Selector: "own"})
	if err != nil {
		t.Fatal(err)
	}
	if targets[0].URL() != "https://"+one+"/own?a=b" || targets[0].Labels["zone"] != "z\"1\n" {
		t.Errorf("%+v", targets)
	}
	targets, err = client.Discover(patience(t), promfetch.Request{Selector: "org/space/shop", Instance: "1", MetricPath: "/x"})
	if err != nil || len(targets) != 1 || targets[0].URL() != "http://"+two+"/x" {
		t.Errorf("%+v %v", targets, err)
	}
	_, err = client.Discover(patience(t), promfetch.Request{Selector: "org/space/other"})
	wants(t, err, promfetch.ErrNotFound)
}

func TestInstances(t *testing.T) {
	client := newClient(t, app("shop", instance(t, "a 1\n"), closedPort(t)))
	request := promfetch.Request{Selector: "org/space/shop"}
	before, err := client.Instances(patience(t), request)
	if err != nil || len(before) != 2 || before[0].Status != "unknown" || before[0].Last != nil {
		t.Fatalf("%+v %v", before, err)
	}
	if _, err := client.Fetch(patience(t), request); err != nil {
		t.Fatal(err)
	}
	after, err := client.Instances(patience(t), request)
	if err != nil || len(after) != 2 {
		t.Fatalf("%+v %v", after, err)
	}
	up, down := after[0], after[1]
	if up.Status != "up" || up.AppName != "shop" || up.Last.HTTPStatus != 200 || up.Last.Samples != 1 || up.Path != "/metrics" {
		t.Errorf("%+v", up)
	}
	if down.Status != "down" || down.Last.Error != "refused" {
		t.Errorf("%+v %+v", down, down.Last)
	}
	_, err = client.Instances(patience(t), promfetch.Request{Selector: "a/b"})
	wants(t, err, promfetch.ErrInvalidArgument)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = client.Instances(ended, request)
	wants(t, err, context.Canceled)
}

func TestTargetsAsJSON(t *testing.T) {
	for _, row := range []struct {
		target promfetch.TargetSpec
		want   string
	}{
		{promfetch.TargetSpec{Address: "a:1"}, `{"address":"a:1"}`},
		{promfetch.TargetSpec{Address: "a:1", Timeout: 1500 * time.Millisecond, TLS: true}, `{"address":"a:1","tls":true,"timeout":"1.5s"}`},
		{
			promfetch.TargetSpec{
				Address: "a:1", App: "b", Organization: "c", Space: "d", AppID: "e", Index: "f", Routes: []string{"g"}, ProcessType: "h", Path: "/i",
				Headers: map[string]string{"j": "k"}, Labels: map[string]string{"l": "m"}, ServerName: "n", CertChain: "o", PrivateKey: "p", HTTP2: true, Preset: "q",
			},
			`{"address":"a:1","app":"b","organization":"c","space":"d","app_id":"e","index":"f","routes":["g"],"process_type":"h","path":"/i",` +
				`"headers":{"j":"k"},"labels":{"l":"m"},"server_name":"n","cert_chain":"o","private_key":"p","http2":true,"preset":"q"}`,
		},
	} {
		got, err := json.Marshal(row.target)
		if err != nil || string(got) != row.want {
			t.Errorf("%s, want %s (%v)", got, row.want, err)
		}
		var back promfetch.TargetSpec
		if err := json.Unmarshal(got, &back); err != nil {
			t.Error(err)
		}
		if again, _ := json.Marshal(back); string(again) != row.want {
			t.Errorf("read back: %s", again)
		}
	}
	var target promfetch.TargetSpec
	if json.Unmarshal([]byte(`{"timeout":"soon"}`), &target) == nil {
		t.Error("no duration")
	}
}

func TestCodes(t *testing.T) {
	for code, name := range map[promfetch.Code]string{
		promfetch.ErrInvalidArgument: "INVALID_ARGUMENT", promfetch.ErrUnknownOption: "UNKNOWN_OPTION", promfetch.ErrInvalidOption: "INVALID_OPTION",
		promfetch.ErrWrongThread: "WRONG_THREAD", promfetch.ErrForked: "FORKED", promfetch.ErrNotFound: "NOT_FOUND", promfetch.ErrNotReady: "NOT_READY",
		promfetch.ErrAmbiguous: "AMBIGUOUS", promfetch.ErrUnavailable: "UNAVAILABLE", promfetch.ErrTimeout: "TIMEOUT", promfetch.ErrCancelled: "CANCELLED",
		promfetch.ErrRefused: "REFUSED", promfetch.ErrTLS: "TLS", promfetch.ErrGone: "GONE", promfetch.ErrStatus4xx: "STATUS_4XX",
		promfetch.ErrStatus5xx: "STATUS_5XX", promfetch.ErrTooLarge: "TOO_LARGE", promfetch.ErrRedirect: "REDIRECT", promfetch.ErrProtocol: "PROTOCOL",
		promfetch.ErrSkipped: "SKIPPED", promfetch.ErrOverloaded: "OVERLOADED", promfetch.ErrParse: "PARSE", promfetch.ErrPanic: "PANIC", 277: "UNKNOWN",
	} {
		if code.Error() != name {
			t.Errorf("%d is %s, want %s", code, code.Error(), name)
		}
		err := error(&promfetch.Error{Code: code})
		if !errors.Is(err, code) || !errors.Is(err, code.Group()) || errors.Is(err, code+1) || errors.Is(err, code.Group()+1) {
			t.Errorf("%s is not found by errors.Is, or another is", name)
		}
	}
	for group, want := range map[promfetch.Group]string{
		promfetch.ErrUsage: "wrong use", promfetch.ErrDiscovery: "discovery failed", promfetch.ErrFetch: "fetch failed",
		promfetch.ErrMerge: "merge failed", promfetch.ErrInternal: "internal error", 7: "unknown error",
	} {
		if group.Error() != want {
			t.Errorf("%d: %s", group, group.Error())
		}
	}
	if got := promfetch.Level(9).String() + promfetch.LevelTrace.String(); got != "level 9trace" {
		t.Error(got)
	}
}
