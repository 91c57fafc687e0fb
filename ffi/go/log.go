package promfetch

// #include <promfetch.h>
//
// // Go's functions, of log_export.go. A handle is a number: Go would take a small pointer for a broken one.
// extern void promfetchGoLog(uintptr_t user, uint32_t level, char *message, size_t len);
// extern void promfetchGoLogDone(uintptr_t user);
//
// static void promfetch_go_log(void *user, uint32_t level, const char *message, size_t len) {
//     promfetchGoLog((uintptr_t)user, level, (char *)message, len);
// }
//
// static void promfetch_go_log_done(void *user) {
//     promfetchGoLogDone((uintptr_t)user);
// }
//
// static uint32_t promfetch_go_options_log(promfetch_options *o, uint32_t level, uintptr_t user, promfetch_error **err) {
//     return promfetch_options_log(o, level, promfetch_go_log, (void *)user, promfetch_go_log_done, err);
// }
import "C"

import (
	"log/slog"
	"runtime/cgo"
	"strconv"
)

// Level of a line of the log. More talkative levels have higher numbers.
type Level uint32

// The levels.
const (
	LevelError Level = 1
	LevelWarn  Level = 2
	LevelInfo  Level = 3
	LevelDebug Level = 4
	LevelTrace Level = 5
)

func (l Level) String() string {
	names := [...]string{"", "error", "warn", "info", "debug", "trace"}
	if l == 0 || int(l) >= len(names) {
		return "level " + strconv.Itoa(int(l))
	}
	return names[l]
}

// slog is the level as package slog counts. Trace is below its lowest.
func (l Level) slog() slog.Level {
	switch l {
	case LevelError:
		return slog.LevelError
	case LevelWarn:
		return slog.LevelWarn
	case LevelInfo:
		return slog.LevelInfo
	case LevelDebug:
		return slog.LevelDebug
	}
	return slog.LevelDebug - 4
}

// setLog gives the function to C as a handle. C frees it through the finalizer: when it can log no more, and when this
// fails.
func setLog(o *C.promfetch_options, lowest Level, log func(Level, string)) error {
	var cerr *C.promfetch_error
	handle := cgo.NewHandle(log)
	if C.promfetch_go_options_log(o, C.uint32_t(lowest), C.uintptr_t(handle), &cerr) != 0 {
		return take(cerr)
	}
	return nil
}
