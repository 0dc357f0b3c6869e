"""What a terminal keeps, in a file: whole, private, and never over another one by mistake."""

import stat
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.export import kept_lines, write_lines
from sshdash.terminal.grid import Grid


def lines_of(emulator: Emulator) -> list[str]:
    return [line for some in kept_lines(Grid(emulator)) for line in some]


def test_lines_are_whole_however_they_wrap() -> None:
    emulator = Emulator(10, 4)
    emulator.feed(b"".join(b"%d %s\r\n" % (n, b"x" * (n % 25)) for n in range(3000)) + b"end")
    lines = lines_of(emulator)
    expected = [f"{n} {'x' * (n % 25)}".rstrip() for n in range(3000)] + ["end"]
    assert [line for line in lines if line] == expected[-len(lines) :]
    assert len(lines) > 1000


def test_what_is_dropped_meanwhile_is_left_out() -> None:
    emulator = Emulator(10, 4)
    emulator.feed(b"".join(b"%d\r\n" % n for n in range(2000)))
    grid = Grid(emulator)
    parts = kept_lines(grid)
    lines = next(parts)
    emulator.feed(b"".join(b"%d\r\n" % n for n in range(2000, 60_000)))
    for some in parts:
        lines += some
    assert lines[:400] == [str(n) for n in range(400)]
    emulator.feed(b"\x1b[3J")
    assert lines_of(emulator)


def test_the_file_is_private_and_blank_ends_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    assert write_lines(path, ["one", "", "zwei 世", "", ""], replace=False) == 3
    assert path.read_text(encoding="utf-8") == "one\n\nzwei 世\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["out.txt"]


def test_a_file_is_replaced_only_where_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    path.chmod(0o644)
    with pytest.raises(FileError, match="there is such a file"):
        write_lines(path, ["new"], replace=False)
    assert path.read_text() == "old"
    assert write_lines(path, ["new"], replace=True) == 1
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileError):
        write_lines(tmp_path / "nowhere" / "out.txt", ["x"], replace=False)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileError):
        write_lines(folder, ["x"], replace=True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "out.txt"]
