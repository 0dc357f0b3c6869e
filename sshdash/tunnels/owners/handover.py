"""Handing tunnels over to a process of their own, so that they outlive this one.

The other process connects first, without asking anybody anything, and then asks for each rule:
only then is its port let go of here, and listened on there at once.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sshdash.config.equivalent import global_options
from sshdash.config.source import ConfigSource
from sshdash.errors import SSHDashError
from sshdash.states import TunnelState
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.owners.detached import Detached, detach
from sshdash.tunnels.owners.documents import document
from sshdash.tunnels.owners.household import Household
from sshdash.tunnels.owners.neighbours import settled
from sshdash.tunnels.snapshot import TunnelSnapshot

log = logging.getLogger(__name__)

_OPEN = ("open", "degraded")


@dataclass(frozen=True, slots=True)
class Kept:
    """A tunnel that stays with this process, and why."""

    tunnel: str
    reason: str
    """On one line."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """What came of handing tunnels over."""

    moved: tuple[str, ...] = ()
    """The ids of those that run elsewhere now."""
    kept: tuple[Kept, ...] = ()
    processes: tuple[Detached, ...] = ()
    """Who runs them."""


@dataclass(slots=True)
class _Share:
    """What one process gets."""

    options: tuple[str, ...]
    host: str = ""
    """That of forwards without a name; rules have theirs."""
    names: dict[str, None] = field(default_factory=dict)
    tunnels: list[TunnelSnapshot] = field(default_factory=list)

    def arguments(self) -> list[str]:
        """Return the arguments of ``sshdash forward``."""
        words = ["--take-over", "--json"]
        if self.names:
            return [*words, "--name", *self.names]
        forwards = (settled(tunnel) for tunnel in self.tunnels)
        options = [word for spec in forwards for word in (f"-{spec.kind.value}", str(spec))]
        return [*words, *options, "--", self.host]


async def hand_over(
    household: Household, manager: TunnelManager, tunnels: Iterable[str], source: ConfigSource
) -> HandOver:
    """Have other processes go on with tunnels, those of a saved rule by its name.

    This process has to answer others, see `Household.open`. Never raises for a tunnel: what
    stays here says why.
    """
    saved = {rule.name: rule for rule in household.rules.all}
    shares: dict[tuple[Any, ...], _Share] = {}
    for identifier in tunnels:
        tunnel = manager.snapshot(identifier)
        options = tuple(global_options(source, tunnel.host))
        rule = tunnel.rule
        if rule is not None and saved.get(rule.name) == rule:
            share = shares.setdefault((options,), _Share(options))
            share.names[rule.name] = None
        else:
            share = shares.setdefault((options, tunnel.host), _Share(options, tunnel.host))
        share.tunnels.append(tunnel)
    done = await asyncio.gather(*(_give(share, manager) for share in shares.values()))
    return HandOver(
        tuple(one for moved, _, _ in done for one in moved),
        tuple(one for _, kept, _ in done for one in kept),
        tuple(process for _, _, process in done if process is not None),
    )


async def _give(
    share: _Share, manager: TunnelManager
) -> tuple[list[str], list[Kept], Detached | None]:
    """Give a share away; return what was taken, what was not, and who took it."""
    process, reason = None, ""
    try:
        process = await detach(share.options, share.arguments())
    except (SSHDashError, OSError, ValueError, KeyError) as error:
        log.warning("tunnels are not handed over: %s", error)
        reason = _words(error)
    taken = {str(one.get("forward")): one for one in process.tunnels} if process else {}
    moved, kept = [], []
    for tunnel in share.tunnels:
        there = taken.get(_forward(tunnel)) or taken.get(document(tunnel)["forward"]) or {}
        here = manager.snapshot(tunnel.id).state
        if there.get("state") in _OPEN and here is TunnelState.CLOSED:
            moved.append(tunnel.id)
            continue
        kept.append(Kept(tunnel.id, str(there.get("error") or reason or "it did not open")))
        if here is TunnelState.CLOSED and tunnel.state is not TunnelState.CLOSED:
            await manager.start(tunnel.id)  # it was let go of, and cannot be had there
    return moved, kept, process


def _forward(tunnel: TunnelSnapshot) -> str:
    return f"-{tunnel.kind.value} {settled(tunnel)}"


def _words(error: Exception) -> str:
    if not isinstance(error, SSHDashError):
        return str(error)
    said = f"{error.title}: {error.detail}" if error.detail else error.title
    return "; ".join(line.strip() for line in said.split("\n"))
