"""Which keys run which command, after the person's own choices."""

from collections.abc import Mapping

from sshdash.ui.command import Command
from sshdash.ui.commands import COMMANDS

PREFIX_WORD = "prefix"
"""``prefix w`` as a value of the keymap setting means w after the prefix."""

_SHOWN = {
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "backspace": "Backspace",
    "delete": "Del",
    "insert": "Ins",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "vertical_line": "|",
    "percent_sign": "%",
    "quotation_mark": '"',
    "at": "@",
    "number_sign": "#",
    "dollar_sign": "$",
    "ampersand": "&",
    "semicolon": ";",
    "underscore": "_",
    "backslash": "\\",
    "grave_accent": "`",
    "circumflex_accent": "^",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "minus": "-",
    "plus": "+",
    "asterisk": "*",
    "full_stop": ".",
    "comma": ",",
    "equals_sign": "=",
    "tilde": "~",
    "apostrophe": "'",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}
_CHARACTERS = {shown: key for key, shown in _SHOWN.items() if len(shown) == 1}


def key_text(key: str) -> str:
    """Return a key of Textual as people write it: ``ctrl+g``, ``?``, ``Enter``."""
    *modifiers, last = key.split("+") if key != "+" else ["+"]
    shown = _SHOWN.get(last, last.upper() if last.startswith("f") and last[1:].isdigit() else last)
    return "+".join((*modifiers, shown))


def key_name(written: str) -> str:
    """Return Textual's name of a key as a person may write it: ``?`` is ``question_mark``."""
    return _CHARACTERS.get(written, written)


class Keymap:
    """The keys of every command: the table's, unless the settings name others.

    `problems` are sentences about settings that could not be followed.
    """

    def __init__(self, overrides: Mapping[str, str], prefix: str) -> None:
        self.prefix = prefix
        self.problems: list[str] = []
        self.overrides: dict[str, str] = {}
        """Command id to plain keys, as Textual's keymap wants them."""
        self._prefix_keys: dict[str, tuple[str, ...]] = {}
        for command_id, keys in overrides.items():
            self._override(command_id, keys)
        self._by_prefix_key = {key: one for one in COMMANDS.values() for key in one.prefix}
        for command_id, chosen in self._prefix_keys.items():  # these win over the table
            self._by_prefix_key |= dict.fromkeys(chosen, COMMANDS[command_id])

    def keys(self, command: Command) -> tuple[str, ...]:
        """Return the plain keys of a command."""
        own = self.overrides.get(command.id)
        return tuple(own.split(",")) if own else command.keys

    def prefix_keys(self, command: Command) -> tuple[str, ...]:
        """Return the keys of a command after the prefix."""
        keys = self._prefix_keys.get(command.id, command.prefix)
        return tuple(key for key in keys if self._by_prefix_key[key] is command)

    def after_prefix(self, key: str) -> Command | None:
        """Return the command of a key after the prefix."""
        command = self._by_prefix_key.get(key)
        return command if command is not None and key in self.prefix_keys(command) else None

    def repeats(self, key: str) -> bool:
        """Return whether a key may follow again without the prefix."""
        command = self.after_prefix(key)
        return command is not None and command.repeats

    def text(self, command: Command) -> str:
        """Return the first plain key, else the prefix chord, as people write it."""
        if keys := self.keys(command):
            return key_text(keys[0])
        return self.prefix_text(command)

    def prefix_text(self, command: Command) -> str:
        """Return the chord of a command, ``ctrl+g z``; empty where it has none."""
        last = self.prefix_key_text(command)
        return f"{key_text(self.prefix)} {last}" if last else ""

    def prefix_key_text(self, command: Command) -> str:
        """Return what follows the prefix: ``z``, or ``1-9`` for a row of keys."""
        keys = self.prefix_keys(command)
        if len(keys) > 2 and not command.repeats:
            return f"{key_text(keys[0])}-{key_text(keys[-1])}"
        return key_text(keys[0]) if keys else ""

    def _override(self, command_id: str, keys: str) -> None:
        if command_id not in COMMANDS:
            self.problems.append(f"keymap: there is no command {command_id!r}")
            return
        wanted = [key.strip() for key in keys.split(",") if key.strip()]
        chords = [key.split()[1:] for key in wanted if key.startswith(f"{PREFIX_WORD} ")]
        plain = [key_name(key) for key in wanted if not key.startswith(f"{PREFIX_WORD} ")]
        incomplete = PREFIX_WORD in wanted or any(len(chord) != 1 for chord in chords)
        if not wanted or incomplete:
            self.problems.append(f"keymap: {command_id}: {keys!r} names no key")
            return
        if plain:
            self.overrides[command_id] = ",".join(plain)
        if chords:
            self._prefix_keys[command_id] = tuple(key_name(chord[0]) for chord in chords)
