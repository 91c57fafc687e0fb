package promfetch_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

func newMerge(t testing.TB, options promfetch.MergeOptions) *promfetch.Merge {
	t.Helper()
	merge, err := promfetch.NewMerge(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { merge.Close() })
	return merge
}

var adding = map[string]func(*promfetch.Merge, []promfetch.Label, string, []byte) error{
	"copied": (*promfetch.Merge).Add,
	"pinned": (*promfetch.Merge).AddPinned,
}

func TestMergePages(t *testing.T) {
	label := func(value string) []promfetch.Label { return []promfetch.Label{{Name: "server", Value: value}} }
	for how, add := range adding {
		merge := newMerge(t, promfetch.MergeOptions{})
		// Twice: Finish leaves it empty.
		for range 2 {
			for _, page := range []struct {
				labels            []promfetch.Label
				contentType, text string
			}{
				{label("a"), "text/plain; version=0.0.4", "# HELP x of it\n# TYPE x counter\nx{server=\"own\"} 1\n"},
				{label("b\"\n"), "", "# TYPE x counter\nx 2\ny 3\n"},
				{nil, "", ""},
				{nil, "", "z 4"},
			} {
				if err := add(merge, page.labels, page.contentType, []byte(page.text)); err != nil {
					t.Fatal(err)
				}
			}
			runtime.GC()
			wants(t, add(merge, label("c"), "", []byte("{{ no page")), promfetch.ErrParse, promfetch.ErrMerge)
			page, err := merge.Finish()
			if err != nil {
				t.Fatal(err)
			}
			want := "# HELP x of it\n# TYPE x counter\nx{exported_server=\"own\",server=\"a\"} 1\nx{server=\"b\\\"\\n\"} 2\n# TYPE y untyped\ny{server=\"b\\\"\\n\"} 3\n# TYPE z untyped\nz 4\n"
			if page.String() != want {
				t.Errorf("%s:\n%s", how, page)
			}
			if page.Up != 4 || len(page.Failures) != 1 {
				t.Errorf("%s: %d up, %v", how, page.Up, page.Failures)
			}
			wants(t, page.Failures[0], promfetch.ErrParse)
		}
	}
}

func TestMergeOptions(t *testing.T) {
	label := []promfetch.Label{{Name: "a", Value: "added"}}
	for _, row := range []struct {
		options promfetch.MergeOptions
		page    string
		want    string
		err     error
	}{
		{promfetch.MergeOptions{Format: promfetch.OpenMetrics}, "x 1\n", "# EOF\n", nil},
		{promfetch.MergeOptions{Accept: "application/openmetrics-text"}, "# TYPE x gauge\nx 1\n# EOF\n", "# EOF\n", nil},
		{promfetch.MergeOptions{Format: promfetch.Protobuf}, "x 1\n", "added", nil},
		{promfetch.MergeOptions{LabelConflict: "drop"}, "x{a=\"own\"} 1\n", "x{a=\"added\"} 1\n", nil},
		{promfetch.MergeOptions{MaxSamples: 1}, "x 1\ny 1\n", "", promfetch.ErrTooLarge},
		{promfetch.MergeOptions{MaxLine: 256}, "x{b=\"" + strings.Repeat("c", 300) + "\"} 1\n", "", promfetch.ErrTooLarge},
		{promfetch.MergeOptions{Format: "xml"}, "", "", promfetch.ErrInvalidArgument},
		{promfetch.MergeOptions{Format: "a\x00"}, "", "", promfetch.ErrInvalidArgument},
		{promfetch.MergeOptions{LabelConflict: "\xff"}, "", "", promfetch.ErrInvalidArgument},
		{promfetch.MergeOptions{MaxSamples: -1}, "", "", promfetch.ErrInvalidArgument},
	} {
		merge, err := promfetch.NewMerge(row.options)
		if err == nil {
			defer merge.Close()
			err = merge.Add(label, "", []byte(row.page))
		}
		if row.err != nil || err != nil {
			if !errors.Is(err, row.err) {
				t.Errorf("%+v: %v", row.options, err)
			}
			continue
		}
		page, err := merge.Finish()
		if err != nil {
			t.Fatal(err)
		}
		contains(t, page.String(), row.want)
	}
}

func TestWrongLabels(t *testing.T) {
	merge := newMerge(t, promfetch.MergeOptions{})
	for _, row := range []promfetch.Label{{"", "a"}, {"a\x00", "a"}, {"a", "b\x00"}, {"\xff", "a"}, {"a", "\xff"}, {"0", "a"}, {"le", "a"}, {"__a", "a"}} {
		for how, add := range adding {
			if err := add(merge, []promfetch.Label{row}, "", []byte("x 1\n")); !errors.Is(err, promfetch.ErrInvalidArgument) {
				t.Errorf("%s %q: %v", how, row, err)
			}
		}
	}
}

