"""The examples and the blocks of README.md, run as they stand."""

from __future__ import annotations

import http.server
import json
import re
import tempfile
import threading
from pathlib import Path
from typing import Any

from .support import PAGE, PROJECT, Case, Server, python

EXAMPLES = PROJECT.parent / "examples" / "python"


class Documents(Case):
    def platform(self) -> dict[str, str | None]:
        """The environment of a program that learns the app demo/dev/hello from a router on this machine."""
        tags = {"app_id": "0f2c3f6e-7f0e-4a53-8f64-6e5f3a0c9a11", "app_name": "hello", "component": "route-emitter"}
        tags |= {"organization_name": "demo", "space_name": "dev", "process_type": "web"}
        endpoints = [
            {"address": self.instance().address, "ttl": 120, "tags": {**tags, "instance_id": str(index)}}
            for index in range(3)
        ]
        routes = json.dumps({"hello.example.org": endpoints}).encode()

        class Router(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/routes" else 404)
                self.send_header("Content-Length", str(len(routes)))
                self.end_headers()
                self.wfile.write(routes)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = Server(("127.0.0.1", 0), Router)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return {
            "PROMFETCH_GOROUTERS__0__HOST": "127.0.0.1",
            "PROMFETCH_GOROUTERS__0__PORT": str(server.server_port),
            "PROMFETCH_TARGETS_ALLOW": "127.0.0.0/8",
        }

    def test_examples(self) -> None:
        environment = self.platform()
        with tempfile.TemporaryDirectory() as folder:
            good, bad = Path(folder, "good.prom"), Path(folder, "bad.prom")
            good.write_bytes(PAGE)
            bad.write_bytes(b"a{ 1\n")
            table = [
                # program, arguments, its end, what it prints, what it says of errors
                ("fetch.py", ["demo/dev/hello"], 0, 'requests_total{code="200",.*index="2"', "^$"),
                ("fetch.py", ["demo/dev/nobody"], 1, "^$", "^NOT_FOUND: "),
                ("stream.py", ["demo/dev/hello"], 0, "(?s)requests_total.*# EOF", "^$"),
                ("stream.py", ["demo/dev/nobody"], 1, "^$", "^NOT_FOUND: "),
                ("discover.py", ["demo/dev/hello"], 0, r"http://127\.0\.0\.1:\d+/metrics .*'app_name': 'hello'", "^$"),
                ("discover.py", ["demo"], 1, "^$", "^NOT_FOUND: "),
                ("merge.py", [str(good), str(good)], 0, 'requests_total{code="200",file=".*good.prom"} 17', "^$"),
                ("merge.py", [str(good), str(bad)], 1, "^$", "bad.prom: .*line 1"),
                ("merge.py", [f"{folder}/none"], 1, "^$", "No such file"),
            ]
            for name, arguments, code, out, errors in table:
                with self.subTest(program=name, arguments=arguments):
                    ended = python(str(EXAMPLES / name), *arguments, environment=environment)
                    self.assertEqual(ended.returncode, code, ended.stderr)
                    self.assertRegex(ended.stdout, out)
                    self.assertRegex(ended.stderr, errors)

    def test_examples_are_short(self) -> None:
        found = sorted(EXAMPLES.glob("*.py"))
        self.assertEqual([path.stem for path in found], ["discover", "fetch", "merge", "stream"])
        for path in found:
            self.assertLess(len(path.read_text().splitlines()), 25, path)

    def test_the_readme(self) -> None:
        environment = self.platform()
        blocks = re.findall(r"^```python\n(.*?)^```$", (PROJECT / "README.md").read_text(), flags=re.M | re.S)
        self.assertGreaterEqual(len(blocks), 6)
        for block in blocks:
            with self.subTest(block.splitlines()[:3]):
                ended = python("-c", block, environment=environment)
                self.assertEqual(ended.returncode, 0, ended.stderr)
