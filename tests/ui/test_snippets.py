"""Snippets on the screen: picked, filled in, inserted or run."""

from typing import Any

import pytest
from textual.widgets import Static

from sshdash.snippets import snippets_file
from sshdash.states import SessionState
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.snippet_form import SnippetForm
from sshdash.ui.screens.snippet_picker import SnippetPicker
from tests.ui.conftest import Cockpit, Start

SNIPPETS = """\
uptime: uptime
restart a unit:
  run: systemctl restart {unit!q} --{how}
  about: on web servers
  values: {unit: nginx}
  hosts: [web-*]
two lines: |
  cd /srv
  ls
"""


@pytest.fixture(autouse=True)
def file() -> None:
    snippets_file().parent.mkdir(parents=True)
    snippets_file().write_text(SNIPPETS)


def preview(c: Cockpit) -> str:
    shown = c.app.screen.query_one(".snippet-preview", Static)
    return str(shown.content)


async def picking(c: Cockpit, host: str = "web-1") -> Any:
    tab = await c.shell(host)
    await c.press("ctrl+g", "S")
    await c.until(lambda: isinstance(c.app.screen, SnippetPicker))
    return tab


async def test_enter_inserts_and_ctrl_r_runs(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await picking(c)
        await c.type("upt")
        await c.until(lambda: preview(c) == "uptime\n→ web-1")
        await c.press("enter")
        await c.until(lambda: tab.session.written == [b"uptime"])
        await c.press("ctrl+g", "S")
        await c.until(lambda: isinstance(c.app.screen, SnippetPicker))
        await c.press("ctrl+r")
        await c.until(lambda: tab.session.written[1:] == [b"uptime", b"\r"])


async def test_values_are_filled_in_and_seen(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await picking(c)
        await c.type("rest")
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.screen, SnippetForm))
        await c.until(lambda: preview(c).startswith("systemctl restart nginx --\n"))
        await c.press("end", "space", "x", "enter")
        await c.type("now")
        await c.until(lambda: preview(c).startswith("systemctl restart 'nginx x' --now\n"))
        await c.press("enter")
        await c.until(lambda: tab.session.written == [b"systemctl restart 'nginx x' --now"])


async def test_only_what_fits_the_host_is_offered(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await picking(c, "db-1")
        await c.type("restart")
        await c.until(lambda: "nothing matches" in c.drawn)
        await c.press("enter", "escape")
        assert tab.session.written == []


async def test_lines_that_would_run_as_they_arrive_are_asked_about(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await picking(c)
        await c.type("two")
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "cd /srv" in c.drawn)
        await c.press("escape")
        assert tab.session.written == []
        tab.session.bracketed = True
        await c.press("ctrl+g", "S")
        await c.until(lambda: isinstance(c.app.screen, SnippetPicker))
        await c.type("two")
        await c.press("enter")
        await c.until(lambda: tab.session.written == [b"cd /srv\nls"])


async def test_where_typing_is_broadcast_all_get_it(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cockpit() as c:
        one = await c.shell("web-1")
        other = await c.shell("db-1")
        receiving = [one.pane, other.pane]
        monkeypatch.setattr(c.app.workspace.broadcast, "receiving", lambda: receiving)
        await c.press("ctrl+g", "S")
        await c.until(lambda: isinstance(c.app.screen, SnippetPicker))
        await c.until(lambda: "2 shells: web-1, db-1" in preview(c))
        other.session.state = SessionState.EXITED
        await c.press("enter")
        await c.until(lambda: one.session.written == [b"uptime"])
        assert other.session.written == []
        await c.until(lambda: any("1 shell ended meanwhile" in told for told in c.told))


async def test_none_and_wrong_ones(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+g", "S")
        await c.until(lambda: any("running shell" in told for told in c.told))
        await c.shell("web-1")
        snippets_file().write_text("")
        await c.press("ctrl+g", "S")
        await c.until(lambda: any("snippets.yaml" in told for told in c.told))
        snippets_file().write_text("a: [")
        await c.press("ctrl+g", "S")
        await c.until(lambda: any("do not parse" in told for told in c.told))
