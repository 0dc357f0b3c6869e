"""One shared connection per destination: leases, interests, and what the screen sees of them.

A connection that somebody asked for stays until it is disconnected. One that was only opened as
a hop on the way to others goes soon after the last of them. `Attempts` makes connections and
`Supervisor` brings them back.
"""

import asyncio
import functools
import logging

from sshdash.config.destination import Destination, parse_destination
from sshdash.config.resolver import Resolver
from sshdash.connections.attempts import Attempts
from sshdash.connections.connection import Connection, ConnectionSnapshot, Lease
from sshdash.connections.dialer import Dialer
from sshdash.connections.login.account import account_of
from sshdash.connections.names import canonical
from sshdash.connections.network.ahead import Ahead
from sshdash.connections.recovery.attendance import Attendance
from sshdash.connections.recovery.interest import Interest
from sshdash.connections.recovery.redial import Redialler
from sshdash.connections.recovery.supervisor import Supervisor
from sshdash.connections.recovery.vigil import Vigil
from sshdash.connections.registry import Registry
from sshdash.connections.route import Route, RoutePlanner
from sshdash.connections.shared import SharedConnection
from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import EventBus
from sshdash.prompts import Prompter, RefusingPrompter
from sshdash.settings import Settings
from sshdash.states import ConnectionState, Step, allows

__all__ = ["Connection", "ConnectionManager", "ConnectionSnapshot", "Interest", "Lease"]

log = logging.getLogger(__name__)


