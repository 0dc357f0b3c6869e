"""Percent tokens, ``${VAR}`` and ``~`` in values (TOKENS in ssh_config(5))."""

import os
from collections.abc import Mapping

from msgspec import Struct

from sshdash.paths import home


class TokenError(ValueError):
    """A value that cannot be expanded; the text says why."""


class LocalMachine(Struct, frozen=True):
    """Who and where we are, as tokens and Match see it."""

    user: str
    uid: int
    home: str
    name: str

    @classmethod
    def here(cls) -> "LocalMachine":
        """Return this machine and the user of this process."""
        return cls(_user_name(os.getuid()), os.getuid(), str(home()), os.uname().nodename)


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return os.environ.get("USER", str(uid))


def connection_tokens(
    machine: LocalMachine,
    *,
    host: str,
    original: str,
    port: str,
    user: str,
    alias: str,
    jump: str = "none",
) -> dict[str, str]:
    """Return the tokens that most keywords take.

    `host` is the name to connect to, `original` what was asked for, `alias` the name that
    known_hosts is searched for, `jump` the last jump host or ``none``.
    """
    known = {
        "L": machine.name.partition(".")[0],
        "d": machine.home,
        "h": host,
        "i": str(machine.uid),
        "j": "" if jump.lower() == "none" else jump,
        "k": alias,
        "l": machine.name,
        "n": original,
        "p": port,
        "r": user,
        "u": machine.user,
    }
    return _ConnectionTokens(known)


def expand(text: str, tokens: Mapping[str, str], *, environment: bool = False) -> str:
    """Return `text` with ``%x`` replaced, and ``${VAR}`` where `environment` says so.

    Raises TokenError for a token or a variable that does not exist.
    """
    if "%" not in text and "$" not in text:
        return text
    parts: list[str] = []
    at = 0
    while at < len(text):
        if environment and text.startswith("${", at):
            value, at = _variable(text, at)
            parts.append(value)
        elif text[at] == "%":
            key = text[at + 1 : at + 2]
            if not key:
                raise TokenError("a lone % at the end")
            parts.append(_token(key, tokens))
            at += 2
        else:
            parts.append(text[at])
            at += 1
    return "".join(parts)


def _token(key: str, tokens: Mapping[str, str]) -> str:
    if key == "%":
        return key
    try:
        return tokens[key]
    except KeyError:
        raise TokenError(f"unknown token %{key}") from None


def expand_environment(text: str) -> str:
    """Return `text` with ``${VAR}`` alone replaced. Raises TokenError."""
    head, dollar, _ = text.partition("${")
    if not dollar:
        return text
    value, at = _variable(text, len(head))
    return head + value + expand_environment(text[at:])


def expand_tilde(path: str) -> str:
    """Return `path` with a leading ``~`` or ``~user`` replaced by that home.

    Raises TokenError for a user that does not exist.
    """
    if not path.startswith("~"):
        return path
    name, _, rest = path[1:].partition("/")
    base = str(home())
    if name:
        import pwd

        try:
            base = pwd.getpwnam(name).pw_dir
        except KeyError:
            raise TokenError(f"no such user {name}") from None
    return f"{base.rstrip('/')}/{rest.lstrip('/')}"


def _variable(text: str, at: int) -> tuple[str, int]:
    """Return the value of the ``${VAR}`` at `at`, and where the text goes on."""
    end = text.find("}", at)
    if end < 0:
        raise TokenError("${ without }")
    name = text[at + 2 : end]
    if not name:
        raise TokenError("${} names no variable")
    value = os.environ.get(name)
    if value is None:
        raise TokenError(f"environment variable {name} is not set")
    return value, end + 1


class _ConnectionTokens(dict[str, str]):
    """The tokens, of which the hash ``%C`` is made only where it is asked for."""

    def __missing__(self, key: str) -> str:
        if key != "C":
            raise KeyError(key)
        from hashlib import sha1

        text = "".join(self[part] for part in "lhpr").encode("utf-8", "surrogateescape")
        self["C"] = sha1(text, usedforsecurity=False).hexdigest()
        return self["C"]
