"""A page of metrics."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

from . import errors
from ._ffi import copy, lib


class Exposition:
    """A merged page: its bytes, and what became of the instances. It needs no closing.

    `data` copies the page once, when it is first asked for; `view` reads it where the library has it.
    """

    #: Its `Content-Type`.
    content_type: str
    #: How many instances (of a `Merge`: pages) are in it.
    up: int
    #: Why the others are not.
    failures: list[errors.Error]

    def __init__(self, page: bytes | memoryview, content_type: str, up: int, failures: list[errors.Error]) -> None:
        self._page = page
        self.content_type = content_type
        self.up = up
        self.failures = failures

    @property
    def data(self) -> bytes:
        """The page. After this the library's memory is free, unless a view is left."""
        if not isinstance(self._page, bytes):
            self._page = bytes(self._page)
        return self._page

    @property
    def view(self) -> memoryview:
        """The page without a copy, read-only: for sockets and files. It stays valid for as long as somebody has it."""
        return memoryview(self._page)

    @property
    def text(self) -> str:
        """The page as text; of use unless it is protobuf."""
        return str(self._page, "utf-8", "replace")

    def __bytes__(self) -> bytes:
        return self.data

    def __str__(self) -> str:
        return self.text

    def __len__(self) -> int:
        return len(self._page)

    def __bool__(self) -> bool:
        # A page without samples is a page.
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return Exposition, (self.data, self.content_type, self.up, self.failures)

    def __repr__(self) -> str:
        return f"<Exposition {self.content_type!r}: {len(self)} bytes, up {self.up}, failures {len(self.failures)}>"


def take(handle: int) -> Exposition:
    """Takes an exposition of the library, which is freed when nobody looks at its page any more."""
    owner = _Owner()
    weakref.finalize(owner, lib.promfetch_exposition_free, handle).atexit = False
    return Exposition(
        _page(handle, owner),
        lib.promfetch_exposition_content_type(handle).decode("utf-8", "replace"),
        lib.promfetch_exposition_up_count(handle),
        failures(handle, lib.promfetch_exposition_failure_count, lib.promfetch_exposition_failure),
    )


def failures(handle: int, count: Any, failure: Any) -> list[errors.Error]:
    """The failures of an exposition or a stream, which keeps them."""
    return [errors.read(failure(handle, position)) for position in range(count(handle))]


class _Owner:
    """The exposition's handle goes with it."""


#: Below this a copy costs less than a view.
_SMALL = 64 * 1024


def _page(handle: int, owner: _Owner) -> bytes | memoryview:
    length = ctypes.c_size_t()
    address = lib.promfetch_exposition_data(handle, ctypes.byref(length))
    if length.value < _SMALL:
        return copy(address, length.value)
    # ctypes keeps a type for each length of an array that there ever was: so lengths are powers of two, and cut.
    array = (ctypes.c_char * (1 << length.value.bit_length())).from_address(address)
    array._owner = owner  # type: ignore[attr-defined]
    return memoryview(array).cast("B")[: length.value].toreadonly()