class ConnectionManager:
    """Hands out leases on shared connections, dialling where there is none."""

    def __init__(
        self,
        resolver: Resolver,
        prompter: Prompter,
        events: EventBus,
        settings: Settings,
        ahead: Ahead | None = None,
    ) -> None:
        """`ahead` may have begun with the first connection."""
        self._planner = RoutePlanner(resolver)
        self._registry = Registry(events)
        if not isinstance(prompter, RefusingPrompter):
            prompter = Attendance(prompter, self._registry)
        self._redialler = Redialler(self._planner, self._registry)
        self._supervisor = Supervisor(
            self._registry, self._redialler.dial, self._redialler.cancel, settings.reconnect
        )
        self._dialer = Dialer(prompter, events, settings, ahead)
        self._attempts = Attempts(self._dialer, self._registry, self._supervisor, settings)
        self._vigil = Vigil(self._registry, self._supervisor.hurry)
        self._redialler.attempts = self._attempts
        self._redialler.supervisor = self._supervisor
        self._tasks: set[asyncio.Task[None]] = set()
        self._planning: dict[str, asyncio.Future[Route]] = {}

    def __repr__(self) -> str:
        """Return how many hosts are in each state."""
        states = [shared.state.value for shared in self._registry]
        counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        return f"<ConnectionManager [{counts or 'no hosts'}]>"

    # -- what is asked for

    async def lease(self, destination: str | Destination, purpose: str) -> Lease:
        """Return a lease on the destination's connection, dialling where it is not up.

        Joins an attempt that is under way, and does not wait for the next one where one is
        planned. Raises SSHDashError.
        """
        if isinstance(destination, str):
            destination = parse_destination(destination)
        name = str(destination)
        if not self._attempts.closed:
            self._vigil.start()
        shared = await self._meant(destination)
        connection = await self._attempts.connection(shared, name)
        self._vigil.doubt(connection)
        return connection.lease(purpose, name, shared.names.get(name))

    def interest(self, host: str, purpose: str) -> Interest:
        """Have the connection of `host` brought back when it is lost, until that is released.

        It dials nothing that was never up. A person's `disconnect` ends it all the same.
        """
        return self._supervisor.interest(canonical(host), purpose)

    def retry_now(self, host: str) -> None:
        """Dial a host that waits, or was given up, at once; how it goes is seen in its state."""
        task = asyncio.create_task(self._retry(host), name=f"dialling {host} now")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def disconnect(self, host: str) -> None:
        """Close the connection of `host`, or end the attempts at it, or forget its failure.

        Where something lives on it under another name, or waits for it, it goes on for that one.
        """
        name = self._registry.known(host)
        shared = self._registry.get(name)
        if shared is None:
            return
        if shared.is_held_besides(name) or self._supervisor.is_claimed(shared.others(name)):
            self._registry.part(name, "disconnected")
        else:
            await self._end(shared)

    async def _end(self, shared: SharedConnection) -> None:
        """Close a connection for all its names."""
        self._supervisor.stopped(shared)
        for resolved in shared.names.values():
            self._dialer.replay.forget(account_of(resolved))
        await self._attempts.end(shared, "disconnected")
        if not shared.stopped:
            return  # somebody has asked for it anew
        ending = [spare.close() for spare in shared.spares]
        if shared.connection and shared.state is ConnectionState.CONNECTED:
            ending.append(shared.connection.close())
        elif allows(shared.state, Step.STOP):
            shared.move(Step.STOP)
        await asyncio.gather(*ending)

    async def close(self) -> None:
        """Close every connection, the far ends of jump chains first, and end every attempt."""
        self._attempts.closed = True
        self._supervisor.enabled = False
        self._dialer.replay.clear()
        await self._vigil.stop()
        await self._redialler.close()
        for task in (tasks := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        by_length = sorted(self._registry, key=lambda shared: -len(shared.route))
        for shared in by_length:
            await self._attempts.end(shared, "sshdash is closing")
        for length in sorted({len(shared.route) for shared in by_length}, reverse=True):
            group = [shared for shared in by_length if len(shared.route) == length]
            await asyncio.gather(*map(self._end, group))
        await self._attempts.wait_closed()

    # -- what is seen

    def live(self, host: str) -> Connection | None:
        """Return the connection of `host` where it is up."""
        shared = self._registry.get(canonical(host))
        up = shared is not None and shared.state is ConnectionState.CONNECTED
        return shared.connection if shared is not None and up else None

    def status(self, host: str) -> ConnectionSnapshot:
        """Return how the connection of `host` stands, idle for one that was never asked for."""
        name = canonical(host)
        shared = self._registry.get(name)
        return shared.snapshot(name) if shared else ConnectionSnapshot(host)

    def statuses(self) -> list[ConnectionSnapshot]:
        """Return how every host of this run stands; some may share a connection."""
        return [self.status(name) for name in self._registry.names()]

    def all_states(self) -> list[ConnectionState]:
        """Return the state of every host of this run, for much less than how it stands."""
        registry = self._registry
        found = (registry.get(name) for name in registry.names())
        return [shared.state for shared in found if shared is not None]

    # -- parts

    async def _meant(self, destination: Destination) -> SharedConnection:
        """Return what a destination means: what it meant before as long as that is live."""
        name = str(destination)
        shared = self._registry.get(name)
        if shared is not None and shared.is_live:
            return shared
        route = await self._plan(destination, name)
        if self._attempts.closed:
            raise Cancelled("sshdash is closing", host=name)
        return self._registry.bind(name, route)

    async def _plan(self, destination: Destination, name: str) -> Route:
        """Return the way to a destination; who asks meanwhile gets it too, in the order they asked.

        So of two tunnels that want one port of a server the first has it, as with ssh.
        """
        planning = self._planning.get(name)
        if planning is None:
            loop = asyncio.get_running_loop()
            planning = loop.run_in_executor(None, self._planner.plan, destination)
            self._planning[name] = planning
            planning.add_done_callback(functools.partial(self._planned, name))
        await asyncio.wait({planning})
        return planning.result()

    def _planned(self, name: str, planning: "asyncio.Future[Route]") -> None:
        del self._planning[name]
        if not planning.cancelled():
            planning.exception()  # looked at: whoever asked may have gone

    async def _retry(self, host: str) -> None:
        try:
            destination = parse_destination(host)
            await self._attempts.connection(await self._meant(destination), str(destination))
        except SSHDashError as error:
            log.info("%s: dialled at once, in vain: %s", host, error)
