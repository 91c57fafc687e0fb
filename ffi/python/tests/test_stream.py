"""Pages family by family."""

from __future__ import annotations

import promfetch

from .support import PAGE, Case

TWO_FAMILIES = PAGE + b"# TYPE temperature gauge\ntemperature 21.5\n"


class Streams(Case):
    def test_the_pieces_are_the_page(self) -> None:
        client = self.client(self.instance(TWO_FAMILIES), self.instance(PAGE), self.instance(status=404))
        for format in ("text", "openmetrics", "protobuf"):
            with self.subTest(format=format):
                page = client.fetch("shop", only_app_metrics=True, format=format)
                with client.stream("shop", only_app_metrics=True, format=format) as stream:
                    pieces = list(stream)
                    self.assertEqual(b"".join(pieces), page.data)
                    self.assertGreaterEqual(len(pieces), 2)
                    self.assertEqual((stream.up, stream.content_type), (page.up, page.content_type))
                    self.assertEqual([type(failure) for failure in stream.failures], [promfetch.Status4xx])

    def test_a_piece_is_a_family(self) -> None:
        with self.client(self.instance(TWO_FAMILIES)).stream("shop", only_app_metrics=True) as stream:
            first, second = stream
        self.assertTrue(first.startswith(b"# HELP requests_total"), first)
        self.assertTrue(second.startswith(b"# TYPE temperature"), second)

    def test_it_closes_itself_at_the_end_and_can_still_be_asked(self) -> None:
        stream = self.client(self.instance()).stream("shop")
        self.assertEqual(len(list(stream)), len(list(self.client(self.instance()).stream("shop"))))
        self.assertTrue(stream.closed)
        self.assertEqual(list(stream), [])
        self.assertEqual((stream.up, stream.failures), (1, []))

    def test_it_can_be_left_before_the_end(self) -> None:
        client = self.client(self.instance(TWO_FAMILIES))
        with client.stream("shop") as stream:
            next(stream)
        with self.assertRaises(promfetch.Closed):
            next(stream)
        self.assertEqual(client.fetch("shop").up, 1)

    def test_it_outlives_its_client(self) -> None:
        client = self.client(self.instance(TWO_FAMILIES))
        with client.stream("shop", only_app_metrics=True) as stream:
            client.close()
            self.assertIn(b"temperature", b"".join(stream))

    def test_when_all_fail_there_is_none(self) -> None:
        with self.assertRaises(promfetch.Status4xx):
            self.client(self.instance(status=404)).stream("shop")
