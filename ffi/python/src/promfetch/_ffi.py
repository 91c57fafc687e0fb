"""Every function of promfetch.h with its types, in the header's order. Nothing else in the package declares any.

Handles, and strings whose length the library tells, are `c_void_p`: an `int`, or `None` for NULL. `c_char_p` is for
strings that end with NUL, and for bodies: ctypes hands the memory of a `bytes` out without a copy.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from . import _loader

LOG = CFUNCTYPE(None, c_void_p, c_uint32, c_void_p, c_size_t)
FINALIZER = CFUNCTYPE(None, c_void_p)

_HANDLE = c_void_p
_ERROR = POINTER(c_void_p)
_LENGTH = POINTER(c_size_t)

#: name → (result, arguments)
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "promfetch_version": (c_char_p, ()),
    "promfetch_abi_version": (c_uint32, ()),
    # error
    "promfetch_error_code": (c_uint32, (_HANDLE,)),
    "promfetch_error_message": (c_char_p, (_HANDLE,)),
    "promfetch_error_is_transient": (c_uint32, (_HANDLE,)),
    "promfetch_error_target": (c_char_p, (_HANDLE,)),
    "promfetch_error_free": (None, (_HANDLE,)),
    "promfetch_code_name": (c_char_p, (c_uint32,)),
    # options
    "promfetch_options_new": (_HANDLE, ()),
    "promfetch_options_set": (c_uint32, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_options_environment": (c_uint32, (_HANDLE, _ERROR)),
    "promfetch_options_log": (c_uint32, (_HANDLE, c_uint32, LOG, c_void_p, FINALIZER, _ERROR)),
    "promfetch_options_free": (None, (_HANDLE,)),
    # client
    "promfetch_client_new": (_HANDLE, (_HANDLE, _ERROR)),
    "promfetch_client_wait_ready": (c_uint32, (_HANDLE, c_uint64, _ERROR)),
    "promfetch_client_set_targets": (c_uint32, (_HANDLE, c_char_p, c_size_t, _ERROR)),
    "promfetch_client_snapshot": (_HANDLE, (_HANDLE, _ERROR)),
    "promfetch_client_metrics": (_HANDLE, (_HANDLE, _ERROR)),
    "promfetch_client_close": (None, (_HANDLE,)),
    "promfetch_client_free": (None, (_HANDLE,)),
    # fetch
    "promfetch_fetch": (_HANDLE, (_HANDLE, c_char_p, _ERROR)),
    "promfetch_fetch_request": (_HANDLE, (_HANDLE, _HANDLE, _ERROR)),
    # request
    "promfetch_request_new": (_HANDLE, (c_char_p, _ERROR)),
    "promfetch_request_set": (c_uint32, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_request_header": (c_uint32, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_request_cancel": (None, (_HANDLE,)),
    "promfetch_request_free": (None, (_HANDLE,)),
    # exposition
    "promfetch_exposition_data": (c_void_p, (_HANDLE, _LENGTH)),
    "promfetch_exposition_content_type": (c_char_p, (_HANDLE,)),
    "promfetch_exposition_up_count": (c_size_t, (_HANDLE,)),
    "promfetch_exposition_failure_count": (c_size_t, (_HANDLE,)),
    "promfetch_exposition_failure": (_HANDLE, (_HANDLE, c_size_t)),
    "promfetch_exposition_free": (None, (_HANDLE,)),
    # targets
    "promfetch_discover": (_HANDLE, (_HANDLE, c_char_p, _ERROR)),
    "promfetch_discover_request": (_HANDLE, (_HANDLE, _HANDLE, _ERROR)),
    "promfetch_targets_count": (c_size_t, (_HANDLE,)),
    "promfetch_targets_label": (c_void_p, (_HANDLE, c_size_t, c_char_p, _LENGTH)),
    "promfetch_targets_label_count": (c_size_t, (_HANDLE, c_size_t)),
    "promfetch_targets_label_name": (c_void_p, (_HANDLE, c_size_t, c_size_t, _LENGTH)),
    "promfetch_targets_label_value": (c_void_p, (_HANDLE, c_size_t, c_size_t, _LENGTH)),
    "promfetch_targets_free": (None, (_HANDLE,)),
    # instances and other JSON
    "promfetch_instances": (_HANDLE, (_HANDLE, c_char_p, _ERROR)),
    "promfetch_instances_request": (_HANDLE, (_HANDLE, _HANDLE, _ERROR)),
    "promfetch_text_data": (c_void_p, (_HANDLE, _LENGTH)),
    "promfetch_text_free": (None, (_HANDLE,)),
    # labels
    "promfetch_labels_new": (_HANDLE, ()),
    "promfetch_labels_set": (c_uint32, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_labels_free": (None, (_HANDLE,)),
    # merge
    "promfetch_merge_new": (_HANDLE, ()),
    "promfetch_merge_set": (c_uint32, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_merge_add": (c_uint32, (_HANDLE, _HANDLE, c_char_p, c_char_p, c_size_t, _ERROR)),
    "promfetch_merge_add_borrowed": (
        c_uint32,
        (_HANDLE, _HANDLE, c_char_p, c_char_p, c_size_t, FINALIZER, c_void_p, _ERROR),
    ),
    "promfetch_merge_failure_count": (c_size_t, (_HANDLE,)),
    "promfetch_merge_failure": (_HANDLE, (_HANDLE, c_size_t)),
    "promfetch_merge_finish": (_HANDLE, (_HANDLE, _ERROR)),
    "promfetch_merge_stream": (_HANDLE, (_HANDLE, _ERROR)),
    "promfetch_merge_free": (None, (_HANDLE,)),
    # stream
    "promfetch_stream_open": (_HANDLE, (_HANDLE, _HANDLE, _ERROR)),
    "promfetch_stream_next": (c_void_p, (_HANDLE, _LENGTH, _ERROR)),
    "promfetch_stream_content_type": (c_char_p, (_HANDLE,)),
    "promfetch_stream_up_count": (c_size_t, (_HANDLE,)),
    "promfetch_stream_failure_count": (c_size_t, (_HANDLE,)),
    "promfetch_stream_failure": (_HANDLE, (_HANDLE, c_size_t)),
    "promfetch_stream_free": (None, (_HANDLE,)),
    # calls
    "promfetch_call_start": (_HANDLE, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_call_increment": (c_uint32, (_HANDLE, c_char_p, c_char_p, _ERROR)),
    "promfetch_call_end": (None, (_HANDLE,)),
}


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            # Functions are only ever added to an ABI: this library is older than the package.
            raise _loader.LibraryNotFound([(str(library._name), f"is too old: has no {name}")]) from None
        function.restype = result
        function.argtypes = arguments
    return library


lib = _declare(_loader.load())

#: Above this, `ctypes.string_at` of Python 3.9 does not take the length: it is a C int there.
_LONGEST = 2**31 - 1


def copy(address: int | None, length: int) -> bytes:
    """The bytes at an address of the library's, copied once. They may hold NUL."""
    if not address or not length:
        return b""
    if length <= _LONGEST:
        return ctypes.string_at(address, length)
    return bytes((ctypes.c_char * length).from_address(address))
