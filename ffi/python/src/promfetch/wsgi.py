"""A WSGI application that serves the merged page of an app, for any Python web server.

application = promfetch.wsgi.application(client, "shop")
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import errors
from ._request import RequestSettings
from .client import Client

if TYPE_CHECKING:
    # Only type checkers have it.
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from typing_extensions import Unpack

#: What becomes of an error, as `promfetch serve` does it: the first class that fits.
_STATUSES: list[tuple[type[errors.Error], str]] = [
    (errors.NotFound, "404 Not Found"),
    (errors.Status4xx, "406 Not Acceptable"),
    (errors.Ambiguous, "409 Conflict"),
    (errors.CallerError, "500 Internal Server Error"),
    (errors.Timeout, "504 Gateway Timeout"),
    (errors.DiscoveryError, "503 Service Unavailable"),
    (errors.Overloaded, "503 Service Unavailable"),
    (errors.Cancelled, "503 Service Unavailable"),
    (errors.FetchError, "502 Bad Gateway"),
]


def application(
    client: Client, selector: str, *, path: str = "/metrics", **settings: Unpack[RequestSettings]
) -> WSGIApplication:
    """Serves the page at `path`. The scraper's `Accept` decides on the format and its time-out on the deadline.

    The settings are those of `Client.fetch`, and hold for every request.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != path:
            return plain(environ, start_response, "404 Not Found", f"the metrics are at {path}")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return plain(environ, start_response, "405 Method Not Allowed", "only GET", ("Allow", "GET, HEAD"))
        asked: RequestSettings = {**settings}
        asked.setdefault("accept", environ.get("HTTP_ACCEPT"))
        asked.setdefault("scrape_timeout", environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"))
        try:
            page = client.fetch(selector, **asked)
        except errors.Error as error:
            return plain(environ, start_response, _status(error), error.message, *_retry(error))
        headers = [
            ("Content-Type", page.content_type),
            ("Content-Length", str(len(page.data))),
            ("Vary", "Accept"),
            ("X-Promfetch-Up", str(page.up)),
            ("X-Promfetch-Failed", str(len(page.failures))),
        ]
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [page.data]

    return answer


def plain(
    environ: WSGIEnvironment, start_response: StartResponse, status: str, message: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    """An answer in one line, as scrapers show it."""
    body = f"{status[:3]} {message}\n".encode()
    kind = ("Content-Type", "text/plain; charset=utf-8")
    start_response(status, [kind, ("Content-Length", str(len(body))), *headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _status(error: errors.Error) -> str:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), "500 Internal Server Error")


def _retry(error: errors.Error) -> list[tuple[str, str]]:
    return [("Retry-After", "5")] if error.transient else []
