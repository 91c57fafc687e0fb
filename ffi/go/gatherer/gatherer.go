// Package gatherer makes the merged metrics of an app a prometheus.Gatherer: beside a program's own registry, behind
// promhttp.HandlerFor, or pushed by package push.
//
//	g := gatherer.New(client, promfetch.Request{Selector: "my-org/my-space/my-app"})
//	http.Handle("/metrics", promhttp.HandlerFor(prometheus.Gatherers{prometheus.DefaultGatherer, g}, promhttp.HandlerOpts{}))
//
// It takes the page as protobuf, which says everything that client_model can, native histograms too. Where the page is
// only to be served, promfetch.Handler does it without decoding anything.
package gatherer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	promfetch "github.com/promfetch/promfetch/ffi/go"
)

// Gatherer asks the instances of an app at every Gather.
type Gatherer struct {
	client  *promfetch.Client
	request promfetch.Request
}

var _ prometheus.Gatherer = (*Gatherer)(nil)

// New gives a Gatherer for what the request selects. Its Format and Accept do not count.
func New(client *promfetch.Client, request promfetch.Request) *Gatherer {
	request.Format, request.Accept = promfetch.Protobuf, ""
	return &Gatherer{client, request}
}

// Gather asks the instances, for as long as the request or the client's fetch_timeout allow, and gives their families
// by name. Instances that failed are no error: their promfetch_up is 0. It is one when all have failed, unless the
// request wants a page then.
func (g *Gatherer) Gather() ([]*dto.MetricFamily, error) {
	return g.GatherContext(context.Background())
}

// GatherContext is Gather with a context: see promfetch.Client.Fetch.
func (g *Gatherer) GatherContext(ctx context.Context) ([]*dto.MetricFamily, error) {
	page, err := g.client.Fetch(ctx, g.request)
	if err != nil {
		return nil, err
	}
	decoder := expfmt.NewDecoder(bytes.NewReader(page.Bytes()), expfmt.NewFormat(expfmt.TypeProtoDelim))
	var families []*dto.MetricFamily
	for {
		family := new(dto.MetricFamily)
		err := decoder.Decode(family)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("promfetch: the merged page cannot be decoded: %w", err)
		}
		families = append(families, family)
	}
	// The page is in the order of the instances' pages; who gathers expects that of the names.
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families, nil
}
