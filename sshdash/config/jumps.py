"""The argument of ProxyJump."""

import re

from sshdash.config.destination import Destination, split_uri, split_user_host_port
from sshdash.config.lexer import lower

_BLANK = re.compile(r"[ \t\n\v\f\r]")
NO_JUMP = ("", "", "none", "0")


def parse_jumps(text: str) -> tuple[str, str, str, str] | None:
    """Return a ProxyJump value taken apart, None where it is malformed.

    The parts are the hops before the last one as written, then the last hop's user, host and
    port, empty where not given. A comment and all behind the first blank is left out.
    """
    if lower(text) == "none":
        return NO_JUMP
    listed = text.partition("#")[0]
    blank = _BLANK.search(listed, 1)
    if blank:
        listed = listed[: blank.start()]
    before, _, end = listed.rpartition(",")
    last = _hop(end)
    if last is None or (listed != end and None in map(_hop, before.split(","))):
        return None
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
