"""Byte streams and the screens they make: emulated, drawn, and cut at every byte."""

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.style import Style

from sshdash.terminal.cells import PLAIN, CellStyle, Colour, Cursor, Line, Underline
from sshdash.terminal.emulator import Emulator
from sshdash.ui.widgets.terminal_paint import Painter

FILE = Path(__file__).parent.parent / "data" / "terminal" / "conformance.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
BASE = Style.parse("#d5dae5 on #12151c")
every_case = pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["name"]) for case in CASES],
)


def stream(case: dict[str, Any]) -> bytes:
    send = case["send"]
    return send if isinstance(send, bytes) else str(send).encode()


def sized(case: dict[str, Any]) -> Emulator:
    return Emulator(*case.get("size", (20, 5)))


def colour(text: str) -> Colour:
    if text.startswith("#"):
        red, green, blue = bytes.fromhex(text[1:])
        return (red, green, blue)
    return int(text)


def style(words: str) -> CellStyle:
    names = {"fg": "foreground", "bg": "background", "line": "underline_colour"}
    values: dict[str, Any] = {}
    for word in words.split():
        name, equals, value = word.partition("=")
        if name == "underline":
            values[name] = Underline(int(value))
        else:
            values[names.get(name, name)] = colour(value) if equals else True
    return PLAIN._replace(**values)


def written(line: Line) -> list[tuple[str, CellStyle]]:
    """Return the runs of a row without the plain blanks at its end."""
    runs = [
        ("".join(run.text for run in members), key)
        for key, members in groupby(line.runs, lambda run: run.style)
    ]
    if runs and runs[-1][1] == PLAIN and not runs[-1][0].strip():
        runs.pop()
    return runs


def seen(emulator: Emulator) -> tuple[list[list[tuple[str, CellStyle]]], Cursor]:
    """Return all that is drawn of a screen now."""
    emulator.take_damage()
    return [written(line) for line in emulator.view()], emulator.cursor


@every_case
def test_the_screen_is_as_the_standards_say(case: dict[str, Any]) -> None:
    emulator = sized(case)
    emulator.feed(stream(case))
    shown = emulator.screen_text()
    rows = [str(row) for row in case["rows"]]
    assert shown == rows + [""] * (len(shown) - len(rows))
    damage = emulator.take_damage()
    if "cursor" in case:
        assert [emulator.cursor.x, emulator.cursor.y] == case["cursor"]
    for y, runs in case.get("runs", {}).items():
        expected = [(text, style(words)) for text, words in runs]
        if expected[-1][1] == PLAIN and not expected[-1][0].strip():
            expected.pop()
        found = written(damage.lines[y])
        assert [(text.rstrip() or text, one) for text, one in found] == expected


@every_case
def test_the_rows_are_drawn_as_they_are(case: dict[str, Any]) -> None:
    emulator = sized(case)
    emulator.feed(stream(case))
    painter = Painter(emulator.colours.palette, BASE, Style())
    lines = emulator.take_damage().lines
    for y, text in enumerate(map(str, case["rows"])):
        strip = painter.line(lines[y], emulator.columns)
        assert strip.text.rstrip() == text
        assert sum(segment.cell_length for segment in strip) == emulator.columns


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_cut_at_any_byte_makes_no_difference(case: dict[str, Any]) -> None:
    data = stream(case)
    whole = sized(case)
    whole.feed(data)
    expected = seen(whole)
    for cut in range(1, len(data)):
        parts = sized(case)
        parts.feed(data[:cut])
        parts.take_damage()
        parts.feed(data[cut:])
        assert seen(parts) == expected, f"cut at {cut}"
    bytewise = sized(case)
    for byte in data:
        bytewise.feed(bytes([byte]))
    assert seen(bytewise) == expected
