#!/usr/bin/env python3
"""Builds a wheel of promfetch that carries the library.

    build_wheel.py --library target/release/libpromfetch.so --out dist

The same library and the same sources make the same bytes: hatchling sorts the files and gives all of them the time of
SOURCE_DATE_EPOCH, or one that never changes. Where hatchling is not installed, pip fetches it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Builds it and prints its path."""
    parser = argparse.ArgumentParser(description="Builds a wheel of promfetch that carries the library.")
    parser.add_argument("--library", type=Path, required=True, help="libpromfetch.so, built and stripped")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the wheel")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    print(build(arguments.library.resolve(strict=True), out))


def build(library: Path, out: Path) -> Path:
    """Builds the wheel in a folder of its own, so that it is known which one it is."""
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    environment = {**os.environ, "PROMFETCH_LIBRARY": str(library)}
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-cache-dir", *isolation, "--wheel-dir", scratch, str(HERE)]
        if subprocess.run(command, env=environment, check=False).returncode != 0:
            sys.exit("the wheel was not built: pip says why above")
        (wheel,) = Path(scratch).glob("*.whl")
        return wheel.replace(out / wheel.name)


if __name__ == "__main__":
    main()
