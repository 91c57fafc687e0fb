"""Merging pages that somebody else has fetched. It does no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ._ffi import FINALIZER, lib
from ._handle import Owner
from ._strings import encode
from .errors import call, read
from .exposition import Exposition, take
from .stream import Stream

#: No call when a page is let go of: the pages are kept here until the library is done with all of them.
_NO_RELEASE = FINALIZER()


class Merge(Owner):
    """Makes one page of many. `finish` and `stream` leave it empty, with its settings, to be used again."""

    # It holds memory only.
    _must_close = False

    def __init__(
        self,
        *,
        format: str | None = None,
        accept: str | None = None,
        label_conflict: str | None = None,
        max_samples: int | None = None,
        max_line: int | str | None = None,
    ) -> None:
        super().__init__(lib.promfetch_merge_new(), lib.promfetch_merge_free)
        #: The library reads their memory until the page is finished.
        self._pages: list[bytes] = []
        settings = {
            "format": format,
            "accept": accept,
            "label_conflict": label_conflict,
            "max_samples": _text(max_samples),
            "max_line": _text(max_line),
        }
        try:
            for key, value in settings.items():
                if value is not None:
                    call(lib.promfetch_merge_set, self._handle(), key.encode(), encode(key, value))
        except BaseException:
            self.close()
            raise

    def add(
        self,
        data: bytes | bytearray | memoryview,
        labels: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> None:
        """Adds a page, whose samples get the labels. Without a content type the format is recognised from the bytes.

        `bytes` are not copied; other buffers are, since they can change. A page that is no valid exposition raises
        `ParseError` or `TooLarge` and costs only itself: go on with the next one. It is among the failures of the
        result.
        """
        page = data if isinstance(data, bytes) else memoryview(data).tobytes()
        kind = None if content_type is None else encode("content_type", content_type)
        with self._lock, _labels(labels) as added:
            merge = self._handle()
            # Before the call: a page that is refused may be read until the end too.
            self._pages.append(page)
            code = call(lib.promfetch_merge_add_borrowed, merge, added, kind, page, len(page), _NO_RELEASE, None)
            if code:
                # The page alone is bad: that is no error of the call, and the merge knows why.
                raise read(lib.promfetch_merge_failure(merge, lib.promfetch_merge_failure_count(merge) - 1))

    def finish(self) -> Exposition:
        """The merged page."""
        with self._lock:
            handle = call(lib.promfetch_merge_finish, self._handle())
            self._pages = []
            return take(handle)

    def stream(self) -> Stream:
        """The same, family by family."""
        with self._lock:
            handle = call(lib.promfetch_merge_stream, self._handle())
            pages, self._pages = self._pages, []
            return Stream(handle, keep=pages)

    def close(self) -> None:
        """Frees it, with all pages that were added."""
        with self._lock:
            super().close()
            self._pages = []


@contextmanager
def _labels(labels: Mapping[str, str] | None) -> Iterator[int | None]:
    if not labels:
        yield None
        return
    handle: int = lib.promfetch_labels_new()
    try:
        for name, value in labels.items():
            call(lib.promfetch_labels_set, handle, encode("a label's name", name), encode(f"label {name}", value))
        yield handle
    finally:
        lib.promfetch_labels_free(handle)


def _text(value: int | str | None) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value  # type: ignore[return-value]
