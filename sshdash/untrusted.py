"""The gate through which all remote text passes before anybody sees it.

Names, banners, errors, titles and prompts come from servers. A terminal would act on the
escape sequences in them, and bidirectional characters would reorder what is read, so whatever
does not simply print is shown as an escape instead.
"""

import time
import unicodedata

_ELLIPSIS = "…"
_JOINERS = frozenset("\u200c\u200d")
"""Joiners are format characters, but emoji sequences and several scripts cannot do without."""
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_MARK_RUN = 8
"""More combining marks than this on one character are an attack on the layout, not a word."""


def clean(text: str | bytes, limit: int = 256) -> str:
    """Return `text` on one line, with everything that does not print made visible.

    Control, bidirectional, other format and private characters become ``\\n``, ``\\x1b`` or
    ``\\u202e`` style escapes; bytes that are not UTF-8 become ``\\xff``. At most `limit`
    characters come back, the last of them an ellipsis where something was cut.
    """
    if isinstance(text, bytes):
        text = text[: limit * 4 + 4].decode("utf-8", "surrogateescape")
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    length = marks = 0
    for char in text[: limit + 1]:
        marks = marks + 1 if unicodedata.combining(char) else 0
        piece = _visible(char) if marks <= _MARK_RUN else _escape(char)
        length += len(piece)
        if length > limit:
            return "".join(shown)[: limit - 1] + _ELLIPSIS
        shown.append(piece)
    return "".join(shown)


def local_time(seconds: float) -> str:
    """Return a time that a server told, to the second, ``?`` where no calendar has it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "?"


def clean_lines(text: str | bytes, lines: int = 40, limit: int = 200) -> str:
    """Return a multi-line remote text (a banner, instructions) cleaned line by line.

    At most `lines` lines of `limit` characters are kept; tabs become spaces, trailing blank
    lines go.
    """
    if isinstance(text, bytes):
        text = text[: lines * limit * 4].decode("utf-8", "surrogateescape")
    text = text[: lines * limit * 2]
    rows = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(8).rstrip().split("\n")
    kept = [clean(row, limit) for row in rows[:lines]]
    if len(rows) > lines:
        kept.append(_ELLIPSIS)
    return "\n".join(kept)


def _visible(char: str) -> str:
    if unicodedata.category(char) in _HIDDEN_CATEGORIES and char not in _JOINERS:
        return _escape(char)
    return char


def _escape(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
