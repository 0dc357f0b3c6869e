"""What is in files is taken apart by a process that may crash, hang or be given up."""

import asyncio
import io
from typing import Any

import psutil
import pytest
from PIL import Image

from sshdash.ui import workshop
from sshdash.ui.workbench import Contents, Draw, Failed, Look, Open, Picture, Syntax, work
from sshdash.ui.workshop import outcome_of


def picture(form: str, size: tuple[int, int] = (40, 20)) -> bytes:
    into = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(into, form)
    return into.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_pictures_come_in_the_size_asked_for(form: str) -> None:
    drawn = work(Draw(picture(form), 10, 10, (0, 0, 0)))
    assert isinstance(drawn, Picture)
    assert (drawn.width, drawn.height) == (10, 5)
    assert len(drawn.pixels) == 10 * 5 * 3
    assert drawn.words == f"{form}, 40 × 20"


def test_a_language_is_known_by_its_name_or_its_first_line() -> None:
    for name, lines, language in (
        ("a.json", ['{"a": 1}'], "JSON"),
        ("tool", ["#!/usr/bin/env python3", "x = 1"], "Python"),
        ("nginx.conf", ["a = b"], "INI"),
    ):
        found = work(Look(name, lines))
        assert isinstance(found, Syntax)
        assert language in found.language or language == "INI"
        assert [len(looks) for looks in found.lines] == [len(line) for line in lines]
    assert isinstance(work(Look("words", ["no language at all"])), Failed)


async def test_a_process_of_its_own_does_it() -> None:
    assert isinstance(await outcome_of(Draw(picture("PNG"), 10, 10, (0, 0, 0))), Picture)
    damaged = await outcome_of(Open(b"PK\x03\x04 and no more", 20, True))
    assert isinstance(damaged, Failed)
    assert "damaged" in damaged.reason
    assert not isinstance(damaged, Contents)


async def test_what_crashes_it_only_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    assert isinstance(await outcome_of(Look("a.py", ["x"])), Failed)


async def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "_SECONDS", 0.0)
    failed = await outcome_of(Look("a.py", ["x = 1"]))
    assert failed == Failed("it takes too long")
    assert not workers()


async def test_one_that_is_not_wanted_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()
    begin = asyncio.create_subprocess_exec

    async def beginning(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await begin(*command, **options)
        begun.set()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", beginning)
    looking = asyncio.ensure_future(outcome_of(Look("a.py", ["x = 1"] * 1000)))
    await begun.wait()
    assert workers()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert not workers()


def workers() -> list[int]:
    """Return the processes that take files apart now."""
    return [one.pid for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
