"""What a client says first of all: the SSH version string (RFC 4253, section 4.2)."""

import socket

from sshdash import __version__
from sshdash.config.resolver import ResolvedHost
from sshdash.config.tokens import TokenError, expand
from sshdash.errors import ConfigError

_LONGEST = 245


def version(resolved: ResolvedHost) -> str:
    """Return ours, with what VersionAddendum adds to it. Raises ConfigError for a wrong one."""
    ours = f"sshdash_{__version__}"
    more = (resolved.get("versionaddendum") or "").partition("#")[0].strip()
    if not more or more.lower() == "none":
        return ours
    try:
        text = f"{ours} {expand(more, resolved.tokens)}"
    except TokenError as error:
        raise _wrong(resolved, str(error)) from error
    if len(text) > _LONGEST or not (text.isascii() and text.isprintable()):
        raise _wrong(resolved, "not a short line of printable ASCII")
    return text


def greet(sock: socket.socket, resolved: ResolvedHost) -> bool:
    """Send ours on a new connection; return whether it left, all of it or nothing."""
    try:
        line = f"SSH-2.0-{version(resolved)}\r\n".encode("ascii")
        # A new socket has room for thousands of them.
        return sock.send(line) == len(line)
    except (OSError, ConfigError):
        return False  # whoever connects tells why


def _wrong(resolved: ResolvedHost, problem: str) -> ConfigError:
    origin = resolved.origins["versionaddendum"][0]
    detail = f"VersionAddendum: {problem}"
    return ConfigError("The SSH configuration is wrong", origin.file, origin.line, detail=detail)
