"""Tunnels as JSON: for programs that ask, and between processes of sshdash. Pure."""

from typing import Any

import msgspec

from sshdash.tunnels.snapshot import TunnelSnapshot

_LISTED = (
    "name", "tunnel", "kind", "host", "forward", "listen", "port", "socket", "target", "route",
    "state", "exposed", "clients", "clients_total", "failures", "bytes_up", "bytes_down", "rate_up",
    "rate_down", "uptime", "retry_in", "reconnects", "error", "owner",
)  # fmt: skip


def document(tunnel: TunnelSnapshot) -> dict[str, Any]:
    """Return everything of a tunnel; `snapshot_of` makes a snapshot of it again."""
    fields: dict[str, Any] = msgspec.to_builtins(tunnel)
    return fields | {
        "name": tunnel.rule.name if tunnel.rule else "",
        "tunnel": tunnel.id,
        "kind": tunnel.kind.word,
        "forward": f"-{tunnel.kind.value} {tunnel.spec}",
        "port": port_of(tunnel),
        "socket": tunnel.spec.listen_path or None,
    }


def snapshot_of(fields: Any) -> TunnelSnapshot:
    """Return the tunnel that a document describes; what it has besides is passed over.

    Raises msgspec.ValidationError.
    """
    if not isinstance(fields, dict) or not isinstance(fields.get("spec"), dict):
        raise msgspec.ValidationError("no tunnel")
    return msgspec.convert({**fields, "kind": fields["spec"].get("kind")}, TunnelSnapshot)


def listed(tunnel: TunnelSnapshot) -> dict[str, Any]:
    """Return what a program that watches tunnels wants to know."""
    fields = document(tunnel)
    kept = {name: fields[name] for name in _LISTED}
    for name in ("uptime", "retry_in", "rate_up", "rate_down"):
        kept[name] = None if kept[name] is None else round(kept[name], 3)
    return kept


def port_of(tunnel: TunnelSnapshot) -> int | None:
    """Return the port that is listened on, the real one once it is open; None for a socket."""
    if tunnel.spec.listen_path:
        return None
    port = tunnel.listen.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() else None
