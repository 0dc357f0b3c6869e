"""Opening a TCP socket: a name, its addresses in a staggered race, why each of them failed."""

import asyncio
import contextlib
import errno
import os
import socket
import threading
from typing import Any

from sshdash.config.families import socket_family
from sshdash.config.resolver import ResolvedHost
from sshdash.connections.network.local_end import local_address
from sshdash.connections.network.network_faults import all_failed, name_failed, system_reason
from sshdash.connections.network.service_class import ServiceClass
from sshdash.connections.timeline import Phase, Timeline
from sshdash.settings import Settings

_STAGGER = 0.25
"""Seconds that one address has before the next is tried beside it (RFC 8305, section 5)."""

Address = tuple[Any, ...]
"""One answer of getaddrinfo."""


def connect_seconds(resolved: ResolvedHost, settings: Settings) -> float:
    """Return how long each address may take to answer, and then the key exchange; 0 for ever."""
    if resolved.origins.get("connecttimeout"):
        return resolved.seconds("connecttimeout") or 0
    return settings.connect_timeout


async def open_socket(
    resolved: ResolvedHost, host: str, timeline: Timeline, seconds: float = 0
) -> socket.socket:
    """Return a connected socket to the first of the name's addresses that answers.

    They are tried in their order, each for at most `seconds` (0 for as long as the system has
    patience); one that is silent for a moment does not keep the next one waiting. AddressFamily,
    BindAddress, BindInterface, ConnectionAttempts and IPQoS are honoured. Raises
    UnreachableError with the reason of each address.
    """
    family = socket_family(resolved.get("addressfamily"))
    with timeline.begin(Phase.RESOLVE, resolved.hostname) as step:
        try:
            async with asyncio.timeout(seconds or None):
                found = await look_up(resolved.hostname, resolved.port, family)
        except TimeoutError:
            silence = socket.gaierror(socket.EAI_AGAIN, "no answer")
            raise name_failed(silence, host, resolved) from None
        except (OSError, UnicodeError) as error:
            raise name_failed(error, host, resolved) from error
        step.done(_answer(resolved.hostname, found))
    errors: list[OSError] = []
    for attempt in range(max(1, resolved.number("connectionattempts") or 1)):
        if attempt:
            await asyncio.sleep(1)  # ssh(1) too waits a second between ConnectionAttempts
        errors = []
        made = await _Race(resolved, timeline, seconds, errors).run(found)
        if made:
            return made
    raise all_failed(errors, found, host, resolved) from errors[-1]


async def look_up(host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Address]:
    """Return the addresses of a name; raises OSError.

    Each lookup has a thread of its own: a name server that is silent must neither hold up the
    names of others nor the end of the program.
    """
    kind = socket.SOCK_STREAM
    with contextlib.suppress(OSError):
        return list(socket.getaddrinfo(host, port, family, kind, flags=socket.AI_NUMERICHOST))
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[list[Address]] = loop.create_future()

    def ask() -> None:
        answer: list[Address] | Exception
        try:
            answer = list(socket.getaddrinfo(host, port, family, kind))
        except (OSError, UnicodeError) as error:
            answer = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(_settle, answered, answer)

    threading.Thread(target=ask, name=f"looking up {host}", daemon=True).start()
    return await answered


def _settle(answered: "asyncio.Future[list[Address]]", answer: list[Address] | Exception) -> None:
    if answered.done():
        return
    if isinstance(answer, Exception):
        answered.set_exception(answer)
    else:
        answered.set_result(answer)


class _Race:
    """One try at all addresses; `errors` gets the reason of each that failed."""

    def __init__(
        self, resolved: ResolvedHost, timeline: Timeline, seconds: float, errors: list[OSError]
    ) -> None:
        self._resolved = resolved
        self._timeline = timeline
        self._seconds = seconds
        self._errors = errors

    async def run(self, found: list[Address]) -> socket.socket | None:
        """Return the first socket that connects, None where none does."""
        waiting = list(found)
        running: set[asyncio.Task[socket.socket]] = set()
        try:
            while waiting or running:
                if waiting:
                    running.add(asyncio.create_task(self._connect(waiting.pop(0))))
                patience = _STAGGER if waiting else None
                done, running = await asyncio.wait(
                    running, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                made = _winner(done, self._errors)
                if made:
                    return made
            return None
        finally:
            for task in running:
                task.cancel()
                task.add_done_callback(_drop)

    async def _connect(self, found: Address) -> socket.socket:
        family, kind, _, _, address = found
        step = self._timeline.begin(Phase.TCP, f"{address[0]} port {address[1]}")
        made = socket.socket(family, kind)
        try:
            made.setblocking(False)
            ServiceClass(made, self._resolved)
            local = await local_address(self._resolved, family)
            if local is not None:
                made.bind(local)
            await self._reach(made, address)
        except BaseException as error:
            step.failed(system_reason(error) if isinstance(error, OSError) else "given up")
            made.close()
            raise
        step.done()
        return made

    async def _reach(self, made: socket.socket, address: Any) -> None:
        try:
            async with asyncio.timeout(self._seconds or None):
                await asyncio.get_running_loop().sock_connect(made, address)
        except TimeoutError as error:
            if error.errno:
                raise
            # Ours has no number, by which the reason is told.
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None


def _winner(
    done: set["asyncio.Task[socket.socket]"], errors: list[OSError]
) -> socket.socket | None:
    """Return one of the sockets that connected and close the others."""
    made: list[socket.socket] = []
    for task in done:
        try:
            made.append(task.result())
        except OSError as error:
            errors.append(error)
    for other in made[1:]:
        other.close()
    return made[0] if made else None


def _drop(task: "asyncio.Task[socket.socket]") -> None:
    """Close what a loser of the race connected all the same."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _answer(name: str, found: list[Address]) -> str:
    addresses = ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))
    return name if addresses == name else f"{name} is {addresses}"
