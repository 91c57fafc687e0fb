"""Closing, forgetting, forking, and the end of the interpreter."""

from __future__ import annotations

import gc
import os
import textwrap
import threading
import unittest
import warnings
from collections.abc import Callable

import promfetch

from .support import LONG, PAGE, Case, python

#: The beginning of programs that run as processes of their own: a client with an app of one instance.
BEGIN = textwrap.dedent(
    """
    import contextlib, gc, os, sys, threading, time, promfetch
    from tests.support import Instance, shop
    instance = Instance()
    client = promfetch.Client({}, log=lambda level, message: None, level=promfetch.Level.TRACE)
    client.set_targets(shop(instance))
    client.wait_ready(60)
    """
)


def program(text: str, *options: str) -> tuple[int, str, str]:
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    ended = python(*options, "-c", f"import sys; sys.path.insert(0, {tests!r})" + BEGIN + textwrap.dedent(text))
    return ended.returncode, ended.stdout, ended.stderr


class Closing(Case):
    def test_use_after_close(self) -> None:
        client = self.client(self.instance())
        stream, call, merge = client.stream("shop"), client.call("a", "b"), promfetch.Merge()
        for thing in (stream, call, merge, client):
            self.assertFalse(thing.closed)
            thing.close()
            thing.close()
            self.assertTrue(thing.closed)
        table: list[Callable[[], object]] = [
            lambda: client.fetch("shop"),
            lambda: client.stream("shop"),
            lambda: client.discover("shop"),
            lambda: client.instances("shop"),
            lambda: client.wait_ready(1),
            lambda: client.set_targets([]),
            client.snapshot,
            client.metrics,
            lambda: client.call("a", "b"),
            lambda: merge.add(PAGE),
            merge.finish,
            merge.stream,
            merge.__enter__,
            lambda: next(stream),
            call.__enter__,
        ]
        for position, use in enumerate(table):
            with self.subTest(position), self.assertRaises(promfetch.Closed) as raised:
                use()
            self.assertIn("closed", raised.exception.message)

    def test_with_closes_also_when_something_is_raised(self) -> None:
        with self.assertRaises(KeyError), self.client(self.instance()) as client, promfetch.Merge() as merge:
            raise KeyError("mine")
        self.assertTrue(client.closed and merge.closed)

    def test_what_is_forgotten_is_freed_with_a_warning(self) -> None:
        client = self.client(self.instance())
        table: list[tuple[str, Callable[[], object]]] = [
            ("Client", lambda: promfetch.Client({})),
            ("Stream", lambda: client.stream("shop")),
            ("Call", lambda: client.call("a", "b")),
        ]
        for name, make in table:
            with self.subTest(name), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                make()
                gc.collect()
                self.assertEqual([str(one.message) for one in caught], [f"a promfetch.{name} was not closed"])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            merge = promfetch.Merge()
            merge.add(PAGE)
            del merge
            gc.collect()
            self.assertEqual(caught, [])

    def test_cycles_are_freed_too(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(20):
                client = promfetch.Client({})
                client.itself = client  # type: ignore[attr-defined]
                del client
            gc.collect()

    def test_rounds_leave_no_threads_and_no_descriptors(self) -> None:
        def left() -> tuple[int, int]:
            return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

        instance = self.instance()
        for round in range(60):
            if round == 10:
                before = left()
            with promfetch.Client({}, log=lambda level, message: None) as client:
                client.set_targets([{"address": instance.address, "app": "shop", "routes": ["shop"]}])
                client.fetch("shop")
        for _ in range(LONG * 20):
            # Threads of the instance end a moment after their connections.
            if all(now <= then for now, then in zip(left(), before)):
                break
            threading.Event().wait(0.05)
        else:
            self.fail(f"{before} became {left()}")


class Ending(unittest.TestCase):
    """The interpreter ends while things are open: nothing crashes, nothing hangs."""

    def test_the_interpreter_ends(self) -> None:
        table = {
            "everything is open": """
                stream, call, merge = client.stream("shop"), client.call("a", "b"), promfetch.Merge()
                merge.add(b"a 1\\n")
                """,
            "in a cycle": """
                client.itself = client
                """,
            "a fetch hangs in a daemon": """
                instance.go_on.clear()
                def work():
                    with contextlib.suppress(promfetch.Error):
                        client.fetch("shop", timeout=50)
                threading.Thread(target=work, daemon=True).start()
                instance.arrived.wait(50)
                """,
            "many daemons at work": """
                def work():
                    with contextlib.suppress(promfetch.Error):
                        while True:
                            client.fetch("shop")
                            client.snapshot()
                for _ in range(8):
                    threading.Thread(target=work, daemon=True).start()
                time.sleep(0.2)
                """,
            "an exception ends it": """
                sys.exit(0)
                """,
            "asyncio with a fetch that hangs": """
                import asyncio, promfetch.aio
                instance.go_on.clear()
                async def main():
                    asyncio.create_task(promfetch.aio.AsyncClient(client=client).fetch("shop", timeout=50))
                    while not instance.arrived.is_set():
                        await asyncio.sleep(0.01)
                asyncio.run(main())
                """,
            "a line is logged all the time": """
                away = {"gorouters[0].host": "127.0.0.1", "gorouters[0].port": "1", "gorouter_poll_interval": "1s"}
                talking = threading.Event()
                def log(level, message):
                    talking.set()
                    time.sleep(0.01)
                others = [promfetch.Client(away, log=log, level=promfetch.Level.TRACE) for _ in range(4)]
                talking.wait(50)
                """,
            "at once, by os._exit": """
                sys.stdout.flush()
                os._exit(0)
                """,
        }
        for name, text in table.items():
            with self.subTest(name):
                code, _, errors = program(text)
                self.assertEqual((code, errors), (0, ""))

    def test_a_forgotten_client_is_told_at_the_end(self) -> None:
        code, _, errors = program("pass", "-W", "always::ResourceWarning")
        self.assertEqual(code, 0)
        self.assertIn("a promfetch.Client was not closed", errors)


class Forking(unittest.TestCase):
    def test_a_client_of_the_parent_says_so_and_goes_quietly(self) -> None:
        code, out, errors = program(
            """
            uses = {
                "fetch": lambda: client.fetch("shop"),
                "stream": lambda: client.stream("shop"),
                "discover": lambda: client.discover("shop"),
                "instances": lambda: client.instances("shop"),
                "wait_ready": lambda: client.wait_ready(5),
                "snapshot": client.snapshot,
                "metrics": client.metrics,
                "set_targets": lambda: client.set_targets([]),
                "call": lambda: client.call("a", "b"),
                "count_call": lambda: client.count_call("a", "b"),
            }
            client.fetch("shop")
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                for name, use in uses.items():
                    try:
                        use()
                        print(name, "worked")
                    except promfetch.Forked as error:
                        assert error.code == 5 and error.message
                client.close()
                with promfetch.Client({}) as own:
                    own.set_targets(shop(instance))
                    own.wait_ready(50)
                    print("own", own.fetch("shop").up)
                    with promfetch.Merge() as merge:
                        merge.add(b"a 1\\n")
                        print("merged", merge.finish().up)
                sys.exit(0)
            print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            print("parent", client.fetch("shop").up)
            """,
            # A fork of a process with threads is what this is about.
            "-W",
            "ignore::DeprecationWarning",
        )
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(out.split("\n"), ["own 1", "merged 1", "child 0", "parent 1", ""])

    def test_a_fork_while_other_threads_ask(self) -> None:
        code, out, errors = program(
            """
            end = threading.Event()
            def work():
                while not end.is_set():
                    client.fetch("shop")
            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    try:
                        client.fetch("shop")
                        os._exit(1)
                    except promfetch.Forked:
                        client.close()
                        del client
                        gc.collect()
                        os._exit(0)
                assert os.waitpid(child, 0)[1] == 0
            end.set()
            for thread in threads:
                thread.join()
            client.close()
            print("done")
            """,
            "-W",
            "ignore::DeprecationWarning",
        )
        self.assertEqual((code, out, errors), (0, "done\n", ""))
