package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// families reads with prometheus/common. Its own protobuf decoder passes over unknown fields, so the messages are
// read one by one here, and what the library does not know is an error.
func families(page []byte, contentType string, write func(Series) error) error {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if mediaType == "text/plain" {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		found, err := parser.TextToMetricFamilies(bytes.NewReader(page))
		if err != nil {
			return err
		}
		for _, family := range found {
			if err := flatten(family, true, write); err != nil {
				return err
			}
		}
		return nil
	}
	if mediaType != expfmt.ProtoType {
		return fmt.Errorf("expfmt does not read %s", mediaType)
	}
	reader := bytes.NewReader(page)
	for {
		family := &dto.MetricFamily{}
		if err := (protodelim.UnmarshalOptions{MaxSize: -1}).UnmarshalFrom(reader, family); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := allKnown(family.ProtoReflect()); err != nil {
			return err
		}
		if err := flatten(family, false, write); err != nil {
			return err
		}
	}
}

func allKnown(message protoreflect.Message) error {
	if len(message.GetUnknown()) > 0 {
		return fmt.Errorf("a field of %s is unknown: %x", message.Descriptor().Name(), message.GetUnknown())
	}
	var err error
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() == nil {
			return true
		}
		if field.IsList() {
			for i := 0; i < value.List().Len() && err == nil; i++ {
				err = allKnown(value.List().Get(i).Message())
			}
		} else {
			err = allKnown(value.Message())
		}
		return err == nil
	})
	return err
}

func flatten(family *dto.MetricFamily, inText bool, write func(Series) error) error {
	kind := strings.ReplaceAll(strings.ToLower(family.GetType().String()), "_", "")
	for _, metric := range family.GetMetric() {
		labels := map[string]string{}
		for _, pair := range metric.GetLabel() {
			if _, twice := labels[pair.GetName()]; twice {
				return fmt.Errorf("label %q of %q twice", pair.GetName(), family.GetName())
			}
			labels[pair.GetName()] = pair.GetValue()
		}
		var created *int64
		one := func(suffix, label, bound, value string, exemplar *dto.Exemplar) error {
			series := Series{
				Name: family.GetName() + suffix, Labels: maps.Clone(labels), Value: value, Timestamp: metric.TimestampMs,
				Type: kind, Help: family.GetHelp(), Unit: family.GetUnit(), Created: created,
			}
			if label != "" {
				series.Labels[label] = bound
			}
			if exemplar != nil {
				series.Exemplars = []Exemplar{example(exemplar)}
			}
			return write(series)
		}
		var err error
		switch family.GetType() {
		case dto.MetricType_COUNTER:
			created = milliseconds(metric.Counter.GetCreatedTimestamp())
			err = one("", "", "", number(metric.Counter.GetValue()), metric.Counter.GetExemplar())
		case dto.MetricType_GAUGE:
			err = one("", "", "", number(metric.Gauge.GetValue()), nil)
		case dto.MetricType_UNTYPED:
			err = one("", "", "", number(metric.Untyped.GetValue()), nil)
		case dto.MetricType_SUMMARY:
			created = milliseconds(metric.Summary.GetCreatedTimestamp())
			for _, quantile := range metric.Summary.GetQuantile() {
				err = errors.Join(err, one("", "quantile", number(quantile.GetQuantile()), number(quantile.GetValue()), nil))
			}
			err = errors.Join(err, one("_sum", "", "", number(metric.Summary.GetSampleSum()), nil),
				one("_count", "", "", fmt.Sprint(metric.Summary.GetSampleCount()), nil))
		case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM:
			histogram := metric.GetHistogram()
			created = milliseconds(histogram.GetCreatedTimestamp())
			for _, bucket := range histogram.GetBucket() {
				err = errors.Join(err, one("_bucket", "le", number(bucket.GetUpperBound()),
					either(bucket.CumulativeCountFloat, bucket.GetCumulativeCount()), bucket.GetExemplar()))
			}
			if native := nativeOf(histogram); native != nil {
				series := Series{
					Name: family.GetName(), Labels: labels, Timestamp: metric.TimestampMs, Type: kind,
					Help: family.GetHelp(), Unit: family.GetUnit(), Created: created, Native: native,
				}
				for _, exemplar := range histogram.GetExemplars() {
					series.Exemplars = append(series.Exemplars, example(exemplar))
				}
				err = errors.Join(err, write(series))
			}
			// A histogram that is only native has no classic series.
			if len(histogram.GetBucket()) == 0 && nativeOf(histogram) != nil {
				break
			}
			count := either(histogram.SampleCountFloat, histogram.GetSampleCount())
			if buckets := histogram.GetBucket(); inText {
				// Only what stands there.
			} else if len(buckets) == 0 || !math.IsInf(buckets[len(buckets)-1].GetUpperBound(), 1) {
				err = errors.Join(err, one("_bucket", "le", "+Inf", count, nil))
			}
			if histogram.SampleSum != nil || !inText {
				err = errors.Join(err, one("_sum", "", "", number(histogram.GetSampleSum()), nil))
			}
			if histogram.SampleCount != nil || histogram.SampleCountFloat != nil || !inText {
				err = errors.Join(err, one("_count", "", "", count, nil))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func nativeOf(histogram *dto.Histogram) *Native {
	if histogram.Schema == nil {
		return nil
	}
	native := &Native{
		Float:         histogram.SampleCountFloat != nil,
		Schema:        histogram.GetSchema(),
		ZeroThreshold: number(histogram.GetZeroThreshold()),
		ZeroCount:     either(histogram.ZeroCountFloat, histogram.GetZeroCount()),
		Count:         either(histogram.SampleCountFloat, histogram.GetSampleCount()),
		Sum:           number(histogram.GetSampleSum()),
	}
	native.Positive = buckets(histogram.GetPositiveSpan(), histogram.GetPositiveDelta(), histogram.GetPositiveCount())
	native.Negative = buckets(histogram.GetNegativeSpan(), histogram.GetNegativeDelta(), histogram.GetNegativeCount())
	return native
}

func buckets(spans []*dto.BucketSpan, deltas []int64, counts []float64) map[int32]string {
	found := map[int32]string{}
	var index int32
	var at int
	var count int64
	for _, span := range spans {
		index += span.GetOffset()
		for range span.GetLength() {
			value := 0.0
			if at < len(counts) {
				value = counts[at]
			} else if at < len(deltas) {
				count += deltas[at]
				value = float64(count)
			}
			if value != 0 {
				found[index] = number(value)
			}
			at++
			index++
		}
	}
	return found
}

// Not a number of its own where there is none: both fields have presence.
func either(float *float64, whole uint64) string {
	if float != nil {
		return number(*float)
	}
	return fmt.Sprint(whole)
}

func example(exemplar *dto.Exemplar) Exemplar {
	labels := map[string]string{}
	for _, pair := range exemplar.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return Exemplar{Labels: labels, Value: number(exemplar.GetValue()), Timestamp: milliseconds(exemplar.GetTimestamp())}
}

func milliseconds(time *timestamppb.Timestamp) *int64 {
	if time == nil {
		return nil
	}
	found := time.GetSeconds()*1000 + int64(time.GetNanos())/1_000_000
	return &found
}
