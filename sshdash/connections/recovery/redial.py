"""Automatic attempts: the way is worked out anew each time, for the machine may have moved.

``Match exec`` and ``localnetwork`` may answer otherwise in another network, and the configuration
may have been edited: then the names move to the destination that they mean now.
"""

import asyncio

from sshdash.config.destination import parse_destination
from sshdash.connections.attempts import Attempts
from sshdash.connections.descriptors import require_descriptors
from sshdash.connections.recovery.supervisor import Supervisor
from sshdash.connections.registry import Registry
from sshdash.connections.route import Route, RoutePlanner
from sshdash.connections.shared import SharedConnection
from sshdash.errors import ShortageError, SSHDashError
from sshdash.states import ConnectionState

Plans = dict[str, Route | SSHDashError]


class Redialler:
    """Begins the attempts that nobody waits for."""

    def __init__(self, planner: RoutePlanner, registry: Registry) -> None:
        self.attempts: Attempts
        self.supervisor: Supervisor
        self._planner = planner
        self._registry = registry
        self._tasks: set[asyncio.Task[None]] = set()

    def dial(self, shared: SharedConnection) -> None:
        """Begin an attempt at a connection that waits for one."""
        task = asyncio.create_task(self._dial(shared), name=f"dialling {shared.host} again")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self, shared: SharedConnection) -> None:
        """End an attempt that nobody wants any more."""
        self.attempts.cancel(shared)

    async def close(self) -> None:
        """End what is being planned."""
        for task in (tasks := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _dial(self, shared: SharedConnection) -> None:
        names = {name: one for one in _affected(shared) for name in one.asked}
        plans = await asyncio.to_thread(self._plan, tuple(names))
        if not _is_down(shared):
            return
        for name, plan in plans.items():
            self._take(names[name], name, plan)
        if shared.state is ConnectionState.WAITING and self.supervisor.is_wanted(shared):
            self.attempts.begin(shared, automatic=True)

    def _plan(self, names: tuple[str, ...]) -> Plans:
        plans: Plans = {}
        for name in names:
            try:
                require_descriptors(name)
                plans[name] = self._planner.plan(parse_destination(name))
            except SSHDashError as error:
                plans[name] = error
        return plans

    def _take(self, before: SharedConnection, name: str, plan: Route | SSHDashError) -> None:
        """Let a name mean what was planned for it."""
        if name not in before.names or not _is_down(before) or isinstance(plan, ShortageError):
            return  # what cannot be read for now may have changed, or not: the attempt says so
        if isinstance(plan, SSHDashError):
            self.supervisor.refused(before, plan)
            return
        after = self._registry.bind(name, plan)
        if after is before:
            return
        after.was_up = True
        if not after.is_live:
            self.attempts.begin(after, automatic=True)


def _affected(shared: SharedConnection) -> list[SharedConnection]:
    """Return a connection and all that wait for it."""
    found = [shared]
    for one in found:
        found += [follower for follower in one.followers if follower not in found]
    return found


def _is_down(shared: SharedConnection) -> bool:
    return shared.state is ConnectionState.WAITING and shared.attempt is None
