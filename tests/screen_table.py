"""What xterm shows after random streams: written into ``tests/data`` by a real xterm.

``python -m tests.screen_table`` needs xterm and xvfb-run; the tests read the file only. Each stream
begins on a cleared terminal; xterm prints its screen (MC) and tells its cursor (DSR) after it.
"""

import json
import os
import random
import re
import select
import subprocess
import sys
import time
import tty
import unicodedata
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

FILE = Path(__file__).parent / "data" / "terminal" / "xterm_screens.json"
COLUMNS, ROWS = 20, 6
CLEAR = b"\x1bc\x1b[!p\x1b[?7h\x1b[m\x1b[H\x1b[2J\x1b[3J"
_STREAMS = 1500
_SEED = 379
_PATIENCE = 5.0


class Screen(NamedTuple):
    """A stream, and the rows without trailing blanks and the cursor (from 0) that it leads to."""

    stream: str
    rows: list[str]
    cursor: tuple[int, int]


def load() -> list[Screen]:
    """Return the table."""
    table = json.loads(FILE.read_text("utf-8"))
    return [Screen(stream, rows, (column, row)) for stream, rows, (column, row) in table]


def streams() -> list[str]:
    """Return random streams of text, controls and control functions.

    Without what is known to differ: see Terminals under Limits in the README, combining marks at
    the edge without wrap, wide characters in line drawing, and reverse wrap, which newer ones do
    otherwise.
    """
    chance = random.Random(_SEED)
    return ["".join(_token(chance) for _ in range(chance.randint(2, 9))) for _ in range(_STREAMS)]


def _token(chance: random.Random) -> str:
    number = chance.choice(["", "0", "1", "2", "3", "4", "5", "6", "7", "19", "20", "21", "30"])
    more = f"{number};{chance.choice(['', '1', '2', '5', '10', '30'])}"
    kinds: dict[float, Callable[[], str]] = {
        30: lambda: "".join(chance.choices("abcXYZ 123", k=chance.randint(1, 12))),
        6: lambda: chance.choice("漢字한あ") * chance.randint(1, 3),
        2: lambda: "e\u0301",
        4: lambda: chance.choice("abc漢") + f"\x1b[{chance.randint(1, 9)}b",
        10: lambda: chance.choice(["\r", "\n", "\r\n", "\b", "\t", "\v", "\f", "\x7f", "\x00"]),
        5: lambda: chance.choice(["\x1bD", "\x1bM", "\x1bE", "\x1b7", "\x1b8", "\x1bH"]),
        17: lambda: f"\x1b[{number}{chance.choice('ABCDEFGIZade`')}",
        8: lambda: f"\x1b[{more}{chance.choice('Hf')}",
        13: lambda: f"\x1b[{number}{chance.choice('JKXP@LMSg')}",
        3: lambda: f"\x1b[{more}{chance.choice('ABCDGXP@LM')}",
        4.5: lambda: chance.choice(["\x1b[2;5r", "\x1b[1;3r", "\x1b[3;6r", "\x1b[r", "\x1b[4r"]),
        3.5: lambda: chance.choice(["\x1b[?6h", "\x1b[?6l", "\x1b[?69h", "\x1b[?69l", "\x1b[!p"]),
        2.5: lambda: chance.choice(["\x1b[4h", "\x1b[4l", "\x1b[20h", "\x1b[20l"]),
        2.2: lambda: chance.choice(["\x1b[3;10s", "\x1b[2;15s", "\x1b[5;20s"]),
        2.1: lambda: chance.choice(['\x1b[1"q', '\x1b[0"q', "\x1b[?J", "\x1b[?K", "\x1b[?1K"]),
        1: lambda: chance.choice(["\x1b#8", "\x1b[?1049h", "\x1b[?1049l", "\x1b[1;31m", "\x1b[m"]),
    }
    [kind] = chance.choices(list(kinds), weights=list(kinds))
    return kinds[kind]()


class _Program:
    """The program in the window: sends the streams and asks for what became of them."""

    def __init__(self, folder: Path) -> None:
        self._printed = folder / "printed"

    def run(self) -> list[Screen]:
        tty.setraw(0)
        found = []
        for stream in streams():
            self._write(CLEAR + stream.encode() + b"\x1b\\\x1b[6n")
            place = self._answer(rb"\x1b\[(\d+);(\d+)R")
            self._write(b"\x1b[i")
            rows = self._rows()
            found.append(Screen(stream, rows, (int(place[2]) - 1, int(place[1]) - 1)))
        return found

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(1, data) :]

    def _answer(self, pattern: bytes) -> re.Match[bytes]:
        told = b""
        while select.select([0], [], [], _PATIENCE)[0]:
            told += os.read(0, 4096)
            if found := re.search(pattern, told):
                return found
        raise TimeoutError(f"xterm has answered {told!r}")

    def _rows(self) -> list[str]:
        end = time.monotonic() + _PATIENCE
        while not self._printed.exists():
            if time.monotonic() > end:
                raise TimeoutError("xterm has printed nothing")
            time.sleep(0.002)
        text = unicodedata.normalize("NFC", self._printed.read_text("utf-8"))
        self._printed.unlink()
        text = re.sub(r"\x1b(?:#5|\[[0-9;]*m|\([0B])", "", text)
        # A wide character is printed with another behind it, which may have lost it.
        text = re.sub(r"([^\x00-\u10ff])\uffff", r"\1", text).replace("\uffff", " ")
        rows = [row.rstrip() for row in re.split(r"\r\n|\r|\n", text)]
        return (rows + [""] * ROWS)[:ROWS]


def _record() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        printer = folder / "printer"
        printer.write_text(f"#!/bin/sh\ncat > {name}/part && mv {name}/part {name}/printed\n")
        printer.chmod(0o755)
        resources = (
            f"*printerCommand: {printer}",
            "*printerAutoClose: true",
            "*printAttributes: 2",
            "*printerExtent: true",
            "*printerFormFeed: false",
            "*printerNewLine: false",
        )
        settings = [part for resource in resources for part in ("-xrm", resource)]
        relay = [sys.executable, "-m", "tests.screen_table", "--within", name]
        window = ["xterm", "-u8", "-geometry", f"{COLUMNS}x{ROWS}", *settings, "-e", *relay]
        subprocess.run(["xvfb-run", "-a", *window], check=True)
        screens = json.loads((folder / "screens").read_text("utf-8"))
    rows = ",\n".join(json.dumps(screen, ensure_ascii=True) for screen in screens)
    FILE.write_text(f"[\n{rows}\n]\n", "utf-8")


if __name__ == "__main__":
    if "--within" in sys.argv:
        place = Path(sys.argv[-1])
        (place / "screens").write_text(json.dumps(_Program(place).run()), "utf-8")
    else:
        _record()
