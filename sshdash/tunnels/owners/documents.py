"""Tunnels as JSON: for programs that ask, and between processes of sshdash. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

import msgspec

from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.totals import by_rule, total

_LISTED = (
    "name", "tunnel", "kind", "host", "forward", "listen", "port", "socket", "target", "route",
    "state", "exposed", "clients", "clients_total", "failures", "bytes_up", "bytes_down", "rate_up",
    "rate_down", "minute_up", "minute_down", "uptime", "retry_in", "reconnects", "error", "owner",
)  # fmt: skip


def document(tunnel: TunnelSnapshot) -> dict[str, Any]:
    """Return everything of a tunnel, for programs."""
    fields: dict[str, Any] = msgspec.to_builtins(tunnel)
    return fields | {
        "name": tunnel.rule.name if tunnel.rule else "",
        "tunnel": tunnel.id,
        "kind": tunnel.kind.word,
        "forward": f"-{tunnel.kind.value} {tunnel.spec}",
        "port": port_of(tunnel),
        "socket": tunnel.spec.listen_path or None,
    }


class Answer(msgspec.Struct, omit_defaults=True):
    """What a process says of its tunnels to another one; see `Control`."""

    ok: bool
    title: str = ""
    """Why it refuses, with `detail` and `hint`."""
    detail: str = ""
    hint: str = ""
    pid: int = 0
    kind: str = ""
    tunnels: list[TunnelSnapshot] = []

    def encode(self) -> bytes:
        """Return it as one line of JSON."""
        try:
            return msgspec.json.encode(self)
        except UnicodeEncodeError:  # names that are no text
            return json.dumps(msgspec.to_builtins(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return what a line says; what it has besides is passed over.

        Raises ValueError, also where it is of another version.
        """
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"another version of sshdash? {error}") from error
        except msgspec.DecodeError:
            return cls._decode_slowly(data)

    @classmethod
    def _decode_slowly(cls, data: bytes) -> Self:
        try:
            return msgspec.convert(json.loads(data), cls)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ValueError(f"that is no answer: {error}") from error


def listed(tunnel: TunnelSnapshot) -> dict[str, Any]:
    """Return what a program that watches tunnels wants to know."""
    fields = document(tunnel)
    kept = {name: fields[name] for name in _LISTED}
    return _rounded(kept)


def totals_document(tunnels: Sequence[TunnelSnapshot]) -> dict[str, Any]:
    """Return what tunnels carry together, in all and by rule, beside each of them."""
    rules = {name: _rounded(asdict(sums)) for name, sums in by_rule(tunnels).items()}
    sums = _rounded(asdict(total(tunnels)))
    return {"total": sums, "rules": rules, "tunnels": [listed(one) for one in tunnels]}


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in fields.items()
    }


def port_of(tunnel: TunnelSnapshot) -> int | None:
    """Return the port that is listened on, the real one once it is open; None for a socket."""
    if tunnel.spec.listen_path:
        return None
    port = tunnel.listen.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() else None
