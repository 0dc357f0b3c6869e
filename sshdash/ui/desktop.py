"""What sshdash itself says to the terminal it runs in, beside what it draws."""

import unicodedata

_LONGEST = 120


def notification(words: str) -> str:
    """Return the sequence that asks a terminal for a desktop notification (OSC 9, of iTerm2).

    It always begins with our name, so that no words are read as one of the commands of OSC 9
    (such as progress, ``4;``), and holds nothing but letters, digits and plain punctuation.
    """
    plain = "".join(char if _is_plain(char) else "?" for char in words)[:_LONGEST]
    return f"\x1b]9;sshdash: {plain}\x07"


def _is_plain(char: str) -> bool:
    return char.isprintable() and char != ";" and unicodedata.category(char)[0] in "LNPSZ"
