"""From a key's name to the bytes a program expects for it, in the modes it has asked for.

Keys are named as Textual names them (``ctrl+a``, ``alt+shift+f5``, ``question_mark``), together
with the character they type, if any. The encoding is libghostty's: xterm's legacy sequences,
modifyOtherKeys, or the kitty keyboard protocol.
"""

import re
import unicodedata
from typing import Any

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import array, call, ffi, lib, new, owned
from sshdash.terminal.xterm_keys import ALT, CTRL, SHIFT, Chord, as_xterm

_SUPER = 8
_MODIFIERS = {"shift": SHIFT, "ctrl": CTRL, "alt": ALT, "super": _SUPER, "meta": ALT}

_NAMED = {
    "escape": "ESCAPE",
    "enter": "ENTER",
    "return": "ENTER",
    "tab": "TAB",
    "backspace": "BACKSPACE",
    "insert": "INSERT",
    "delete": "DELETE",
    "home": "HOME",
    "end": "END",
    "pageup": "PAGE_UP",
    "pagedown": "PAGE_DOWN",
    "up": "ARROW_UP",
    "down": "ARROW_DOWN",
    "left": "ARROW_LEFT",
    "right": "ARROW_RIGHT",
    "kp_begin": "NUMPAD_BEGIN",
    "menu": "CONTEXT_MENU",
    "pause": "PAUSE",
    "print_screen": "PRINT_SCREEN",
    "scroll_lock": "SCROLL_LOCK",
    **{f"f{number}": f"F{number}" for number in range(1, 26)},
}
_PHYSICAL = {
    "`": "BACKQUOTE",
    "\\": "BACKSLASH",
    "[": "BRACKET_LEFT",
    "]": "BRACKET_RIGHT",
    ",": "COMMA",
    "=": "EQUAL",
    "-": "MINUS",
    ".": "PERIOD",
    "'": "QUOTE",
    ";": "SEMICOLON",
    "/": "SLASH",
    " ": "SPACE",
}
_SHIFTED = dict(zip('~|{}<+_>":?!@#$%^&*()', "`\\[],=-.';/1234567890", strict=True))
"""The unshifted key of each shifted one, on the layout that xterm's sequences assume."""
_UNSHIFTED = {plain: char for char, plain in _SHIFTED.items()}
_OTHER_NAMES = {
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "minus": "-",
    "plus": "+",
    "underscore": "_",
    "circumflex_accent": "^",
    "ctrl-at": "@",
}
_C1 = re.compile("[\x80-\x9f]")


def _char_names() -> dict[str, str]:
    """Return Textual's name of each ASCII character that is not a letter or digit."""
    names = dict(_OTHER_NAMES)
    for code in range(0x20, 0x7F):
        char = chr(code)
        if not char.isalnum():
            names[unicodedata.name(char).lower().replace("-", "_").replace(" ", "_")] = char
    return names


_CHARS = _char_names()


class Keyboard:
    """Encodes keys for one emulator, in the modes it is in at that moment."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._encoder = owned(
            "GhosttyKeyEncoder",
            lambda box: lib.ghostty_key_encoder_new(ffi.NULL, box),
            lib.ghostty_key_encoder_free,
        )
        self._event = owned(
            "GhosttyKeyEvent",
            lambda box: lib.ghostty_key_event_new(ffi.NULL, box),
            lib.ghostty_key_event_free,
        )
        self._buffer = array("char", 128)
        self._length = new("size_t")

    def encode(self, key: str, character: str | None = None) -> bytes:
        """Return the bytes for `key`, empty where a terminal sends none for it."""
        if key == "backspace" and character == "\b":
            key, character = "ctrl+h", None
        mods, base = _split(key)
        if base in _NAMED:
            name, char = _NAMED[base], ""
        else:
            char = _typed(base, character)
            if not char:
                return b""
            name = _physical(char)
            if char.isupper() or char in _SHIFTED:
                mods |= SHIFT
            elif mods & SHIFT:
                # With Ctrl and Alt the hosting terminal tells of the key, not what it types.
                char = _UNSHIFTED.get(char) or (char.upper() if len(char.upper()) == 1 else char)
        sent = self._press(name, mods, char)
        if self._emulator.kitty_keyboard:
            return sent
        return as_xterm(sent, Chord(name, mods, char), self._emulator.modify_other_keys)

    def _press(self, name: str, mods: int, text: str) -> bytes:
        event = self._event
        lib.ghostty_key_event_set_action(event, lib.GHOSTTY_KEY_ACTION_PRESS)
        lib.ghostty_key_event_set_key(event, getattr(lib, f"GHOSTTY_KEY_{name}"))
        lib.ghostty_key_event_set_mods(event, mods)
        consumed = SHIFT if mods & SHIFT and text else 0
        lib.ghostty_key_event_set_consumed_mods(event, consumed)
        encoded = text.encode("utf-8", "ignore")
        kept = array("char", encoded)
        lib.ghostty_key_event_set_utf8(event, kept if encoded else ffi.NULL, len(encoded))
        unshifted = _SHIFTED.get(text, text.lower())
        codepoint = ord(unshifted) if len(unshifted) == 1 else 0
        lib.ghostty_key_event_set_unshifted_codepoint(event, codepoint)
        lib.ghostty_key_encoder_setopt_from_terminal(self._encoder, self._emulator.handle)
        return _encoded(self._encoder, event, self._buffer, self._length)


def _encoded(encoder: Any, event: Any, buffer: Any, length: Any) -> bytes:
    result = lib.ghostty_key_encoder_encode(encoder, event, buffer, len(buffer), length)
    if result == lib.GHOSTTY_OUT_OF_SPACE:
        return b""
    call(result, "key")
    return bytes(ffi.buffer(buffer, length[0]))


def _split(key: str) -> tuple[int, str]:
    """Return the modifiers of `key` and what is left of its name."""
    *names, base = key.split("+")
    mods = 0
    for name in names:
        mods |= _MODIFIERS.get(name, 0)
    return mods, base


def _typed(base: str, character: str | None) -> str:
    """Return the character that a key without a fixed sequence types."""
    if len(base) == 1:
        return base
    if base in _CHARS:
        return _CHARS[base]
    if character and character.isprintable():
        return character
    try:
        return unicodedata.lookup(base.replace("_", " "))
    except KeyError:
        return ""


def _physical(char: str) -> str:
    """Return the library's name of the key that types `char`."""
    plain = _SHIFTED.get(char, char.lower())
    if plain in _PHYSICAL:
        return _PHYSICAL[plain]
    if plain.isascii() and plain.isdigit():
        return f"DIGIT_{plain}"
    if len(plain) == 1 and plain.isascii() and plain.isalpha():
        return plain.upper()
    return "UNIDENTIFIED"


def encode_paste(text: str, *, bracketed: bool) -> bytes:
    """Return `text` as pasted: control characters neutralised, bracketed where asked for.

    As xterm and ghostty do: bytes that a terminal driver or an escape sequence would act on
    become spaces, so that no paste ends its own bracket; without brackets, lines end with
    carriage returns.
    """
    data = _C1.sub(" ", text).replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    source = array("char", data)
    buffer = array("char", len(data) + 16)
    length = new("size_t")
    call(
        lib.ghostty_paste_encode(source, len(data), bracketed, buffer, len(buffer), length),
        "paste",
    )
    return bytes(ffi.buffer(buffer, length[0]))
