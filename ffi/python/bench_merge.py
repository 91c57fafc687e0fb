#!/usr/bin/env python3
"""Prints how fast 200 pages of about 200 KB are merged, in MB of input a second: the best of some rounds.

The first figure is the merge, the second with the page copied into `bytes`.

The library is the one that the package finds; measure a release build.
"""

from __future__ import annotations

import argparse
import time

import promfetch

FAMILIES = 20


def page(seed: int, size: int) -> bytes:
    """A page as applications have it: counters and histograms with a few labels, in 20 families."""
    lines = []
    each = size // FAMILIES
    for number in range(FAMILIES):
        name = f"http_server_requests_{number}"
        histogram = number % 2 == 1
        lines.append(f"# HELP {name} Requests that the server has answered, part {number}.\n")
        lines.append(f"# TYPE {name} {'histogram' if histogram else 'counter'}\n")
        length, line = 0, 0
        while length < each:
            labels = f'method="GET",route="/api/v1/items/{line // 10}",status="200"'
            value = (seed * 7919 + number * 104729 + line * 1299709) % 1_000_003
            if histogram and line % 12 < 10:
                text = f'{name}_bucket{{{labels},le="{(line % 12 + 1) / 100}"}} {line % 12 * 100}\n'
            elif histogram:
                text = f"{name}_{('sum', 'count')[line % 2]}{{{labels}}} {value}\n"
            else:
                text = f'{name}{{{labels},worker="{line % 10}"}} {value}\n'
            lines.append(text)
            length += len(text)
            line += 1
    return "".join(lines).encode()


def main() -> None:
    """Merges and measures."""
    parser = argparse.ArgumentParser(description="Prints how fast pages are merged, in MB of input a second.")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--size", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    pages = [page(seed, arguments.size) for seed in range(arguments.pages)]
    total = sum(map(len, pages))
    best = copied = float("inf")
    with promfetch.Merge() as merge:
        for _ in range(arguments.rounds):
            begin = time.perf_counter()
            for number, one in enumerate(pages):
                labels = {"index": str(number), "instance": f"10.0.0.{number % 250}:8080"}
                merge.add(one, labels, "text/plain; version=0.0.4")
            merged = merge.finish()
            best = min(best, time.perf_counter() - begin)
            size = len(merged.data)
            copied = min(copied, time.perf_counter() - begin)
    assert merged.up == arguments.pages
    print(f"{total / best / 1e6:.0f} MB/s, {total / copied / 1e6:.0f} MB/s with a copy", end=": ")
    print(f"{arguments.pages} pages, {total / 1e6:.1f} MB in, {size / 1e6:.1f} MB out")


if __name__ == "__main__":
    main()
