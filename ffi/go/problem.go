package promfetch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"unicode"
)

// Seconds after which a caller may try again, as from promfetch itself.
const (
	retryNotReady   = 5
	retryOverloaded = 2
)

// status of an error, and after how many seconds to try again (0: nothing said). What only the host's author can mend
// is 500, without details for the caller.
func status(err error) (code, retryAfter int) {
	for _, row := range []struct {
		err    error
		status int
		retry  int
	}{
		{ErrClosed, http.StatusServiceUnavailable, retryNotReady},
		{ErrInvalidArgument, http.StatusBadRequest, 0},
		{ErrNotFound, http.StatusNotFound, 0},
		{ErrAmbiguous, http.StatusConflict, 0},
		{ErrNotReady, http.StatusServiceUnavailable, retryNotReady},
		{ErrOverloaded, http.StatusServiceUnavailable, retryOverloaded},
		{ErrStatus4xx, http.StatusNotAcceptable, 0},
		{ErrTimeout, http.StatusGatewayTimeout, 0},
		{ErrCancelled, http.StatusServiceUnavailable, 0},
		// All others of these hundreds: somebody else's fault.
		{ErrDiscovery, http.StatusBadGateway, 0},
		{ErrFetch, http.StatusBadGateway, 0},
		{ErrMerge, http.StatusBadGateway, 0},
	} {
		if errors.Is(err, row.err) {
			return row.status, row.retry
		}
	}
	return http.StatusInternalServerError, 0
}

// problem writes an error: a line of text for scrapers, JSON (RFC 9457) for callers that name it.
func problem(w http.ResponseWriter, r *http.Request, status int, message string) {
	// It may repeat what a caller wrote, and ends in logs and terminals.
	message = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return unicode.ReplacementChar
		}
		return c
	}, message)
	header := w.Header()
	header.Add("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	body := []byte(fmt.Sprintf("%d %s\n", status, message))
	header.Set("Content-Type", "text/plain; charset=utf-8")
	if wantsJSON(r) {
		body, _ = json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": message})
		header.Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // a caller that hung up
	}
}

// wantsJSON is whether the caller names JSON. A wildcard does not count: every scraper sends one.
func wantsJSON(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for _, item := range strings.Split(value, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			if name != "application/json" && name != "application/problem+json" {
				continue
			}
			if q := strings.ReplaceAll(strings.TrimSpace(parameters), " ", ""); strings.Trim(strings.TrimPrefix(q, "q="), "0.") != "" || q == "" {
				return true
			}
		}
	}
	return false
}

// forwardedFor is X-Forwarded-For with the caller added, as proxies do.
func forwardedFor(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return strings.Join(r.Header.Values("X-Forwarded-For"), ", ")
	}
	return strings.Join(append(r.Header.Values("X-Forwarded-For"), host), ", ")
}
