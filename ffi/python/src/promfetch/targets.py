"""What is found for a selector, and what a host that finds by itself gives in its place."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from typing import TypedDict

from ._ffi import copy, lib


class _Address(TypedDict):
    address: str


class TargetDict(_Address, total=False):
    """An instance for `Client.set_targets`. `address` is required, and `app` or `app_id`.

    An address is `host:port`, or a Unix socket such as `unix:///run/app.sock:/metrics`.
    """

    app: str
    organization: str
    space: str
    app_id: str
    #: The label `index`; without it, the position among the instances of the app.
    index: int | str
    process_type: str
    #: Selectors that lead to the app, besides its name: `["shop"]`.
    routes: list[str]
    #: The path instead of `/metrics`.
    path: str
    #: Sent with every request.
    headers: dict[str, str]
    #: Added to every sample.
    labels: dict[str, str]
    #: Whether to speak TLS. `server_name` is what its certificate must have.
    tls: bool
    server_name: str
    #: The client certificate and its key, as PEM texts.
    cert_chain: str
    private_key: str
    http2: bool
    preset: str
    #: Its own time limit, such as `"2s"`.
    timeout: str


class Target(Mapping[str, str]):
    """An instance: a mapping of its labels, those with `__` included, in the library's order."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = dict(labels)

    @property
    def address(self) -> str:
        """Where it listens: `host:port`."""
        return self._labels.get("__address__", "")

    @property
    def url(self) -> str:
        """The URL of its metrics."""
        scheme = self._labels.get("__scheme__", "http")
        return f"{scheme}://{self.address}{self._labels.get('__metrics_path__', '/metrics')}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels that its samples get."""
        return {name: value for name, value in self._labels.items() if not name.startswith("__")}

    def __getitem__(self, name: str) -> str:
        return self._labels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __repr__(self) -> str:
        return f"Target({self._labels!r})"


def take(handle: int) -> list[Target]:
    """Copies a list of targets of the library and frees it."""
    try:
        return [_target(handle, position) for position in range(lib.promfetch_targets_count(handle))]
    finally:
        lib.promfetch_targets_free(handle)


def _target(handle: int, position: int) -> Target:
    length = ctypes.c_size_t()

    def text(address: object) -> str:
        assert address is None or isinstance(address, int)
        return copy(address, length.value).decode("utf-8", "replace")

    labels = {}
    for number in range(lib.promfetch_targets_label_count(handle, position)):
        name = text(lib.promfetch_targets_label_name(handle, position, number, ctypes.byref(length)))
        labels[name] = text(lib.promfetch_targets_label_value(handle, position, number, ctypes.byref(length)))
    return Target(labels)
