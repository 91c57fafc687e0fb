"""What the tests share: instances of an app on this machine, clients that know them, and other processes."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import unittest
import warnings
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any, Callable

import promfetch

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
REPOSITORY = PROJECT.parent.parent

#: Long enough for any call of a test on a busy machine. Nothing waits for it to pass.
LONG = 60

PAGE = b'# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{code="200"} 17\n'
TEXT = "text/plain; version=0.0.4"


class Server(http.server.ThreadingHTTPServer):
    """Threads that an instance has hung must not hold up the end of a test."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing when whoever asked has gone: it would stand in the output that a test compares."""


class Instance:
    """An instance of an app: answers `GET`s with what it was given, and remembers how it was asked."""

    def __init__(
        self,
        body: bytes = PAGE,
        *,
        status: int = 200,
        content_type: str = TEXT,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = {"Content-Type": content_type, **(headers or {})}
        #: Paths and headers of the requests so far.
        self.asked: list[tuple[str, Message]] = []
        #: While it is not set, requests hang; `arrived` tells that one does.
        self.go_on = threading.Event()
        self.go_on.set()
        self.arrived = threading.Event()
        #: Sent as it is in place of an answer, if given.
        self.raw: bytes | None = None
        self._server = Server(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        instance = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                instance.asked.append((self.path, self.headers))
                instance.arrived.set()
                instance.go_on.wait(LONG)
                try:
                    self._answer()
                except OSError:
                    # Whoever asked has gone: that is what many tests are about.
                    self.close_connection = True

            def _answer(self) -> None:
                if instance.raw is not None:
                    self.wfile.write(instance.raw)
                    self.close_connection = True
                    return
                self.send_response(instance.status)
                for name, value in instance.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(instance.body)))
                self.end_headers()
                self.wfile.write(instance.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


class Case(unittest.TestCase):
    """Closes what a test has made. A forgotten handle is a mistake of the test or of the package."""

    def setUp(self) -> None:
        catch = warnings.catch_warnings()
        catch.__enter__()
        self.addCleanup(catch.__exit__, None, None, None)
        warnings.simplefilter("error", ResourceWarning)

    def instance(self, *args: Any, **kwargs: Any) -> Instance:
        made = Instance(*args, **kwargs)
        self.addCleanup(made.close)
        return made

    def client(
        self, *instances: Instance | str, options: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> promfetch.Client:
        """A client to which these instances are the app `shop`."""
        client = promfetch.Client(options or {}, **kwargs)
        self.addCleanup(client.close)
        client.set_targets(shop(*instances))
        client.wait_ready(LONG)
        return client


def shop(*instances: Instance | str) -> list[promfetch.TargetDict]:
    """The targets of the app `shop`."""
    addresses = [one if isinstance(one, str) else one.address for one in instances]
    return [{"address": address, "app": "shop", "routes": ["shop"]} for address in addresses]


def run_threads(number: int, work: Callable[[int], object]) -> list[BaseException]:
    """Runs the work in so many threads at once, and gives what they raised."""
    raised: list[BaseException] = []
    together = threading.Barrier(number)

    def run(position: int) -> None:
        together.wait(LONG)
        try:
            work(position)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(position,)) for position in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def python(*arguments: str, environment: Mapping[str, str | None] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a Python of its own, which finds the package where this one does."""
    assert promfetch.__file__ is not None
    found = {**os.environ, "PYTHONPATH": str(Path(promfetch.__file__).parent.parent), "PYTHONFAULTHANDLER": "1"}
    for name, value in (environment or {}).items():
        found.pop(name, None)
        if value is not None:
            found[name] = value
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=found, capture_output=True, text=True, timeout=LONG, check=False)
