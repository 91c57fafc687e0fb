"""Exceptions: how each comes about, and what class it has."""

from __future__ import annotations

import pickle
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Callable

import promfetch
from promfetch import errors
from promfetch._ffi import lib

from .support import LONG, Case, shop


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


class Provoked(Case):
    """Codes 4 and 5 have tests of their own; 103 and 900 need a control plane or a mistake in the library."""

    def provoke(self, expected: type[promfetch.Error], work: Callable[[], object]) -> promfetch.Error:
        with self.assertRaises(expected) as raised:
            work()
        error = raised.exception
        self.assertIs(type(error), expected)
        self.assertEqual(errors.CLASSES[error.code], expected)
        self.assertRegex(error.name, "^[A-Z0-9_]+$")
        self.assertTrue(error.message)
        self.assertEqual(str(error), error.message)
        return error

    def test_the_caller(self) -> None:
        client = self.client(self.instance())
        self.provoke(promfetch.InvalidArgument, lambda: client.fetch("shop", format="xml"))
        self.provoke(promfetch.InvalidArgument, lambda: client.fetch("a/b"))
        error = self.provoke(promfetch.UnknownOption, lambda: promfetch.Client({"fetch_timeuot": "1s"}))
        self.assertIn("fetch_timeout", error.message, "it names the nearest")
        self.provoke(promfetch.InvalidOption, lambda: promfetch.Client({"fetch_timeout": "soon"}))

    def test_discovery(self) -> None:
        client = self.client(self.instance())
        error = self.provoke(promfetch.NotFound, lambda: client.fetch("acme/prod/nobody"))
        self.assertFalse(error.transient)
        twice = self.instance().address
        client.set_targets(
            [{"address": twice, "app": "shop", "routes": ["shop"], "index": "0"}] * 1
            + [{"address": self.instance().address, "app": "shop", "routes": ["shop"], "index": "0"}]
        )
        self.provoke(promfetch.Ambiguous, lambda: client.fetch("shop", instance=0))
        away = {"gorouters[0].host": "127.0.0.1", "gorouters[0].port": "1", "start_response_delay_interval": "1h"}
        with promfetch.Client(away) as client:
            error = self.provoke(promfetch.NotReady, lambda: client.wait_ready(0.2))
            self.assertTrue(error.transient)
            self.provoke(promfetch.NotReady, lambda: client.wait_ready(0))
            self.provoke(promfetch.NotReady, lambda: client.fetch("acme/prod/shop"))

    def test_instances(self) -> None:
        hanging = self.instance()
        hanging.go_on.clear()
        garbage = self.instance()
        garbage.raw = b"\x00\x01\x02 this is not HTTP\r\n\r\n"
        around = self.instance(status=302, headers={"Location": "/again"})
        for expected, instance in (
            (promfetch.Timeout, hanging),
            (promfetch.Refused, closed_port()),
            (promfetch.Status4xx, self.instance(status=404)),
            (promfetch.Status5xx, self.instance(status=503)),
            (promfetch.TooLarge, self.instance(b"a 1\n" * 1000)),
            (promfetch.RedirectError, around),
            (promfetch.ProtocolError, garbage),
            (promfetch.ParseError, self.instance(b"a{ 1\n")),
        ):
            with self.subTest(expected=expected.__name__):
                client = self.client(instance, options={"max_body": "2KiB"})
                timeout = 0.5 if expected is promfetch.Timeout else LONG
                self.provoke(expected, lambda: client.fetch("shop", timeout=timeout))
                page = client.fetch("shop", timeout=2, all_failed="page")
                self.assertEqual([page.up, len(page.failures)], [0, 1])

    def test_an_instance_that_refused_is_left_alone_for_a_while(self) -> None:
        client = self.client(closed_port())
        self.provoke(promfetch.Refused, lambda: client.fetch("shop"))
        self.provoke(promfetch.Skipped, lambda: client.fetch("shop"))

    def test_tls(self) -> None:
        instance = self.instance()
        client = self.client()
        client.set_targets([{**shop(instance)[0], "tls": True}])
        self.provoke(promfetch.TLSError, lambda: client.fetch("shop"))

    def test_another_ones_certificate(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
            command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            command += ["-subj", "/CN=somebody", "-addext", "subjectAltName=DNS:somebody.internal", "-days", "30"]
            # An issuer's certificate would not be taken from an instance.
            command += ["-addext", "basicConstraints=critical,CA:FALSE"]
            try:
                subprocess.run(
                    [*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
                )
            except FileNotFoundError:
                self.skipTest("there is no openssl")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            authority = certificate.read_text()
        instance = self.instance()
        instance._server.socket = context.wrap_socket(instance._server.socket, server_side=True)
        client = self.client(options={"ca_certs": authority})
        for name, expected in (("somebody.internal", None), ("shop.internal", promfetch.Gone)):
            client.set_targets([{**shop(instance)[0], "tls": True, "server_name": name}])
            if expected is None:
                self.assertEqual(client.fetch("shop").up, 1)
            else:
                self.provoke(expected, lambda: client.fetch("shop"))

    def test_the_whole_process_is_full(self) -> None:
        page = b"".join(b'full_total{line="%06d"} 1\n' % line for line in range(20_000))
        client = self.client(self.instance(page), options={"max_inflight": "1MiB", "max_body": "1MiB"})
        streams: list[promfetch.Stream] = []
        try:
            with self.assertRaises(promfetch.FetchError) as raised:
                # A stream that is open holds its inputs.
                for _ in range(8):
                    streams.append(client.stream("shop", timeout=5))
            self.assertIs(type(raised.exception), promfetch.Overloaded)
            self.assertTrue(raised.exception.transient)
        finally:
            for stream in streams:
                stream.close()
        self.assertEqual(client.fetch("shop").up, 1)


class Classes(Case):
    def test_every_code_has_a_class_below_its_hundred(self) -> None:
        for code, kind in errors.CLASSES.items():
            with self.subTest(code=code):
                self.assertIs(errors.class_of(code), kind)
                self.assertTrue(issubclass(kind, errors.GROUPS[code // 100]))
                self.assertTrue(issubclass(kind, promfetch.Error))
                self.assertIs(getattr(promfetch, kind.__name__), kind)

    def test_every_code_has_its_name_in_the_library(self) -> None:
        names = [lib.promfetch_code_name(code).decode() for code in errors.CLASSES]
        self.assertNotIn("UNKNOWN", names)
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(lib.promfetch_code_name(299), b"UNKNOWN")

    def test_an_unknown_code_is_treated_as_its_hundred(self) -> None:
        table = [
            (99, promfetch.CallerError),
            (199, promfetch.DiscoveryError),
            (299, promfetch.FetchError),
            (399, promfetch.ExpositionError),
            (999, promfetch.InternalError),
            (400, promfetch.Error),
            (2**32 - 1, promfetch.Error),
        ]
        for code, kind in table:
            self.assertIs(errors.class_of(code), kind, code)

    def test_they_are_exceptions_that_Python_knows(self) -> None:
        for kind, also in (
            (promfetch.Timeout, TimeoutError),
            (promfetch.InvalidArgument, ValueError),
            (promfetch.UnknownOption, ValueError),
            (promfetch.ParseError, ValueError),
            (promfetch.NotFound, LookupError),
            (promfetch.LibraryNotFound, ImportError),
        ):
            self.assertTrue(issubclass(kind, also), kind)

    def test_they_can_be_pickled(self) -> None:
        for code, kind in errors.CLASSES.items():
            error = kind(code, "NAME", "why", True)
            again = pickle.loads(pickle.dumps(error))
            self.assertIs(type(again), kind)
            self.assertEqual((again.code, again.name, again.message, again.transient), (code, "NAME", "why", True))
            self.assertEqual(str(again), "why")
            self.assertIn("'why'", repr(again))