func TestMergeAsAStream(t *testing.T) {
	merge := newMerge(t, promfetch.MergeOptions{})
	add := func() {
		for i := range 3 {
			// Nothing but the merge refers to the page: it must be kept all the same.
			page := []byte(families(1000))
			if err := merge.AddPinned([]promfetch.Label{{Name: "page", Value: fmt.Sprint(i)}}, "", page); err != nil {
				t.Fatal(err)
			}
		}
	}
	add()
	whole, err := merge.Finish()
	if err != nil {
		t.Fatal(err)
	}
	add()
	stream, err := merge.Stream()
	if err != nil {
		t.Fatal(err)
	}
	// The merge can go on, or end, while the stream is read.
	add()
	merge.Close()
	var out bytes.Buffer
	for piece, err := range stream.All() {
		if err != nil {
			t.Fatal(err)
		}
		if out.Len() < 1000 {
			runtime.GC()
		}
		out.Write(piece)
	}
	if out.String() != whole.String() || stream.Up != 3 {
		t.Errorf("%d bytes, %d are right", out.Len(), len(whole.Bytes()))
	}
}

func TestClosedMerges(t *testing.T) {
	merge := newMerge(t, promfetch.MergeOptions{})
	merge.AddPinned(nil, "", []byte("x 1\n"))
	for _, closed := range []*promfetch.Merge{merge, {}, nil} {
		closed.Close()
		closed.Close()
		wants(t, closed.Add(nil, "", nil), promfetch.ErrClosed)
		_, err := closed.Finish()
		wants(t, err, promfetch.ErrClosed)
		_, err = closed.Stream()
		wants(t, err, promfetch.ErrClosed)
	}
}

func TestGoroutinesAddToOneMerge(t *testing.T) {
	merge := newMerge(t, promfetch.MergeOptions{})
	var all sync.WaitGroup
	for i := range 64 {
		all.Add(1)
		go func() {
			defer all.Done()
			for how, add := range adding {
				if err := add(merge, []promfetch.Label{{"i", fmt.Sprint(i)}, {"how", how}}, "", []byte(families(5))); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
	page, err := merge.Finish()
	if err != nil || page.Up != 128 {
		t.Error(page.Up, err)
	}
}

// Whatever is added, there is an error or a page, never a crash.
func TestGarbage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	good := []byte(families(5))
	merge := newMerge(t, promfetch.MergeOptions{})
	pages := [][]byte{nil, {}, {0}, []byte("\x00\x00"), []byte("a 1\x00\n"), []byte("\xff\xfe"), []byte("a{b=\"\xff\"} 1\n"), bytes.Repeat([]byte{'{'}, 1<<20)}
	for range 500 {
		page := bytes.Clone(good)
		for range random.IntN(5) + 1 {
			page[random.IntN(len(page))] = byte(random.IntN(256))
		}
		pages = append(pages, page[:random.IntN(len(page)+1)])
	}
	for _, page := range pages {
		for _, contentType := range []string{"", "text/plain", "application/openmetrics-text", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", "\xff", "image/png"} {
			for _, add := range adding {
				err := add(merge, []promfetch.Label{{"a", "b"}}, contentType, page)
				var known *promfetch.Error
				if err != nil && (!errors.As(err, &known) || known.Code.Group() == promfetch.ErrInternal) {
					t.Fatalf("%q as %q: %v", page, contentType, err)
				}
			}
		}
	}
	if _, err := merge.Finish(); err != nil {
		t.Error(err)
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte("# TYPE a counter\na{b=\"c\"} 1 2\n"), "text/plain")
	f.Add([]byte("# TYPE a counter\na_total 1 # {} 2\n# EOF\n"), "application/openmetrics-text")
	f.Fuzz(func(t *testing.T, page []byte, contentType string) {
		merge := newMerge(t, promfetch.MergeOptions{})
		labels := []promfetch.Label{{"a", "b"}}
		first := merge.Add(labels, contentType, page)
		second := merge.AddPinned(labels, contentType, page)
		if (first == nil) != (second == nil) {
			t.Error(first, second)
		}
		if _, err := merge.Finish(); errors.Is(err, promfetch.ErrInternal) {
			t.Error(err)
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	const pages, size = 200, 200_000
	var inputs [pages][]byte
	total := 0
	for i := range inputs {
		var page bytes.Buffer
		for family := 0; page.Len() < size; family++ {
			fmt.Fprintf(&page, "# HELP http_requests_%d_total Requests by code and path.\n# TYPE http_requests_%d_total counter\n", family, family)
			for sample := range 20 {
				fmt.Fprintf(&page, "http_requests_%d_total{method=\"GET\",path=\"/api/v1/item/%d\",code=\"200\"} %d\n", family, sample, 1000*i+sample)
			}
		}
		inputs[i] = page.Bytes()
		total += page.Len()
	}
	for how, add := range adding {
		for _, end := range []string{"finish", "stream"} {
			b.Run(how+"-"+end, func(b *testing.B) {
				b.SetBytes(int64(total))
				b.ReportAllocs()
				for b.Loop() {
					merge := newMerge(b, promfetch.MergeOptions{})
					for i, page := range inputs {
						if err := add(merge, []promfetch.Label{{"instance", fmt.Sprint(i)}}, "text/plain", page); err != nil {
							b.Fatal(err)
						}
					}
					var err error
					if end == "finish" {
						_, err = merge.Finish()
					} else {
						var stream *promfetch.Stream
						if stream, err = merge.Stream(); err == nil {
							_, err = stream.WriteTo(writer(func(p []byte) (int, error) { return len(p), nil }))
						}
					}
					if err != nil {
						b.Fatal(err)
					}
					merge.Close()
				}
			})
		}
	}
}
