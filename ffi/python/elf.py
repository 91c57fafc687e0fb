"""Reads out of a shared library for Linux on which systems it runs."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_MACHINES = {62: "x86_64", 183: "aarch64"}

#: No tag is older than these: pip knows none.
_OLDEST = {"x86_64": (2, 5), "aarch64": (2, 17)}

# Types of sections, and tags of the dynamic one.
_DYNAMIC, _NEEDED_VERSIONS = 6, 0x6FFFFFFE
_NEEDED, _SONAME = 1, 14


class NotUsable(ValueError):
    """It is no shared library that a wheel could carry."""


@dataclass
class Library:
    """What its dynamic section says."""

    machine: str
    soname: str = ""
    needed: list[str] = field(default_factory=list)
    #: Versions of symbols that other libraries must have: `GLIBC_2.34`.
    versions: list[str] = field(default_factory=list)

    def platform(self) -> str:
        """The platform tag of a wheel that carries it.

        PEP 600: `manylinux_2_34` is any Linux with glibc 2.34 or later. The newest version of a symbol that the
        library asks for is the oldest glibc that it can be loaded with: the loader compares just these names. So
        an older tag would install where the library does not load, and a newer one not install where it would.
        """
        if any("musl" in name for name in self.needed):
            # PEP 656. musl has no versions of symbols; Rust builds for 1.2.
            return f"musllinux_1_2_{self.machine}"
        found = [version for name in self.versions if (version := _glibc(name))]
        if not found:
            raise NotUsable("needs neither glibc nor musl")
        major, minor = max(_OLDEST[self.machine], *found)
        return f"manylinux_{major}_{minor}_{self.machine}"


def _glibc(name: str) -> tuple[int, int] | None:
    if name == "GLIBC_ABI_DT_RELR":
        # A linker's way to say that its packed relocations need this one.
        return 2, 36
    match = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", name)
    return (int(match[1]), int(match[2])) if match else None


def read(path: Path) -> Library:
    """Reads a library of 64 bits, little-endian, as all that are built here."""
    data = path.read_bytes()
    try:
        return _read(data)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise NotUsable(f"is cut short or broken: {error}") from None


def _read(data: bytes) -> Library:
    if data[:6] != b"\x7fELF\x02\x01":
        raise NotUsable("is no ELF file of 64 bits")
    machine = struct.unpack_from("<H", data, 18)[0]
    if machine not in _MACHINES:
        raise NotUsable(f"is for machine {machine}; known are {_MACHINES}")
    library = Library(_MACHINES[machine])
    start, size, count = struct.unpack_from("<Q10xHH", data, 40)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + size * number) for number in range(count)]
    for _, kind, _, _, offset, length, link, info, _, _ in sections:
        if kind not in (_DYNAMIC, _NEEDED_VERSIONS):
            continue
        names = sections[link][4]
        if kind == _DYNAMIC:
            for tag, value in struct.iter_unpack("<QQ", data[offset : offset + length]):
                if tag == _NEEDED:
                    library.needed.append(_name(data, names + value))
                elif tag == _SONAME:
                    library.soname = _name(data, names + value)
        else:
            library.versions += [_name(data, names + at) for at in _needed_versions(data, offset, info)]
    return library


def _needed_versions(data: bytes, offset: int, files: int) -> Iterator[int]:
    """Where the names of versions stand: a list for each file that is needed, each a chain of offsets."""
    for _ in range(files):
        versions, at, following = struct.unpack_from("<2xH4xII", data, offset)
        entry = offset + at
        for _ in range(versions):
            name, next_entry = struct.unpack_from("<8xII", data, entry)
            yield name
            entry += next_entry
        offset += following


def _name(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()
