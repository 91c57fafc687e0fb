"""Finds libpromfetch, loads it, and checks that it speaks this package's ABI."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

#: The ABI that `_ffi.py` is written for: `PROMFETCH_ABI_VERSION` of the header.
ABI = 1

SONAME = f"libpromfetch.so.{ABI}"

#: Names the file of the library; nothing else is tried then.
VARIABLE = "PROMFETCH_LIBRARY"


class LibraryNotFound(ImportError):
    """No usable libpromfetch. `tried` has each place with the reason why not."""

    def __init__(self, tried: list[tuple[str, str]]) -> None:
        self.tried = tried
        lines = "".join(f"\n  {place}: {reason}" for place, reason in tried)
        super().__init__(
            f"{SONAME} cannot be loaded; tried:{lines}\n"
            f"Install a wheel that carries it, install the library, or name its file in {VARIABLE}."
        )


def load() -> ctypes.CDLL:
    """The library. CDLL, not PyDLL: the GIL is free while a function of it runs."""
    tried: list[tuple[str, str]] = []
    for place in places():
        try:
            library = ctypes.CDLL(place)
            check(library)
        except (OSError, LookupError) as error:
            tried.append((place, str(error)))
        else:
            return library
    raise LibraryNotFound(tried)


def places() -> Iterator[str]:
    """Where to look, best first. A library that somebody names is the one meant: no other takes its place."""
    named = os.environ.get(VARIABLE)
    if named:
        # Without a slash the loader would search its own folders for a file that stands here.
        yield str(Path(named).absolute())
        return
    carried = Path(__file__).with_name(SONAME)
    if carried.exists():
        yield str(carried)
    yield SONAME


def check(library: ctypes.CDLL) -> None:
    """Another ABI has other arguments: calling it would crash, so it is refused."""
    try:
        version = library.promfetch_abi_version
    except AttributeError:
        raise LookupError("is not libpromfetch: has no promfetch_abi_version") from None
    version.restype = ctypes.c_uint32
    version.argtypes = ()
    found = version()
    if found != ABI:
        raise LookupError(f"has ABI {found}, this package needs ABI {ABI}")
