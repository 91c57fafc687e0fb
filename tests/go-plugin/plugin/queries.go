package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"promfetch/go-plugin/plugin/protocol/apm"
	"promfetch/go-plugin/plugin/protocol/shared"
)

// Answers a query, `word` or `word:value`.
func answer(ctx context.Context, config map[string]string, query string, from, to time.Time) (*apm.QueryResponse, error) {
	word, value, _ := strings.Cut(query, ":")
	switch word {
	case "fixed": // one sample a second, as the builtin noop has it, the last first
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, err
		}
		response := &apm.QueryResponse{}
		for at := to; !at.Before(from); at = at.Add(-time.Second) {
			response.TimestampedMetric = append(response.TimestampedMetric, sampleAt(at, number))
		}
		return response, nil
	case "config": // the number that the configuration has under this key
		number, err := strconv.ParseFloat(config[value], 64)
		return samples(to, number), err
	case "window": // seconds that it is asked for
		return samples(to, to.Sub(from).Seconds()), nil
	case "offset": // seconds from the end of what it is asked for to now
		return samples(to, time.Since(to).Seconds()), nil
	case "pid":
		return samples(to, float64(os.Getpid())), nil
	case "nan":
		return samples(to, math.NaN(), math.Inf(1), math.Inf(-1)), nil
	case "gap": // the last is no number
		return samples(to, 4, 5, math.NaN()), nil
	case "timeless":
		response := samples(to, 7)
		response.TimestampedMetric = append(response.TimestampedMetric, &shared.TimestampedMetric{Value: 8})
		return response, nil
	case "old":
		return samples(from.Add(-time.Hour), 3), nil
	case "empty":
		return &apm.QueryResponse{}, nil
	case "error":
		return nil, errors.New(value)
	case "long":
		return nil, errors.New(strings.Repeat("no metrics\n", 500_000))
	case "sleep":
		duration, err := time.ParseDuration(value)
		if err != nil {
			return nil, err
		}
		select {
		case <-time.After(duration):
			return samples(to, 1), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "while": // as long as there is this file
		if _, err := os.Stat(value); err != nil {
			return nil, errors.New("no metrics available")
		}
		return samples(to, 1), nil
	case "crash":
		panic("I have been asked to")
	case "huge":
		count, err := strconv.Atoi(value)
		if err != nil {
			return nil, err
		}
		response := &apm.QueryResponse{}
		for ; count > 0; count-- {
			response.TimestampedMetric = append(response.TimestampedMetric, sampleAt(to.Add(-time.Duration(count)), float64(count)))
		}
		return response, nil
	}
	return nil, fmt.Errorf("unknown query %q", query)
}

// These values, a second apart; the last is at this time.
func samples(last time.Time, values ...float64) *apm.QueryResponse {
	response := &apm.QueryResponse{}
	for index, value := range values {
		at := last.Add(-time.Duration(len(values)-1-index) * time.Second)
		response.TimestampedMetric = append(response.TimestampedMetric, sampleAt(at, value))
	}
	return response
}

// Lines of all kinds on stderr and stdout.
func write() {
	log.Named("apm").Warn("the disk is nearly full", "free", 7, "disk", "/var", "nested", map[string]int{"a": 1})
	log.Error("something failed", "error", errors.New("no route to host"))
	log.Debug("a detail")
	fmt.Fprintln(os.Stderr, "a line of plain text")
	fmt.Fprintln(os.Stderr, `{"@level":"warn","no":"message"}`)
	fmt.Fprintln(os.Stderr, "not \xff UTF-8, with a bell \a and \x1b[31mcolours\x1b[0m")
	fmt.Fprintln(os.Stderr, "long "+strings.Repeat("x", 3<<16)+" end of the long line")
	fmt.Println("something on stdout")
}
