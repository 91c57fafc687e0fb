package main

import (
	"errors"
	"io"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// What may follow a family's name in the names of its series.
var suffixes = []string{"_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info"}

var unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")

// parse reads with the parsers of Prometheus' scrape loop.
func parse(page []byte, contentType string, write func(Series) error) error {
	parser, err := textparse.New(page, contentType, labels.NewSymbolTable(), textparse.ParserOptions{
		KeepClassicOnClassicAndNativeHistograms: true,
	})
	if err != nil {
		return err
	}
	protobuf := strings.HasPrefix(contentType, "application/vnd.google.protobuf")
	var family Series
	about := func(raw []byte) *Series {
		name := string(raw)
		if !protobuf {
			// The parser leaves escapes of quoted names in metadata as they stand.
			name = unescape.Replace(name)
		}
		if family.Name != name {
			family = Series{Name: name}
		}
		return &family
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryHelp:
			name, help := parser.Help()
			text := string(help)
			about(name).Help = text
		case textparse.EntryType:
			name, kind := parser.Type()
			about(name).Type = string(kind)
		case textparse.EntryUnit:
			name, unit := parser.Unit()
			text := string(unit)
			about(name).Unit = text
		case textparse.EntrySeries, textparse.EntryHistogram:
			series := Series{Labels: map[string]string{}}
			if entry == textparse.EntrySeries {
				_, timestamp, value := parser.Series()
				series.Timestamp, series.Value = copied(timestamp), number(value)
			} else {
				_, timestamp, whole, float := parser.Histogram()
				if whole == nil && float == nil {
					// Versions before 3.16 tell by the first metric whether a family has native histograms.
					return errors.New("a histogram without native buckets behind one with them")
				}
				series.Timestamp, series.Native = copied(timestamp), native(whole, float)
			}
			var all labels.Labels
			parser.Labels(&all)
			if name, twice := all.HasDuplicateLabelNames(); twice {
				return errors.New("label twice: " + name)
			}
			all.Range(func(label labels.Label) {
				if label.Name == labels.MetricName {
					series.Name = strings.Clone(label.Value)
				} else {
					series.Labels[strings.Clone(label.Name)] = strings.Clone(label.Value)
				}
			})
			if belongs(series.Name, family.Name) {
				series.Type, series.Help, series.Unit = family.Type, family.Help, family.Unit
			}
			for {
				var found exemplar.Exemplar
				if !parser.Exemplar(&found) {
					break
				}
				one := Exemplar{Labels: map[string]string{}, Value: number(found.Value)}
				found.Labels.Range(func(label labels.Label) {
					name, value := strings.Clone(label.Name), strings.Clone(label.Value)
					if !protobuf {
						// Likewise in exemplars.
						name, value = unescape.Replace(name), unescape.Replace(value)
					}
					one.Labels[name] = value
				})
				if found.HasTs {
					one.Timestamp = &found.Ts
				}
				series.Exemplars = append(series.Exemplars, one)
			}
			// In text it is a series of its own.
			if protobuf {
				if created := parser.StartTimestamp(); created != 0 {
					series.Created = &created
				}
			}
			if err := write(series); err != nil {
				return err
			}
		}
	}
}

func belongs(series, family string) bool {
	if series == family {
		return true
	}
	for _, suffix := range suffixes {
		if series == family+suffix {
			return true
		}
	}
	return false
}

func copied(timestamp *int64) *int64 {
	if timestamp == nil {
		return nil
	}
	found := *timestamp
	return &found
}

func native(whole *histogram.Histogram, float *histogram.FloatHistogram) *Native {
	isFloat := float != nil
	if !isFloat {
		float = whole.ToFloat(nil)
	}
	found := &Native{
		Float: isFloat, Schema: float.Schema, ZeroThreshold: number(float.ZeroThreshold), ZeroCount: number(float.ZeroCount),
		Count: number(float.Count), Sum: number(float.Sum), Positive: map[int32]string{}, Negative: map[int32]string{},
	}
	positive, negative := float.PositiveBucketIterator(), float.NegativeBucketIterator()
	for positive.Next() {
		if bucket := positive.At(); bucket.Count != 0 {
			found.Positive[bucket.Index] = number(bucket.Count)
		}
	}
	for negative.Next() {
		if bucket := negative.At(); bucket.Count != 0 {
			found.Negative[bucket.Index] = number(bucket.Count)
		}
	}
	return found
}
