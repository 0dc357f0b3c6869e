"""What xterm sends for each key: written into ``tests/data/keys`` by a real xterm.

``python -m tests.key_table`` needs xterm, Xvfb, xkbcomp and xdotool; the tests read the files only.
A key is pressed in a window of a display of its own, and what the program in it reads is kept.
"""

import contextlib
import fcntl
import itertools
import json
import os
import socket
import subprocess
import sys
import termios
import time
import tty
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).parent / "data" / "keys"
MODES = {
    "normal": b"",
    "application_cursor": b"\x1b[?1h",
    "application_keypad": b"\x1b=",
    "modify_other_keys_1": b"\x1b[>4;1m",
    "modify_other_keys_2": b"\x1b[>4;2m",
}
_FORGET = b"\x1b[?1l\x1b>\x1b[>4;0m"
_STATUS, _WELL = b"\x1b[5n", b"\x1b[0n"
_SETTLE = 0.008
"""Seconds that a key takes at most on its way to the window."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PLAIN = "1234567890`-=[]\\;',./"
_SHIFTED = '~!@#$%^&*()_+{}|:"<>?'
_OTHERS = "éßñж漢€"
_EDITING = {
    "up": "Up", "down": "Down", "right": "Right", "left": "Left", "home": "Home", "end": "End",
    "pageup": "Prior", "pagedown": "Next", "insert": "Insert", "delete": "Delete",
    "backspace": "BackSpace", "tab": "Tab", "enter": "Return", "escape": "Escape",
    "space": "space",
}  # fmt: skip
_KEYPAD = {
    **{f"kp_{digit}": f"KP_{digit}" for digit in range(10)},
    "kp_add": "KP_Add", "kp_subtract": "KP_Subtract", "kp_multiply": "KP_Multiply",
    "kp_divide": "KP_Divide", "kp_decimal": "KP_Decimal", "kp_enter": "KP_Enter",
    "kp_equal": "KP_Equal",
}  # fmt: skip
_RESOURCES = (
    # Alt is Escape, Backspace is DEL, as Debian and most others set xterm up; and every key goes
    # to the program, none to the scrollbar, the fonts or the menus of the window.
    "XTerm*eightBitInput: false",
    "XTerm*metaSendsEscape: true",
    "XTerm*altSendsEscape: true",
    "XTerm*backarrowKey: false",
    "XTerm*ptyInitialErase: true",
    "XTerm*utf8: 1",
    "XTerm*allowScrollLock: false",
    "XTerm*vt100.translations: Meta <KeyPress>: insert-eight-bit()\\n"
    " <KeyPress>: insert-seven-bit()",
)
_SPARE = ("HIRA", "HENK", "MUHE", "KATA", "JPCM", "HKTG")
"""Keys of the layout that nobody has: they are given the characters it lacks."""
_LAYOUT = """
xkb_keymap {{
  xkb_keycodes {{ include "evdev+aliases(qwerty)" }};
  xkb_types {{ include "complete" }};
  xkb_compat {{ include "complete" }};
  xkb_symbols {{ include "pc+us+inet(evdev)" {keys} }};
}};
"""


def keys() -> dict[str, str]:
    """Return the keys of the table, by Textual's name, as xdotool has them."""
    found: dict[str, str] = {}
    three = _modifiers("ctrl", "alt", "shift")
    two = _modifiers("ctrl", "alt")
    functions = {f"f{number}": f"F{number}" for number in range(1, 25)}
    for name, keysym in (_EDITING | functions).items():
        found |= {f"{mods}{name}": f"{mods}{keysym}" for mods in three}
    for letter in _LETTERS:
        found |= {f"{mods}{letter}": f"{mods}{letter}" for mods in three}
    for char in _PLAIN + _SHIFTED:
        named = key_name(char)
        found |= {f"{mods}{named}": f"{mods}{_keysym(char)}" for mods in two}
    for char in _OTHERS:
        found |= {f"{mods}{char}": f"{mods}{_keysym(char)}" for mods in ("", "alt+")}
    return found | _KEYPAD


def key_name(char: str) -> str:
    """Return Textual's name of the key that types `char`."""
    if char.isalnum():
        return char
    return unicodedata.name(char).lower().replace("-", "_").replace(" ", "_")


