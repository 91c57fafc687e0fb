"""A page piece by piece."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from . import errors
from ._ffi import copy, lib
from ._handle import Owner
from .exposition import failures


class Stream(Owner, Iterator[bytes]):
    """Gives a page family by family: an iterator of bytes that together are the page, and a context manager.

    The merged page is never whole in memory. The stream closes itself at its end; close one that is left before.
    """

    #: The page's `Content-Type`.
    content_type: str
    #: How many instances (of a `Merge`: pages) are in it.
    up: int
    #: Why the others are not.
    failures: list[errors.Error]

    def __init__(self, handle: int, keep: object = None) -> None:
        super().__init__(handle, lib.promfetch_stream_free)
        self._keep = keep
        self._ended = False
        self._look()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        with self._lock:
            if self._ended:
                raise StopIteration
            length = ctypes.c_size_t()
            address = errors.call(lib.promfetch_stream_next, self._handle(), ctypes.byref(length))
            if address is not None:
                return copy(address, length.value)
            self._ended = True
            self._look()
            self.close()
            raise StopIteration

    def close(self) -> None:
        """Lets go of what is still to come. What is known besides the page can be read on."""
        with self._lock:
            super().close()
            self._keep = None

    def _look(self) -> None:
        """Copies what is known besides the page, so that it can be read when the stream is closed."""
        handle = self._handle()
        self.content_type = lib.promfetch_stream_content_type(handle).decode("utf-8", "replace")
        self.up = lib.promfetch_stream_up_count(handle)
        self.failures = failures(handle, lib.promfetch_stream_failure_count, lib.promfetch_stream_failure)
