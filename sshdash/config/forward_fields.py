"""The parts of a forward's text: fields between colons, and words between blanks.

OpenSSH reads both the command line's ``a:b:c`` and the configuration's ``a b:c`` so. Brackets
hold a field together; elsewhere a backslash takes the meaning from the character behind it.
"""

from msgspec import Struct

MOST_FIELDS = 4
_BLANKS = " \t\n\v\f\r"
_ESCAPED = frozenset(_BLANKS + ":\\")


class Field(Struct, frozen=True):
    """What stands between two colons, without brackets and backslashes."""

    text: str
    is_path: bool = False
    """Whether it is the path of a socket, which any slash makes it."""


class BadFields(ValueError):
    """Brackets or backslashes that do not fit together; the text says which."""


def fields(text: str) -> tuple[list[Field], str]:
    """Return the first four fields and what is left. Raises BadFields.

    A colon at the very end is without a meaning, as for ssh.
    """
    found: list[Field] = []
    rest = text
    while rest and len(found) < MOST_FIELDS:
        field, rest = _bracketed(rest) if rest.startswith("[") else _bare(rest)
        found.append(field)
    return found, rest


def words(text: str) -> list[str]:
    """Return the words between blanks that are neither escaped nor in brackets."""
    found: list[str] = []
    word = ""
    inside = escaped = False
    for char in text:
        if char in _BLANKS and not inside and not escaped:
            if word:
                found.append(word)
            word = ""
            continue
        starts = not word or (word.endswith(":") and not word.endswith("\\:"))
        inside = (char == "[" and starts and not escaped) or (inside and char != "]")
        escaped = char == "\\" and not escaped and not inside
        word += char
    return [*found, word] if word else found


def escaped(path: str) -> str:
    """Return a path as one field of one word."""
    text = "".join(f"\\{char}" if char in _ESCAPED else char for char in path)
    return f"\\{text}" if text.startswith("[") else text


def _bracketed(text: str) -> tuple[Field, str]:
    inside, bracket, rest = text[1:].partition("]")
    if not bracket:
        raise BadFields("'[' without ']'")
    if rest and not rest.startswith(":"):
        raise BadFields(f"unexpected '{rest[:60]}' after ']'")
    return Field(inside, "/" in inside), rest[1:]


def _bare(text: str) -> tuple[Field, str]:
    parts: list[str] = []
    is_path = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == ":":
            return Field("".join(parts), is_path), text[at + 1 :]
        if char == "\\":
            at += 1
            if at == len(text):
                raise BadFields("a backslash with nothing behind it")
            char = text[at]
        elif char == "/":
            is_path = True
        parts.append(char)
        at += 1
    return Field("".join(parts), is_path), ""