def load(mode: str) -> dict[str, bytes]:
    """Return what xterm sends in `mode`, by Textual's name of the key."""
    text = (FOLDER / f"xterm_{mode}.json").read_text("ascii")
    return {key: sent.encode("latin-1") for key, sent in json.loads(text).items()}


def _modifiers(*names: str) -> list[str]:
    chosen = itertools.product(*((False, True) for _ in names))
    return ["".join(f"{each}+" for each in itertools.compress(names, one)) for one in chosen]


def _keysym(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"U{ord(char):04X}"


class Window:
    """An xterm on a display of its own, whose program this process is."""

    def __init__(self, folder: Path) -> None:
        self._closing = contextlib.ExitStack()
        listener = self._closing.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(folder / "socket"))
        listener.listen()
        display = self._display()
        self._environment = os.environ | {"DISPLAY": display, "LC_ALL": "C.UTF-8"}
        arguments = [part for resource in _RESOURCES for part in ("-xrm", resource)]
        relay = [sys.executable, "-m", "tests.key_table", "--relay", str(folder / "socket")]
        self._start("xterm", *arguments, "-geometry", "80x24+0+0", "-e", *relay)
        self._program, _ = listener.accept()
        self._closing.enter_context(self._program)
        self._give_layout()
        self._xdotool("mousemove", "100", "100")
        self._read()

    def press(self, key: str) -> bytes:
        """Return what the program reads when `key` is pressed."""
        self._xdotool("key", "--delay", "0", "--clearmodifiers", key)
        time.sleep(_SETTLE)
        sent = self._read()
        if not sent:
            time.sleep(_SETTLE * 5)
            sent = self._read()
        return sent

    def write(self, data: bytes) -> None:
        """Have the program write `data`."""
        self._program.sendall(data)

    def close(self) -> None:
        """End the window and its display."""
        self._closing.close()

    def _read(self) -> bytes:
        self._program.sendall(_STATUS)
        read = b""
        while not read.endswith(_WELL):
            read += self._program.recv(4096)
        return read.removesuffix(_WELL)

    def _give_layout(self) -> None:
        extra = {f"FK{number:02}": f"F{number}" for number in range(1, 25)}
        extra |= {spare: _keysym(char) for spare, char in zip(_SPARE, _OTHERS, strict=True)}
        keys = " ".join(
            f'override key <{name}> {{ type="ONE_LEVEL", symbols[Group1]=[{keysym}] }};'
            for name, keysym in extra.items()
        )
        subprocess.run(
            ["xkbcomp", "-w", "0", "-", self._environment["DISPLAY"]],
            input=_LAYOUT.format(keys=keys).encode(),
            check=True,
        )

    def _display(self) -> str:
        reading, writing = os.pipe()
        self._start("Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", pass_fds=(writing,))
        os.close(writing)
        with os.fdopen(reading) as told:
            return f":{told.readline().strip()}"

    def _start(self, *command: str, pass_fds: tuple[int, ...] = ()) -> None:
        environment = getattr(self, "_environment", None)
        process = subprocess.Popen(command, env=environment, pass_fds=pass_fds)
        self._closing.callback(process.wait)
        self._closing.callback(process.terminate)

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._environment, check=True)


def _relay(path: str) -> None:
    """Be the program in the window: pass its keys on, and write what is asked for."""
    tty.setraw(0)
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    assert any(size)
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(path)
        if os.fork():
            while typed := os.read(0, 4096):
                there.sendall(typed)
        else:
            while asked := there.recv(4096):
                os.write(1, asked)


def _tables(window: Window) -> Iterator[tuple[str, dict[str, str]]]:
    for mode, entered in MODES.items():
        window.write(_FORGET + entered)
        pressed = {key: window.press(keysym) for key, keysym in keys().items()}
        yield mode, {key: sent.decode("latin-1") for key, sent in pressed.items()}


def main() -> None:
    """Write one file for each mode."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="key-table-") as folder:
        window = Window(Path(folder))
        with contextlib.closing(window):
            for mode, table in _tables(window):
                text = json.dumps(table, indent=0, sort_keys=True)
                (FOLDER / f"xterm_{mode}.json").write_text(text + "\n", "ascii")
                sys.stdout.write(f"{mode}: {len(table)} keys\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--relay"]:
        _relay(sys.argv[2])
    else:
        main()
