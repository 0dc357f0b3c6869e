"""The lines and words of ssh_config(5), split the way OpenSSH 9.2 splits them.

Files are bytes of any encoding. They become `str` with surrogate escapes, so that every byte
comes back when a value is printed or used as a path; all syntax is ASCII.
"""

import re

_BLANK = " \t\r\n"
_DELIMITER = re.compile('[ \t\r\n"=]')
_LINE_END = " \t\r\n\f"
_ESCAPED = frozenset("'\"\\")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
BOM = "\ufeff"
"""OpenSSH takes a byte order mark for a part of the first keyword."""


class LexError(ValueError):
    """A line that cannot be split; the text says why."""


def lower(text: str) -> str:
    """Return `text` in lower case as C's ``tolower`` does it: ASCII only."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def decode_lines(data: bytes) -> list[str]:
    """Return the lines of a file, each cut at its first NUL, as C strings are."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if "\0" in data.decode("latin-1"):
        lines = [line.partition("\0")[0] for line in lines]
    return lines


def take_word(text: str | None) -> tuple[str | None, str | None]:
    """Return the next word of `text` and what follows it.

    Words end at white space, or at one ``=`` with white space around it; double quotes hold a
    word together. The word is None at the end of the text or where a quote is not closed, the
    rest None once nothing follows.
    """
    if text is None:
        return None, None
    found = _DELIMITER.search(text)
    if found is None:
        return text, None
    at, char = found.start(), found[0]
    head = text[:at]
    if char == '"':
        inner, quote, rest = text[at + 1 :].partition('"')
        return (head + inner, rest.lstrip(_BLANK)) if quote else (None, None)
    rest = text[at + 1 :].lstrip(_BLANK)
    if char != "=" and rest.startswith("="):
        rest = rest[1:].lstrip(_BLANK)
    return head, rest


def split_keyword(line: str) -> tuple[str, str] | None:
    """Return the keyword of a line, in lower case, and its argument text.

    None stands for an empty line or a comment.
    """
    line = line[:1] + line[1:].rstrip(_LINE_END)
    if not line:
        return None
    keyword, rest = take_word(line)
    if keyword == "":
        keyword, rest = take_word(rest)
    if not keyword or keyword.startswith("#"):
        return None
    return lower(keyword), (rest or "").lstrip(_BLANK)


def split_words(text: str, *, comments: bool = True) -> list[str]:
    """Return the arguments in `text`: quotes and backslashes removed, a comment left out.

    Without `comments` a ``#`` is a character like others. Raises LexError where a quote is not
    closed.
    """
    if '"' not in text and "'" not in text and "\\" not in text and "#" not in text:
        return [word for word in text.replace("\t", " ").split(" ") if word]
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        if text[at] == "#" and comments:
            break
        word, at = _quoted_word(text, at)
        words.append(word)
    return words


def _quoted_word(text: str, at: int) -> tuple[str, int]:
    """Return the word that starts at `at` and where it ends."""
    quote = ""
    parts: list[str] = []
    while at < len(text):
        char = text[at]
        follower = text[at + 1 : at + 2]
        if char == "\\" and (follower in _ESCAPED or (follower == " " and not quote)):
            parts.append(follower)
            at += 1
        elif not quote and char in " \t":
            break
        elif not quote and char in "\"'":
            quote = char
        elif quote and char == quote:
            quote = ""
        else:
            parts.append(char)
        at += 1
    if quote:
        raise LexError("invalid quotes")
    return "".join(parts), at
