"""Log lines of the library on their way to a Python function."""

from __future__ import annotations

import itertools
import logging
import threading
from enum import IntEnum
from typing import Callable

from ._ffi import FINALIZER, LOG, copy, lib
from .errors import call


class Level(IntEnum):
    """How much a log line matters."""

    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


#: Called with each log line, from threads of the library's and from those that call it. It must not call it itself.
LogCallback = Callable[[Level, str], None]

_LEVELS = {
    Level.ERROR: logging.ERROR,
    Level.WARN: logging.WARNING,
    Level.INFO: logging.INFO,
    Level.DEBUG: logging.DEBUG,
    Level.TRACE: logging.DEBUG - 5,
}

#: What the library is given as `user` is a number: it leads here as long as the library may call.
_callbacks: dict[int, LogCallback] = {}
_numbers = itertools.count(1)
_thread = threading.local()


def to_logger(logger: logging.Logger) -> LogCallback:
    """A callback that hands lines on to a logger of the standard library."""

    def log(level: Level, message: str) -> None:
        logger.log(_LEVELS[level], "%s", message)

    return log


def install(options: int, level: Level, callback: LogCallback) -> None:
    """Makes the clients of these options log to the callback, which is kept until none of them can call it any more."""
    number = next(_numbers)
    _callbacks[number] = callback
    try:
        call(lib.promfetch_options_log, options, Level(level), _on_line, number, _on_end)
    except BaseException:
        _callbacks.pop(number, None)
        raise


def kept() -> int:
    """How many callbacks the library may still call."""
    return len(_callbacks)


def inside() -> bool:
    """Whether this thread is the library's and in a callback."""
    return getattr(_thread, "depth", 0) > 0


# An exception in one of these two goes to sys.unraisablehook: ctypes sees to it, and C does not notice.


def _line(user: int | None, level: int, message: int | None, length: int) -> None:
    callback = _callbacks.get(user or 0)
    if callback is None:
        return
    text = copy(message, length).decode("utf-8", "replace")
    _thread.depth = getattr(_thread, "depth", 0) + 1
    try:
        callback(Level(min(max(level, Level.ERROR), Level.TRACE)), text)
    finally:
        _thread.depth -= 1


def _end(user: int | None) -> None:
    _callbacks.pop(user or 0, None)


#: They live as long as the module: a thread of the library may call them at any time.
_on_line = LOG(_line)
_on_end = FINALIZER(_end)
