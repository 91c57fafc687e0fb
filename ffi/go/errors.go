package promfetch

import "errors"

// Code says why a call failed. It is an error itself, so that it can be asked for:
//
//	if errors.Is(err, promfetch.ErrNotFound) { … }
//
// Codes are never renumbered. One that this package does not know yet belongs to the [Group] of its hundred.
type Code uint32

// What the caller can mend.
const (
	ErrInvalidArgument Code = 1 // a selector, name or value that cannot be
	ErrUnknownOption   Code = 2 // no option of this name; the message has the nearest one
	ErrInvalidOption   Code = 3 // an option has a value that it cannot have
	ErrWrongThread     Code = 4 // called from the log function
	ErrForked          Code = 5 // the client was made before a fork
)

// What was looked for.
const (
	ErrNotFound    Code = 100 // no app fits the selector
	ErrNotReady    Code = 101 // the routing table is not complete yet
	ErrAmbiguous   Code = 102 // several instances share the index
	ErrUnavailable Code = 103 // a server that knows the routes is away
)

// Why there is no page, or why an instance is not in it.
const (
	ErrTimeout    Code = 200 // no complete answer in time
	ErrCancelled  Code = 201 // by the context, or by Close
	ErrRefused    Code = 202 // connection refused, or closed before any answer
	ErrTLS        Code = 203 // no handshake, or nobody to trust
	ErrGone       Code = 204 // the address belongs to somebody else now
	ErrStatus4xx  Code = 205 // the path is wrong, or a login is missing
	ErrStatus5xx  Code = 206 // the app failed
	ErrTooLarge   Code = 207 // a body, a line or the samples are over their limit
	ErrRedirect   Code = 208 // too many redirects, or one that leads elsewhere
	ErrProtocol   Code = 209 // no HTTP
	ErrSkipped    Code = 210 // not asked: it has just failed, or the time was up
	ErrOverloaded Code = 211 // a bound of the whole client is reached
)

const (
	ErrParse Code = 300 // no valid exposition
	ErrPanic Code = 900 // a bug in libpromfetch: close what the call was made on
)

// Group is all codes of one hundred, as an error that can be asked for with [errors.Is].
type Group uint32

// Groups of codes.
const (
	ErrUsage     Group = 0 // 1 to 99: the caller's mistake
	ErrDiscovery Group = 1 // 100 to 199: the app or its instances are not known
	ErrFetch     Group = 2 // 200 to 299: asking the instances failed
	ErrMerge     Group = 3 // 300 to 399: a page cannot be read
	ErrInternal  Group = 9 // 900 to 999: a bug
)

// ErrClosed is the error of every call on something that was closed, and of those that Close has interrupted.
var ErrClosed = errors.New("promfetch: used after Close")

// Error is what the library answers in place of a result.
type Error struct {
	Code Code
	// Name of the code, such as NOT_FOUND.
	Name string
	// Message is one sentence for the person who made the call.
	Message string
	// Transient: the same call may succeed a little later.
	Transient bool

	// What the context says, where that ended the call.
	causes []error
}

func (e *Error) Error() string {
	return "promfetch: " + e.Message + " (" + e.Name + ")"
}

// Is makes errors.Is find codes and groups.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case Code:
		return e.Code == target
	case Group:
		return e.Code.Group() == target
	}
	return false
}

// Unwrap gives the error of the context, and its cause, where the context ended the call.
func (e *Error) Unwrap() []error { return e.causes }

// Timeout is for those who ask for it as they would ask package net.
func (e *Error) Timeout() bool { return e.Code == ErrTimeout }

// Error is the name of the code, as in C but without PROMFETCH_.
func (c Code) Error() string { return c.name() }

// Group is the hundred that the code belongs to.
func (c Code) Group() Group { return Group(c / 100) }

func (g Group) Error() string {
	switch g {
	case ErrUsage:
		return "wrong use"
	case ErrDiscovery:
		return "discovery failed"
	case ErrFetch:
		return "fetch failed"
	case ErrMerge:
		return "merge failed"
	case ErrInternal:
		return "internal error"
	}
	return "unknown error"
}
