"""The clients of tunnels, for whoever looks at them, and the processes they are."""

import asyncio
import time
from collections.abc import Sequence

from sshdash.tunnels.counters import Visit
from sshdash.tunnels.forwards.forwarder import Forwarder
from sshdash.tunnels.ports import owners, process_name
from sshdash.tunnels.snapshot import ClientSnapshot
from sshdash.tunnels.spec import host_port

_PAUSE = 2.0
"""Seconds between two looks at the machine's processes: clients that come and go are many."""
_SOCKET = "socket"
"""The address of clients of a Unix socket, which have none."""


class Clients:
    """Shows clients; their processes are found once each, beside the loop, and a little later."""

    def __init__(self) -> None:
        self._search: asyncio.Task[None] | None = None
        self._searched = -_PAUSE

    def __repr__(self) -> str:
        """Return whether processes are being looked for."""
        busy = self._search is not None and not self._search.done()
        return f"<Clients [{'looking for processes' if busy else 'idle'}]>"

    def of(self, forwarder: Forwarder) -> list[ClientSnapshot]:
        """Return a forward's clients, in the order they came."""
        visits = forwarder.clients.visits()
        nameless = [one for one in visits if one.process is None and (one.pid or one.origin[1])]
        if nameless:
            self._look(nameless, forwarder.port)
        now = time.monotonic()
        return [_snapshot(one, now) for one in visits]

    async def close(self) -> None:
        """Look for no processes any more. Idempotent."""
        search = self._search
        if search is not None:
            search.cancel()
            await asyncio.wait({search})

    def _look(self, visits: Sequence[Visit], port: int) -> None:
        loop = asyncio.get_running_loop()
        busy = self._search is not None and not self._search.done()
        if not busy and loop.time() >= self._searched + _PAUSE:
            self._search = loop.create_task(self._name(visits, port))

    async def _name(self, visits: Sequence[Visit], port: int) -> None:
        try:
            names = await asyncio.to_thread(_names, visits, port)
        finally:
            self._searched = asyncio.get_running_loop().time()
        for one, name in zip(visits, names, strict=True):
            one.process = name


def _names(visits: Sequence[Visit], port: int) -> list[str]:
    """Return what each client's process is called, like ``psql (812)``; empty where unknown."""
    ends = {one.origin for one in visits if not one.pid}
    found = owners(ends, port) if ends else {}
    pids = [one.pid or found.get(one.origin, 0) for one in visits]
    names = {pid: f"{process_name(pid)} ({pid})" for pid in set(pids) if pid}
    return [names.get(pid, "") for pid in pids]


def _snapshot(visit: Visit, now: float) -> ClientSnapshot:
    host, port = visit.origin
    return ClientSnapshot(
        id=visit.number,
        address=host_port(host, port) if port else _SOCKET,
        process=visit.process or "",
        target=visit.target,
        age=now - visit.began,
        bytes_up=visit.up,
        bytes_down=visit.down,
    )
