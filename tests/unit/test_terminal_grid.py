"""The rows a terminal keeps: their text, and their numbers while rows come and go."""

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.grid import Grid, GridRow, PromptMark
from sshdash.terminal.prompt_marks import output_row, prompts

PROMPT = b"\x1b]133;A\x07$ \x1b]133;B\x07"
OUTPUT = b"\x1b]133;C\x07"


def grid_of(data: str | bytes, columns: int = 20, rows: int = 6, scrollback: int = 1000) -> Grid:
    emulator = Emulator(columns, rows, scrollback)
    emulator.feed(data.encode() if isinstance(data, str) else data)
    return Grid(emulator)


def feed(grid: Grid, data: bytes) -> None:
    grid._emulator.feed(data)
    grid.look()


def text_at(grid: Grid, row: int) -> str:
    return grid.rows(row, row + 1)[0].text


def test_rows_are_text_with_how_they_wrap() -> None:
    grid = grid_of("\r\n\r\nab  \r\n0123456789 and some more\r\n\x1b[44m \x1b[m\r\nlast")
    assert grid.rows(grid.first, grid.end) == [
        GridRow("", False),
        GridRow("", False),
        GridRow("ab  ", False),
        GridRow("0123456789 and some ", True),
        GridRow("more", False),
        GridRow(" ", False),
        GridRow("last", False),
    ]
    assert grid.rows(-5, 500) == grid.rows(grid.first, grid.end)
    assert grid.rows(3, 3) == []


def test_cells_know_wide_and_combined_characters() -> None:
    grid = grid_of("a世e\u0301x\r\n0123456789012345678世")
    assert grid.cells(0)[:6] == ["a", "世", "", "e\u0301", "x", " "]
    assert len(grid.cells(0)) == 20
    assert grid.cells(1)[-2:] == ["8", " "]
    assert text_at(grid, 1) == "0123456789012345678"
    assert grid.cells(99) == []


def test_numbers_stay_while_old_rows_are_dropped() -> None:
    grid = grid_of(b"".join(b"%d\r\n" % number for number in range(5000)), scrollback=2000)
    kept = 4900
    first, row = grid.first, grid.end - 101
    assert text_at(grid, row) == str(kept)
    for number in range(5000, 9000, 500):
        feed(grid, b"".join(b"%d\r\n" % (number + more) for more in range(500)))
        assert grid.rows(row, row + 1) == [GridRow(str(kept), False)] or grid.first > row
        assert text_at(grid, grid.end - 2) == str(number + 499)
        assert grid.end - 2 - row == number + 499 - kept
    assert grid.first > first
    assert grid.epoch == 1


def test_a_new_epoch_where_numbers_cannot_be_kept() -> None:
    grid = grid_of(b"x\r\n" * 100)
    epochs = [grid.epoch]
    for data in (b"\x1b[3J", b"x\r\n" * 50 + b"\x1bc", b"\x1b[?1049h", b"\x1b[?1049l"):
        feed(grid, b"x\r\n" * 20)
        feed(grid, data)
        epochs.append(grid.epoch)
        assert grid.rows(grid.first, grid.end)
    assert epochs == sorted(set(epochs))
    before = grid.epoch
    grid._emulator.resize(10, 6)
    grid.look()
    assert grid.epoch > before


def test_moving_rows_about_on_the_screen_drops_none() -> None:
    grid = grid_of(b"one\r\ntwo")
    feed(grid, b"\x1b[H\x1bM\x1bM\x1b[3L\x1b[2M")
    assert (grid.first, grid.end, grid.epoch) == (0, 6, 1)


def test_the_view_begins_with_a_row() -> None:
    grid = grid_of(b"\r\n".join(b"%d" % number for number in range(100)))
    grid.show(40)
    assert grid._emulator.screen_text()[0] == "40"
    feed(grid, b"\r\nmore" * 30)
    assert (grid.top, grid._emulator.screen_text()[0]) == (40, "40")
    grid.show(-7)
    assert grid._emulator.screen_text()[0] == "0"
    grid.show(10_000)
    assert grid.top == grid.screen


def test_prompts_are_found_either_way() -> None:
    data = PROMPT + b"ls\r\n" + OUTPUT + b"out\r\n" * 3000
    grid = grid_of(data + PROMPT + b"true\r\n" + OUTPUT + PROMPT, scrollback=5000)
    upwards = [row for row in prompts(grid, grid.end - 1, -1) if row is not None]
    assert [text_at(grid, row).strip() for row in upwards] == ["$", "$ true", "$ ls"]
    assert list(prompts(grid, grid.end - 1, -1)).count(None) == 3
    assert [row for row in prompts(grid, grid.first, 1) if row is not None] == upwards[::-1]
    assert output_row(grid, upwards[2]) == upwards[2] + 1
    assert grid.prompt(upwards[2] + 1) is PromptMark.NONE
