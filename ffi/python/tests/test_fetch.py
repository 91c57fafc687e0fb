"""Asking instances: what is sent, what comes back."""

from __future__ import annotations

import socket
import tempfile
import threading
from datetime import timedelta
from typing import Any

import promfetch

from .support import PAGE, Case, python


class Fetch(Case):
    def test_a_page_has_the_samples_of_all_instances_with_their_labels(self) -> None:
        one, two = self.instance(), self.instance()
        page = self.client(one, two).fetch("shop")
        self.assertEqual((page.up, page.failures), (2, []))
        for index, instance in enumerate((one, two)):
            self.assertRegex(
                page.text, rf'requests_total{{code="200".*index="{index}".*instance="{instance.address}"}} 17'
            )
        self.assertIn("promfetch_up{", page.text)

    def test_a_page_is_bytes_and_text(self) -> None:
        page = self.client(self.instance()).fetch("shop")
        self.assertEqual(bytes(page), page.data)
        self.assertEqual(str(page), page.data.decode())
        self.assertTrue(page.content_type.startswith("text/plain; version=0.0.4"), page.content_type)
        self.assertIn("up 1", repr(page))

    def test_settings_reach_the_instance(self) -> None:
        table: list[tuple[dict[str, Any], str, str | None, str | None]] = [
            # settings, the path that is asked, a header, its value
            ({}, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", None),
            ({"metric_path": "/stats"}, "/stats", None, None),
            ({"metric_path": None}, "/metrics", None, None),
            ({"headers": {"X-One": "1", "X-Two": "zwei"}}, "/metrics", "X-Two", "zwei"),
            ({"authorization": "Bearer me"}, "/metrics", "Authorization", "Bearer me"),
            ({"format": "openmetrics"}, "/metrics", "Accept", None),
        ]
        instance = self.instance()
        client = self.client(instance)
        for settings, path, header, value in table:
            with self.subTest(settings=settings):
                client.fetch("shop", **settings)
                asked, headers = instance.asked[-1]
                self.assertEqual(asked, path)
                if header and value:
                    self.assertEqual(headers[header], value)

    def test_the_format_is_named_or_negotiated(self) -> None:
        table: list[tuple[dict[str, Any], str]] = [
            ({}, "text/plain"),
            ({"format": "text"}, "text/plain"),
            ({"format": "openmetrics"}, "application/openmetrics-text"),
            ({"format": "protobuf"}, "application/vnd.google.protobuf"),
            ({"accept": "application/openmetrics-text; version=1.0.0"}, "application/openmetrics-text"),
            ({"accept": "text/plain", "format": "openmetrics"}, "text/plain"),  # `accept` wins
        ]
        client = self.client(self.instance())
        for settings, kind in table:
            with self.subTest(settings=settings):
                page = client.fetch("shop", **settings)
                self.assertTrue(page.content_type.startswith(kind), page.content_type)
                self.assertEqual(page.up, 1)

    def test_times_are_taken_in_all_their_forms(self) -> None:
        client = self.client(self.instance())
        for time in (30, 30.5, timedelta(seconds=30), "30s", "1m"):
            self.assertEqual(client.fetch("shop", timeout=time).up, 1, time)
        for limit in (30, 7.5, "10"):
            self.assertEqual(client.fetch("shop", scrape_timeout=limit).up, 1, limit)

    def test_one_instance_of_several(self) -> None:
        one, two = self.instance(), self.instance()
        client = self.client(one, two)
        for index in (1, "1"):
            page = client.fetch("shop", instance=index, only_app_metrics=True)
            self.assertIn(two.address, page.text)
            self.assertNotIn(one.address, page.text)

    def test_only_app_metrics(self) -> None:
        client = self.client(self.instance())
        self.assertNotIn("promfetch_up", client.fetch("shop", only_app_metrics=True).text)
        self.assertIn("promfetch_up", client.fetch("shop", only_app_metrics=False).text)

    def test_some_failures_are_in_the_page_and_all_are_an_error(self) -> None:
        good, bad = self.instance(), self.instance(status=500)
        page = self.client(good, bad).fetch("shop")
        self.assertEqual(page.up, 1)
        self.assertEqual([type(failure) for failure in page.failures], [promfetch.Status5xx])
        client = self.client(bad)
        with self.assertRaises(promfetch.Status5xx):
            client.fetch("shop")
        page = client.fetch("shop", all_failed="page")
        self.assertEqual((page.up, len(page.failures)), (0, 1))
        self.assertIn("promfetch_up", page.text)

    def test_labels_and_headers_of_a_target(self) -> None:
        instance = self.instance()
        client = self.client()
        client.set_targets(
            [
                {
                    "address": instance.address,
                    "app": "shop",
                    "routes": ["shop"],
                    "path": "/own",
                    "headers": {"X-Key": "k"},
                    "labels": {"zone": "z1"},
                    "timeout": "20s",
                }
            ]
        )
        self.assertIn('zone="z1"', client.fetch("shop", only_app_metrics=True).text)
        path, headers = instance.asked[-1]
        self.assertEqual((path, headers["X-Key"]), ("/own", "k"))


class Client(Case):
    def test_targets_are_replaced_all_or_none(self) -> None:
        one, two = self.instance(), self.instance()
        client = self.client(one)
        client.set_targets([{"address": two.address, "app": "shop", "routes": ["shop"]}])
        self.assertEqual([target.address for target in client.discover("shop")], [two.address])
        with self.assertRaises(promfetch.InvalidOption):
            client.set_targets([{"address": one.address, "app": "a"}, {"address": "no address", "app": "b"}])
        self.assertEqual([target.address for target in client.discover("shop")], [two.address])
        client.set_targets(iter([]))
        with self.assertRaises(promfetch.NotFound):
            client.discover("shop")

    def test_what_is_discovered_is_a_mapping_of_labels(self) -> None:
        instance = self.instance()
        (target,) = self.client(instance).discover("shop")
        self.assertEqual(target.address, instance.address)
        self.assertEqual(target.url, f"http://{instance.address}/metrics")
        self.assertEqual(target["instance"], instance.address)
        self.assertEqual(target["__address__"], instance.address)
        self.assertNotIn("__address__", target.labels)
        self.assertEqual(set(target), set(dict(target)))
        self.assertEqual(len(target), len(list(target)))
        self.assertIsNone(target.get("nothing"))
        self.assertEqual(instance.asked, [])

    def test_instances_tell_how_it_went(self) -> None:
        instance = self.instance()
        client = self.client(instance)
        client.fetch("shop")
        (known,) = client.instances("shop")
        self.assertEqual(known["address"], instance.address)
        self.assertEqual(known["path"], "/metrics")
        self.assertEqual(known["status"], "up")

    def test_the_snapshot_and_own_metrics(self) -> None:
        client = self.client(self.instance())
        known = client.snapshot()
        self.assertIs(known["ready"], True)
        self.assertLessEqual({"sources", "routes"}, known.keys())
        with client.call("v1", "ListTasks") as call:
            self.assertIn('promfetch_calls_in_flight{api="v1",call="ListTasks"} 1', client.metrics())
        call.end()
        metrics = client.metrics()
        self.assertIn('promfetch_calls_started_total{api="v1",call="ListTasks"} 1', metrics)
        self.assertIn('promfetch_calls_in_flight{api="v1",call="ListTasks"} 0', metrics)
        client.count_call("v1", "ListTasks")
        metrics = client.metrics()
        self.assertIn('promfetch_calls_started_total{api="v1",call="ListTasks"} 2', metrics)
        self.assertIn('promfetch_call_duration_seconds_count{api="v1",call="ListTasks"} 1', metrics)

    def test_calls_have_the_names_of_the_ecs_agent_on_request(self) -> None:
        client = self.client(self.instance(), options={"call_metrics": "ecs"})
        client.call("DockerAPI", "PULL_IMAGE").end()
        client.count_call("DockerAPI", "PULL_IMAGE")
        metrics = client.metrics()
        self.assertIn('AgentMetrics_DockerAPI_call_count{Call="PULL_IMAGE"} 2\n', metrics)
        self.assertIn('AgentMetrics_DockerAPI_duration_seconds_count{Call="PULL_IMAGE"} 1\n', metrics)
        self.assertNotIn("promfetch_call", metrics)

    def test_a_target_may_be_a_unix_socket(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/metrics.sock"
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            listener.bind(path)
            listener.listen()

            def answer() -> None:
                connection, _ = listener.accept()
                with connection:
                    self.assertIn(b"host: localhost\r\n", connection.recv(4096).lower())
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
                    connection.sendall(head.encode() + PAGE)

            thread = threading.Thread(target=answer)
            thread.start()
            client = self.client()
            client.set_targets([{"app": "docker", "routes": ["docker"], "address": f"unix://{path}:/metrics"}])
            page = client.fetch("docker")
            thread.join()
            self.assertRegex(page.text, rf'requests_total{{code="200".*instance="unix://{path}"}} 17')
            (target,) = client.discover("docker")
            self.assertEqual(target["__address__"], f"unix://{path}")
            with self.assertRaisesRegex(promfetch.Error, "three slashes"):
                client.set_targets([{"app": "docker", "address": "unix://metrics.sock"}])

    def test_options_are_texts_or_json(self) -> None:
        instance = self.instance()
        target = {"address": instance.address, "organization": "acme", "space": "prod", "app": "shop"}
        options: dict[str, Any] = {
            "targets": [target],
            "max_fetches": 7,
            "extra_labels.zone": "z1",
            "fetch_timeout": "20s",
        }
        with promfetch.Client(options) as client:
            client.wait_ready(60)
            self.assertIn('zone="z1"', client.fetch("acme/prod/shop").text)

    def test_the_environment_counts_when_it_is_asked_for(self) -> None:
        instance = self.instance()
        # In a process of its own: the environment of this one is everybody's.
        program = (
            "import promfetch, sys\n"
            "for settings in ({}, {'options': {}}, {'options': {}, 'environment': True},"
            " {'environment': False}, {'options': {'extra_labels.zone': 'mine'}, 'environment': True}):\n"
            "    with promfetch.Client(**settings) as client:\n"
            "        try:\n"
            "            text = client.fetch('acme/prod/shop').text\n"
            "            print(*[zone for zone in ('mine', 'theirs') if f'zone=\"{zone}\"' in text])\n"
            "        except promfetch.DiscoveryError:\n"
            "            print('nothing')\n"
        )
        target = f'[{{"address":"{instance.address}","organization":"acme","space":"prod","app":"shop"}}]'
        environment = {"PROMFETCH_TARGETS": target, "PROMFETCH_EXTRA_LABELS": '{"zone":"theirs"}'}
        ended = python("-c", program, environment=environment)
        self.assertEqual(
            ended.stdout.split("\n")[:-1], ["theirs", "nothing", "theirs", "nothing", "mine"], ended.stderr
        )

    def test_versions(self) -> None:
        self.assertRegex(promfetch.version(), r"^\d+\.\d+\.\d+")
        self.assertEqual(promfetch.abi_version(), 1)

    def test_an_empty_page_is_a_page(self) -> None:
        page = self.client(self.instance(b"")).fetch("shop", only_app_metrics=True)
        self.assertEqual((page.data, page.up), (b"", 1))

    def test_a_large_page_is_copied_whole(self) -> None:
        lines = b"".join(b'large_total{line="%06d"} %d\n' % (line, line) for line in range(100_000))
        page = self.client(self.instance(PAGE + lines)).fetch("shop", only_app_metrics=True)
        self.assertEqual(page.data.count(b"\nlarge_total{"), 100_000)
