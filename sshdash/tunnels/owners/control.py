"""Where others ask a process about its tunnels: a Unix socket for this user alone.

A request is one line of JSON, and so is its answer::

    {"do": "list"}                            {"ok": true, "pid": 12, "kind": …, "tunnels": […]}
    {"do": "stop", "name": "billing-db"}      {"ok": true, "tunnels": […]}
    {"do": "pause", "tunnel": "t1"}           {"ok": false, "title": …, "detail": …, "hint": …}
"""

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sshdash.errors import SSHDashError, UsageError
from sshdash.paths import secret_dir
from sshdash.tunnels.owners.documents import Answer
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

MAX_REQUEST = 4_096
"""Bytes of a request."""
_ACCEPTING = 6
"""Turns of the loop from a connection that is accepted to the task that serves it."""
_MAX_PEERS = 32
_LAST_WORDS = 1.0
_PATIENCE = 30.0
"""Seconds that a peer may take for its next request."""

Act = Callable[[str], Awaitable[object]]
"""Does something with the tunnel of an id; raises SSHDashError."""


class Tunnels(Protocol):
    """What is asked about."""

    def snapshots(self) -> list[TunnelSnapshot]:
        """Return every tunnel as it is now."""
        ...


class Control:
    """Answers about the tunnels of this process, and does with them what is asked.

    `kind` is what the process is, `acts` what can be asked for beside ``list``.
    """

    def __init__(self, folder: Path, kind: str, tunnels: Tunnels, acts: Mapping[str, Act]) -> None:
        self.path = folder / f"{kind}-{os.getpid()}.sock"
        self._kind = kind
        self._tunnels = tunnels
        self._acts = acts
        self._server: asyncio.Server | None = None
        self._peers: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Control {self.path.name} [{len(self._peers)} peers]>"

    async def open(self) -> None:
        """Begin to answer. Raises OSError."""
        secret_dir(self.path.parent)
        # Whoever finds it under its name can connect at once: it is no stale one.
        making = self.path.with_suffix(".new")
        making.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(making))
            making.chmod(0o600)
            listener.listen(_MAX_PEERS)
            listener.setblocking(False)
            making.rename(self.path)
            self._server = await asyncio.start_unix_server(
                self._serve, sock=listener.dup(), limit=MAX_REQUEST
            )

    async def close(self) -> None:
        """End answering; who waits for an answer still gets it, if it comes soon. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        self.path.unlink(missing_ok=True)
        server.close()
        for _ in range(_ACCEPTING):
            await asyncio.sleep(0)  # whoever was let in just now is a peer only a few turns later
        if self._answering:
            await asyncio.wait(tuple(self._answering), timeout=_LAST_WORDS)
        for peer in tuple(self._peers):
            peer.cancel()
        if self._peers:
            await asyncio.wait(tuple(self._peers))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        if (
            self._server is None
            or len(self._peers) >= _MAX_PEERS
            or peer_uid(writer) not in (os.getuid(), 0)
        ):
            writer.close()
            return
        self._peers.add(task)
        try:
            while self._server is not None and (line := await _request(reader)):
                self._answering.add(task)
                writer.write((await self._answer(line)).encode() + b"\n")
                async with asyncio.timeout(_PATIENCE):
                    await writer.drain()
                self._answering.discard(task)
        except (OSError, TimeoutError) as error:
            log.debug("a peer of the control socket has gone: %r", error)
        except asyncio.CancelledError:
            if self._server is not None:
                raise  # else it is `close`, and nobody waits for more
        finally:
            self._peers.discard(task)
            self._answering.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            return await self._do(_fields(line))
        except SSHDashError as error:
            return Answer(False, error.title, error.detail, error.hint)
        except KeyError:
            return Answer(False, "The tunnel was removed meanwhile")
        except Exception:
            log.exception("a request of another process could not be carried out")
            return Answer(False, "That went wrong", "the log of the process has more")

    async def _do(self, request: dict[str, str]) -> Answer:
        what = request.get("do", "")
        if what == "list":
            tunnels = list(self._tunnels.snapshots())
            return Answer(True, pid=os.getpid(), kind=self._kind, tunnels=tunnels)
        act = self._acts.get(what)
        if act is None:
            known = ", ".join(("list", *self._acts))
            raise UsageError(f"“{clean(what, 40)}” cannot be asked for", f"known: {known}")
        meant = self._meant(request)
        # All at once: the forwards of a rule belong together.
        done = await asyncio.gather(*(act(one) for one in meant), return_exceptions=True)
        for failure in done:
            if isinstance(failure, BaseException):
                raise failure
        left = {one.id: one for one in self._tunnels.snapshots()}
        return Answer(True, tunnels=[left[one] for one in meant if one in left])

    def _meant(self, request: dict[str, str]) -> list[str]:
        name, tunnel = request.get("name", ""), request.get("tunnel", "")
        meant = [
            one.id
            for one in self._tunnels.snapshots()
            if (tunnel and one.id == tunnel) or (name and one.rule and one.rule.name == name)
        ]
        if not meant:
            raise UsageError(f"There is no tunnel {clean(name or tunnel, 80)}")
        return meant


def peer_uid(writer: asyncio.StreamWriter) -> int:
    """Return whose process is at the other end of a Unix socket, -1 where that is not told."""
    peer = writer.get_extra_info("socket")
    try:
        if hasattr(socket, "SO_PEERCRED"):
            told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", told)[1])
        told = peer.getsockopt(0, 1, 76)  # LOCAL_PEERCRED: a version, then the user
        return int(struct.unpack("2I", told[:8])[1])
    except OSError:
        return -1


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Return the next line, empty at the end, or where it is longer than any request."""
    with suppress(ValueError):
        async with asyncio.timeout(_PATIENCE):
            line = await reader.readline()
        return line if line.endswith(b"\n") else b""
    return b""


def _fields(line: bytes) -> dict[str, str]:
    """Return the fields of a request, all of them words. Raises UsageError."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict) or not all(isinstance(one, str) for one in request.values()):
        raise UsageError("That is no request", "one JSON object on one line, with words in it")
    return request
