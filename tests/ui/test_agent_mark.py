"""A host that may use the agent's keys is marked, on its row, on its card and on its tabs."""

from dataclasses import replace

import pytest
from textual.content import Content

from sshdash.ui.theme import AGENT_MARK
from sshdash.ui.widgets.host_card import HostFacts, card_text
from sshdash.ui.widgets.host_list import HostRow
from sshdash.ui.widgets.terminal_tab import TerminalTab
from tests.ui.conftest import Start


@pytest.mark.parametrize("forwarded", [True, False])
def test_row_and_card_of_a_host_show_it(forwarded: bool) -> None:
    row = HostRow("web-1", "web-1", shells=2, agent_forwarded=forwarded)
    assert row.counts == ("2▮ ⇢" if forwarded else "2▮")
    card = card_text(HostFacts("web-1", agent_forwarded=forwarded))
    assert isinstance(card, Content)
    assert ("it may use your agent's keys" in card.plain) is forwarded


@pytest.mark.parametrize("forwarded", [True, False])
async def test_tab_of_a_shell_shows_it(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch, forwarded: bool
) -> None:
    async with cockpit() as c:
        await c.until(lambda: c.app.backend.loaded)
        status = c.app.backend.connections.status

        def marked(host: str) -> object:
            return replace(status(host), agent_forwarded=forwarded)

        monkeypatch.setattr(c.app.backend.connections, "status", marked)
        await c.press("enter")
        await c.until(lambda: isinstance(c.app.workspace.cockpit.current, TerminalTab))
        tab = c.app.workspace.cockpit.current
        assert isinstance(tab, TerminalTab)
        await c.until(lambda: tab.session is not None)
        await c.until(lambda: (AGENT_MARK in tab.tab_title) is forwarded)
