"""Cancelling requests from another thread."""

from __future__ import annotations

import threading

from ._ffi import lib


class CancelToken:
    """Ends requests early: hand it to calls as `cancel=`, and call `cancel()` from any thread.

    It is latched: calls under way and later ones with the same token end with `Cancelled`.
    """

    def __init__(self) -> None:
        # A signal handler may cancel while its own thread is in here.
        self._lock = threading.RLock()
        self._requests: set[int] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancels. Doing it again changes nothing."""
        with self._lock:
            self._cancelled = True
            for request in self._requests:
                lib.promfetch_request_cancel(request)

    def _attach(self, request: int) -> None:
        with self._lock:
            self._requests.add(request)
            if self._cancelled:
                lib.promfetch_request_cancel(request)

    def _detach(self, request: int) -> None:
        """After this the request may be freed: nobody cancels it any more."""
        with self._lock:
            self._requests.discard(request)
