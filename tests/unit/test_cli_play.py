"""``sshdash play``: recordings on a terminal and without one, whatever is in them."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.cli.play_frame import frame
from sshdash.terminal.asciicast import CastEvent, Code, Header
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.playback import Playback, open_recording, text_of, without_pauses
from tests.servers.tty import Tty

PLAY = [sys.executable, "-m", "sshdash", "play"]
HOSTILE = "\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b[6n\x1bP+q544e\x1b\\\x1b[?1003h\x9b31m"


def cast(folder: Path, *events: list[object], version: int = 3) -> Path:
    """Write a recording of a terminal of 40 by 10."""
    header: dict[str, object] = {"version": 3, "term": {"cols": 40, "rows": 10}, "title": "web-1"}
    if version == 2:
        header = {"version": 2, "width": 40, "height": 10}
    file = folder / f"{len(list(folder.iterdir()))}.cast"
    file.write_text("".join(json.dumps(one) + "\n" for one in (header, *events)))
    return file


def printed(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*PLAY, *words], capture_output=True, text=True, check=False, timeout=60)


def test_without_a_terminal_it_is_text(tmp_path: Path) -> None:
    file = cast(
        tmp_path,
        [0, "o", "$ ls\r\n"],
        [5, "o", f"{HOSTILE}\x1b[31mred\x1b[m file\r\n"],
        [0, "m", "a marker"],
        [1, "i", "typed"],
        [1, "x", "0"],
    )
    run = printed(str(file))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "$ ls\n31mred file\n[a marker]\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ":1: not JSON"),
        (b'{"version": 3, "term": {"cols": 9, "rows": 9}}\n[0, "o"]\n', ":2: an event is"),
        (b'{"version": 3, "term": {"cols": 9, "rows": 9}}\n\xff\n', ":2: not UTF-8"),
        (b"some text\n", ":1: not JSON"),
    ],
)
def test_a_bad_file_names_the_line(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "bad.cast"
    file.write_bytes(content)
    run = printed(str(file))
    assert run.returncode == 2
    assert f"bad.cast{words}" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert "No such file" in printed(str(tmp_path / "none")).stderr
    assert printed(str(tmp_path)).returncode == 2


def test_raw_gives_what_was_recorded(tmp_path: Path) -> None:
    file = cast(tmp_path, [0, "o", HOSTILE], [100, "o", "later"], version=2)
    assert printed("--raw", str(file)).stdout == HOSTILE + "later"


def test_on_a_terminal_nothing_recorded_reaches_it(tmp_path: Path) -> None:
    """Every sequence that comes out is sshdash's own: of colours, places and the screen."""
    file = cast(
        tmp_path,
        [0, "o", "hello \x1b[1;32mgreen\x1b[m\r\n"],
        [0, "o", HOSTILE],
        [0.1, "o", "\u202ereversed\r\nthe end"],
    )
    with Tty([*PLAY, str(file)], 60, 14) as one:
        one.until("the end")
        one.until("■")
        assert "hello green" in one.text
        one.press("q")
        one.end()
        sent = bytes(one.sent).decode()
    assert "owned" not in sent
    assert "\x1b]" not in sent
    assert "\x1bP" not in sent
    assert "\x1b[6n" not in sent
    assert "1003" not in sent
    assert "\u202e" not in sent
    assert "\x9b" not in sent
    assert sent.rstrip().endswith("\x1b[?1049l")


def test_keys_pause_seek_and_leave(tmp_path: Path) -> None:
    file = cast(
        tmp_path,
        *([2.0, "o", f"at {second}\r\n"] for second in range(2, 42, 2)),
        [0, "o", "over"],
    )
    with Tty([*PLAY, "--speed", "0.01", str(file)], 80, 14) as one:
        one.until("▶")
        one.press(" ")
        one.until("‖")
        one.press("\x1b[C")
        one.until("at 4")
        assert "at 6" not in one.text
        one.press("\x1b[C")
        one.until("at 10")
        one.press("\x1b[D")
        one.until("0:00:05")
        assert "at 6" not in one.text
        assert "at 4" in one.text
        one.press("\x1b[A")
        one.until("×0.02")
        one.press("q")
        one.end()


