"""What can be copied of a tunnel: to run or keep it elsewhere, and to make use of it."""

from __future__ import annotations

import shlex
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sshdash.errors import UsageError
from sshdash.tunnels.kept.exports import rule_block, rule_command, systemd_unit
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.use_lines import use_lines
from sshdash.tunnels.owners.neighbours import origin, settled

if TYPE_CHECKING:
    from sshdash.config.source import ConfigSource
    from sshdash.tunnels.snapshot import TunnelSnapshot


@dataclass(frozen=True, slots=True)
class Export:
    """One way to say a tunnel."""

    name: str
    text: str


def exports_of(tunnel: TunnelSnapshot, source: ConfigSource | None) -> list[Export]:
    """Return all ways to say a tunnel, or its rule, and then the lines that make use of it."""
    rule = tunnel.rule or Rule("", tunnel.host, (tunnel.spec,))
    forwards = tuple(settled(tunnel) if one == origin(tunnel) else one for one in rule.forwards)
    found = [Export("ssh command", rule_command(replace(rule, forwards=forwards), source))]
    with suppress(UsageError):  # ssh_config has no way to write it
        found.append(Export("ssh_config block", rule_block(rule)))
    if tunnel.rule is not None:
        found.append(Export("systemd user unit", systemd_unit([rule.name], _program())))
        words = shlex.join(["sshdash", "forward", "--name", rule.name])
        found.append(Export("sshdash command", words))
    found += [Export(name, text) for name, text in use_lines(tunnel)]
    return found


def _program() -> list[str]:
    """Return how sshdash is called, with a whole path."""
    installed = shutil.which("sshdash")
    return [installed] if installed else [sys.executable, "-m", "sshdash"]
