"""``sshdash play``: show a recording."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sshdash.errors import UsageError
from sshdash.terminal.asciicast import CastEvent, Code

if TYPE_CHECKING:
    from sshdash.terminal.playback import Playback

_DESCRIPTION = """\
Play a recording of a session: asciicast, version 2 or 3.

On a terminal it is played as it happened, with keys to pause (space), to go back and forward
(left, right), to change the speed (up, down) and to leave (q). What was recorded came from a
remote: it is drawn by sshdash's own emulator, and no escape sequence of it reaches your terminal.
Where stdout is no terminal, and with --text, its text is printed as a person would read it."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "play",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a .cast file")
    parser.add_argument(
        "--speed", type=_factor, default=1.0, metavar="N", help="play N times as fast"
    )
    parser.add_argument(
        "--idle-limit",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="make every pause S seconds at most",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", action="store_true", help="print the text, without times")
    how.add_argument(
        "--raw",
        action="store_true",
        help="write the recorded bytes to the terminal as they are: only for what you trust",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play, or print."""
    from sshdash.terminal.playback import Playback, open_recording, text_of, without_pauses

    with open_recording(arguments.file) as (header, recorded):
        events = without_pauses(recorded, arguments.idle_limit)
        if arguments.raw:
            _play_raw(events, arguments.speed)
        elif arguments.text or not sys.stdout.isatty():
            for text in text_of(events):
                sys.stdout.write(text)
        else:
            if not sys.stdin.isatty():
                raise UsageError(
                    "Playing takes keys from a terminal", "stdin is not one", "try --text"
                )
            _play(Playback(header, events), arguments.speed)
    return 0


def _play(playback: "Playback", speed: float) -> None:
    from sshdash.cli.play_screen import PlayScreen

    before = signal.signal(signal.SIGTERM, _leave)
    try:
        with PlayScreen(playback, speed) as screen:
            screen.play()
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _frame: object) -> NoReturn:
    """End as told, after the terminal was put back."""
    raise SystemExit(128 + number)


def _play_raw(events: Iterator[CastEvent], speed: float) -> None:
    """Write what was recorded, in its time where somebody looks on."""
    began = time.monotonic()
    timed = sys.stdout.isatty()
    sys.stdout.flush()
    for event in events:
        if event.code is not Code.OUTPUT:
            continue
        if timed:
            time.sleep(max(0.0, began + event.at / speed - time.monotonic()))
        rest = memoryview(event.text.encode("utf-8", "replace"))
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]


def _factor(text: str) -> float:
    value = _number(text)
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0.01 to 1000")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
