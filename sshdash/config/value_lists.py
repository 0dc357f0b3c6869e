"""Parsers of values that are lists; see `sshdash.config.values`."""

import re

from sshdash.config.algorithms import known_gss_kex, unknown_name
from sshdash.config.assignments import NOTHING, Assignments, BadValue, take
from sshdash.config.keywords import Keyword
from sshdash.config.lexer import lower
from sshdash.config.numbers import port_number, seconds

_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.))*\Z")


def _word_list(keyword: Keyword, words: list[str], alone: tuple[str, ...] = ("none",)) -> list[str]:
    """Return all words, of which a word such as ``none`` must stand alone."""
    taken, words[:] = words[:], []
    if "" in taken:
        raise BadValue(f"keyword {keyword.name} empty argument")
    for word in taken:
        if lower(word) in alone and len(taken) > 1:
            raise BadValue(f'keyword {keyword.name} "{word}" argument must appear alone')
    return taken


def plain_words(keyword: Keyword, words: list[str]) -> Assignments:
    """Return the words of a line, or ``none``. Raises BadValue."""
    taken = _word_list(keyword, words)
    if not taken and keyword.name == "revokedhostkeys":
        raise BadValue("missing argument")
    if not taken:
        return NOTHING
    if keyword.name == "logverbose":
        del taken[1:]
    return ((keyword.name, tuple(taken)),)


def algorithms(keyword: Keyword, words: list[str]) -> Assignments:
    """Return an algorithm list, its names checked. Raises BadValue."""
    word = take(words)
    unknown = unknown_name(keyword.name, word)
    if unknown is not None:
        raise BadValue(f"unknown algorithm '{unknown}' in '{word}'")
    return ((keyword.name, (word,)),)


def gss_kex(keyword: Keyword, words: list[str]) -> Assignments:
    """Return a list of GSSAPI key exchanges, its names checked. Raises BadValue."""
    word = take(words)
    if not known_gss_kex(word):
        raise BadValue(f"bad GSSAPI KexAlgorithms '{word}'")
    return ((keyword.name, (word,)),)


def send_env(keyword: Keyword, words: list[str]) -> Assignments:
    """Return patterns of variables to send. Raises BadValue."""
    taken, words[:] = tuple(words), []
    if any(not word or "=" in word for word in taken):
        raise BadValue("invalid environment name")
    return ((keyword.name, taken),) if taken else NOTHING


def set_env(keyword: Keyword, words: list[str]) -> Assignments:
    """Return settings of variables, the first of each name. Raises BadValue."""
    taken, words[:] = tuple(words), []
    unique: dict[str, str] = {}
    for word in taken:
        name, equals, _ = word.partition("=")
        if not equals:
            raise BadValue("invalid SetEnv")
        unique.setdefault(name, word)
    return ((keyword.name, tuple(unique.values())),) if unique else NOTHING


def domains(keyword: Keyword, words: list[str]) -> Assignments:
    """Return domains, in lower case, or ``none``. Raises BadValue."""
    taken = _word_list(keyword, words)
    for word in taken:
        if not _DOMAIN.match(word):
            raise BadValue(f'domain name "{word}" is not valid')
    names = tuple(lower(word).removesuffix(".") for word in taken)
    return ((keyword.name, names),) if names else NOTHING


def cnames(keyword: Keyword, words: list[str]) -> Assignments:
    """Return rules for CNAMEs, or ``none``. Raises BadValue."""
    taken, words[:] = words[:], []
    rules: list[str] = []
    for word in taken:
        if lower(word) == "none":
            if len(taken) > 1:
                raise BadValue(f'keyword {keyword.name} "none" argument must appear alone')
            rules.append(f"{word}:")
        elif word == "*":
            rules.append("*:*")
        else:
            source, colon, target = lower(word).partition(":")
            if not colon or not target:
                raise BadValue(f'invalid permitted CNAME "{word}"')
            rules.append(f"{source}:{target}")
    return ((keyword.name, tuple(rules)),) if rules else NOTHING


def remote_open(keyword: Keyword, words: list[str]) -> Assignments:
    """Return the targets that remote SOCKS may open. Raises BadValue."""
    taken = _word_list(keyword, words, ("none", "any"))
    if not taken:
        raise BadValue("missing permitremoteopen specification")
    for word in taken:
        if lower(word) not in ("none", "any") and not _is_target(word):
            raise BadValue("bad port number in permitremoteopen")
    return ((keyword.name, tuple(taken)),)


def timeouts(keyword: Keyword, words: list[str]) -> Assignments:
    """Return how long channels of each type may be idle, or ``none``. Raises BadValue."""
    taken = _word_list(keyword, words)
    if [lower(word) for word in taken] == ["none"]:
        return ((keyword.name, ("none",)),)
    for word in taken:
        kind, _, interval = word.partition("=")
        if not kind or seconds(interval) is None:
            raise BadValue(f"invalid channel timeout {word}")
    return ((keyword.name, tuple(taken)),)


def _is_target(word: str) -> bool:
    """Return whether a word is ``host:port``, with ``[]`` around IPv6 and ``*`` for any port."""
    if word.startswith("["):
        host, bracket, rest = word.partition("]")
        port = rest[1:] if bracket and rest.startswith(":") else ""
    else:
        host, _, port = word.partition(":")
    return "/" not in host and (port == "*" or port_number(port) > 0)
