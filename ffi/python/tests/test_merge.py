"""Merging pages that are there already."""

from __future__ import annotations

import gc
import pickle
import sys
from pathlib import Path
from typing import Any

import promfetch

from .support import Case

PAGES = (b"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n", b"# TYPE b gauge\nb 2\n", b"# TYPE a gauge\na 3\n")


class Merging(Case):
    def test_families_stand_together_with_the_labels_of_each_page(self) -> None:
        with promfetch.Merge() as merge:
            for number, page in enumerate(PAGES):
                merge.add(page, {"page": str(number), "zone": 'a "quoted" \\ zone'})
            merged = merge.finish()
        zone = r'zone="a \"quoted\" \\ zone"'
        self.assertEqual(
            merged.text.splitlines(),
            [
                "# TYPE a gauge",
                f'a{{page="0",{zone}}} 1',
                f'a{{page="2",{zone}}} 3',
                "# TYPE b gauge",
                f'b{{page="0",{zone}}} 1',
                f'b{{page="1",{zone}}} 2',
            ],
        )
        self.assertEqual((merged.up, merged.failures), (3, []))

    def test_buffers_of_all_kinds(self) -> None:
        changing = bytearray(b"a 1\n")
        with promfetch.Merge() as merge:
            merge.add(changing, {"kind": "bytearray"})
            changing[:] = b"garbage!"
            merge.add(memoryview(b"xa 2\nx")[1:-1], {"kind": "memoryview"})
            merge.add(memoryview(b"a_ _3_\n_")[::2], {"kind": "with steps"})
            merge.add(b"a 4\n")
            text = merge.finish().text
        for line in ('a{kind="bytearray"} 1', 'a{kind="memoryview"} 2', 'a{kind="with steps"} 3', "\na 4\n"):
            self.assertIn(line, text)

    def test_bytes_are_neither_copied_nor_let_go_too_early(self) -> None:
        page = b"watched_total 1\n" * 1000
        free = sys.getrefcount(page)
        with promfetch.Merge() as merge:
            for end in (merge.finish, merge.stream, merge.close):
                merge.add(page)
                self.assertEqual(sys.getrefcount(page), free + 1)
                ended = end()
                if isinstance(ended, promfetch.Stream):
                    self.assertEqual(sys.getrefcount(page), free + 1)
                    ended.close()
                self.assertEqual(sys.getrefcount(page), free, end)

    def test_a_page_is_read_where_it_is_for_as_long_as_somebody_reads(self) -> None:
        for samples in (1, 20_000):
            with self.subTest(samples=samples):
                with promfetch.Merge() as merge:
                    merge.add(b"".join(b'a{n="%d"} 1\n' % number for number in range(samples)), {"b": "c"})
                    page = merge.finish()
                self.assertEqual(len(page), len(page.view))
                view, part = page.view, page.view[-40:]
                again = pickle.loads(pickle.dumps(page))
                data = page.data
                del page
                gc.collect()
                junk = [b"x" * len(data) for _ in range(20)]
                self.assertEqual(view, data)
                self.assertEqual(part, data[-40:])
                self.assertEqual(data.count(b'",b="c"} 1\n'), samples)
                self.assertEqual((again.data, again.up, again.text), (data, 1, data.decode()))
                with self.assertRaises(TypeError):
                    view[0] = 0
                self.assertEqual(len(junk), 20)

    def test_pages_are_freed(self) -> None:
        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

        page = b"".join(b'freed_total{n="%d"} 1\n' % number for number in range(100_000))
        with promfetch.Merge() as merge:
            for round in range(60):
                merge.add(page + b"other 1\n" * round, {"b": "c"})
                merged = merge.finish()
                self.assertTrue(merged.view and (round % 2 or merged.data))
                if round == 20:
                    before = resident()
        self.assertLess(resident() - before, 20 * len(page))

    def test_a_stream_keeps_the_pages_that_it_reads(self) -> None:
        with promfetch.Merge() as merge:
            for number in range(20):
                merge.add(b"kept_total %d\n" % number * 500, {"page": str(number)})
            stream = merge.stream()
        gc.collect()
        junk = [b"x" * 9000 for _ in range(200)]
        text = b"".join(stream)
        self.assertEqual(text.count(b"kept_total{"), 20 * 500)
        self.assertEqual(len(junk), 200)

    def test_streamed_is_the_same_as_finished(self) -> None:
        with promfetch.Merge() as merge:
            for number, page in enumerate(PAGES):
                merge.add(page, {"page": str(number)})
            finished = merge.finish()
            for number, page in enumerate(PAGES):
                merge.add(page, {"page": str(number)})
            with merge.stream() as stream:
                self.assertEqual(b"".join(stream), finished.data)
                self.assertEqual(stream.up, 3)

    def test_a_bad_page_costs_only_itself(self) -> None:
        with promfetch.Merge() as merge:
            merge.add(b"a 1\n", {"page": "0"})
            with self.assertRaises(promfetch.ParseError) as raised:
                merge.add(b'a{="1\n', {"page": "1"})
            merge.add(b"a 2\n", {"page": "2"})
            merged = merge.finish()
        self.assertIn("line 1", raised.exception.message)
        self.assertEqual(merged.text, '# TYPE a untyped\na{page="0"} 1\na{page="2"} 2\n')
        self.assertEqual(merged.up, 2)
        self.assertEqual([type(failure) for failure in merged.failures], [promfetch.ParseError])

    def test_settings(self) -> None:
        table: list[tuple[dict[str, Any], str]] = [
            ({"format": "openmetrics"}, "# EOF"),
            ({"accept": "application/openmetrics-text"}, "# EOF"),
            ({"label_conflict": "export"}, 'exported_zone="own"'),
            ({"label_conflict": "drop"}, 'a{zone="added"} 1'),
            ({"max_samples": 10, "max_line": "1KiB"}, "a{"),
            ({"max_line": 1024}, "a{"),
        ]
        for settings, expected in table:
            with self.subTest(settings=settings), promfetch.Merge(**settings) as merge:
                merge.add(b'a{zone="own"} 1\n', {"zone": "added"})
                self.assertIn(expected, merge.finish().text)
        for wrong in ({"format": "xml"}, {"label_conflict": "maybe"}, {"max_samples": -1}):
            with self.subTest(wrong=wrong), self.assertRaises(promfetch.CallerError):
                promfetch.Merge(**wrong)

    def test_formats_are_told_or_recognised(self) -> None:
        openmetrics = b'# TYPE a counter\na_total 1 # {trace="t"} 1\n# EOF\n'
        with promfetch.Merge(format="openmetrics") as merge:
            merge.add(openmetrics, {"how": "told"}, "application/openmetrics-text; version=1.0.0")
            merge.add(openmetrics, {"how": "recognised"})
            merged = merge.finish()
        self.assertEqual(merged.text.count('# {trace="t"} 1'), 2)
        with promfetch.Merge(format="protobuf") as merge:
            merge.add(b"a 1\n")
            protobuf = merge.finish()
        with promfetch.Merge() as merge:
            merge.add(protobuf.data, {"from": "protobuf"}, protobuf.content_type)
            self.assertIn('a{from="protobuf"} 1', merge.finish().text)

    def test_limits(self) -> None:
        with promfetch.Merge(max_samples=2) as merge, self.assertRaises(promfetch.TooLarge):
            merge.add(b"a 1\na 2\na 3\n")

    def test_nothing_is_an_empty_page(self) -> None:
        with promfetch.Merge() as merge:
            self.assertEqual((merge.finish().data, merge.finish().up), (b"", 0))
            merge.add(b"")
            self.assertEqual(merge.finish().data, b"")
            self.assertEqual(list(merge.stream()), [])
