"""The configuration of a client, as the library takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Union

from . import _log
from ._ffi import lib
from ._json import to_json
from ._strings import encode
from .errors import call

#: A text as it stands in a configuration file; numbers, truth values, lists and sections become JSON.
OptionValue = Union[str, int, float, bool, Sequence[Any], Mapping[str, Any]]


@contextmanager
def options(
    values: Mapping[str, OptionValue], environment: bool, log: _log.LogCallback | None, level: _log.Level
) -> Iterator[int]:
    """Options of the library, freed in the end. Later ones win: what is given in the program stands above the rest."""
    handle: int = lib.promfetch_options_new()
    try:
        if environment:
            call(lib.promfetch_options_environment, handle)
        for key, value in values.items():
            text = value if isinstance(value, str) else to_json(f"option {key}", value)
            call(lib.promfetch_options_set, handle, encode("an option's name", key), encode(f"option {key}", text))
        if log is not None:
            _log.install(handle, level, log)
        yield handle
    finally:
        lib.promfetch_options_free(handle)
