"""Things of the library that are freed exactly once: when they are closed, or at the latest with their object."""

from __future__ import annotations

import threading
import warnings
import weakref
from types import TracebackType
from typing import Callable, TypeVar

from .errors import Closed

_Owner = TypeVar("_Owner", bound="Owner")


class Owner:
    """Owns one handle that only one thread at a time may use: `_lock` sees to it. A context manager that closes."""

    #: Whether forgetting to close it holds something that others miss. Memory alone is no reason to warn.
    _must_close = True

    def __init__(self, handle: int, free: Callable[[int], None]) -> None:
        self._lock = threading.RLock()
        self._owned: int | None = handle
        # The handle and not `self`: a finalizer that holds its object would keep it for ever.
        self._net = weakref.finalize(self, _forgotten, handle, free, type(self).__name__ if self._must_close else None)
        # At exit the process gives everything back at once, and other threads may still be at work on it.
        self._net.atexit = False

    def close(self) -> None:
        """Frees it. Closing again does nothing; using it afterwards raises `Closed`."""
        with self._lock:
            found = self._net.detach()
            self._owned = None
            if found is not None:
                _, _, (handle, free, _), _ = found
                free(handle)

    @property
    def closed(self) -> bool:
        return self._owned is None

    def _handle(self) -> int:
        if self._owned is None:
            raise Closed.because(f"the {type(self).__name__} is closed")
        return self._owned

    def __enter__(self: _Owner) -> _Owner:
        self._handle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _forgotten(handle: int, free: Callable[[int], None], name: str | None) -> None:
    free(handle)
    if name is not None:
        warnings.warn(f"a promfetch.{name} was not closed", ResourceWarning, stacklevel=2)
