"""From the words of a line to values: checks, and one spelling for each meaning.

A parser takes the remaining words and removes those it uses; what is left over is an error.
It returns what to set, as pairs of key and values. Times are seconds, flags ``yes`` or ``no``.
"""

import os
import re
from collections.abc import Callable

from sshdash.config import value_lists
from sshdash.config.assignments import NOTHING, Assignments, BadValue, take
from sshdash.config.forwards import parse_forward
from sshdash.config.jumps import parse_jumps
from sshdash.config.keywords import Keyword, Kind
from sshdash.config.lexer import lower
from sshdash.config.numbers import INT_MAX, integer, port_number, scaled, seconds
from sshdash.config.service_classes import CLASSES
from sshdash.config.tokens import TokenError, expand_environment

LOG_LEVELS = ("QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG1", "DEBUG2", "DEBUG3")
_FACILITIES = ("DAEMON", "USER", "AUTH", "AUTHPRIV", *(f"LOCAL{n}" for n in range(8)))
_HASHES = ("MD5", "SHA1", "SHA256", "SHA384", "SHA512")
_SPOKEN = {"true": "yes", "false": "no"}
_C_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)\Z")
_MOST_DIGITS = 30
_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_QOS_NAMES = {value: name for name, value in reversed(CLASSES.items())}


def parse_value(keyword: Keyword, words: list[str], rest: str) -> Assignments:
    """Return what a line sets. `rest` is its argument text before the words were split.

    Raises BadValue.
    """
    if keyword.kind in (Kind.COMMAND, Kind.PROXY_JUMP, Kind.ANYTHING):
        return _WHOLE_LINE[keyword.kind](keyword, rest)
    result = _PARSERS[keyword.kind](keyword, words)
    if words:
        raise BadValue(f"keyword {keyword.name} extra arguments at end of line")
    return result


def _one(keyword: Keyword, value: str) -> Assignments:
    return ((keyword.name, (value,)),)


