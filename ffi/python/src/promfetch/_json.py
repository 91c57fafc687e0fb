"""JSON on its way in and out of the library."""

from __future__ import annotations

import ctypes
import json
from typing import Any

from ._ffi import copy, lib
from .errors import InvalidArgument


def take_json(handle: int) -> Any:
    """Reads a JSON text of the library and frees it."""
    try:
        length = ctypes.c_size_t()
        address = lib.promfetch_text_data(handle, ctypes.byref(length))
        return json.loads(copy(address, length.value))
    finally:
        lib.promfetch_text_free(handle)


def to_json(what: str, value: object) -> str:
    """A value as JSON, without what only Python calls JSON (NaN)."""
    try:
        return json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.because(f"{what} cannot be JSON: {error}") from None
