"""Strings and times on their way into the library."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Union

from .errors import InvalidArgument

#: Seconds, or a duration as Go writes it: `"1m30s"`.
Duration = Union[float, timedelta, str]


def encode(what: str, value: str) -> bytes:
    """A string as the library takes it: UTF-8 up to a NUL. It would not see what stands behind one."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    if "\0" in value:
        raise InvalidArgument.because(f"{what} holds a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument.because(f"{what} is no Unicode text: {error}") from None


def seconds(what: str, value: float | timedelta) -> float:
    """A number of seconds that may be infinite, but is no less than 0."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} must be a number of seconds, not {type(value).__name__}")
    try:
        exact = float(value)
    except OverflowError:
        exact = math.inf
    if math.isnan(exact) or exact < 0:
        raise InvalidArgument.because(f"{what} must be 0 seconds or more, not {exact}")
    return exact


def duration(what: str, value: Duration) -> str:
    """A time as a duration of Go. What is too long for one is left to the library to refuse."""
    if isinstance(value, str):
        return value
    exact = seconds(what, value)
    if math.isinf(exact):
        raise InvalidArgument.because(f"{what} must be finite")
    return f"{exact:.9f}s"


def milliseconds(exact: float) -> int:
    """Whole milliseconds, rounded up so that a short time does not become none."""
    return math.ceil(exact * 1000)
