"""Whether the SSH library is inside as the direct path for channel data assumes.

That path replaces some of the library's private functions, and calls others. It was made
against exactly those whose source has the digest below. Where one of them reads otherwise, in
a newer release or a patched one, every packet takes the library's own way: slower, and right.
"""

import functools
import hashlib
import linecache
import logging
from collections.abc import Callable, Iterator
from typing import Any

import asyncssh
from asyncssh.channel import SSHChannel, SSHForwardChannel, SSHTCPChannel
from asyncssh.connection import SSHConnection
from asyncssh.crypto.cipher import GCMCipher
from asyncssh.encryption import GCMEncryption

log = logging.getLogger(__name__)

DIGEST = "a960083342a9a1869c511a3f38f50a498774014e38d7470e7855c0b4952cdbf2"
"""SHA-256 of the source of all that is named below."""
_RELIED_ON: tuple[tuple[type, str], ...] = (
    (
        SSHConnection,
        "data_received _send _recv_data _recv_pkthdr _recv_packet _finish_recv_packet "
        "send_packet _send_deferred_packets _send_kexinit send_newkeys _process_newkeys "
        "create_tcp_channel _process_channel_open_confirmation add_channel remove_channel "
        "_force_close _update_recv_pktlen _reset_keepalive_timer _set_keepalive_timer "
        "_cancel_keepalive_timer _keepalive_timer_callback",
    ),
    (
        SSHChannel,
        "write writelines close write_eof _flush_send_buf _pause_resume_writing _close_send "
        "_accept_data _deliver_data _process_data _process_window_adjust process_open "
        "process_open_confirmation process_open_failure _open _start_reading _process_eof "
        "_process_close _discard_recv _cleanup",
    ),
    (SSHForwardChannel, "_open_forward"),
    (SSHTCPChannel, "connect _open_tcp"),
    (GCMEncryption, "__init__ new encrypt_packet decrypt_header decrypt_packet"),
    (GCMCipher, "__init__ _update_iv encrypt_and_sign verify_and_decrypt"),
)


@functools.cache
def is_as_expected() -> bool:
    """Return whether the installed library is the one that the direct path knows."""
    found = digest()
    if found != DIGEST:
        log.warning(
            "asyncssh %s is inside another than expected (%s): bulk takes its own, slower way",
            asyncssh.__version__,
            found[:16],
        )
    return found == DIGEST


def digest() -> str:
    """Return the digest of the installed library's functions."""
    seen = hashlib.sha256()
    for function in _functions():
        for line in _source(function):
            seen.update(line.rstrip().encode() + b"\n")
    return seen.hexdigest()


def _functions() -> Iterator[Callable[..., Any] | None]:
    for owner, names in _RELIED_ON:
        for name in names.split():
            found = vars(owner).get(name)
            yield getattr(found, "__func__", found)


def _source(function: Callable[..., Any] | None) -> list[str]:
    """Return the lines of a function; none where it or its source is not there.

    Where it ends is told by indentation: Python's own numbers differ among its versions.
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    if not lines:
        return []
    depth = _depth(lines[0])
    head = next(at for at, line in enumerate(lines) if "def " in line)
    end = head + 1
    while end < len(lines) and (not lines[end].strip() or _depth(lines[end]) > depth):
        end += 1
    return [line for line in lines[:end] if line.strip()]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
