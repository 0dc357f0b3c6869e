"""Looking into files, in a screen of its own and beside the pane."""

import asyncio
import io
import os
import tarfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import Input, Static

from sshdash.ui.screens.viewer import ViewerScreen
from sshdash.ui.widgets.picture import PictureView
from sshdash.ui.widgets.preview_body import PreviewBody
from sshdash.ui.widgets.preview_pane import PreviewPane
from sshdash.ui.widgets.preview_rows import DumpRows, MemberRows, TextRows
from tests.ui.files_app import FilesApp, listed, row_of, until


@asynccontextmanager
async def at(
    left: Path, right: Path, name: str, key: str = "v"
) -> AsyncIterator[tuple[FilesApp, Pilot[Any]]]:
    app = FilesApp(left, right)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        panes.left.rows.cursor = row_of(panes.left, name)
        await pilot.press(key)
        yield app, pilot


def said(app: FilesApp) -> str:
    """Return what the frame says of the content."""
    return str(app.screen.query_one(".viewer").border_subtitle)


def drawn(app: FilesApp) -> list[str]:
    """Return the lines of the content as they are drawn."""
    rows = app.screen.query_one(PreviewBody).rows
    assert rows is not None
    return ["".join(part.text for part in rows.render_line(y)) for y in range(rows.size.height)]


def empty(beside: PreviewPane) -> list[str]:
    """Return what stands in the place of a content."""
    return [str(one.render()) for one in beside.query(".viewer-empty").results(Static)]


async def test_a_text_has_the_colours_of_its_language(left: Path, right: Path) -> None:
    (left / "prog.py").write_text('def hello():\n    return "x"  # \x1b[31mred\n')
    async with at(left, right, "prog.py") as (app, pilot):
        await until(pilot, lambda: app.screen.query(TextRows))
        await until(pilot, lambda: "Python" in said(app))
        rows = app.screen.query_one(TextRows)
        looks = {text: style.color for text, style in rows.pieces(0, 80)}
        assert looks["def"] != looks["()" if "()" in looks else "():"]
        assert r"# \x1b[31mred" in drawn(app)[1]


async def test_what_is_sought_is_found_and_gone_on_with(left: Path, right: Path) -> None:
    lines = [f"line {number}" for number in range(200)]
    lines[50] = lines[150] = "the Needle"
    (left / "file1.txt").write_text("\n".join(lines))
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(TextRows))
        rows = app.screen.query_one(TextRows)
        await pilot.press("slash", *"needle", "enter")
        assert rows.cursor == 50
        await pilot.press("n")
        assert rows.cursor == 150
        await pilot.press("N")
        assert rows.cursor == 50
        await pilot.press("slash", "z", "enter")
        assert "not found" in str(app.screen.query_one(".viewer-said", Static).render())
        await pilot.press("escape")
        assert isinstance(app.screen, ViewerScreen)
        await pilot.press("G")
        assert rows.cursor == 199


async def test_the_end_of_a_long_text_is_one_key_away(left: Path, right: Path) -> None:
    (left / "file1.txt").write_text("\n".join(f"number {at}" for at in range(100_000)))
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(TextRows))
        assert "the first 524 kB" in said(app)
        assert " 1  number 0" in drawn(app)[0]
        await pilot.press("G")
        await until(pilot, lambda: any("number 99999" in line for line in drawn(app)))
        assert "the last 524 kB" in said(app)
        await pilot.press("g")
        await until(pilot, lambda: " 1  number 0" in drawn(app)[0])


async def test_long_lines_are_folded_and_unfolded(left: Path, right: Path) -> None:
    (left / "file1.txt").write_text("a" * 250 + "\nshort\n")
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(TextRows))
        assert "short" in drawn(app)[1]
        await pilot.press("w")
        await until(pilot, lambda: "short" in drawn(app)[3])
        assert sum(line.count("a") for line in drawn(app)) == 250
        await pilot.press("w")
        await until(pilot, lambda: "short" in drawn(app)[1])


async def test_bytes_are_read_as_they_come_in_sight(left: Path, right: Path) -> None:
    data = os.urandom(300_000)
    (left / "file1.txt").write_bytes(data)
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(DumpRows))
        await until(pilot, lambda: data[:8].hex(" ") in drawn(app)[0])
        await pilot.press("G")
        last = data[-(len(data) % 16 or 16) :][:8].hex(" ")
        await until(pilot, lambda: any(last in line for line in drawn(app)))


async def test_any_file_can_be_seen_as_bytes(left: Path, right: Path) -> None:
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(TextRows))
        await pilot.press("x")
        await until(pilot, lambda: app.screen.query(DumpRows))
        await until(pilot, lambda: "78 78 78" in drawn(app)[0])
        await pilot.press("x")
        await until(pilot, lambda: app.screen.query(TextRows))


async def test_archives_are_listed(left: Path, right: Path) -> None:
    with zipfile.ZipFile(left / "site.zip", "w") as archive:
        archive.writestr("index.html", "x" * 100)
        archive.writestr("img/\x1b[2Jlogo", "x")
    with tarfile.open(left / "some.tgz", "w:gz") as tar:
        tar.add(left / "src", "src")
    for name, member in (("site.zip", r"img/\x1b[2Jlogo"), ("some.tgz", "src/main.py")):
        async with at(left, right, name) as (app, pilot):
            await until(pilot, lambda: app.screen.query(MemberRows))
            assert any(member in line for line in drawn(app))


