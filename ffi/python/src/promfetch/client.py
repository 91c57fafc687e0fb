"""The client: discovery, fetch and merge."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from . import _options, exposition, targets
from . import stream as _stream
from ._ffi import lib
from ._handle import Owner
from ._json import take_json, to_json
from ._log import Level, LogCallback
from ._options import OptionValue
from ._request import RequestSettings, request
from ._shared import SharedClient
from ._strings import encode, milliseconds, seconds
from .cancel import CancelToken
from .errors import Cancelled, NotReady, call

if TYPE_CHECKING:
    # Only type checkers read it; they bring it along.
    from typing_extensions import Unpack

_T = TypeVar("_T")

#: A thread in the library sees neither Ctrl-C nor that the client is closed: it comes back this often, in seconds.
_SLICE = 0.1


class Client:
    """Learns the routing table, asks instances and merges their pages. Many threads may use one at once.

    `options` has keys of the configuration, such as `{"gorouters[0].host": "10.0.1.4"}`; a value that is no text is
    handed on as JSON. `environment` adds `PROMFETCH_*` of the environment, below the options; it is on when no options
    are given. `log` gets the log lines from `level` on, also in threads of the library's own.

    Calls block their thread and let others run; Ctrl-C is seen when they come back. Close it when it is no longer used,
    best by `with`: calls under way in other threads end with `Cancelled` then.
    """

    def __init__(
        self,
        options: Mapping[str, OptionValue] | None = None,
        *,
        environment: bool | None = None,
        log: LogCallback | None = None,
        level: Level = Level.INFO,
    ) -> None:
        from_environment = options is None if environment is None else environment
        with _options.options(options or {}, from_environment, log, level) as handle:
            self._shared = SharedClient(call(lib.promfetch_client_new, handle))
        # At exit the module sees to it.
        weakref.finalize(self, self._shared.forgotten).atexit = False

    def fetch(self, selector: str, **settings: Unpack[RequestSettings]) -> exposition.Exposition:
        """The merged page of an app: `org/space/app`, its GUID, or one of its routes."""
        return self._ask(lib.promfetch_fetch_request, exposition.take, selector, settings)

    def stream(self, selector: str, **settings: Unpack[RequestSettings]) -> _stream.Stream:
        """The same family by family. Comes back when all instances have answered."""
        return self._ask(lib.promfetch_stream_open, _stream.Stream, selector, settings)

    def discover(self, selector: str, **settings: Unpack[RequestSettings]) -> list[targets.Target]:
        """The app's instances, without asking them."""
        return self._ask(lib.promfetch_discover_request, targets.take, selector, settings)

    def instances(self, selector: str, **settings: Unpack[RequestSettings]) -> list[dict[str, Any]]:
        """What is known of each instance: address, path, last status, last error."""
        return self._ask(lib.promfetch_instances_request, take_json, selector, settings)

    def wait_ready(self, timeout: float | timedelta = math.inf, *, cancel: CancelToken | None = None) -> None:
        """Waits until the routing table is complete, `timeout` seconds at most; then raises `NotReady`."""
        until = time.monotonic() + seconds("timeout", timeout)
        while True:
            left = max(until - time.monotonic(), 0.0)
            try:
                with self._shared.use() as client:
                    call(lib.promfetch_client_wait_ready, client, milliseconds(min(left, _SLICE)))
                return
            except NotReady:
                if left <= _SLICE:
                    raise
            if (cancel is not None and cancel.cancelled) or self._shared.closing.cancelled:
                raise Cancelled(201, "CANCELLED", "the wait was cancelled")

    def set_targets(self, found: Iterable[targets.TargetDict | Mapping[str, Any]]) -> None:
        """Replaces all fixed targets by these. When one is wrong it raises, and nothing changes."""
        if isinstance(found, (str, bytes, Mapping)):
            raise TypeError(f"set_targets takes targets, not {type(found).__name__}")
        text = to_json("the targets", [dict(target) for target in found]).encode()
        with self._shared.use() as client:
            call(lib.promfetch_client_set_targets, client, text, len(text))

    def snapshot(self) -> dict[str, Any]:
        """What the client knows: `ready`, `sources` and `routes`."""
        with self._shared.use() as client:
            known: dict[str, Any] = take_json(call(lib.promfetch_client_snapshot, client))
            return known

    def metrics(self) -> str:
        """The client's own metrics, as Prometheus text."""
        with self._shared.use() as client:
            return exposition.take(call(lib.promfetch_client_metrics, client)).text

    def call(self, api: str, name: str) -> Call:
        """Counts and times a call of the host's own in the client's metrics: `with client.call("v1", "List"): …`."""
        words = encode("api", api), encode("call", name)
        with self._shared.use() as client:
            return Call(call(lib.promfetch_call_start, client, *words))

    def count_call(self, api: str, name: str) -> None:
        """Counts a call of the host's own that has no duration."""
        words = encode("api", api), encode("call", name)
        with self._shared.use() as client:
            call(lib.promfetch_call_increment, client, *words)

    def close(self) -> None:
        """Closes it. Calls under way in other threads end with `Cancelled`, later ones with `Closed`."""
        self._shared.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._shared.closed

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(
        self,
        function: Any,
        take: Callable[[int], _T],
        selector: str,
        settings: RequestSettings,
        *tokens: CancelToken,
    ) -> _T:
        with self._shared.use() as client:
            # A lock of the parent's is never free in its child.
            closing = () if self._shared.forked else (self._shared.closing,)
            with request(selector, settings, *closing, *tokens) as asked:
                return take(call(function, client, asked))


class Call(Owner):
    """A call of the host's own under way. It ends when it is closed, best by `with`."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle, lib.promfetch_call_end)

    def end(self) -> None:
        """The same as `close`."""
        self.close()
