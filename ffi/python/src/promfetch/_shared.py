"""The client's handle: many threads use it at once, and one may close it meanwhile."""

from __future__ import annotations

import atexit
import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from . import _log
from ._ffi import lib
from .cancel import CancelToken
from .errors import Closed

#: How long the end of the process waits for calls that were cancelled, in seconds.
_LAST_CALLS = 5.0

#: Those that are not freed yet.
_open: set[SharedClient] = set()


class SharedClient:
    """Frees the client when it is closed and the last call that uses it has come back.

    The library cancels calls under way when a client is freed, but a thread that has fetched the pointer and is not
    in the library yet would find freed memory. So users are counted, and closing cancels them by their requests.
    """

    def __init__(self, handle: int) -> None:
        #: Cancelled with the client; every request is attached to it.
        self.closing = CancelToken()
        self._handle = handle
        self._process = os.getpid()
        self._changed = threading.Condition(threading.RLock())
        self._users = 0
        self._closed = False
        self._freeing = False
        self._freed = False
        _open.add(self)

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that made it, where a lock may stay locked for ever."""
        return os.getpid() != self._process

    @contextmanager
    def use(self) -> Iterator[int]:
        if self.forked:
            # The library knows too, and says so.
            yield self._handle
            return
        with self._changed:
            if self._closed:
                raise Closed.because("the Client is closed")
            self._users += 1
        try:
            yield self._handle
        finally:
            with self._changed:
                self._users -= 1
            self._free_if_last()

    def close(self) -> None:
        self._closed = True
        if self.forked:
            return
        self.closing.cancel()
        self._free_if_last()

    def forgotten(self) -> None:
        """The net, when the object goes or the process ends."""
        if not self._closed and not self.forked:
            self.close()
            warnings.warn("a promfetch.Client was not closed", ResourceWarning, stacklevel=2)

    def _free_if_last(self) -> None:
        with self._changed:
            if not self._closed or self._users or self._freeing:
                return
            self._freeing = True
        if _log.inside():
            # The garbage collector runs in any thread, also in one of the client's, which cannot wait for itself.
            threading.Thread(target=self._free).start()
        else:
            self._free()

    def _free(self) -> None:
        lib.promfetch_client_free(self._handle)
        with self._changed:
            self._freed = True
            self._changed.notify_all()
        _open.discard(self)

    def wait_until_freed(self, until: float) -> None:
        with self._changed:
            while not self._freed and time.monotonic() < until:
                self._changed.wait(0.1)


@atexit.register
def _free_all() -> None:
    """A thread of the library that logs into an interpreter which is going away would end the process."""
    left = [shared for shared in _open if not shared.forked]
    for shared in left:
        shared.forgotten()
    until = time.monotonic() + _LAST_CALLS
    for shared in left:
        shared.wait_until_freed(until)
    # Their last thread may still be on its way to tell that it is the last.
    while _log.kept() and time.monotonic() < until:
        time.sleep(0.01)