async def test_a_picture_is_drawn_in_half_blocks(left: Path, right: Path) -> None:
    image = Image.new("RGB", (64, 64), (200, 0, 0))
    image.paste((0, 0, 200), (0, 32, 64, 64))
    image.save(left / "photo.dat", "PNG")
    async with at(left, right, "photo.dat") as (app, pilot):
        await until(pilot, lambda: app.screen.query(PictureView))
        view = app.screen.query_one(PictureView)

        def colours() -> set[tuple[int, ...]]:
            found: set[tuple[int, ...]] = set()
            for y in range(view.size.height):
                for part in view.render_line(y):
                    if part.text.strip() and part.style and part.style.color:
                        triplet = part.style.color.triplet
                        assert triplet is not None
                        found.add(tuple(triplet))
            return found

        await until(pilot, lambda: {(200, 0, 0), (0, 0, 200)} <= colours())
        assert "PNG, 64 × 64" in said(app)


async def test_a_picture_that_would_fill_the_memory_is_not_unpacked(
    left: Path, right: Path
) -> None:
    into = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(into, "PNG")
    (left / "bomb.png").write_bytes(into.getvalue())
    async with at(left, right, "bomb.png") as (app, pilot):
        await until(pilot, lambda: app.screen.query(DumpRows))
        assert "too many pixels" in said(app)


async def test_the_preview_follows_the_cursor(left: Path, right: Path) -> None:
    (left / "file2.txt").write_text("the second\n")
    async with at(left, right, "file1.txt", "P") as (app, pilot):
        panes = app.panes
        beside = panes.beside

        def shows(words: str) -> bool:
            rows = beside.body.rows
            return isinstance(rows, TextRows) and any(words in line for line in rows.lines)

        await until(pilot, lambda: shows("xxxx"))
        assert not panes.right.display
        panes.left.rows.cursor = row_of(panes.left, "file2.txt")
        await until(pilot, lambda: shows("the second"))
        assert panes.left.rows.has_focus
        panes.left.rows.cursor = row_of(panes.left, "src")
        await until(pilot, lambda: any("folder" in words for words in empty(beside)))
        await pilot.press("tab")
        await until(pilot, lambda: panes.right.rows.has_focus)
        assert not panes.left.display
        panes.right.rows.cursor = row_of(panes.right, "old.txt")
        await until(pilot, lambda: shows("old"))
        await pilot.press("P")
        assert panes.left.display
        assert panes.right.display
        assert not beside.display


async def test_a_file_that_went_away_is_told_beside(left: Path, right: Path) -> None:
    async with at(left, right, "file1.txt", "P") as (app, pilot):
        beside = app.panes.beside
        await until(pilot, lambda: isinstance(beside.body.rows, TextRows))
        os.remove(left / "file2.txt")
        app.panes.left.rows.cursor = row_of(app.panes.left, "file2.txt")
        await until(pilot, lambda: any("no such file" in words for words in empty(beside)))


@pytest.mark.parametrize(
    ("typed", "place", "marked"),
    [("de ad be ef", 2_500_003, "deadbeef"), ("needle", 700, "4e6565")],
)
async def test_bytes_are_searched_as_numbers_and_as_text(
    left: Path, right: Path, typed: str, place: int, marked: str
) -> None:
    data = bytearray(3_000_000)
    data[2_500_003:2_500_007] = b"\xde\xad\xbe\xef"
    data[700:706] = b"Needle"
    (left / "file1.txt").write_bytes(data)
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(DumpRows))
        words = app.screen.query_one(".viewer-said", Static)
        await pilot.press("slash")
        await until(pilot, lambda: app.screen.query_one(Input).has_focus)
        app.screen.query_one(Input).value = typed
        await pilot.press("enter")
        await until(pilot, lambda: f"({place})" in str(words.render()))
        rows = app.screen.query_one(DumpRows)
        assert rows.cursor == place // 16
        look = rows.look("content--match")
        pieces = "".join(text for text, style in rows.pieces(place // 16, 100) if style == look)
        assert pieces.startswith(marked)
        await pilot.press("N")  # there is but one: round the beginning to it again
        await until(pilot, lambda: f"({place})" in str(words.render()))


async def test_a_long_search_is_stopped_with_esc(left: Path, right: Path) -> None:
    (left / "file1.txt").write_bytes(bytes(10_000))
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(DumpRows))
        screen = app.screen
        assert isinstance(screen, ViewerScreen)
        silent = asyncio.Event()

        async def read(offset: int, size: int) -> bytes:
            await silent.wait()
            return b""

        screen._body._preview = replace(screen._preview, read=read)
        await pilot.press("slash", "x", "enter")
        await until(pilot, lambda: screen._searching and not screen._searching.is_finished)
        await pilot.press("escape")
        await until(pilot, lambda: screen._searching and screen._searching.is_finished)
        assert app.screen is screen
        assert "stopped" in str(screen.query_one(".viewer-said", Static).render())


async def test_a_dump_has_as_many_bytes_on_a_line_as_there_is_room(left: Path, right: Path) -> None:
    (left / "file1.txt").write_bytes(bytes(range(256)) * 8)
    async with at(left, right, "file1.txt") as (app, pilot):
        await until(pilot, lambda: app.screen.query(DumpRows))
        rows = app.screen.query_one(DumpRows)
        rows.show_match(0x141, 2)
        await until(pilot, lambda: rows.cursor == 0x140 // 16)
        for columns, size in ((60, 8), (40, 4), (120, 16)):
            await pilot.resize_terminal(columns, 24)
            await until(pilot, lambda size=size: rows.item_count() == 2048 // size)  # type: ignore[misc]
            assert rows.cursor == 0x141 // size
            line = "".join(text for text, _ in rows.pieces(rows.cursor, columns))
            assert line.startswith(f" {0x140:08x}  40 41 42 43")
            assert "@AB" in line
