"""What is read out of a library for the wheel's tag, and the wheel itself."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from .support import LONG, PROJECT, REPOSITORY, python

sys.path.insert(0, str(PROJECT))
import elf


class Elf(unittest.TestCase):
    def library(self) -> Path:
        named = os.environ.get("PROMFETCH_LIBRARY")
        if not named:
            self.skipTest("PROMFETCH_LIBRARY does not name the library")
        return Path(named)

    def test_it_reads_what_objdump_reads(self) -> None:
        if shutil.which("objdump") is None:
            self.skipTest("there is no objdump")
        for path in (self.library(), Path(sys.executable).resolve()):
            told = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=True).stdout
            found = elf.read(path)
            self.assertEqual(found.needed, re.findall(r"NEEDED +(\S+)", told))
            self.assertEqual(sorted(found.versions), sorted(re.findall(r"0x[0-9a-f]+ 0x[0-9a-f]+ \d+ (\S+)", told)))

    def test_the_tag_is_the_newest_version_that_is_needed(self) -> None:
        table: list[tuple[list[str], list[str], str]] = [
            (["GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.34"], ["libc.so.6"], "manylinux_2_34_x86_64"),
            (["GLIBC_2.28", "GCC_4.2.0", "ZLIB_1.9"], ["libc.so.6"], "manylinux_2_28_x86_64"),  # others do not count
            (["GLIBC_2.2.5"], ["libc.so.6"], "manylinux_2_5_x86_64"),  # pip knows none before
            (["GLIBC_2.17", "GLIBC_ABI_DT_RELR"], ["libc.so.6"], "manylinux_2_36_x86_64"),  # packed relocations
            (["GLIBC_2.17", "GLIBC_PRIVATE"], ["libc.so.6"], "manylinux_2_17_x86_64"),
            ([], ["libc.musl-x86_64.so.1"], "musllinux_1_2_x86_64"),
        ]
        for versions, needed, tag in table:
            with self.subTest(versions):
                self.assertEqual(elf.Library("x86_64", "", needed, versions).platform(), tag)
        self.assertEqual(elf.Library("aarch64", "", [], ["GLIBC_2.4"]).platform(), "manylinux_2_17_aarch64")
        with self.assertRaises(elf.NotUsable):
            elf.Library("x86_64").platform()

    def test_what_is_no_library_is_refused(self) -> None:
        whole = Path(sys.executable).resolve().read_bytes()[:4096]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "library")
            for bad in (b"", b"\x7fELF", b"#!/bin/sh\n", whole, whole[:64], b"\x7fELF\x01\x01" + bytes(100)):
                path.write_bytes(bad)
                with self.subTest(bad[:8]), self.assertRaises(elf.NotUsable):
                    elf.read(path).platform()

    def test_the_wheel(self) -> None:
        if importlib.util.find_spec("hatchling") is None:
            self.skipTest("hatchling is not installed: the wheel is built where it is")
        with tempfile.TemporaryDirectory() as folder:
            wheels = []
            for out in ("one", "two"):
                ended = python(
                    str(PROJECT / "build_wheel.py"), "--library", str(self.library()), "--out", f"{folder}/{out}"
                )
                self.assertEqual(ended.returncode, 0, ended.stderr)
                wheels.append(Path(ended.stdout.strip()))
            one, two = wheels
            self.assertEqual(hashlib.sha256(one.read_bytes()).digest(), hashlib.sha256(two.read_bytes()).digest())
            version = re.search(r'^version = "([^"]+)"', (REPOSITORY / "Cargo.toml").read_text(), flags=re.M)
            assert version is not None
            self.assertEqual(one.name, f"promfetch-{version[1]}-py3-none-{elf.read(self.library()).platform()}.whl")
            with zipfile.ZipFile(one) as wheel:
                names = wheel.namelist()
                self.assertEqual(wheel.read("promfetch/libpromfetch.so.1"), self.library().read_bytes())
            self.assertIn("promfetch/py.typed", names)
            self.assertEqual([name for name in names if "test" in name or name.endswith(".pyc")], [])
            self.install(one, Path(folder, "venv"))

    def install(self, wheel: Path, venv: Path) -> None:
        """A fresh environment needs nothing but the wheel, and takes the library in it."""
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=LONG)
        environment = {
            name: value for name, value in os.environ.items() if name not in ("PROMFETCH_LIBRARY", "PYTHONPATH")
        }
        install = [
            str(venv / "bin" / "pip"),
            "install",
            "--quiet",
            "--no-index",
            "--disable-pip-version-check",
            str(wheel),
        ]
        subprocess.run(install, check=True, env=environment, timeout=LONG)
        program = (
            "import promfetch, importlib.metadata as m; from promfetch import _ffi\n"
            "assert m.version('promfetch') == promfetch.version(), promfetch.version()\n"
            "with promfetch.Merge() as merge:\n    merge.add(b'a 1\\n', {'b': 'c'}); print(merge.finish())\n"
            "print(_ffi.lib._name)"
        )
        ended = subprocess.run(
            [str(venv / "bin" / "python"), "-c", program],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
            timeout=LONG,
        )
        self.assertIn('a{b="c"} 1', ended.stdout)
        self.assertIn(f"{venv}/lib", ended.stdout)
