"""What a session tells on of its program: coalesced, and forgotten when it ends."""

import asyncio
from collections.abc import Callable

import pytest

from sshdash.config.patterns import first_for_host
from sshdash.terminal import reports as reports_module
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.reports import Reports
from tests.patience import PATIENCE


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def feeding() -> tuple[Callable[[bytes], None], Reports, list[None]]:
    emulator = Emulator(40, 5)
    told: list[None] = []
    reports = Reports(emulator.effects, lambda: told.append(None))

    def feed(data: bytes) -> None:
        emulator.feed(data)
        reports.collect()

    return feed, reports, told


async def test_a_flood_of_reports_is_told_once() -> None:
    feed, reports, told = feeding()
    for percent in range(100):
        feed(b"\x1b]9;4;1;%d\x07" % percent)
    await until(lambda: told)
    assert len(told) == 1
    assert reports.progress is not None
    assert reports.progress.percent == 99
    reports.stop()


async def test_the_folder_is_that_of_the_machine_the_shell_began_on() -> None:
    feed, reports, _ = feeding()
    assert reports.directory == ""
    feed(b"\x1b]7;file://web-1/srv\x07")
    assert reports.directory == "/srv"
    feed(b"\x1b]7;file://further/home\x07")
    assert reports.directory == ""
    feed(b"\x1b]7;file://web-1/etc\x07")
    assert reports.directory == "/etc"
    reports.forget()
    assert reports.directory == ""
    feed(b"\x1b]7;file://other/opt\x07")
    assert reports.directory == "/opt"
    reports.stop()


async def test_a_progress_nobody_ends_is_over_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reports_module, "STALE", 0.01)
    feed, reports, told = feeding()
    feed(b"\x1b]9;4;1;50\x07")
    await until(lambda: reports.progress is None)
    assert told
    reports.stop()


async def test_what_was_said_last_is_told_when_the_program_ends() -> None:
    feed, reports, told = feeding()
    feed(b"\x1b]9;done\x07\x1b]9;4;1;99\x07")
    reports.end()
    assert told
    assert reports.progress is None
    assert [one.title for one in reports.take_notifications()] == ["done"]
    reports.end()
    assert len(told) == 1


async def test_notifications_and_wishes_are_taken_once() -> None:
    feed, reports, _ = feeding()
    feed(b"\x1b]9;one\x07\x1b]9;two\x07\x1b]52;c;aGk=\x07")
    assert [one.title for one in reports.take_notifications()] == ["one", "two"]
    assert reports.take_notifications() == ()
    wish = reports.take_clipboard()
    assert wish is not None
    assert wish.text == "hi"
    assert reports.take_clipboard() is None
    reports.stop()


def test_the_first_pattern_that_matches_a_host_counts() -> None:
    rules = {"prod-*": "deny", "me@web": "allow", "*": "ask"}
    assert first_for_host("prod-1", rules) == "deny"
    assert first_for_host("me@prod-1", rules) == "deny"
    assert first_for_host("me@web", rules) == "allow"
    assert first_for_host("web", rules) == "ask"
    assert first_for_host("b", {"a": "deny"}) is None
