"""Puts libpromfetch into the wheel, when PROMFETCH_LIBRARY names it. Without, the wheel uses the system's library."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SONAME = "libpromfetch.so.1"


class LibraryHook(BuildHookInterface[Any]):
    """The hook that hatchling finds in this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the file and says where it runs."""
        named = os.environ.get("PROMFETCH_LIBRARY")
        if not named or version == "editable":
            return
        # The folder of this file is not on the path while hatchling runs it.
        sys.path.insert(0, self.root)
        import elf  # noqa: PLC0415

        path = Path(named).absolute()
        library = elf.read(path)
        if library.soname != SONAME:
            raise elf.NotUsable(f"{path} is {library.soname or 'without a soname'}, not {SONAME}")
        build_data["force_include"][str(path)] = f"promfetch/{SONAME}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{library.platform()}"
