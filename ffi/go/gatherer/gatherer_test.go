package gatherer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	promfetch "github.com/promfetch/promfetch/ffi/go"
	"github.com/promfetch/promfetch/ffi/go/gatherer"
)

func newClient(t *testing.T, pages ...http.HandlerFunc) *promfetch.Client {
	var targets []promfetch.TargetSpec
	for _, page := range pages {
		server := httptest.NewServer(page)
		t.Cleanup(server.Close)
		targets = append(targets, promfetch.TargetSpec{
			Address: strings.TrimPrefix(server.URL, "http://"), App: "shop", Organization: "org", Space: "space",
		})
	}
	client, err := promfetch.NewClient(promfetch.WithTargets(targets...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func text(page string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }
}

// native is a program with a native histogram, which only protobuf can say.
func native() http.HandlerFunc {
	registry := prometheus.NewRegistry()
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "native_seconds", Help: "h", NativeHistogramBucketFactor: 1.1})
	registry.MustRegister(histogram)
	histogram.Observe(0.3)
	histogram.Observe(70)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP
}

var request = promfetch.Request{Selector: "org/space/shop"}

func TestGather(t *testing.T) {
	client := newClient(t,
		text("# HELP z_total of z\n# TYPE z_total counter\nz_total{a=\"b\"} 1\n# TYPE a summary\na{quantile=\"0.5\"} 2\na_sum 3\na_count 4\n"),
		native(),
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
	)
	families, err := gatherer.New(client, request).Gather()
	if err != nil {
		t.Fatal(err)
	}
	names, byName := []string{}, map[string]*dto.MetricFamily{}
	for _, family := range families {
		names = append(names, family.GetName())
		byName[family.GetName()] = family
	}
	if !slices.IsSorted(names) || len(byName) != len(names) {
		t.Errorf("sorted and each once: %v", names)
	}
	if z := byName["z_total"]; z.GetType() != dto.MetricType_COUNTER || z.GetHelp() != "of z" || z.Metric[0].Counter.GetValue() != 1 {
		t.Error(z)
	}
	if a := byName["a"]; a.Metric[0].Summary.GetSampleCount() != 4 || a.Metric[0].Summary.Quantile[0].GetValue() != 2 {
		t.Error(a)
	}
	if h := byName["native_seconds"].Metric[0].Histogram; h.GetSchema() == 0 || len(h.PositiveSpan) == 0 || h.GetSampleCount() != 2 {
		t.Error(h)
	}
	up := []float64{}
	for _, metric := range byName["promfetch_up"].Metric {
		up = append(up, metric.Gauge.GetValue())
	}
	if !slices.Equal(up, []float64{1, 1, 0}) {
		t.Error("up:", up)
	}
}

// The families stand beside others: Prometheus' own library finds them consistent.
func TestBesideARegistry(t *testing.T) {
	client := newClient(t, text("# TYPE a gauge\na 1\n"), text("# TYPE a gauge\na 2\n"))
	own := prometheus.NewRegistry()
	own.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "own"}))
	handler := promhttp.HandlerFor(prometheus.Gatherers{own, gatherer.New(client, request)}, promhttp.HandlerOpts{})
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	page := recorder.Body.String()
	for _, part := range []string{"own 0\n", `index="1"`, "# TYPE a gauge\n", "promfetch_up{"} {
		if recorder.Code != 200 || !strings.Contains(page, part) {
			t.Errorf("%d, %q is not in:\n%s", recorder.Code, part, page)
		}
	}
}

func TestErrors(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	if _, err := gatherer.New(client, request).Gather(); !errors.Is(err, promfetch.ErrStatus5xx) {
		t.Error(err)
	}
	page := request
	page.AllFailedIsPage = true
	if families, err := gatherer.New(client, page).Gather(); err != nil || len(families) == 0 {
		t.Error(families, err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := gatherer.New(client, request).GatherContext(ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	client.Close()
	if _, err := gatherer.New(client, request).Gather(); !errors.Is(err, promfetch.ErrClosed) {
		t.Error(err)
	}
}
