"""The exceptions: one class a code of promfetch.h, below one class a hundred of codes."""

from __future__ import annotations

import ctypes
from typing import Any

from ._ffi import lib


class Error(Exception):
    """What the library could not do. All its exceptions are of this class, whose subclasses follow the codes.

    `code` and `name` are those of the header, `message` is a sentence for people, and `transient` tells whether the
    same call may succeed a little later.
    """

    code: int
    name: str
    message: str
    transient: bool

    def __init__(self, code: int, name: str, message: str, transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
        self.transient = transient

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by what went to Exception's own __init__, which is only the message.
        return type(self), (self.code, self.name, self.message, self.transient)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code}, {self.name!r}, {self.message!r}, {self.transient!r})"


class CallerError(Error):
    """1-99: the caller's mistake."""


class DiscoveryError(Error):
    """100-199: it is not known which instances are meant."""


class FetchError(Error):
    """200-299: an instance gave no metrics, or all of them gave none."""


class ExpositionError(Error):
    """300-399: a page does not follow its format."""


class InternalError(Error):
    """900-999: a mistake in the library."""


class InvalidArgument(CallerError, ValueError):
    """1: an argument that cannot be used."""

    @classmethod
    def because(cls, message: str) -> InvalidArgument:
        """One that is found before the library is asked."""
        return cls(1, "INVALID_ARGUMENT", message)


class Closed(InvalidArgument):
    """1: what is used here has been closed before."""


class UnknownOption(CallerError, ValueError):
    """2: no option has this name. The message names the nearest one."""


class InvalidOption(CallerError, ValueError):
    """3: the option exists, but cannot have this value."""


class WrongThread(CallerError):
    """4: a log callback has called the library."""


class Forked(CallerError):
    """5: the client was made by the parent of this process. Make one after the fork."""


class NotFound(DiscoveryError, LookupError):
    """100: no app fits the selector."""


class NotReady(DiscoveryError):
    """101: the routing table is not complete yet."""


class Ambiguous(DiscoveryError):
    """102: several instances share the index."""


class Unavailable(DiscoveryError):
    """103: a server of the control plane does not answer."""


class Timeout(FetchError, TimeoutError):
    """200: no complete answer in time."""


class Cancelled(FetchError):
    """201: the request was cancelled, or its client closed."""


class Refused(FetchError):
    """202: connection refused, host unreachable, or closed before an answer."""


class TLSError(FetchError):
    """203: no handshake, or a certificate that is not trusted."""


class Gone(FetchError):
    """204: the address belongs to another instance by now."""


class Status4xx(FetchError):
    """205: the instance answered 4xx: the path is wrong."""


class Status5xx(FetchError):
    """206: the instance answered 5xx."""


class TooLarge(FetchError):
    """207: a body, a line or the number of samples is over its limit."""


class RedirectError(FetchError):
    """208: too many redirects, or one that leads elsewhere."""


class ProtocolError(FetchError):
    """209: the answer is not proper HTTP."""


class Skipped(FetchError):
    """210: not tried, for no time was left or the instance failed just before."""


class Overloaded(FetchError):
    """211: a limit of the whole process is reached."""


class ParseError(ExpositionError, ValueError):
    """300: the page does not follow its format."""


class Panic(InternalError):
    """900: the library has met its own mistake. Close what was used, and report it."""


#: code → class. Codes of one hundred that are not here are of its group.
CLASSES: dict[int, type[Error]] = {
    1: InvalidArgument,
    2: UnknownOption,
    3: InvalidOption,
    4: WrongThread,
    5: Forked,
    100: NotFound,
    101: NotReady,
    102: Ambiguous,
    103: Unavailable,
    200: Timeout,
    201: Cancelled,
    202: Refused,
    203: TLSError,
    204: Gone,
    205: Status4xx,
    206: Status5xx,
    207: TooLarge,
    208: RedirectError,
    209: ProtocolError,
    210: Skipped,
    211: Overloaded,
    300: ParseError,
    900: Panic,
}

GROUPS: dict[int, type[Error]] = {
    0: CallerError,
    1: DiscoveryError,
    2: FetchError,
    3: ExpositionError,
    9: InternalError,
}


def class_of(code: int) -> type[Error]:
    """The class of a code; a newer library may have codes that this package does not know."""
    return CLASSES.get(code) or GROUPS.get(code // 100, Error)


def read(handle: int) -> Error:
    """The exception of an error of the library, which stays the library's or the caller's to free."""
    code = lib.promfetch_error_code(handle)
    return class_of(code)(
        code,
        lib.promfetch_code_name(code).decode("utf-8", "replace"),
        lib.promfetch_error_message(handle).decode("utf-8", "replace"),
        bool(lib.promfetch_error_is_transient(handle)),
    )


def call(function: Any, *arguments: Any) -> Any:
    """Calls a function whose last argument is the error, and raises what it says."""
    handle = ctypes.c_void_p()
    result = function(*arguments, ctypes.byref(handle))
    if handle.value is None:
        return result
    try:
        error = read(handle.value)
    finally:
        lib.promfetch_error_free(handle)
    raise error
