"""One question to an app's instances, as the library takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypedDict

from ._ffi import lib
from ._strings import Duration, duration, encode
from .cancel import CancelToken
from .errors import call


class RequestSettings(TypedDict, total=False):
    """What calls that ask instances take as keyword arguments. `None` is the same as leaving it out."""

    #: The path to ask for instead of `/metrics`.
    metric_path: str | None
    #: The format of the page: `text`, `openmetrics` or `protobuf`.
    format: str | None
    #: An `Accept` header that decides on the format. It wins over `format`.
    accept: str | None
    #: The longest time for the whole call: seconds, a `timedelta`, or a duration such as `"2s"`.
    timeout: Duration | None
    #: The value of a scraper's `X-Prometheus-Scrape-Timeout-Seconds`: a margin is taken off. It wins over `timeout`.
    scrape_timeout: float | str | None
    #: Headers for the app's instances.
    headers: Mapping[str, str] | None
    #: Another process of the app than `web`.
    process_type: str | None
    #: Only this instance: its index or its GUID.
    instance: int | str | None
    #: Without health series and external exporters.
    only_app_metrics: bool | None
    #: The `Authorization` header for the app's instances, and for nobody else.
    authorization: str | None
    #: The addresses that `X-Forwarded-For` tells the instances.
    forwarded_for: str | None
    #: What to do when no instance gives metrics: `error` raises, `page` gives the page with health series only.
    all_failed: str | None
    #: Ends the call from another thread.
    cancel: CancelToken | None


_NAMES = frozenset(RequestSettings.__annotations__)


@contextmanager
def request(selector: str, settings: RequestSettings, *tokens: CancelToken) -> Iterator[int]:
    """A request of the library that each of the tokens cancels, freed in the end."""
    for name in settings:
        if name not in _NAMES:
            raise TypeError(f"unexpected keyword argument {name!r}; there are: {', '.join(sorted(_NAMES))}")
    given = settings.get("cancel")
    if given is not None:
        if not isinstance(given, CancelToken):
            raise TypeError(f"cancel must be a CancelToken, not {type(given).__name__}")
        tokens = (*tokens, given)
    handle: int = call(lib.promfetch_request_new, encode("selector", selector))
    try:
        for key, value in _texts(settings):
            call(lib.promfetch_request_set, handle, key.encode(), encode(key, value))
        for name, value in (settings.get("headers") or {}).items():
            call(lib.promfetch_request_header, handle, encode("a header's name", name), encode(f"header {name}", value))
        for token in tokens:
            token._attach(handle)
        yield handle
    finally:
        for token in tokens:
            token._detach(handle)
        lib.promfetch_request_free(handle)


def _texts(settings: RequestSettings) -> Iterator[tuple[str, str]]:
    """The settings that are one text in the library."""
    values: Mapping[str, object] = settings
    # Of `format` and `accept`, and of the two times, the library takes the one that is set last.
    for key, value in sorted(values.items(), key=lambda item: item[0] in ("accept", "scrape_timeout")):
        if value is None or key in ("headers", "cancel"):
            continue
        if key == "timeout":
            yield key, duration(key, value)  # type: ignore[arg-type]  # checked there
        elif key == "only_app_metrics" and isinstance(value, bool):
            yield key, "true" if value else "false"
        elif key in ("instance", "scrape_timeout") and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield key, str(value)
        else:
            # Anything but a str is refused where it is encoded.
            yield key, value  # type: ignore[misc]
