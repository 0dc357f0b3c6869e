"""Alt keys as they were typed.

Of terminals without the kitty keyboard protocol, Textual takes some Alt keys for something else
(Alt+F for Ctrl+Right, Alt+1 for an inverted exclamation mark), forgets the Alt of others (Alt+.,
and so the Escape of an Escape that a character follows at once), and makes a circumflex of it
where such keys follow each other. In a cockpit they belong to the remote.
"""

import re
import sys
from collections.abc import Iterable

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.keys import KEY_NAME_REPLACEMENTS, _character_to_key
from textual.message import Message

from sshdash.ui.widgets.terminal_pastes import Pastes

_ESC = "\x1b"
_OPENERS = "[O"
"""What begins a longer sequence after Escape: alone, they are told after Textual's delay."""
_CONTROL_NAMES = {"\x00": "ctrl+@", "\b": "ctrl+h", "\n": "ctrl+j", "\x7f": "backspace"}
_HIGH_FUNCTION = re.compile(r"\x1b\[([0-9]+)(?:;([1-8]))?~")
_HIGH = dict(zip((25, 26, 28, 29, 31, 32, 33, 34, 42, 43, 44, 45), range(13, 25), strict=True))
"""The numbers of F13 to F24, which Textual takes for the code of a character."""


class TypedKeysParser(XTermParser):
    """Textual's parser, but for Alt, and for pastes.

    Escape and a character in one read are Alt and its key; pastes are not looked into.
    """

    def __init__(self, debug: bool = False) -> None:
        self._escaped = False
        self._pastes = Pastes()
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """Return the keys, pastes and other messages in `data`; nothing in a paste is a key."""
        if not data:
            yield from super().feed(data)
        for is_paste, text in self._pastes.split(data):
            if is_paste:
                yield events.Paste(text.replace("\x00", ""))
            else:
                yield from filter(None, map(_as_typed, super().feed(text)))

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        """Return the keys of a sequence, none where it is none or has not ended."""
        if sequence == _ESC:
            # Only a sequence that is none is handed out character by character: Textual says
            # `alt` for its Escape where a delay ended it, nothing where another Escape did.
            self._escaped = True
            return ()
        if len(sequence) == 1:
            alt, self._escaped = alt or self._escaped, False
            return (_alt_key(sequence),) if alt else super()._sequence_to_key_events(sequence)
        if (high := _HIGH_FUNCTION.fullmatch(sequence)) and (number := int(high[1])) in _HIGH:
            return (_function_key(_HIGH[number], int(high[2] or 1) - 1),)
        if len(sequence) == 2 and sequence[0] == _ESC and sequence[1] not in _OPENERS:
            return (_alt_key(sequence[1]),)
        return super()._sequence_to_key_events(sequence)


def keep_alt_keys(driver: type[Driver]) -> None:
    """Have a driver of Textual read keys with our parser; safe to call again."""
    module = vars(sys.modules[driver.__module__])
    if "XTermParser" in module:
        module["XTermParser"] = TypedKeysParser


def _as_typed(message: Message) -> Message | None:
    """Return what a message of Textual's parser stands for, None where it is nothing.

    F3 with modifiers looks like the place of the cursor, in the first row; nobody asks for that.
    """
    if isinstance(message, events.CursorPosition) and message.y == 0 and 1 <= message.x <= 7:
        return _function_key(3, message.x)
    # Pastes are not left to it: an empty one is what is left of a marker that was cut.
    return None if isinstance(message, events.Paste) else message


def _function_key(number: int, mods: int) -> events.Key:
    """Return F1 to F24; `mods` are xterm's bits."""
    names = [name for bit, name in ((2, "alt"), (4, "ctrl"), (1, "shift")) if mods & bit]
    return events.Key("+".join([*names, f"f{number}"]), None)


def _alt_key(char: str) -> events.Key:
    """Return the key that is typed with Alt where `char` follows Escape."""
    return events.Key(f"alt+{_name(char)}", None)


def _name(char: str) -> str:
    if char in _CONTROL_NAMES:
        return _CONTROL_NAMES[char]
    if char < " ":
        named = ANSI_SEQUENCES_KEYS.get(char)
        return str(named[0].value) if isinstance(named, tuple) else char
    if char.isascii() and char.isupper():
        return f"shift+{char.lower()}"
    if char.isalnum() or not char.isascii():
        return char
    name = _character_to_key(char)
    return KEY_NAME_REPLACEMENTS.get(name, name)
