"""The same for asyncio: calls run in threads, and the loop goes on.

    async with promfetch.aio.AsyncClient() as client:
        await client.wait_ready(10)
        print(await client.fetch("org/space/app"))

A task that is cancelled cancels its request, and an instance that hangs holds nobody up.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ._ffi import lib
from ._json import take_json
from ._log import Level, LogCallback
from ._options import OptionValue
from ._request import RequestSettings
from .cancel import CancelToken
from .client import Call, Client
from .errors import Closed, Error
from .exposition import Exposition
from .exposition import take as take_exposition
from .stream import Stream
from .targets import Target, TargetDict
from .targets import take as take_targets

if TYPE_CHECKING:
    from typing_extensions import Unpack

_T = TypeVar("_T")


class AsyncClient:
    """A `Client` whose calls are awaited. Calls in more tasks than `threads` wait for each other.

    It makes a client of these options, as `Client` does, and closes it in the end, or takes one that is there. Making
    one takes some milliseconds: the system's certificates are read.
    """

    def __init__(
        self,
        options: Mapping[str, OptionValue] | None = None,
        *,
        environment: bool | None = None,
        log: LogCallback | None = None,
        level: Level = Level.INFO,
        client: Client | None = None,
        threads: int = 64,
    ) -> None:
        # Its own threads: the loop's default ones are few, and others look up names in them.
        self._threads = ThreadPoolExecutor(threads, "promfetch")
        self._owns = client is None
        self.client = Client(options, environment=environment, log=log, level=level) if client is None else client

    async def fetch(self, selector: str, **settings: Unpack[RequestSettings]) -> Exposition:
        """The merged page of an app."""
        return await self._ask(lib.promfetch_fetch_request, take_exposition, selector, settings)

    def stream(self, selector: str, **settings: Unpack[RequestSettings]) -> AsyncStream:
        """The same family by family: `async with client.stream(…) as stream: async for piece in stream: …`."""
        return AsyncStream(self, selector, settings)

    async def discover(self, selector: str, **settings: Unpack[RequestSettings]) -> list[Target]:
        """The app's instances, without asking them."""
        return await self._ask(lib.promfetch_discover_request, take_targets, selector, settings)

    async def instances(self, selector: str, **settings: Unpack[RequestSettings]) -> list[dict[str, Any]]:
        """What is known of each instance."""
        return await self._ask(lib.promfetch_instances_request, take_json, selector, settings)

    async def wait_ready(self, timeout: float | timedelta = math.inf) -> None:
        """Waits until the routing table is complete, `timeout` seconds at most; then raises `NotReady`."""
        await self._run(lambda token: self.client.wait_ready(timeout, cancel=token))

    async def set_targets(self, found: Iterable[TargetDict | Mapping[str, Any]]) -> None:
        """Replaces all fixed targets by these."""
        await self._run(lambda _: self.client.set_targets(found))

    async def snapshot(self) -> dict[str, Any]:
        """What the client knows."""
        return await self._run(lambda _: self.client.snapshot())

    async def metrics(self) -> str:
        """The client's own metrics."""
        return await self._run(lambda _: self.client.metrics())

    def call(self, api: str, name: str) -> Call:
        """Counts and times a call of the host's own. It does not block: `with client.call(…): await …`."""
        return self.client.call(api, name)

    def count_call(self, api: str, name: str) -> None:
        """Counts a call of the host's own that has no duration. It does not block."""
        self.client.count_call(api, name)

    async def close(self) -> None:
        """Closes it, and the client if it has made that one."""
        if self._owns:
            # Closing waits for threads of the library.
            await asyncio.get_running_loop().run_in_executor(None, self.client.close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, function: Any, take: Callable[[int], _T], selector: str, settings: RequestSettings) -> _T:
        return await self._run(lambda token: self.client._ask(function, take, selector, settings, token))

    async def _run(self, work: Callable[[CancelToken], _T]) -> _T:
        """Runs blocking work in a thread. When the task is cancelled, so is the work, and nobody waits for it."""
        token = CancelToken()
        try:
            future = self._threads.submit(work, token)
        except RuntimeError:
            raise Closed.because("the AsyncClient is closed") from None
        try:
            return await asyncio.wrap_future(future)
        except BaseException:
            token.cancel()
            future.add_done_callback(_drop)
            raise


class AsyncStream(AsyncIterator[bytes]):
    """A `Stream` whose pieces are awaited. It asks the instances when it is entered, or with the first piece."""

    def __init__(self, client: AsyncClient, selector: str, settings: RequestSettings) -> None:
        self._client = client
        self._question = selector, settings
        self._stream: Stream | None = None

    async def open(self) -> Stream:
        """The stream itself, with its content type, counts and failures."""
        if self._stream is None:
            self._stream = await self._client._ask(lib.promfetch_stream_open, Stream, *self._question)
        return self._stream

    @property
    def content_type(self) -> str:
        """The page's `Content-Type`."""
        return self._opened().content_type

    @property
    def up(self) -> int:
        """How many instances are in it."""
        return self._opened().up

    @property
    def failures(self) -> list[Error]:
        """Why the others are not."""
        return self._opened().failures

    def close(self) -> None:
        """Lets go of what is still to come."""
        if self._stream is not None:
            self._stream.close()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> bytes:
        stream = await self.open()
        piece = await self._client._run(lambda _: next(stream, None))
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def __aenter__(self) -> AsyncStream:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> Stream:
        if self._stream is None:
            raise Closed.because("the AsyncStream is not open yet")
        return self._stream


def _drop(future: Future[Any]) -> None:
    """Closes what came too late for anybody to take it."""
    if not future.cancelled() and future.exception() is None and isinstance(future.result(), Stream):
        future.result().close()
