"""Alt keys as they were typed.

Of terminals without the kitty keyboard protocol, Textual takes some Alt keys for something else
(Alt+F for Ctrl+Right, Alt+Backspace for Ctrl+W, Alt+1 for an inverted exclamation mark) and
forgets the Alt of others (Alt+Enter, Ctrl+Alt+A). In a cockpit they belong to the remote, so its
table of sequences is corrected.
"""

from dataclasses import dataclass
from typing import Any, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


@dataclass(frozen=True)
class _Key:
    """What the table holds: only `value` is looked at."""

    value: str


_CORRECTED = {
    "\x7f": "backspace",
    "\t": "tab",
    "\r": "enter",
    "-": "minus",
    "=": "equals_sign",
    **{char: char for char in "fb0123456789"},
    **{chr(code): f"ctrl+{chr(code + 96)}" for code in range(1, 27) if chr(code) not in "\t\r"},
}


def keep_alt_keys() -> None:
    """Have Textual tell Alt keys as such; safe to call again."""
    table = cast(dict[str, Any], ANSI_SEQUENCES_KEYS)
    for char, name in _CORRECTED.items():
        table[f"\x1b{char}"] = (_Key(f"alt+{name}"),)
