package promfetch_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

// An instance that the examples ask.
func exampleServer(page string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		io.WriteString(w, page)
	}))
}

// A program that knows its instances gives them to the client, in place of a platform.
func Example() {
	one := exampleServer("# TYPE sales counter\nsales 3\n")
	defer one.Close()

	client, err := promfetch.NewClient(promfetch.WithTargets(promfetch.TargetSpec{
		Address: strings.TrimPrefix(one.URL, "http://"),
		App:     "shop", Space: "prod", Organization: "acme",
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	page, err := client.Fetch(context.Background(), promfetch.Request{Selector: "acme/prod/shop"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Up, page.ContentType)
	// Output: 1 text/plain; version=0.0.4; charset=utf-8
}

// A program that scrapes by itself, and only merges with promfetch.
func ExampleMerge() {
	one, two := exampleServer("# TYPE sales counter\nsales 3\n"), exampleServer("# TYPE sales counter\nsales 4\n")
	defer one.Close()
	defer two.Close()

	merge, err := promfetch.NewMerge(promfetch.MergeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer merge.Close()
	for index, url := range []string{one.URL, two.URL} {
		answer, err := http.Get(url)
		if err != nil {
			log.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		labels := []promfetch.Label{{Name: "index", Value: fmt.Sprint(index)}}
		if err := merge.AddPinned(labels, answer.Header.Get("Content-Type"), page); err != nil {
			log.Println(err) // costs this page only
		}
	}
	page, err := merge.Finish()
	if err != nil {
		log.Fatal(err)
	}
	page.WriteTo(os.Stdout)
	// Output:
	// # TYPE sales counter
	// sales{index="0"} 3
	// sales{index="1"} 4
}

func ExampleHandler() {
	client, err := promfetch.NewClient(promfetch.WithTargets())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	http.Handle("/metrics", promfetch.Handler(client, promfetch.Request{Selector: "acme/prod/shop"}))
}
