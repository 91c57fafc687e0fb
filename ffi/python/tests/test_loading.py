"""Finding the library, and the types of its functions."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

import promfetch
from promfetch import _ffi, _loader

from .support import REPOSITORY, Case, python

#: A library that is not libpromfetch, of which every Linux has one.
OTHER = "libc.so.6"


class Loading(Case):
    def fails(self, library: str | None) -> str:
        program = "try:\n    import promfetch\nexcept ImportError as error:\n    print(type(error).__name__, error)"
        ended = python("-c", program, environment={"PROMFETCH_LIBRARY": library, "LD_LIBRARY_PATH": None})
        self.assertEqual(ended.stderr, "")
        return ended.stdout

    def test_a_named_library_that_is_not_usable_is_an_import_error_that_says_why(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            text = Path(folder, "text.so")
            text.write_text("no library\n" * 100)
            old = Path(folder, "old.so")
            self.compile(old, "unsigned promfetch_abi_version(void) { return 2; }")
            part = Path(folder, "part.so")
            self.compile(part, "unsigned promfetch_abi_version(void) { return 1; }")
            table = [
                (f"{folder}/none.so", "No such file"),
                (str(text), "invalid ELF header"),
                (folder, "cannot read file data"),
                (str(old), "has ABI 2, this package needs ABI 1"),
                (str(part), "is too old: has no promfetch_"),
            ]
            for library, why in table:
                with self.subTest(why):
                    told = self.fails(library)
                    self.assertTrue(told.startswith("LibraryNotFound"), told)
                    self.assertIn(library, told)
                    self.assertIn(why, told)
                    self.assertIn("PROMFETCH_LIBRARY", told)

    def compile(self, library: Path, source: str) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            self.skipTest("there is no C compiler")
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-xc", "-", "-o", str(library)], input=source, text=True, check=True
        )

    def test_another_library_is_recognised(self) -> None:
        with self.assertRaisesRegex(LookupError, "is not libpromfetch"):
            _loader.check(ctypes.CDLL(OTHER))

    def test_a_named_library_is_the_only_one_tried_and_the_package_comes_before_the_system(self) -> None:
        carried = Path(_loader.__file__).with_name(_loader.SONAME)
        found = [str(carried)] if carried.exists() else []
        table = [
            ("/some/lib.so", ["/some/lib.so"]),
            ("lib.so", [str(Path.cwd() / "lib.so")]),  # a file here, not one of the loader's folders
            ("", [*found, "libpromfetch.so.1"]),
            (None, [*found, "libpromfetch.so.1"]),
        ]
        for named, expected in table:
            environment = {} if named is None else {"PROMFETCH_LIBRARY": named}
            with self.subTest(named), mock.patch.dict(os.environ, environment):
                if named is None:
                    os.environ.pop("PROMFETCH_LIBRARY", None)
                self.assertEqual(list(_loader.places()), expected)


class Types(Case):
    """`_ffi.py` says what the header says."""

    def prototypes(self) -> dict[str, tuple[str, list[str]]]:
        header = REPOSITORY / "include" / "promfetch.h"
        if not header.exists():
            self.skipTest("there is no header beside the package")
        text = re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#[^\n]*", "", header.read_text(), flags=re.S | re.M)
        found = {}
        for result, name, arguments in re.findall(r"([\w *]+?)\b(promfetch_\w+)\s*\(([^()]*)\)\s*;", text):
            found[name] = result.strip(), [one.strip() for one in arguments.split(",") if one.strip() != "void"]
        return found

    def test_every_function_is_declared_with_its_arguments(self) -> None:
        prototypes = self.prototypes()
        self.assertEqual(sorted(prototypes), sorted(_ffi.FUNCTIONS))
        for name, (result, arguments) in prototypes.items():
            with self.subTest(name):
                declared, types = _ffi.FUNCTIONS[name]
                self.assertEqual(self.kinds(result), self.kind(declared), "the result")
                self.assertEqual([self.kinds(one) for one in arguments], [self.kind(one) for one in types])

    def kinds(self, text: str) -> str:
        """What a type of the header is to ctypes: a pointer, a function or a number of so many bits."""
        if "*" in text:
            return "pointer"
        for word, kind in (
            ("promfetch_log_fn", "function"),
            ("promfetch_finalizer_fn", "function"),
            ("promfetch_release_fn", "function"),
        ):
            if re.search(rf"\b{word}\b", text):
                return kind
        match = re.search(r"\b(uint32_t|uint64_t|size_t|void)\b", text)
        self.assertIsNotNone(match, text)
        assert match is not None
        return match[1] if match[1] in ("uint32_t", "void") else "number of 64 bits"

    def kind(self, type: object) -> str:
        names: list[tuple[object, str]] = [
            (None, "void"),
            (ctypes.c_uint32, "uint32_t"),
            (_ffi.LOG, "function"),
            (_ffi.FINALIZER, "function"),
            # These two are one type for ctypes where both have 64 bits.
            (ctypes.c_size_t, "number of 64 bits"),
            (ctypes.c_uint64, "number of 64 bits"),
        ]
        return next((name for known, name in names if known is type), "pointer")

    def test_getters_of_nothing_answer_nothing(self) -> None:
        lib = _ffi.lib
        for name, (result, arguments) in _ffi.FUNCTIONS.items():
            if not name.endswith(
                ("_free", "_end", "_count", "_data", "_content_type", "_code", "_message", "_transient")
            ):
                continue
            with self.subTest(name):
                answer = getattr(lib, name)(*(None if self.kind(one) == "pointer" else 0 for one in arguments))
                if result is ctypes.c_void_p:
                    self.assertEqual(_ffi.copy(answer, 0), b"")
                else:
                    self.assertIn(answer, (None, 0, b""))

    def test_the_short_forms_work_too(self) -> None:
        """The package always makes a request, and never lets the library copy; C programs do otherwise."""
        client = self.client(self.instance())
        lib, call, length = _ffi.lib, promfetch.errors.call, ctypes.c_size_t()
        with client._shared.use() as handle:
            page = call(lib.promfetch_fetch, handle, b"shop")
            self.assertIn(b"requests_total", _ffi.copy(lib.promfetch_exposition_data(page, length), length.value))
            lib.promfetch_exposition_free(page)
            targets = call(lib.promfetch_discover, handle, b"shop")
            address = lib.promfetch_targets_label(targets, 0, b"__address__", length)
            self.assertRegex(_ffi.copy(address, length.value), rb"^127\.0\.0\.1:\d+$")
            self.assertIsNone(lib.promfetch_targets_label(targets, 0, b"nothing", None))
            self.assertIsNone(lib.promfetch_targets_label(targets, 1, b"__address__", None))
            lib.promfetch_targets_free(targets)
            known = call(lib.promfetch_instances, handle, b"shop")
            self.assertTrue(_ffi.copy(lib.promfetch_text_data(known, length), length.value).startswith(b"["))
            lib.promfetch_text_free(known)
        merge = lib.promfetch_merge_new()
        call(lib.promfetch_merge_add, merge, None, None, b"a 1\n", 4)
        page = call(lib.promfetch_merge_finish, merge)
        self.assertIn(b"a 1\n", _ffi.copy(lib.promfetch_exposition_data(page, length), length.value))
        lib.promfetch_exposition_free(page)
        lib.promfetch_merge_free(merge)
