"""What a program tells its terminal by OSC, read out of bytes it has chosen: cleaned and bounded.

Pure and linear in time. Nothing here acts: what is told is data for a person, or for a rule of
theirs, to decide about.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from sshdash.untrusted import clean

TITLE_LIMIT = 80
BODY_LIMIT = 240
CLIPBOARD_LIMIT = 64 * 1024
"""Bytes a program may put on the clipboard at once."""
_URI_LIMIT = 4096
_HOST = re.compile(r"[A-Za-z0-9._-]{0,253}\Z")
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A})


class Notification(NamedTuple):
    """OSC 9, 777 or 99: something a program wants read. The texts are cleaned."""

    title: str
    body: str = ""

    @classmethod
    def of(cls, title: bytes, body: bytes) -> "Notification | None":
        """Return what is left of one after cleaning, None where that is nothing."""
        heading, text = clean(title, TITLE_LIMIT).strip(), clean(body, BODY_LIMIT).strip()
        if not heading:
            heading, text = text, ""
        return cls(heading, text) if heading else None


class ProgressState(Enum):
    """What OSC 9;4 says of a job."""

    RUNNING = "running"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It runs, and nobody can say how far it is."""
    PAUSED = "paused"


class Progress(NamedTuple):
    """OSC 9;4: how far a program is with something that takes long."""

    state: ProgressState
    percent: int | None = None


class ClipboardWrite(NamedTuple):
    """OSC 52: text a program wants on the clipboard."""

    text: str
    """Without control characters but tabs and line ends; empty where it was too large."""
    size: int
    """Bytes that were sent."""

    @classmethod
    def of(cls, data: bytes, size: int) -> "ClipboardWrite":
        """Return what may be put on a clipboard of `data`, none of it where `size` was too much."""
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        return cls(text.translate(_CONTROLS), size)


class Directory(NamedTuple):
    """OSC 7: the folder a shell is in, and the machine it says it is on. Never looked up."""

    host: str
    path: str


def parse_directory(uri: bytes) -> Directory | None:
    """Return the folder of a ``file://HOST/PATH`` address, None for anything else.

    A path that cannot be shown as it is (controls, bytes that are not UTF-8) is not taken.
    """
    if len(uri) > _URI_LIMIT or not uri.startswith(b"file://"):
        return None
    host, slash, rest = uri[7:].partition(b"/")
    name = host.decode("ascii", "replace")
    if not slash or not _HOST.match(name):
        return None
    try:
        path = unquote_to_bytes(slash + rest).decode()
    except UnicodeDecodeError:
        return None
    if clean(path, _URI_LIMIT) != path:
        return None
    return Directory(name.lower(), path)


class OscScanner:
    """Finds the strings of one OSC in a stream, however it is cut, where the emulator keeps none.

    While there is none of them, `sees` is all it costs: a search in C, the quicker one backwards.
    """

    def __init__(self, number: bytes, limit: int = 4096) -> None:
        self._introducer = b"\x1b]%s;" % number
        self._limit = limit
        self._head = b""
        """The end of what came before, where it may be the beginning of an introducer."""
        self._content: bytearray | None = None

    def sees(self, data: bytes) -> bool:
        """Return whether `data` has to be fed: one begins, goes on or may begin in it."""
        return bool(
            self._content is not None
            or self._head
            or (b"]" in data and data.rfind(self._introducer) >= 0)
            or self._unfinished(data[-len(self._introducer) :])
        )

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the content of each string that ends in `data`; too long ones are left out."""
        if self._head:
            data, self._head = self._head + data, b""
        at = 0
        while True:
            if self._content is None:
                found = data.find(self._introducer, at)
                if found < 0:
                    self._head = self._unfinished(data[max(at, len(data) - 16) :])
                    return
                self._content, at = bytearray(), found + len(self._introducer)
            end = _STRING_END.search(data, at)
            stop = end.start() if end else len(data)
            room = self._limit + 1 - len(self._content)
            self._content += data[at : min(stop, at + room)]
            if end is None:
                return
            if end.group() == b"\x1b" and end.end() == len(data):
                self._head = b"\x1b"
                return
            finished, self._content = bytes(self._content), None
            at = stop
            if end.group() != b"\x07" and not data.startswith(b"\x1b\\", stop):
                continue  # another sequence cuts it short
            if len(finished) <= self._limit:
                yield finished

    def _unfinished(self, tail: bytes) -> bytes:
        tail = tail[tail.rfind(b"\x1b") :] if b"\x1b" in tail else b""
        return (
            tail if len(tail) < len(self._introducer) and self._introducer.startswith(tail) else b""
        )


_STRING_END = re.compile(rb"[\x07\x18\x1a\x1b]")


class KittyNotifications:
    """OSC 99, kitty's notifications, which come in pieces: title and body, plain or in base64."""

    _WAITING = 8
    _TEXT = 4 * BODY_LIMIT

    def __init__(self) -> None:
        self._scanner = OscScanner(b"99")
        self._pieces: dict[str, dict[str, bytes]] = {}

    def feed(self, data: bytes) -> Iterator[Notification]:
        """Yield each notification that is complete with `data`."""
        if not self._scanner.sees(data):
            return
        for content in self._scanner.feed(data):
            if (whole := self._take(content)) is not None:
                yield whole

    def _take(self, content: bytes) -> Notification | None:
        metadata, _, payload = content.partition(b";")
        keys = dict(
            part.split("=", 1) for part in metadata.decode("ascii", "replace").split(":")
            if "=" in part
        )  # fmt: skip
        if keys.get("e") == "1":
            try:
                payload = base64.b64decode(payload + b"=" * (-len(payload) % 4), validate=True)
            except binascii.Error:
                return None
        kind = keys.get("p", "title")
        name = keys.get("i", "")[:64]
        known = self._pieces.pop(name, {})
        if kind in ("title", "body"):
            known[kind] = (known.get(kind, b"") + payload)[: self._TEXT]
        if keys.get("d") == "0":
            while len(self._pieces) >= self._WAITING:
                del self._pieces[next(iter(self._pieces))]
            self._pieces[name] = known
            return None
        return Notification.of(known.get("title", b""), known.get("body", b""))
