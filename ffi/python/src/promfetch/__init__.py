"""The metrics of all instances of an app as one page: discovery, fetch and merge by libpromfetch.

    with promfetch.Client() as client:
        client.wait_ready(10)
        print(client.fetch("org/space/app"))

`Client` asks instances, `Merge` merges pages that are there already, `promfetch.aio` does the same for asyncio and
`promfetch.wsgi` serves a page. What goes wrong is an `Error`, of a class for each code of the library.
"""

from ._ffi import lib as _lib
from ._loader import LibraryNotFound
from ._log import Level, LogCallback, to_logger
from ._options import OptionValue
from ._request import RequestSettings
from ._strings import Duration
from .cancel import CancelToken
from .client import Call, Client
from .errors import (
    Ambiguous,
    CallerError,
    Cancelled,
    Closed,
    DiscoveryError,
    Error,
    ExpositionError,
    FetchError,
    Forked,
    Gone,
    InternalError,
    InvalidArgument,
    InvalidOption,
    NotFound,
    NotReady,
    Overloaded,
    Panic,
    ParseError,
    ProtocolError,
    RedirectError,
    Refused,
    Skipped,
    Status4xx,
    Status5xx,
    Timeout,
    TLSError,
    TooLarge,
    Unavailable,
    UnknownOption,
    WrongThread,
)
from .exposition import Exposition
from .merge import Merge
from .stream import Stream
from .targets import Target, TargetDict


def version() -> str:
    """The version of the library, such as `"0.1.0"`."""
    found: bytes = _lib.promfetch_version()
    return found.decode()


def abi_version() -> int:
    """The number of its ABI."""
    found: int = _lib.promfetch_abi_version()
    return found


__all__ = [
    "Ambiguous",
    "Call",
    "CallerError",
    "CancelToken",
    "Cancelled",
    "Client",
    "Closed",
    "DiscoveryError",
    "Duration",
    "Error",
    "Exposition",
    "ExpositionError",
    "FetchError",
    "Forked",
    "Gone",
    "InternalError",
    "InvalidArgument",
    "InvalidOption",
    "Level",
    "LibraryNotFound",
    "LogCallback",
    "Merge",
    "NotFound",
    "NotReady",
    "OptionValue",
    "Overloaded",
    "Panic",
    "ParseError",
    "ProtocolError",
    "RedirectError",
    "Refused",
    "RequestSettings",
    "Skipped",
    "Status4xx",
    "Status5xx",
    "Stream",
    "TLSError",
    "Target",
    "TargetDict",
    "Timeout",
    "TooLarge",
    "Unavailable",
    "UnknownOption",
    "WrongThread",
    "abi_version",
    "to_logger",
    "version",
]
