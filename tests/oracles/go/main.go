// Reads a page of metrics with the parsers of Prometheus itself and prints each series as one line of JSON, so that
// tests in another language can compare what Prometheus would see.
//
//	oracle expfmt CONTENT_TYPE FILE…      prometheus/common: text and protobuf, as families of messages
//	oracle textparse CONTENT_TYPE FILE…   Prometheus 3: text, OpenMetrics and protobuf, as the scrape loop reads them
//	oracle escape SCHEME                  names of metrics on the standard input, as strings of JSON
//	oracle negotiate                      Accept headers on the standard input, likewise: the content type of the answer
//
// `-` is the standard input. After the series of each file comes a line with `end`: null, or why the page is refused.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Exemplar is what stands behind a `#` in OpenMetrics.
type Exemplar struct {
	Labels    map[string]string `json:"labels"`
	Value     string            `json:"value"`
	Timestamp *int64            `json:"timestamp"`
}

// Native is a native histogram with its buckets by index; empty ones are left out.
type Native struct {
	Float         bool             `json:"float"`
	Schema        int32            `json:"schema"`
	ZeroThreshold string           `json:"zero_threshold"`
	ZeroCount     string           `json:"zero_count"`
	Count         string           `json:"count"`
	Sum           string           `json:"sum"`
	Positive      map[int32]string `json:"positive"`
	Negative      map[int32]string `json:"negative"`
}

// Series is one sample, or one native histogram.
type Series struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	// A string, as JSON has no NaN. Empty for native histograms.
	Value string `json:"value"`
	// Milliseconds.
	Timestamp *int64     `json:"timestamp"`
	Type      string     `json:"type"`
	Help      string     `json:"help"`
	Unit      string     `json:"unit"`
	Exemplars []Exemplar `json:"exemplars"`
	// Milliseconds; only of protobuf, where it is no series of its own.
	Created *int64  `json:"created"`
	Native  *Native `json:"native"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) >= 3 && arguments[0] == "expfmt":
		return pages(arguments[2:], arguments[1], families)
	case len(arguments) >= 3 && arguments[0] == "textparse":
		return pages(arguments[2:], arguments[1], parse)
	case len(arguments) == 2 && arguments[0] == "escape":
		scheme, err := model.ToEscapingScheme(arguments[1])
		if err != nil {
			return err
		}
		return lines(func(name string) string { return escape(name, scheme) })
	case len(arguments) == 1 && arguments[0] == "negotiate":
		return lines(func(accept string) string {
			return string(expfmt.NegotiateIncludingOpenMetrics(http.Header{"Accept": {accept}}))
		})
	}
	return fmt.Errorf("usage: oracle expfmt|textparse CONTENT_TYPE FILE..., oracle escape SCHEME, oracle negotiate")
}

// As expfmt does it with whole families, which leaves alone what is good already.
func escape(name string, scheme model.EscapingScheme) string {
	return model.EscapeMetricFamily(&dto.MetricFamily{Name: &name}, scheme).GetName()
}

// Each line of the standard input is a JSON string, and so is each line of the answer.
func lines(answer func(string) string) error {
	decoder, encoder := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for {
		var line string
		if err := decoder.Decode(&line); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(answer(line)); err != nil {
			return err
		}
	}
}

func pages(files []string, contentType string, read func([]byte, string, func(Series) error) error) error {
	output := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(output)
	for _, file := range files {
		if file == "-" {
			file = "/dev/stdin"
		}
		page, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var end struct {
			End *string `json:"end"`
		}
		if err := read(page, contentType, func(series Series) error { return encoder.Encode(series) }); err != nil {
			reason := err.Error()
			end.End = &reason
		}
		if err := encoder.Encode(end); err != nil {
			return err
		}
	}
	return output.Flush()
}

func number(value float64) string {
	return strconv.FormatFloat(value, 'g', -1, 64)
}