def test_a_larger_recording_shows_where_the_cursor_is(tmp_path: Path) -> None:
    file = cast(tmp_path, [0, "r", "200x50"], [0, "o", "\x1b[49;1Hlow\x1b[1;1Hhigh\x1b[50;1H#"])
    with Tty([*PLAY, str(file)], 40, 8) as one:
        one.until("low")
        assert "high" not in one.text
        one.press("q")


def test_pauses_can_be_made_short() -> None:
    events = [CastEvent(at, Code.OUTPUT, "x") for at in (1.0, 100.0, 100.5)]
    assert [one.at for one in without_pauses(iter(events), 2.0)] == [1.0, 3.0, 3.5]
    assert [one.at for one in without_pauses(iter(events), 0.0)] == [1.0, 100.0, 100.5]


def test_seeking_back_shows_what_was_there() -> None:
    events = [CastEvent(float(at), Code.OUTPUT, f"{at}\r\n") for at in range(5)]
    one = Playback(Header(20, 10), iter(events))
    assert not one.go_to(3.0)
    assert one.emulator.screen_text()[:5] == ["0", "1", "2", "3", ""]
    assert one.go_to(1.0)
    assert one.emulator.screen_text()[:3] == ["0", "1", ""]
    assert (one.next_at, one.duration, one.at_end) == (2.0, 4.0, False)


def test_version_2_files_of_others_are_read(tmp_path: Path) -> None:
    file = cast(tmp_path, [0.5, "o", "a\r\n"], [0.7, "o", "b\r\n"], version=2)
    with open_recording(file) as (_, events):
        assert "".join(text_of(events)) == "a\nb\n"


OWN = re.compile(r"\x1b\[(?:\?25[hl]|[\d;:]*[mGHK])")
"""The sequences that frames are made of."""


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_whatever_was_recorded_a_frame_is_text_and_our_own_sequences(pieces: list[bytes]) -> None:
    events = (CastEvent(0.0, Code.OUTPUT, piece.decode("utf-8", "replace")) for piece in pieces)
    one = Playback(Header(20, 6), events)
    one.go_to(0.0)
    damage = one.emulator.take_damage()
    drawn = frame(damage.lines, one.emulator.cursor, 0, 6, "status", 20)
    rest = OWN.sub("", drawn)
    acting = {char for char in rest if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert acting <= {"\u200c", "\u200d"}, ascii(rest)


def test_bidirectional_text_does_not_reorder_what_is_around_it() -> None:
    one = Playback(Header(20, 6), iter([CastEvent(0.0, Code.OUTPUT, "a\u202eb\u2066c")]))
    one.go_to(0.0)
    drawn = frame(one.emulator.take_damage().lines, one.emulator.cursor, 0, 6, "", 20)
    assert not set("\u202e\u2066") & set(drawn)


def test_underlines_keep_their_kind_and_colour_where_the_terminal_knows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, again = Emulator(20, 2), Emulator(20, 3)
    one.feed(b"\x1b[4:3;58:2::9:8:7mcurly\x1b[m \x1b[4:4;58:5:9;31mdots\x1b[m \x1b[21mtwo\x1b[m on")
    lines = one.take_damage().lines
    monkeypatch.setenv("COLORTERM", "truecolor")
    again.feed(frame(lines, one.cursor, 0, 2, "", 20).encode())
    assert again.view()[0].runs == one.view()[0].runs
    monkeypatch.delenv("COLORTERM")
    drawn = frame(lines, one.cursor, 0, 2, "", 20)
    assert "4:" not in drawn
    assert "58" not in drawn
