"""Links of a terminal: clicked or listed, shown in full, and opened only then."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from sshdash.errors import SSHDashError
from sshdash.terminal.links import Link
from sshdash.ui.controllers import links as links_module
from sshdash.ui.outside import open_address
from sshdash.ui.screens.link import LinkDialog
from sshdash.ui.screens.picker import Picker
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.ui.conftest import Start
from tests.ui.terminal_stage import on_stage

LINKED = b"see \x1b]8;;https://real.example/x\x1b\\here\x1b]8;;\x1b\\ or https://plain.example\r\n"


async def test_ctrl_click_asks_for_the_link_under_it() -> None:
    async with on_stage() as stage:
        await stage.shows(LINKED)
        assert stage.style_at(4, 0).underline
        assert not stage.style_at(3, 0).underline
        for column in (5, 15, 1):
            await stage.pilot.click(stage.view, offset=(column, 0), control=True)
        await stage.pilot.click(stage.view, offset=(5, 0))
        await stage.pilot.pause()
        wanted = stage.messages(TerminalView.LinkWanted)
        assert [one.link.address for one in wanted] == [
            "https://real.example/x",
            "https://plain.example",
        ]


async def test_a_program_that_tracks_the_mouse_gets_ctrl_clicks() -> None:
    async with on_stage() as stage:
        await stage.shows(b"\x1b[?1000;1006h" + LINKED)
        await stage.pilot.click(stage.view, offset=(5, 0), control=True)
        assert stage.session.taken()
        assert not stage.messages(TerminalView.LinkWanted)
        await stage.pilot.click(stage.view, offset=(5, 0), control=True, shift=True)
        await stage.pilot.pause()
        assert stage.messages(TerminalView.LinkWanted)


async def test_the_links_in_view_are_listed() -> None:
    async with on_stage() as stage:
        await stage.shows(LINKED)
        stage.view.action_terminal_links()
        await stage.pilot.pause()
        (wanted,) = stage.messages(TerminalView.LinksWanted)
        assert [one.address for one in wanted.links] == [
            "https://real.example/x",
            "https://plain.example",
        ]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what a browser was asked to open."""
    addresses: list[str] = []

    async def open_address(address: str) -> None:
        addresses.append(address)
        if "broken" in address:
            raise SSHDashError("No browser could be opened")

    monkeypatch.setattr(links_module, "open_address", open_address)
    return addresses


def facts(c: Any) -> str:
    return "\n".join(str(one.render()) for one in c.app.screen.query("Static"))


async def ask(c: Any, address: str, text: str = "here") -> None:
    c.app.workspace.links.show(Link(address, text, 0, 0), "web-1")
    await c.until(lambda: isinstance(c.app.screen, LinkDialog))


async def test_a_link_is_opened_only_after_its_address_was_shown(
    cockpit: Start, opened: list[str]
) -> None:
    async with cockpit() as c:
        await ask(c, "https://real.example/" + "x" * 300)
        assert "https://real.example/" + "x" * 300 in facts(c)
        assert "shown as" in facts(c)
        await c.press("enter")
        await c.until(lambda: not isinstance(c.app.screen, LinkDialog))
        assert not opened
        await ask(c, "https://real.example/1")
        c.app.screen.query_one("Button.-primary", Button).press()
        await c.until(lambda: opened == ["https://real.example/1"])


async def test_other_addresses_are_refused_with_the_reason(
    cockpit: Start, opened: list[str]
) -> None:
    async with cockpit() as c:
        for address in ("file:///etc/passwd", "javascript:alert(1)", "https://x/" + "y" * 10**6):
            await ask(c, address)
            names = [one.name for one in c.app.screen.query("Button")]
            assert names == ["cancel", "copy"]
            assert "not opened" in facts(c)
            await c.press("escape")
            await c.until(lambda: not isinstance(c.app.screen, LinkDialog))
        assert not opened


async def test_a_lookalike_and_a_lying_text_are_warned_of(cockpit: Start) -> None:
    async with cockpit() as c:
        await ask(c, "https://аpple.com/", "https://apple.com/")
        assert "xn--pple-43d.com" in facts(c)
        assert "names another host: apple.com" in facts(c)
        await c.press("escape")


async def test_an_address_is_copied_instead(cockpit: Start, opened: list[str]) -> None:
    async with cockpit() as c:
        await ask(c, "https://real.example/")
        c.app.screen.query("Button")[1].press()
        await c.until(lambda: c.app.clipboard == "https://real.example/")
        assert not opened


async def test_an_ssh_address_opens_a_shell(cockpit: Start, opened: list[str]) -> None:
    async with cockpit() as c:
        await ask(c, "ssh://deploy@web-1/")
        c.app.screen.query_one("Button.-primary", Button).press()
        await c.until(lambda: c.backend.opened == ["deploy@web-1"])
        assert not opened


async def test_a_browser_that_does_not_open_is_told(cockpit: Start, opened: list[str]) -> None:
    async with cockpit() as c:
        await ask(c, "https://broken.example/")
        c.app.screen.query_one("Button.-primary", Button).press()
        await c.until(lambda: any("No browser" in one for one in c.told))
        assert opened


async def test_a_browser_is_started_without_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        f"with open({str(tmp_path / 'told')!r}, 'w') as told:\n"
        "    print(sys.argv[1], os.environ.get('TERM'), os.getsid(0), file=told)\n"
    )
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setenv("TERM", "xterm-256color")
    await open_address("https://a.example/?q=1&b=$(id)")
    address, term, session = (tmp_path / "told").read_text().split()
    assert (address, term) == ("https://a.example/?q=1&b=$(id)", "None")
    assert int(session) != os.getsid(0)


async def test_no_browser_at_all_is_an_error_with_a_next_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BROWSER", "/nonexistent/browser %s")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SSHDashError) as caught:
        await open_address("https://a.example/")
    assert "copy the address" in caught.value.hint


async def test_several_links_are_chosen_from_a_list(cockpit: Start) -> None:
    async with cockpit() as c:
        found = [Link("https://one.example", "one", 0, 0), Link("https://two.example", "2", 0, 1)]
        c.app.workspace.links.choose(found, "web-1")
        await c.until(lambda: isinstance(c.app.screen, Picker))
        await c.press("down", "enter")
        await c.until(lambda: isinstance(c.app.screen, LinkDialog))
        assert "https://two.example" in facts(c)
        await c.press("escape")
        c.app.workspace.links.choose([], "web-1")
        assert any("no link in view" in one for one in c.told)
