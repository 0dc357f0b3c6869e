"""The other processes that run tunnels, and what they say of them."""

import asyncio
import json
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from os import getpid
from pathlib import Path

from sshdash.errors import SSHDashError
from sshdash.states import TunnelState
from sshdash.tunnels.owners.claims import owner_text
from sshdash.tunnels.owners.documents import Answer, port_of
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.untrusted import clean

_NAME = re.compile(r"([a-z]+)-([0-9]{1,10})\.sock")
_LONGEST = 16 * 1024 * 1024
"""Bytes of an answer."""
_PATIENCE = 2.0
"""Seconds that a process may take to say what it runs."""
_DOING = 90.0
"""Seconds that it may take to do something: a start may have to connect first."""
_EVERY = 1.0
"""Seconds between two looks, while somebody wants to know."""
_IDLE = 3.0
"""Seconds after which nobody does."""
HEADLESS = "forward"
"""The kind of process that is there for its tunnels alone."""
_AT_REST = (TunnelState.CLOSED, TunnelState.FAILED)
_LISTENS = (TunnelState.OPEN, TunnelState.DEGRADED)
_Key = tuple[str, str, ForwardSpec]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another process, and its tunnels."""

    pid: int
    kind: str
    tunnels: tuple[TunnelSnapshot, ...] = ()
    """Each with its owner, and an id as ``pid/id``."""
    problem: str = ""
    """Why it does not say what it runs."""


async def survey(folder: Path) -> list[Neighbour]:
    """Return the processes that run tunnels, but for this one; what ended ones left is removed."""
    asked = [_look(path, kind, pid) for path, kind, pid in _sockets(folder) if pid != getpid()]
    return [one for one in await asyncio.gather(*asked) if one is not None]


async def ask(folder: Path, pid: int, do: str, *, name: str = "", tunnel: str = "") -> None:
    """Have a process do something with a rule of a name, or a tunnel of an id; see `Control`.

    Raises SSHDashError with its answer where it refuses, or where it is gone.
    """
    paths = [path for path, _, owner in _sockets(folder) if owner == pid]
    if not paths:
        raise SSHDashError(f"Process {pid} runs no tunnels", "it has ended, or it never did")
    try:
        await _exchange(paths[0], {"do": do, "name": name, "tunnel": tunnel}, _DOING)
    except (OSError, TimeoutError, ValueError) as error:
        said, hint = clean(str(error)), "look again: is it still there?"
        raise SSHDashError(f"Process {pid} does not answer", said, hint) from error


class Neighbours:
    """What other processes run, looked at once a second while somebody wants to know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: tuple[Neighbour, ...] = ()
        self._wanted = 0.0
        self._looking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Neighbours {[one.pid for one in self._seen]}>"

    def tunnels(self) -> list[TunnelSnapshot]:
        """Return what they ran at the last look, which is a second ago at most from now on."""
        self._wanted = time.monotonic()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return [tunnel for one in self._seen for tunnel in one.tunnels]

    def around(self, own: Iterable[TunnelSnapshot]) -> list[TunnelSnapshot]:
        """Return our tunnels and theirs: a forward that they run stands in the place of ours.

        So does one that has failed where a process is there for it alone. Of a rule that runs here
        they ran nothing for longer than the last look is ago.
        """
        theirs: dict[_Key, list[TunnelSnapshot]] = {}
        for one in self.tunnels():
            alone = one.state is TunnelState.FAILED and one.owner.startswith(HEADLESS)
            if alone or one.state not in _AT_REST:
                theirs.setdefault(_key(one, origin(one)), []).append(one)
        rows = []
        for one in own:
            others = theirs.get(_key(one, one.spec), [])
            if others and one.state in _AT_REST:
                other = others.pop(0)
                if other.state is not TunnelState.FAILED or one.state is TunnelState.CLOSED:
                    one = replace(other, id=one.id)
            elif one.rule is not None:
                others.clear()
            elif one.state in _LISTENS:  # where theirs did, at the last look
                others[:] = [other for other in others if other.state is TunnelState.FAILED]
            rows.append(one)
        return [*rows, *(one for others in theirs.values() for one in others)]

    async def look(self) -> tuple[Neighbour, ...]:
        """Look now."""
        self._seen = tuple(await survey(self.folder))
        return self._seen

    async def close(self) -> None:
        """End looking. Idempotent."""
        task, self._looking = self._looking, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _look(self) -> None:
        while time.monotonic() - self._wanted < _IDLE:
            await self.look()
            await asyncio.sleep(_EVERY)


def settled(tunnel: TunnelSnapshot) -> ForwardSpec:
    """Return a tunnel's forward with the port that it got, where it left that to the system."""
    port = port_of(tunnel)
    return tunnel.spec if tunnel.spec.port or not port else replace(tunnel.spec, port=port)


def origin(tunnel: TunnelSnapshot) -> ForwardSpec:
    """Return a tunnel's forward as its rule has it: with port 0, where the system chose."""
    spec = tunnel.spec
    chosen = replace(spec, port=0)
    forwards = tunnel.rule.forwards if tunnel.rule else ()
    return chosen if spec not in forwards and chosen in forwards else spec


def _key(tunnel: TunnelSnapshot, forward: ForwardSpec) -> _Key:
    """Return what it has in common with the same forward in another process."""
    if tunnel.rule is not None:
        return tunnel.rule.name, tunnel.host, forward
    is_fixed = forward.port or forward.listen_path
    return ("", tunnel.host if is_fixed else tunnel.id, forward)  # or each has a port of its own


async def _look(path: Path, kind: str, pid: int) -> Neighbour | None:
    try:
        answer = await _exchange(path, {"do": "list"}, _PATIENCE)
        tunnels = tuple(
            replace(one, id=f"{pid}/{one.id}", owner=owner_text(kind, pid))
            for one in answer.tunnels
        )
    except (ConnectionRefusedError, FileNotFoundError):
        _remove(path)  # its process was killed: nobody listens
        return None
    except (OSError, TimeoutError, SSHDashError, ValueError) as error:
        stuck = isinstance(error, TimeoutError)
        return Neighbour(pid, kind, problem="no answer" if stuck else clean(str(error)))
    return Neighbour(pid, kind, tunnels)


def _sockets(folder: Path) -> list[tuple[Path, str, int]]:
    """Return the sockets with what their processes are, and their numbers."""
    try:
        named = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    except OSError:
        return []
    return sorted((path, name[1], int(name[2])) for path, name in named if name)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


async def _exchange(path: Path, request: dict[str, str], patience: float) -> Answer:
    """Return the answer to a request. Raises OSError, TimeoutError, ValueError, SSHDashError."""
    async with asyncio.timeout(patience):
        reader, writer = await asyncio.open_unix_connection(str(path), limit=_LONGEST)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            line = await reader.readline()
        finally:
            writer.transport.abort()
    if not line:
        raise ConnectionResetError("it went before it answered")
    answer = Answer.decode(line)
    if not answer.ok:
        title, detail = clean(answer.title) or "it refuses", clean(answer.detail, 2_000)
        raise SSHDashError(title, detail, clean(answer.hint))
    return answer
