"""A host that embeds a client and serves the metrics of all its instances."""

from __future__ import annotations

import http.client
import threading
import wsgiref.simple_server
import wsgiref.validate
from typing import Any

import promfetch
from promfetch import wsgi

from .support import LONG, Case, Instance


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Host(Case):
    def host(self, *instances: Instance | str, **settings: Any) -> int:
        """A web server with the application; the validator refuses what is against PEP 3333."""
        application = wsgiref.validate.validator(wsgi.application(self.client(*instances), "shop", **settings))
        server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def ask(
        self, port: int, path: str = "/metrics", method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def test_all_instances_are_served(self) -> None:
        one, two = self.instance(), self.instance()
        status, headers, body = self.ask(self.host(one, two))
        self.assertEqual((status, headers["X-Promfetch-Up"], headers["X-Promfetch-Failed"]), (200, "2", "0"))
        self.assertEqual(body.count(b"\nrequests_total{"), 2)
        self.assertEqual(int(headers["Content-Length"]), len(body))

    def test_the_scraper_chooses_the_format(self) -> None:
        port = self.host(self.instance())
        for accept, kind in (
            ("text/plain", "text/plain; version=0.0.4"),
            ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text"),
            # The best of those that an instance has: nothing is converted without need.
            ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "text/plain; version=0.0.4"),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                "application/vnd",
            ),
        ):
            with self.subTest(accept=accept):
                status, headers, _ = self.ask(port, Accept=accept)
                self.assertEqual((status, headers["Content-Type"][: len(kind)]), (200, kind))

    def test_the_scrapers_time_out_is_the_deadline(self) -> None:
        good, hanging = self.instance(), self.instance()
        hanging.go_on.clear()
        status, headers, _ = self.ask(self.host(good, hanging), X_Prometheus_Scrape_Timeout_Seconds="1.5")
        self.assertEqual((status, headers["X-Promfetch-Up"], headers["X-Promfetch-Failed"]), (200, "1", "1"))

    def test_settings_hold_for_all_requests(self) -> None:
        instance = self.instance()
        port = self.host(instance, metric_path="/stats", only_app_metrics=True, path="/all")
        _, _, body = self.ask(port, "/all")
        self.assertNotIn(b"promfetch_up", body)
        self.assertEqual(instance.asked[-1][0], "/stats")

    def test_other_requests(self) -> None:
        port = self.host(self.instance())
        table = [("/", "GET", 404), ("/metrics/", "GET", 404), ("/metrics", "POST", 405), ("/metrics", "HEAD", 200)]
        for path, method, expected in table:
            with self.subTest(path=path, method=method):
                status, headers, body = self.ask(port, path, method)
                self.assertEqual(status, expected)
                self.assertEqual(body == b"", method == "HEAD")

    def test_hostile_headers_cost_nobody_else(self) -> None:
        port = self.host(self.instance())
        for headers in (
            {"Accept": "\xff\xfe"},
            {"Accept": "," * 10_000},
            {"X_Prometheus_Scrape_Timeout_Seconds": "NaN"},
            {"X_Prometheus_Scrape_Timeout_Seconds": "-1"},
            {"X_Prometheus_Scrape_Timeout_Seconds": "1e999"},
        ):
            with self.subTest(headers=headers):
                self.assertEqual(self.ask(port, **headers)[0], 200)

    def test_errors_have_their_statuses(self) -> None:
        table: list[tuple[promfetch.Error, int]] = [
            (promfetch.NotFound(100, "", "no app"), 404),
            (promfetch.NotReady(101, "", "soon", True), 503),
            (promfetch.Ambiguous(102, "", "two"), 409),
            (promfetch.Unavailable(103, "", "away", True), 503),
            (promfetch.Timeout(200, "", "late"), 504),
            (promfetch.Cancelled(201, "", "closed"), 503),
            (promfetch.Refused(202, "", "refused"), 502),
            (promfetch.Status4xx(205, "", "another path?"), 406),
            (promfetch.Overloaded(211, "", "full", True), 503),
            (promfetch.InvalidArgument(1, "", "?"), 500),
            (promfetch.Forked(5, "", "forked"), 500),
            (promfetch.Panic(900, "", "oh"), 500),
            (promfetch.Error(400, "", "new"), 500),
        ]
        for error, status in table:
            with self.subTest(error=repr(error)):
                self.assertEqual(wsgi._status(error)[:3], str(status))
                self.assertEqual(bool(wsgi._retry(error)), error.transient)
        status, headers, body = self.ask(self.host(self.instance(status=404)))
        self.assertEqual(status, 406)
        self.assertTrue(body.startswith(b"406 "), body)
