"""Plays a recording on a terminal: draws it, and takes the keys that pause and seek."""

import os
import re
import select
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Self

from sshdash.cli.play_frame import ENTER, LEAVE, frame
from sshdash.terminal.cells import Line
from sshdash.terminal.playback import Playback
from sshdash.untrusted import clean

SEEK = 5.0
"""Seconds that an arrow key goes back or forward."""
_FRAME = 1 / 30
_LOOK = 0.25
"""Seconds after which the clock in the last row is drawn anew."""
_SLOWEST, _QUICKEST = 1 / 16, 256.0
_HINTS = "space pause · ←→ seek · ↑↓ speed · q quit"
_KEY = re.compile(rb"\x1b(?:\[[0-9;]*[@-~]|O.)|.", re.DOTALL)
_KEYS = {
    b" ": "pause",
    b"q": "quit",
    b"Q": "quit",
    b"\x1b[C": "forward",
    b"\x1bOC": "forward",
    b"\x1b[D": "back",
    b"\x1bOD": "back",
    b"\x1b[A": "faster",
    b"\x1bOA": "faster",
    b"\x1b[B": "slower",
    b"\x1bOB": "slower",
}


class PlayScreen:
    """The terminal that a recording is played on; it is left as it was found."""

    def __init__(self, playback: Playback, speed: float) -> None:
        self._playback = playback
        self._speed = speed
        self._at = 0.0
        self._paused = False
        self._pressed = b""
        """Keys that came together with one before."""
        self._size = os.terminal_size((0, 0))
        self._first = 0
        """The row of the recorded terminal at the top: this one may have fewer."""
        self._lines: dict[int, Line] = {}
        self._input = sys.stdin.fileno()
        self._output = sys.stdout.fileno()

    def __enter__(self) -> Self:
        self._found = termios.tcgetattr(self._input)
        tty.setcbreak(self._input)
        self._write(ENTER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._write(LEAVE)
        finally:
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._found)

    def play(self) -> None:
        """Play until the person leaves."""
        self._playback.go_to(0.0)
        self._draw()
        then = time.monotonic()
        while True:
            key = self._key(self._patience())
            now = time.monotonic()
            if not self._paused:
                self._at = min(self._at + (now - then) * self._speed, self._playback.duration)
            then = now
            if key == "quit":
                return
            self._obey(key)
            self._playback.go_to(self._at)
            self._draw()

    def _patience(self) -> float:
        if self._paused or self._playback.at_end:
            return _LOOK
        due = (self._playback.next_at - self._at) / self._speed
        return min(max(due, _FRAME), _LOOK)

    def _key(self, patience: float) -> str:
        """Return what the next key asks for; empty where none is pressed in time."""
        if not self._pressed:
            if not select.select([self._input], [], [], patience)[0]:
                return ""
            self._pressed = os.read(self._input, 64)
            if not self._pressed:
                return "quit"  # the terminal is gone
        key = _KEY.match(self._pressed)
        end = key.end() if key else 1
        pressed, self._pressed = self._pressed[:end], self._pressed[end:]
        return _KEYS.get(pressed, "")

    def _obey(self, key: str) -> None:
        if key == "pause":
            self._paused = not self._paused
        elif key in ("forward", "back"):
            step = SEEK if key == "forward" else -SEEK
            self._at = min(max(0.0, self._at + step), self._playback.duration)
        elif key == "faster":
            self._speed = min(self._speed * 2, _QUICKEST)
        elif key == "slower":
            self._speed = max(self._speed / 2, _SLOWEST)

    def _draw(self) -> None:
        """Draw what has changed; everything where the size of the terminal has."""
        size = os.get_terminal_size(self._output)
        width, height = size.columns, max(1, size.lines - 1)
        emulator = self._playback.emulator
        damage = emulator.take_damage()
        cursor = emulator.cursor
        first = min(max(0, cursor.y - height + 1), max(0, emulator.rows - height))
        if damage.full:
            self._lines.clear()
        self._lines.update(damage.lines)
        lines, clear = damage.lines, ""
        if (*size, first) != (*self._size, self._first) or damage.full:
            self._size, self._first = size, first
            lines, clear = self._lines, "\x1b[m\x1b[2J"
        self._write(clear + frame(lines, cursor, first, height, self._status(), width))

    def _status(self) -> str:
        ended = self._playback.at_end and self._at >= self._playback.duration
        mark = "■" if ended else "‖" if self._paused else "▶"
        title = clean(self._playback.header.title, 30)
        times = f"{_clock(self._at)} / {_clock(self._playback.duration)}"
        speed = f" ×{self._speed:g}" if self._speed != 1 else ""
        return f" {mark} {times}{speed}  {title}  {_HINTS}"

    def _write(self, text: str) -> None:
        rest = memoryview(text.encode("utf-8", "replace"))
        while rest:
            rest = rest[os.write(self._output, rest) :]


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
