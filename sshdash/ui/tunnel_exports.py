"""What can be copied of a tunnel, to be run or kept elsewhere."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdash.errors import UsageError
from sshdash.tunnels.exports import rule_block, rule_command, systemd_unit
from sshdash.tunnels.rule import Rule
from sshdash.tunnels.spec import Kind
from sshdash.ui.widgets.tunnel_words import is_proxy

if TYPE_CHECKING:
    from sshdash.config.source import ConfigSource
    from sshdash.tunnels.snapshot import TunnelSnapshot


@dataclass(frozen=True, slots=True)
class Export:
    """One way to say a tunnel."""

    name: str
    text: str


def exports_of(tunnel: TunnelSnapshot, source: ConfigSource | None) -> list[Export]:
    """Return all ways to say a tunnel, or its rule, that there are."""
    rule = tunnel.rule or Rule("", tunnel.host, (tunnel.spec,))
    found = [Export("ssh command", rule_command(rule, source))]
    with suppress(UsageError):  # ssh_config has no way to write it
        found.append(Export("ssh_config block", rule_block(rule)))
    if tunnel.rule is not None:
        found.append(Export("systemd user unit", systemd_unit([rule.name], _program())))
        words = shlex.join(["sshdash", "forward", "--name", rule.name])
        found.append(Export("sshdash command", words))
    if is_proxy(tunnel) and tunnel.kind is Kind.DYNAMIC:
        found += _proxy(tunnel.listen)
    found.append(Export("listening address", _reachable(tunnel.listen)))
    return found


def _proxy(listen: str) -> Iterable[Export]:
    address = _reachable(listen)
    if address.startswith("/"):
        return
    socks, http = f"socks5h://{address}", f"http://{address}"
    yield Export("curl through it", f"curl --proxy {socks} https://example.org/")
    lines = [f"export ALL_PROXY={socks}", f"export http_proxy={http} https_proxy={http}"]
    yield Export("environment", "\n".join(lines))
    yield Export("address of a PAC file", f"{http}/proxy.pac")


def _reachable(listen: str) -> str:
    """Return an address that programs here can connect to."""
    host, colon, port = listen.rpartition(":")
    return f"localhost:{port}" if colon and host in ("*", "0.0.0.0", "[::]", "") else listen


def _program() -> list[str]:
    """Return how sshdash is called, with a whole path."""
    installed = shutil.which("sshdash")
    return [installed] if installed else [sys.executable, "-m", "sshdash"]
