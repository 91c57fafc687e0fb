"""A page of metrics."""

from __future__ import annotations

import ctypes
from typing import Any

from . import errors
from ._ffi import copy, lib


class Exposition:
    """A merged page: its bytes, and what became of the instances. It is a plain object that needs no closing."""

    __slots__ = ("content_type", "data", "failures", "up")

    #: The page.
    data: bytes
    #: Its `Content-Type`.
    content_type: str
    #: How many instances (of a `Merge`: pages) are in it.
    up: int
    #: Why the others are not.
    failures: list[errors.Error]

    def __init__(self, data: bytes, content_type: str, up: int, failures: list[errors.Error]) -> None:
        self.data = data
        self.content_type = content_type
        self.up = up
        self.failures = failures

    @property
    def text(self) -> str:
        """The page as text; of use unless it is protobuf."""
        return self.data.decode("utf-8", "replace")

    def __bytes__(self) -> bytes:
        return self.data

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return (
            f"<Exposition {self.content_type!r}: {len(self.data)} bytes, up {self.up}, failures {len(self.failures)}>"
        )


def take(handle: int) -> Exposition:
    """Copies an exposition of the library once and frees it."""
    try:
        length = ctypes.c_size_t()
        address = lib.promfetch_exposition_data(handle, ctypes.byref(length))
        return Exposition(
            copy(address, length.value),
            lib.promfetch_exposition_content_type(handle).decode("utf-8", "replace"),
            lib.promfetch_exposition_up_count(handle),
            failures(handle, lib.promfetch_exposition_failure_count, lib.promfetch_exposition_failure),
        )
    finally:
        lib.promfetch_exposition_free(handle)


def failures(handle: int, count: Any, failure: Any) -> list[errors.Error]:
    """The failures of an exposition or a stream, which keeps them."""
    return [errors.read(failure(handle, position)) for position in range(count(handle))]
