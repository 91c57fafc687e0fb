"""Ending requests early. No test measures: a call that comes back has been cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import promfetch

from .support import LONG, Case, run_threads


class Cancelling(Case):
    def hang(self) -> None:
        self.slow = self.instance()
        self.slow.go_on.clear()
        self.shop = self.client(self.slow)

    def when_asked(self, end: Callable[[], None]) -> threading.Thread:
        """Does this from another thread, as soon as the instance is asked."""

        def work() -> None:
            self.slow.arrived.wait(LONG)
            end()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def test_every_call_that_waits_can_be_cancelled_from_another_thread(self) -> None:
        for name in ("fetch", "stream"):
            with self.subTest(call=name):
                self.hang()
                token = promfetch.CancelToken()
                thread = self.when_asked(token.cancel)
                with self.assertRaises(promfetch.Cancelled):
                    getattr(self.shop, name)("shop", cancel=token, timeout=LONG)
                thread.join()

    def test_a_token_is_latched(self) -> None:
        client = self.client(self.instance())
        token = promfetch.CancelToken()
        self.assertEqual(client.fetch("shop", cancel=token).up, 1)
        self.assertFalse(token.cancelled)
        token.cancel()
        token.cancel()
        self.assertTrue(token.cancelled)
        with self.assertRaises(promfetch.Cancelled):
            client.fetch("shop", cancel=token)
        self.assertEqual(client.fetch("shop").up, 1)

    def test_one_token_ends_many_calls(self) -> None:
        self.hang()
        token = promfetch.CancelToken()
        waiting = threading.Barrier(9)

        def ask(_: int) -> None:
            waiting.wait(LONG)
            self.shop.fetch("shop", cancel=token, timeout=LONG)

        def cancel() -> None:
            waiting.wait(LONG)
            self.slow.arrived.wait(LONG)
            token.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        raised = run_threads(8, ask)
        thread.join()
        self.assertEqual([type(error) for error in raised], [promfetch.Cancelled] * 8)

    def test_closing_the_client_ends_calls_under_way(self) -> None:
        self.hang()
        thread = self.when_asked(self.shop.close)
        with self.assertRaises((promfetch.Cancelled, promfetch.Closed)):
            self.shop.fetch("shop", timeout=LONG)
        thread.join()
        with self.assertRaises(promfetch.Closed):
            self.shop.fetch("shop")

    def test_many_close_while_many_ask(self) -> None:
        # Threads that are about to call must not find freed memory.
        for _ in range(20):
            client = self.client(self.instance())

            def work(position: int, client: promfetch.Client = client) -> None:
                if position == 3:
                    client.close()
                else:
                    client.fetch("shop")

            for error in run_threads(8, work):
                self.assertIsInstance(error, (promfetch.Cancelled, promfetch.Closed), repr(error))

    def test_waiting_to_be_ready_ends_too(self) -> None:
        options = {"gorouters[0].host": "127.0.0.1", "gorouters[0].port": "1", "start_response_delay_interval": "1h"}
        for end in ("token", "close"):
            with self.subTest(end=end), promfetch.Client(options) as client:
                token = promfetch.CancelToken()
                stop = token.cancel if end == "token" else client.close
                timer = threading.Timer(0.05, stop)
                timer.start()
                with self.assertRaises((promfetch.Cancelled, promfetch.Closed)):
                    client.wait_ready(cancel=token)
                timer.join()

    def test_cancelling_and_finishing_at_once(self) -> None:
        client = self.client(self.instance())
        for _ in range(50):
            token = promfetch.CancelToken()
            thread = threading.Thread(target=token.cancel)
            thread.start()
            try:
                self.assertEqual(client.fetch("shop", cancel=token).up, 1)
            except promfetch.Cancelled:
                pass
            thread.join()


class Threads(Case):
    def test_64_threads_use_one_client(self) -> None:
        instances = [self.instance() for _ in range(4)]
        client = self.client(*instances)

        def work(position: int) -> None:
            for _ in range(4):
                self.assertEqual(client.fetch("shop", timeout=LONG, metric_path=f"/{position % 5}").up, 4)
                self.assertEqual(len(client.discover("shop")), 4)
                with client.stream("shop", timeout=LONG) as stream, client.call("test", "work"):
                    self.assertIn(b"requests_total", b"".join(stream))
                self.assertIn("ready", client.snapshot())

        self.assertEqual(run_threads(64, work), [])

    def test_other_threads_run_while_one_waits(self) -> None:
        slow = self.instance()
        slow.go_on.clear()
        client = self.client(slow)
        thread = threading.Thread(target=lambda: client.fetch("shop", timeout=LONG))
        thread.start()
        # The handler of this very process answers, so it must get the GIL while the call waits.
        self.assertTrue(slow.arrived.wait(LONG))
        slow.go_on.set()
        thread.join(LONG)
        self.assertFalse(thread.is_alive())

    def test_targets_change_while_threads_ask(self) -> None:
        one, two = self.instance(), self.instance()
        client = self.client(one)
        end = threading.Event()

        def change() -> None:
            for position in range(200):
                address = (one, two)[position % 2].address
                client.set_targets([{"address": address, "app": "shop", "routes": ["shop"]}])
                time.sleep(0)
            end.set()

        def work(position: int) -> None:
            if position == 0:
                change()
            while not end.is_set():
                # The old one, the new one, or both for a moment; never nobody.
                self.assertIn(len(client.discover("shop")), (1, 2))

        self.assertEqual(run_threads(4, work), [])

    def test_threads_share_a_merge_and_a_stream(self) -> None:
        page = b"".join(b"family_%d 1\n" % number for number in range(100))
        with promfetch.Merge() as merge:

            def add(thread: int) -> None:
                for number in range(50):
                    merge.add(page, {"thread": str(thread), "number": str(number)})

            raised = run_threads(16, add)
            self.assertEqual(raised, [])
            pieces: list[bytes] = []
            with merge.stream() as stream:
                self.assertEqual(run_threads(8, lambda _: pieces.extend(stream)), [])
                self.assertEqual(stream.up, 800)
            self.assertEqual(b"".join(pieces).count(b"\nfamily_"), 100 * 800)
            self.assertEqual(len(pieces), 100)
