"""The argument of ProxyJump."""

import re

from sshdash.config.destination import Destination, split_uri, split_user_host_port
from sshdash.config.lexer import lower

_BLANK = re.compile(r"[ \t\n\v\f\r]")
NO_JUMP = ("", "", "none", "0")


def parse_jumps(text: str) -> tuple[str, str, str, str] | None:
    """Return a ProxyJump value taken apart, None where it is malformed.

    The parts are the hops before the last one as written, then the last hop's user, host and
    port, empty where not given. OpenSSH 9.2 takes ``none`` for a host where a comment follows.
    """
    if lower(text) == "none":
        return NO_JUMP
    listed = text.partition("#")[0]
    blank = _BLANK.search(listed, 1)
    if blank:
        listed = listed[: blank.start()]
    hops = [_hop(item) for item in listed.split(",")]
    last = hops[-1]
    if last is None or None in hops:
        return None
    before = text[: text.rindex(",")] if text.rfind(",") > 0 else ""
    port = "" if last.port is None else str(last.port)
    return before, last.user or "", last.host, port


def jump_chain(value: tuple[str, ...]) -> tuple[Destination, ...]:
    """Return the hops in the order they are connected to. Raises ValueError."""
    before, user, host, port = value
    hops = [_hop(item) for item in before.split(",")] if before else []
    if None in hops:
        raise ValueError(f"invalid ProxyJump {before!r}")
    last = Destination(host, user or None, int(port) if port else None)
    return *(hop for hop in hops if hop), last


def _hop(text: str) -> Destination | None:
    if text.startswith("ssh://"):
        return split_uri(text)
    return split_user_host_port(text)