def _flag(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    value = _SPOKEN.get(lower(word), lower(word))
    if value not in ("yes", "no"):
        raise BadValue(f'unsupported option "{word}"')
    return _one(keyword, value)


def _choice(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    value = lower(word)
    if keyword.name != "compression":
        value = _SPOKEN.get(value, value)
    if value not in keyword.choices:
        raise BadValue(f'unsupported option "{word}"')
    if keyword.name == "tunnel" and value == "yes":
        value = "point-to-point"
    if keyword.name == "stricthostkeychecking" and value == "off":
        value = "no"
    return _one(keyword, value)


def _number(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words, "integer value missing")
    number = integer(word, 0, INT_MAX)
    if number is None:
        raise BadValue(f'integer value "{word}" is invalid')
    return _one(keyword, str(number))


def _seconds(words: list[str]) -> int | None:
    """Return a time, None for ``none``, which leaves the value unset."""
    word = take(words, "missing time value")
    if word == "none":
        return None
    value = seconds(word)
    if value is None:
        raise BadValue(f'invalid time value "{word}"')
    return value


def _time(keyword: Keyword, words: list[str]) -> Assignments:
    value = _seconds(words)
    return NOTHING if value is None else _one(keyword, str(value))


def _string(keyword: Keyword, words: list[str]) -> Assignments:
    return _one(keyword, take(words))


def _command(keyword: Keyword, rest: str) -> Assignments:
    return _one(keyword, rest.lstrip(" \t\r\n="))


def _proxy_jump(keyword: Keyword, rest: str) -> Assignments:
    text = rest.lstrip(" \t\r\n=")
    jumps = parse_jumps(text)
    if jumps is None:
        raise BadValue(f'invalid ProxyJump "{text}"')
    return ((keyword.name, jumps),)


def _anything(keyword: Keyword, rest: str) -> Assignments:
    return _one(keyword, rest)


def _port(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    number = port_number(word)
    if number <= 0:
        raise BadValue(f"bad port '{word}'")
    return _one(keyword, str(number))


def _forward(keyword: Keyword, words: list[str]) -> Assignments:
    """Return the forward as two values: as ``ssh -G`` prints it, and as written."""
    listen = take(words)
    target = None
    if keyword.name != "dynamicforward":
        target = words.pop(0) if words else None
        if not target and keyword.name == "localforward":
            raise BadValue("missing target argument")
    try:
        spec = expand_environment(listen)
        goal = expand_environment(target) if target else None
    except TokenError as error:
        raise BadValue(f"bad forwarding specification: {error}") from error
    forward = parse_forward(spec, goal, remote=keyword.name == "remoteforward")
    if forward is None:
        raise BadValue("bad forwarding specification")
    return ((keyword.name, (forward.canonical, forward.text)),)


def _escape(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    if word == "none" or len(os.fsencode(word)) == 1:
        return _one(keyword, word)
    if len(word) == 2 and word[0] == "^" and 64 <= ord(word[1]) < 128:
        return _one(keyword, chr(ord(word[1]) & 31))
    raise BadValue("bad escape character")


def _rekey(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    size = 0 if word == "default" else scaled(word)
    if size is None:
        raise BadValue(f"bad number '{word}'")
    if size != 0 and size < 16:
        raise BadValue("RekeyLimit too small")
    first = (keyword.name, (str(size),))
    if not words:
        return (first,)
    interval = _seconds(words)
    return (first,) if interval is None else (first, ("rekeyinterval", (str(interval),)))


def _persist(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    if word in ("no", "false", "yes", "true"):
        return _one(keyword, _SPOKEN.get(word, word))
    value = seconds(word)
    if value is None:
        raise BadValue("bad ControlPersist argument")
    return _one(keyword, str(value) if value else "yes")


def _tunnel_device(keyword: Keyword, words: list[str]) -> Assignments:
    sides: list[str] = []
    for side in take(words).split(":", 1):
        number = integer(side, 0, INT_MAX - 2)
        if lower(side) != "any" and number is None:
            raise BadValue("bad tun device")
        sides.append("any" if number is None else str(number))
    return _one(keyword, ":".join(sides) if len(sides) == 2 else f"{sides[0]}:any")


def _c_number(sign: str, digits: str) -> int:
    """Return a number as strtol(3) reads it in base 0, one beyond all classes for a long one."""
    if len(digits) > _MOST_DIGITS:
        return -1
    base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") else 10
    return int(f"{sign}{digits}", base)


def _service_class(word: str) -> str:
    value = CLASSES.get(lower(word))
    if value is None:
        found = _C_NUMBER.match(word)
        value = _c_number(found[1], found[2]) if found else -1
        if not 0 <= value <= 255:
            raise BadValue(f"bad IPQoS value: {word}")
    return _QOS_NAMES.get(value, f"0x{value:02x}")


def _qos(keyword: Keyword, words: list[str]) -> Assignments:
    first = _service_class(take(words, "bad IPQoS value"))
    return ((keyword.name, (first, _service_class(words.pop(0)) if words else first)),)


def _mask(keyword: Keyword, words: list[str]) -> Assignments:
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-7]+)", take(words))
    value = int(found[1], 8) if found else -1
    if not 0 <= value <= 0o777:
        raise BadValue("bad mask")
    return _one(keyword, f"{value:o}")


def _level(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words).upper()
    level = {"DEBUG": "DEBUG1", "SILENT": "QUIET"}.get(word, word)
    if level not in LOG_LEVELS:
        raise BadValue(f"unsupported log level '{word}'")
    return _one(keyword, level)


def _facility(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words).upper()
    if word not in _FACILITIES:
        raise BadValue(f"unsupported log facility '{word}'")
    return _one(keyword, word)


def _hash(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words).upper()
    if word not in _HASHES:
        raise BadValue(f'invalid hash algorithm "{word}"')
    return _one(keyword, word)


def _add_keys(keyword: Keyword, words: list[str]) -> Assignments:
    first = take(words)
    second = words.pop(0) if words else None
    choice = _SPOKEN.get(lower(first), lower(first))
    if choice == "confirm" and second is not None:
        lifetime = seconds(second)
    elif second is None and choice in ("yes", "no", "ask", "confirm"):
        return _one(keyword, choice)
    else:
        lifetime = seconds(first) if second is None else None
        choice = "yes"
    if lifetime is None:
        raise BadValue("unsupported option")
    return ((keyword.name, (choice, str(lifetime)) if lifetime else (choice,)),)


def _agent_path(word: str) -> str:
    try:
        expand_environment(word)
    except TokenError as error:
        raise BadValue(f"invalid environment expansion {word}: {error}") from error
    if word.startswith("$") and not word.startswith("${") and not _NAME.match(word[1:]):
        raise BadValue(f"invalid environment name {word}")
    return word


def _agent(keyword: Keyword, words: list[str]) -> Assignments:
    return _one(keyword, _agent_path(take(words)))


def _forward_agent(keyword: Keyword, words: list[str]) -> Assignments:
    word = take(words)
    value = _SPOKEN.get(lower(word), lower(word))
    if value in ("yes", "no"):
        return _one(keyword, value)
    return ((keyword.name, ("yes",)), ("forwardagentpath", (_agent_path(word),)))


def _keystrokes(keyword: Keyword, words: list[str]) -> Assignments:
    """Return ``yes``, ``no`` or an interval in milliseconds."""
    word = take(words)
    if word in ("yes", "no", "true", "false"):
        return _one(keyword, _SPOKEN.get(word, word))
    before, _, interval = word.partition(":")
    number = integer(interval, 1, 1000) if before == "interval" else None
    if number is None:
        raise BadValue(f'unsupported argument "{word}"')
    return _one(keyword, str(number))


_Parser = Callable[[Keyword, list[str]], Assignments]
_WHOLE_LINE: dict[Kind, Callable[[Keyword, str], Assignments]] = {
    Kind.COMMAND: _command,
    Kind.PROXY_JUMP: _proxy_jump,
    Kind.ANYTHING: _anything,
}
_PARSERS: dict[Kind, _Parser] = {
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.NUMBER: _number,
    Kind.TIME: _time,
    Kind.STRING: _string,
    Kind.PORT: _port,
    Kind.WORDS: value_lists.plain_words,
    Kind.FILES: _string,
    Kind.ALGORITHMS: value_lists.algorithms,
    Kind.GSS_KEX: value_lists.gss_kex,
    Kind.FORWARD: _forward,
    Kind.ESCAPE: _escape,
    Kind.REKEY: _rekey,
    Kind.SEND_ENV: value_lists.send_env,
    Kind.SET_ENV: value_lists.set_env,
    Kind.PERSIST: _persist,
    Kind.TUNNEL_DEVICE: _tunnel_device,
    Kind.QOS: _qos,
    Kind.DOMAINS: value_lists.domains,
    Kind.CNAMES: value_lists.cnames,
    Kind.MASK: _mask,
    Kind.LEVEL: _level,
    Kind.FACILITY: _facility,
    Kind.HASH: _hash,
    Kind.ADD_KEYS: _add_keys,
    Kind.AGENT: _agent,
    Kind.FORWARD_AGENT: _forward_agent,
    Kind.REMOTE_OPEN: value_lists.remote_open,
    Kind.TIMEOUTS: value_lists.timeouts,
    Kind.KEYSTROKES: _keystrokes,
}
