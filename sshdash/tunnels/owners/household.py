"""The tunnels of this process among those of others: who runs what, and how it changes hands."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from sshdash.connections.faults import explain
from sshdash.errors import ForwardError, SSHDashError
from sshdash.events import EventBus, WarningRaised
from sshdash.states import TunnelState
from sshdash.tunnels.forwards.options import with_tokens
from sshdash.tunnels.kept.rules import Fill, Rules
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.owners.claims import Claims
from sshdash.tunnels.owners.control import Act, Control
from sshdash.tunnels.owners.neighbours import HEADLESS, Neighbours, ask, origin, settled
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.tunnels.tunnel import LeaseConnection

if TYPE_CHECKING:
    from sshdash.config.resolved import ResolvedHost
    from sshdash.connections.connection import Lease

log = logging.getLogger(__name__)

LetGo = Callable[[str], Awaitable[None]]
"""Ends a tunnel that another process takes over."""
_RUNNING = frozenset(TunnelState) - {TunnelState.CLOSED, TunnelState.FAILED}


class NotTaken(ForwardError):
    """Other processes keep tunnels that were to be taken over; `errors` says why, by id."""

    def __init__(self, errors: dict[str, SSHDashError]) -> None:
        first = next(iter(errors.values()))
        super().__init__(first.title, first.detail, first.hint, first.host)
        self.errors = errors


class Household:
    """Owns the rules, answers other processes, and knows what those run."""

    def __init__(
        self,
        manager: TunnelManager,
        lease: LeaseConnection,
        events: EventBus,
        claims: Claims,
        fill: Fill = lambda _, spec: spec,
    ) -> None:
        self.rules = Rules(manager, events, fill)
        self.neighbours = Neighbours(claims.folder)
        self._manager = manager
        self._lease = lease
        self._events = events
        self._claims = claims
        self._control: Control | None = None

    def __repr__(self) -> str:
        return f"<Household [{self.rules}, {self.neighbours}]>"

    async def open(self, kind: str, let_go: LetGo | None = None) -> None:
        """Answer other processes from now on, as a process of this kind: ``screen``, ``forward``.

        What another takes over is stopped here, or ended by `let_go`.
        """
        if self._control is not None:
            return
        self._claims.kind = kind
        acts: dict[str, Act] = {
            "start": self._start,
            "stop": self._manager.stop,
            "pause": self._manager.pause,
            "resume": self._manager.resume,
            "let_go": let_go or self._manager.stop,
        }
        control = Control(self._claims.folder, kind, self._manager, acts)
        try:
            await control.open()
        except OSError as error:
            title = "Other processes cannot see these tunnels"
            self._events.emit(WarningRaised(title, f"{control.path}: {error.strerror or error}"))
        else:
            self._control = control

    async def close(self) -> None:
        """End all of it. Idempotent."""
        await self.neighbours.close()
        await self.rules.close()
        if self._control is not None:
            await self._control.close()

    def snapshots(self, host: str | None = None) -> list[TunnelSnapshot]:
        """Return our tunnels and, with their `owner`, those that others run; see `around`.

        With a `host` only those of that.
        """
        theirs = self.neighbours.tunnels()
        if host is not None and all(one.host != host for one in theirs):
            return self._manager.snapshots(host)
        every = self.neighbours.around(self._manager.snapshots())
        return [one for one in every if host is None or one.host == host]

    def states(self) -> list[tuple[str, TunnelState]]:
        """Return host and state of all `snapshots`, for much less where nobody else runs any."""
        if self.neighbours.tunnels():
            return [(tunnel.host, tunnel.state) for tunnel in self.snapshots()]
        return self._manager.states()

    async def ask(self, do: str, tunnel: TunnelSnapshot) -> None:
        """Have the owner of a tunnel ``stop``, ``start``, ``pause`` or ``resume`` it, or let it go.

        What belongs to a rule is let go of as a whole. Raises SSHDashError with the answer.
        """
        pid, _, identifier = self._theirs(tunnel).id.partition("/")
        name = tunnel.rule.name if tunnel.rule and do == "let_go" else ""
        await ask(self._claims.folder, int(pid), do, name=name, tunnel="" if name else identifier)

    async def start(self, tunnel: str) -> None:
        """Open a tunnel here, in the place of what others run of its rule's group.

        How it went its state tells; raises SSHDashError where what others run is not replaced.
        """
        rule = self._manager.snapshot(tunnel).rule
        if rule is not None and rule.group:
            await self.neighbours.look()
        if not (rivals := self._rivals(tunnel)):
            await self._manager.start(tunnel)
            return
        lease = await self._lease(self._manager.snapshot(tunnel).host, "tunnel")
        try:
            await self._replace(rivals, tunnel)
            await self._manager.start(tunnel)
        finally:
            lease.release()
        await self.neighbours.look()

    async def take_over(self, tunnels: Iterable[str]) -> None:
        """Open tunnels here; what another process runs of them is asked for first.

        Their hosts are connected before, so that a port is free for no longer than it takes to
        listen on it. How it went their states tell, as with `start`; raises NotTaken for those
        that are not started because their owner keeps them.
        """
        await self.neighbours.look()
        shares: dict[str, list[str]] = {}
        for tunnel in tunnels:
            rule = self._manager.snapshot(tunnel).rule
            shares.setdefault(rule.name if rule else tunnel, []).append(tunnel)
        done = await asyncio.gather(*map(self._take, shares.values()))
        await self.neighbours.look()  # or they still ran it, as long as nobody looks
        kept = {
            tunnel: error
            for error, share in zip(done, shares.values(), strict=True)
            if error is not None
            for tunnel in share
        }
        if kept:
            raise NotTaken(kept)

    async def _take(self, tunnels: list[str]) -> SSHDashError | None:
        """Take one rule over, or one forward that has no name; return why its owner keeps it."""
        owned = [one for tunnel in tunnels for one in self._owned(tunnel)]
        lease: Lease | None = None
        try:
            rivals = self._rivals(tunnels[0])
            if owned or rivals:
                lease = await self._lease(self._manager.snapshot(tunnels[0]).host, "tunnel")
            await self._replace(rivals, tunnels[0])
            if owned:
                await self._have_let_go(owned[0], lambda: [*map(self._owned, tunnels)])
            everything = self._all_of(tunnels, owned)
            if self._claims.kind == HEADLESS:
                await self._keep_ports(everything, owned)
            await asyncio.gather(*map(self._manager.start, everything))
        except SSHDashError as error:
            return error
        except KeyError:
            return None  # it was removed meanwhile
        except Exception as error:  # whatever it is, the other rules are taken all the same
            log.warning("a tunnel is not taken over", exc_info=error)
            return explain(error, owned[0].host if owned else "", "taking a tunnel over")
        finally:
            if lease is not None:
                lease.release()
        return None

    async def _replace(self, rivals: list[TunnelSnapshot], tunnel: str) -> None:
        for rival in rivals:
            await self._have_let_go(rival, partial(self._rivals, tunnel))

    async def _have_let_go(self, owned: TunnelSnapshot, left: Callable[[], list[Any]]) -> None:
        """Ask an owner to let go. Raises SSHDashError where it does not, and some are `left`."""
        try:
            await self.ask("let_go", owned)
        except SSHDashError:
            await self.neighbours.look()
            if any(left()):
                raise

    def _all_of(self, tunnels: list[str], owned: list[TunnelSnapshot]) -> list[str]:
        """Return the tunnels with what else of their rule the owner ran, and lets go of too."""
        rule = self._manager.snapshot(tunnels[0]).rule
        others = [one for one in owned if rule is not None and origin(one) in rule.forwards]
        listed = [self._manager.add(one.host, origin(one), "saved", rule) for one in others]
        return list(dict.fromkeys((*tunnels, *listed)))

    async def _keep_ports(self, tunnels: list[str], owned: list[TunnelSnapshot]) -> None:
        """Have what listened on a port that the system chose listen on the same one again."""
        chosen = {origin(one): settled(one) for one in owned if not origin(one).port}
        for tunnel in tunnels:
            spec = self._manager.snapshot(tunnel).spec
            if spec in chosen:
                await self._manager.repoint(tunnel, chosen[spec])

    def _owned(self, tunnel: str) -> list[TunnelSnapshot]:
        """Return a tunnel, and its whole rule, as the process has it that runs it."""
        wanted = self._manager.snapshot(tunnel)
        found = []
        for one in self.neighbours.tunnels():
            same = one.rule and wanted.rule and one.rule.name == wanted.rule.name
            alike = one.host == wanted.host and wanted.spec in (one.spec, settled(one))
            if one.state in _RUNNING and (same or (alike and one.rule is None)):
                found.append(one)
        return found

    def _rivals(self, tunnel: str) -> list[TunnelSnapshot]:
        """Return what others run of the exclusive group of a tunnel's rule: one for each rule."""
        rule = self._manager.snapshot(tunnel).rule
        if rule is None or not rule.group:
            return []
        found: dict[str, TunnelSnapshot] = {}
        for one in self.neighbours.tunnels():
            if one.state in _RUNNING and one.rule is not None and one.rule.group == rule.group:
                found.setdefault(one.rule.name, one)
        found.pop(rule.name, None)
        return list(found.values())

    def _theirs(self, tunnel: TunnelSnapshot) -> TunnelSnapshot:
        """Return a tunnel of another process with the id that it has there."""
        if "/" in tunnel.id:
            return tunnel
        for one in self.neighbours.tunnels():
            if (one.owner, one.host, one.spec) == (tunnel.owner, tunnel.host, tunnel.spec):
                return one
        raise ForwardError("No other process runs that tunnel any more", tunnel.listen)

    async def _start(self, tunnel: str) -> None:
        """Open a tunnel because another process asks for that, which is told why it does not.

        What others run is no failure of the tunnel here, which stays closed then.
        """
        rule = self._manager.snapshot(tunnel).rule
        if rule is not None:
            with self._claims.sole(rule.name, rule.group):
                pass
        snapshot = await self._manager.start(tunnel)
        if snapshot.state is TunnelState.FAILED:
            error = self._manager.failure(tunnel)
            raise error if error is not None else ForwardError(snapshot.error)


def tokens_by(resolve: Callable[[str], "ResolvedHost"]) -> Fill:
    """Return what replaces the tokens in forwards, and looks up hosts only for those."""

    def fill(host: str, spec: ForwardSpec) -> ForwardSpec:
        has_any = "%" in spec.listen_path + spec.target_path
        return with_tokens(spec, resolve(host)) if has_any else spec

    return fill
