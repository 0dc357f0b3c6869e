"""Every destination of this run, by what it is and by what it was called."""

from collections.abc import Callable, Iterator

from sshdash.connections.names import canonical
from sshdash.connections.route import Route
from sshdash.connections.shared import SharedConnection
from sshdash.connections.sharing import sharing_key
from sshdash.events import EventBus
from sshdash.states import ConnectionState


class Registry:
    """Finds the shared connection that a name means."""

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self._keys: dict[str, SharedConnection] = {}
        self._names: dict[str, SharedConnection] = {}
        self.on_unnamed: Callable[[SharedConnection], None] | None = None
        """Called for a connection that is down and has no name any more."""

    def __iter__(self) -> Iterator[SharedConnection]:
        """Return every connection, in the order in which they were first asked for."""
        return iter(tuple(self._keys.values()))

    def names(self) -> list[str]:
        """Return every name."""
        return list(self._names)

    def get(self, name: str) -> SharedConnection | None:
        """Return what `name` means so far, for any way to write the destination."""
        return self._names.get(self.known(name))

    def known(self, name: str) -> str:
        """Return the name that something is kept under, for any way to write the destination."""
        return name if name in self._names else canonical(name)

    def bind(self, name: str, route: Route, asked: bool = True) -> SharedConnection:
        """Return the connection that `route` leads to, which is called `name` from now on.

        A name whose connection is live keeps its meaning: a hop that is to be another
        connection, because the command line says otherwise for the destination, gets a name of
        its own.
        """
        key = sharing_key(route)
        before = self._names.get(name)
        if before is not None and before.is_live and before.key != key:
            if asked:
                return before
            return self.bind(f"{name} as a jump host", route, asked)
        shared = self._keys.setdefault(key, SharedConnection(key, self._events))
        if not shared.is_live:
            shared.route = route
        shared.names[name] = route[-1].resolved
        if asked:
            shared.asked.add(name)
        self._names[name] = shared
        if before is not shared:
            old = before.state if before else ConnectionState.IDLE
            self._leave(before, name)
            shared.tell(name, old)
        return shared

    def part(self, name: str, reason: str) -> None:
        """Let a name mean nothing any more; its connection goes on under its others."""
        self._names.pop(name).part(name, reason)

    def _leave(self, before: SharedConnection | None, name: str) -> None:
        """Take a name off the connection that it meant before the configuration changed."""
        if before is None:
            return
        del before.names[name]
        before.asked.discard(name)
        if not before.names:
            del self._keys[before.key]
            if self.on_unnamed:
                self.on_unnamed(before)
