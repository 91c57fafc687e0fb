package promfetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Handler answers GET and HEAD with the merged page of an app, as promfetch's own API does: Accept and
// X-Prometheus-Scrape-Timeout-Seconds of the caller are passed on, the page is written as it is made, and a caller
// that hangs up ends the fetch. Where all instances have failed, the page says so with their health series, but where
// all have answered 4xx the path is wrong, which is 406.
//
// Errors are a line of text, "404 …", or application/problem+json for callers that name JSON in Accept.
func Handler(client *Client, request Request) http.Handler {
	return HandlerFunc(client, func(*http.Request) (Request, error) { return request, nil })
}

// HandlerFunc is [Handler] with a request for each caller. An error of the function that is an [*Error] has the status
// that it has from promfetch; all others are 400. Accept, time-out and X-Forwarded-For are the caller's where the
// function leaves them empty. The caller's Authorization is not passed on: it may be meant for this server.
func HandlerFunc(client *Client, request func(*http.Request) (Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem(w, r, http.StatusMethodNotAllowed, "Only GET and HEAD are answered here")
			return
		}
		asked, err := request(r)
		if err != nil {
			var known *Error
			if errors.As(err, &known) {
				fail(w, r, err)
			} else {
				problem(w, r, http.StatusBadRequest, err.Error())
			}
			return
		}
		if asked.Accept == "" && asked.Format == "" {
			asked.Accept = strings.Join(r.Header.Values("Accept"), ", ")
		}
		if asked.ScrapeTimeout == "" {
			asked.ScrapeTimeout = r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds")
		}
		if asked.ForwardedFor == "" {
			asked.ForwardedFor = forwardedFor(r)
		}
		asked.AllFailedIsPage = true
		page(w, r, client, asked)
	})
}

func page(w http.ResponseWriter, r *http.Request, client *Client, asked Request) {
	stream, err := client.Stream(r.Context(), asked)
	if err != nil {
		fail(w, r, err)
		return
	}
	defer stream.Close()
	if stream.Up == 0 && all(stream.Failures, ErrStatus4xx) {
		problem(w, r, http.StatusNotAcceptable, wrongPath(r.Context(), client, asked))
		return
	}
	header := w.Header()
	header.Set("Content-Type", stream.ContentType)
	header.Add("Vary", "Accept")
	header.Set("X-Promfetch-Up", strconv.Itoa(stream.Up))
	header.Set("X-Promfetch-Failed", strconv.Itoa(len(stream.Failures)))
	if r.Method == http.MethodHead {
		return
	}
	if _, err := stream.WriteTo(w); err != nil {
		// Half a page must not look like a whole one. This closes the connection, without a word in the log.
		panic(http.ErrAbortHandler)
	}
}

// all is whether there are failures, and all are this one.
func all(failures []error, code Code) bool {
	return len(failures) > 0 && !slices.ContainsFunc(failures, func(err error) bool { return !errors.Is(err, code) })
}

// wrongPath is what to tell a scraper when every instance has answered 4xx, in promfetcher's words.
func wrongPath(ctx context.Context, client *Client, asked Request) string {
	path := "/metrics"
	if targets, err := client.Discover(ctx, asked); err == nil && len(targets) > 0 {
		path = targets[0].Labels["__metrics_path__"]
	}
	return fmt.Sprintf("Cannot found endpoint '%s' for app with id or path '%s', please create one", path, asked.Selector)
}

// fail answers with the status that promfetch's own API has for an error.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == context.Canceled {
		return // nobody is there to read it
	}
	status, retryAfter := status(err)
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	message := "Internal Server Error"
	var known *Error
	if errors.As(err, &known) && status != http.StatusInternalServerError {
		message = known.Message
	} else if errors.Is(err, ErrClosed) {
		message = "The client has ended"
	}
	problem(w, r, status, message)
}
