"""Arguments that cannot be meant: each is an exception, and the client works on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import promfetch

from .support import PAGE, Case

#: Texts that are in nobody's interest, for every argument that is a text.
TEXTS = [
    "",
    " ",
    "\r\nX: y",
    "\x7f",
    "ä\u2028\U0001f600",
    "../../..",
    "%",
    "%00",
    "{{}}",
    "x" * 1_000_000,
    "/" * 10_000,
]

#: Texts that C would not see as they are.
UNSENDABLE = ["\0", "a\0b", "\ud800"]


class Garbage(Case):
    def setUp(self) -> None:
        super().setUp()
        self.one = self.instance()
        self.shop: Any = self.client(self.one)
        self.uses: dict[str, Callable[[Any], object]] = {
            "selector": lambda text: self.shop.fetch(text),
            "selector of stream": lambda text: self.shop.stream(text).close(),
            "selector of discover": lambda text: self.shop.discover(text),
            "selector of instances": lambda text: self.shop.instances(text),
            "metric_path": lambda text: self.shop.fetch("shop", metric_path=text),
            "format": lambda text: self.shop.fetch("shop", format=text),
            "accept": lambda text: self.shop.fetch("shop", accept=text),
            "timeout": lambda text: self.shop.fetch("shop", timeout=text),
            "scrape_timeout": lambda text: self.shop.fetch("shop", scrape_timeout=text),
            "process_type": lambda text: self.shop.fetch("shop", process_type=text),
            "instance": lambda text: self.shop.fetch("shop", instance=text),
            "authorization": lambda text: self.shop.fetch("shop", authorization=text),
            "forwarded_for": lambda text: self.shop.fetch("shop", forwarded_for=text),
            "only_app_metrics": lambda text: self.shop.fetch("shop", only_app_metrics=text),
            "all_failed": lambda text: self.shop.fetch("shop", all_failed=text),
            "header's name": lambda text: self.shop.fetch("shop", headers={text: "value"}),
            "header's value": lambda text: self.shop.fetch("shop", headers={"X-Name": text}),
            "api": lambda text: self.shop.call(text, "call").close(),
            "call": lambda text: self.shop.call("api", text).close(),
            "option's name": lambda text: promfetch.Client({text: "1"}).close(),
            "option's value": lambda text: promfetch.Client({"extra_labels.a": text}).close(),
            "label's name": lambda text: self.merge(PAGE, {text: "value"}),
            "label's value": lambda text: self.merge(PAGE, {"name": text}),
            "content type": lambda text: self.merge(PAGE, None, text),
        }

    def merge(self, *arguments: Any) -> None:
        with promfetch.Merge() as merge:
            merge.add(*arguments)
            merge.finish()

    def test_texts(self) -> None:
        for name, use in self.uses.items():
            for text in TEXTS:
                with self.subTest(name, text=text[:10]):
                    try:
                        use(text)
                    except promfetch.Error as error:
                        self.assertNotIsInstance(error, promfetch.InternalError)
        self.assertEqual(self.shop.fetch("shop").up, 1)

    def test_texts_that_cannot_be_sent(self) -> None:
        for name, use in self.uses.items():
            for text in UNSENDABLE:
                with self.subTest(name, text=text), self.assertRaises(promfetch.InvalidArgument):
                    use(text)
        self.assertEqual(self.one.asked, [])

    def test_other_types(self) -> None:
        for name, use in self.uses.items():
            for value in (b"shop", ["shop"], object(), 1j):
                if name == "option's value" and isinstance(value, list):
                    continue  # JSON
                with self.subTest(name, value=value), self.assertRaises(TypeError):
                    use(value)
        self.assertEqual(self.one.asked, [])

    def test_unknown_words(self) -> None:
        for settings in ({"path": "/x"}, {"cancel": "now"}, {"cancel": True}, {"timeout": True}, {"instance": True}):
            with self.subTest(settings=settings), self.assertRaises(TypeError):
                self.shop.fetch("shop", **settings)

    def test_numbers(self) -> None:
        for value in (-1, -0.001, math.nan):
            uses: list[Callable[[Any], object]] = [lambda v: self.shop.fetch("shop", timeout=v), self.shop.wait_ready]
            for use in uses:
                with self.subTest(value=value), self.assertRaises(promfetch.InvalidArgument):
                    use(value)
        for value in (math.inf, 1e300, 10**30, 10**400):
            with self.subTest(value=value):
                self.shop.wait_ready(value)
                with self.assertRaises(promfetch.InvalidArgument):
                    self.shop.fetch("shop", timeout=value)

    def test_targets(self) -> None:
        wrong: list[tuple[Any, type[Exception]]] = [
            (None, TypeError),
            ("[]", TypeError),
            ({"address": "127.0.0.1:1"}, TypeError),
            ([None], TypeError),
            ([{}], promfetch.CallerError),
            ([{"address": 1}], promfetch.CallerError),
            ([{"address": "127.0.0.1:99999", "app": "a"}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "no such key": 1}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1"}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "labels": {"instance": "mine"}}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "labels": {"": "x"}}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "labels": [1]}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "headers": {"a b": "c"}}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "headers": {"a": "b\r\nc: d"}}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "timeout": math.nan}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "path": "no slash"}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": "a", "private_key": "no key"}], promfetch.CallerError),
            ([{"address": "127.0.0.1:1", "app": object()}], TypeError),
        ]
        for targets, expected in wrong:
            with self.subTest(targets=targets), self.assertRaises(expected):
                self.shop.set_targets(targets)
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        with self.assertRaises((promfetch.CallerError, RecursionError)):
            self.shop.set_targets([{"address": deep}])
        self.assertEqual(self.shop.fetch("shop").up, 1)

    def test_pages(self) -> None:
        with promfetch.Merge() as merge:
            for page in (1, None, "text", [1], 5.0, object()):
                with self.subTest(page=page), self.assertRaises(TypeError):
                    merge.add(page)  # type: ignore[arg-type]
            for body in (
                b"\0",
                b"\xff" * 1000,
                b"\x1f\x8b",
                b"{" * 100_000,
                b"# TYPE",
                b"a 1",
                b"a 1\n\0",
                bytes(10**7),
            ):
                with self.subTest(body=body[:10]):
                    try:
                        merge.add(body)
                    except promfetch.Error as error:
                        self.assertIsInstance(error, (promfetch.ExpositionError, promfetch.TooLarge))
            merge.add(b"good_total 1\n")
            self.assertIn(b"good_total 1\n", merge.finish().data)

    def test_options(self) -> None:
        wrong: list[Any] = [
            {"targets": math.nan},
            {"targets": [math.inf]},
            {"targets": 1},
            {"max_fetches": -1},
            {"max_fetches": []},
        ]
        for options in wrong:
            with self.subTest(options=options), self.assertRaises(promfetch.CallerError):
                promfetch.Client(options)
        for level in (0, 6, "info", None):
            with self.subTest(level=level), self.assertRaises((ValueError, TypeError)):
                promfetch.Client({}, log=print, level=level)  # type: ignore[arg-type]
