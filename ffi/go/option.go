package promfetch

// #include <promfetch.h>
import "C"

import (
	"context"
	"encoding/json"
	"log/slog"
)

// Option configures a client; see [NewClient].
type Option struct {
	apply func(o *C.promfetch_options) error
}

// newOptions gives the options to C. What it returns belongs to the caller.
func newOptions(options []Option) (*C.promfetch_options, error) {
	o := C.promfetch_options_new()
	for _, option := range options {
		if option.apply == nil {
			continue // the zero value
		}
		if err := option.apply(o); err != nil {
			C.promfetch_options_free(o)
			return nil, err
		}
	}
	return o, nil
}

// WithOption sets one key of the configuration, as docs/configuration.md of promfetch lists them: "fetch_timeout",
// "gorouters[0].host". A list or a section can be given as a whole, as JSON.
func WithOption(key, value string) Option {
	return Option{func(o *C.promfetch_options) error {
		if err := check("name and value of an option", key, value); err != nil {
			return err
		}
		var cerr *C.promfetch_error
		if C.promfetch_options_set(o, text(key), text(value), &cerr) != 0 {
			return take(cerr)
		}
		return nil
	}}
}

// WithEnvironment adds what the environment says in variables such as PROMFETCH_FETCH_TIMEOUT. Options after it win.
func WithEnvironment() Option {
	return Option{func(o *C.promfetch_options) error {
		var cerr *C.promfetch_error
		if C.promfetch_options_environment(o, &cerr) != 0 {
			return take(cerr)
		}
		return nil
	}}
}

// WithTargets gives the client fixed targets to begin with. [Client.SetTargets] replaces them.
func WithTargets(targets ...TargetSpec) Option {
	list, err := json.Marshal(append([]TargetSpec{}, targets...))
	if err != nil {
		return Option{func(*C.promfetch_options) error { return usage("the targets: %v", err) }}
	}
	return WithOption("targets", string(list))
}

// WithLogger hands on what the client has to say, down to that level. log is called on any thread, also several at
// once: it should be quick, and must not call or close the client. It is kept until the client is closed.
func WithLogger(lowest Level, log func(level Level, message string)) Option {
	return Option{func(o *C.promfetch_options) error {
		if log == nil {
			return usage("the log function is nil")
		}
		return setLog(o, lowest, log)
	}}
}

// WithSlog hands on what the client has to say to h, down to the lowest level that h takes now.
func WithSlog(h slog.Handler) Option {
	logger := slog.New(h)
	lowest := LevelError
	for level := LevelTrace; level > LevelError; level-- {
		if logger.Enabled(context.Background(), level.slog()) {
			lowest = level
			break
		}
	}
	return WithLogger(lowest, func(level Level, message string) {
		logger.Log(context.Background(), level.slog(), message)
	})
}
