"""What the host card shows of a resolved host."""

from msgspec import Struct

from sshdash.config.resolved import ResolvedHost
from sshdash.untrusted import clean

_ARROW = "→"


class HostSummary(Struct, frozen=True):
    """A host in a few words; all texts are cleaned."""

    alias: str
    user: str
    hostname: str
    port: int
    route: tuple[str, ...] = ()
    """Names of the jump hosts in order, without this machine and without the host itself."""
    forwards: tuple[str, ...] = ()
    """``L 5432 → db:5432``, ``R 8080 → localhost:80``, ``D 1080``."""
    identity: str = ""
    """File names of the configured keys; empty where OpenSSH's default names apply."""


def summarize(resolved: ResolvedHost) -> HostSummary:
    """Return the card of a host."""
    return HostSummary(
        alias=clean(resolved.alias),
        user=clean(resolved.user),
        hostname=clean(resolved.hostname),
        port=resolved.port,
        route=_route(resolved),
        forwards=_forwards(resolved),
        identity=_identity(resolved),
    )


def _route(resolved: ResolvedHost) -> tuple[str, ...]:
    if resolved.proxy_jump:
        return tuple(clean(str(hop)) for hop in resolved.proxy_jump)
    return ("ProxyCommand",) if resolved.proxy_command else ()


def _forwards(resolved: ResolvedHost) -> tuple[str, ...]:
    local = [f"L {_pair(text)}" for text in resolved.local_forwards]
    remote = [f"R {_pair(text)}" for text in resolved.remote_forwards]
    dynamic = [f"D {text}" for text in resolved.dynamic_forwards]
    return tuple(clean(text) for text in (*local, *remote, *dynamic))


def _pair(text: str) -> str:
    listen, _, target = text.partition(" ")
    return f"{listen} {_ARROW} {target}" if target else listen


def _identity(resolved: ResolvedHost) -> str:
    if "identityfile" not in resolved.origins:
        return ""
    return clean(", ".join(path.name for path in resolved.identity_files))
