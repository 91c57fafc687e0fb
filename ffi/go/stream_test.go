package promfetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

// families is a page with so many of them.
func families(n int) string {
	var page strings.Builder
	for i := range n {
		fmt.Fprintf(&page, "# HELP family_%d of many\n# TYPE family_%d gauge\nfamily_%d{a=\"b\"} %d\n", i, i, i, i)
	}
	return page.String()
}

func TestAStreamIsThePage(t *testing.T) {
	client := newClient(t, app("shop", instance(t, families(2000)), instance(t, families(2000)), closedPort(t)))
	request := promfetch.Request{Selector: "org/space/shop", OnlyAppMetrics: true}
	page, err := client.Fetch(patience(t), request)
	if err != nil {
		t.Fatal(err)
	}
	open := func() *promfetch.Stream {
		stream, err := client.Stream(patience(t), request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stream.Close() })
		if stream.ContentType != page.ContentType || stream.Up != page.Up || len(stream.Failures) != 1 {
			t.Errorf("%+v", stream)
		}
		return stream
	}

	byNext, stream, pieces := "", open(), 0
	for {
		piece, err := stream.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pieces++
		byNext += string(piece)
	}
	if _, err := stream.Next(); err != io.EOF {
		t.Error("the end stays the end:", err)
	}
	var byWriteTo bytes.Buffer
	if n, err := open().WriteTo(&byWriteTo); err != nil || n != int64(byWriteTo.Len()) {
		t.Error(n, err)
	}
	byAll := ""
	for piece, err := range open().All() {
		if err != nil {
			t.Fatal(err)
		}
		byAll += string(piece)
	}
	if byNext != page.String() || byWriteTo.String() != page.String() || byAll != page.String() {
		t.Errorf("%d, %d and %d bytes, the page has %d", len(byNext), byWriteTo.Len(), len(byAll), len(page.Bytes()))
	}
	if pieces < 2000 {
		t.Errorf("%d pieces", pieces)
	}
	for range open().All() {
		break // nothing is left behind
	}
}

func TestAStreamOutlivesItsClient(t *testing.T) {
	client := newClient(t, app("shop", instance(t, families(10))))
	stream, err := client.Stream(patience(t), promfetch.Request{Selector: "org/space/shop"})
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	var out strings.Builder
	if _, err := stream.WriteTo(&out); err != nil {
		t.Error(err)
	}
	contains(t, out.String(), "family_9{")
}

func TestAStreamCanEndEarly(t *testing.T) {
	client := newClient(t, app("shop", instance(t, families(10))))
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := client.Stream(ctx, promfetch.Request{Selector: "org/space/shop"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Next()
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = stream.Next()
	wants(t, err, context.Canceled, promfetch.ErrCancelled)
	_, err = stream.WriteTo(io.Discard)
	wants(t, err, context.Canceled)
	_ = string(first) // still Go's memory

	stream, err = client.Stream(patience(t), promfetch.Request{Selector: "org/space/shop"})
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	_, err = stream.WriteTo(writer(func([]byte) (int, error) { return 0, full }))
	wants(t, err, full)
	for _, closed := range []*promfetch.Stream{stream, {}, nil} {
		closed.Close()
		closed.Close()
		_, err = closed.Next()
		wants(t, err, promfetch.ErrClosed)
		_, err = closed.WriteTo(io.Discard)
		wants(t, err, promfetch.ErrClosed)
		for _, err := range closed.All() {
			wants(t, err, promfetch.ErrClosed)
		}
	}
	_, err = client.Stream(patience(t), promfetch.Request{Selector: "nobody"})
	wants(t, err, promfetch.ErrNotFound)
}
