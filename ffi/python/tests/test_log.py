"""Log lines of the library."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from typing import Any

import promfetch
from promfetch import _log

from .support import LONG, Case, run_threads

#: Polls a router that is not there, which is worth a line.
TALKATIVE = {"gorouters[0].host": "127.0.0.1", "gorouters[0].port": "1", "gorouter_poll_interval": "1s"}


class Log(Case):
    def let_go(self, before: int) -> None:
        """Waits for the last thread of a client to tell that it is the last."""
        for _ in range(LONG * 100):
            if _log.kept() == before:
                return
            threading.Event().wait(0.01)
        self.fail(f"{_log.kept()} callbacks are kept, not {before}")

    def test_lines_have_a_level_and_a_text(self) -> None:
        lines: list[tuple[promfetch.Level, str]] = []
        said = threading.Event()

        def log(level: promfetch.Level, message: str) -> None:
            lines.append((level, message))
            said.set()

        with promfetch.Client(TALKATIVE, log=log, level=promfetch.Level.TRACE):
            self.assertTrue(said.wait(LONG))
        for level, message in lines:
            self.assertIsInstance(level, promfetch.Level)
            self.assertTrue(message)

    def test_the_callback_is_kept_until_the_client_is_freed(self) -> None:
        before = _log.kept()
        client = promfetch.Client(TALKATIVE, log=lambda level, message: None)
        gc.collect()
        self.assertEqual(_log.kept(), before + 1)
        client.close()
        self.let_go(before)

    def test_it_is_let_go_of_when_no_client_comes_about(self) -> None:
        before = _log.kept()
        for options in ({"nothing.like.this": "1"}, {"fetch_timeout": "soon"}):
            with self.assertRaises(promfetch.CallerError):
                promfetch.Client(options, log=lambda level, message: None)
        self.let_go(before)

    def test_each_client_has_its_own(self) -> None:
        heard: dict[int, threading.Event] = {number: threading.Event() for number in range(3)}

        def work(number: int) -> None:
            with promfetch.Client(
                TALKATIVE, log=lambda level, message: heard[number].set(), level=promfetch.Level.TRACE
            ):
                self.assertTrue(heard[number].wait(LONG))

        self.assertEqual(run_threads(3, work), [])

    def test_what_it_raises_is_reported_and_does_no_harm(self) -> None:
        reported: list[Any] = []
        seen = threading.Event()

        def hook(unraisable: Any) -> None:
            reported.append(unraisable.exc_type)
            seen.set()

        def log(level: promfetch.Level, message: str) -> None:
            raise RuntimeError("mine")

        before, sys.unraisablehook = sys.unraisablehook, hook
        try:
            instance = self.instance()
            with promfetch.Client(TALKATIVE, log=log, level=promfetch.Level.TRACE) as client:
                self.assertTrue(seen.wait(LONG))
                client.set_targets([{"address": instance.address, "app": "shop", "routes": ["shop"]}])
                self.assertEqual(client.fetch("shop").up, 1)
        finally:
            sys.unraisablehook = before
        self.assertEqual(set(reported), {RuntimeError})

    def test_it_must_not_call_the_library(self) -> None:
        raised: list[BaseException] = []
        tried = threading.Event()
        clients: list[promfetch.Client] = []
        made = threading.Event()

        def log(level: promfetch.Level, message: str) -> None:
            if tried.is_set() or not made.wait(LONG):
                return
            for work in (lambda: clients[0].fetch("shop"), clients[0].snapshot, lambda: promfetch.Client({})):
                try:
                    work()
                except BaseException as error:
                    raised.append(error)
            tried.set()

        with promfetch.Client(TALKATIVE, log=log, level=promfetch.Level.TRACE) as client:
            clients.append(client)
            made.set()
            self.assertTrue(tried.wait(LONG))
        self.assertEqual([type(error) for error in raised], [promfetch.WrongThread] * 3)

    def test_a_client_that_is_forgotten_in_the_callback_is_freed_elsewhere(self) -> None:
        before = _log.kept()
        tried = threading.Event()
        clients: list[promfetch.Client] = []

        made = threading.Event()
        me = threading.current_thread()

        def log(level: promfetch.Level, message: str) -> None:
            # Lines are also told in the thread that makes the client.
            if threading.current_thread() is not me and made.wait(LONG) and clients:
                clients.pop().close()
                tried.set()

        clients.append(promfetch.Client(TALKATIVE, log=log, level=promfetch.Level.TRACE))
        made.set()
        self.assertTrue(tried.wait(LONG))
        self.let_go(before)

    def test_a_logger_of_the_standard_library(self) -> None:
        logger = logging.getLogger("test.promfetch")
        with self.assertLogs(logger, logging.DEBUG - 5) as caught:
            log = promfetch.to_logger(logger)
            for level in promfetch.Level:
                log(level, "100 % {sure}")
        self.assertEqual([record.getMessage() for record in caught.records], ["100 % {sure}"] * 5)
        self.assertEqual([record.levelname for record in caught.records[:4]], ["ERROR", "WARNING", "INFO", "DEBUG"])
