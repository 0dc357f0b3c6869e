"""Where the room goes: sidebar, zoom, and terminals that are too small."""

from tests.ui.conftest import Cockpit, Start


def sidebar_shown(c: Cockpit) -> bool:
    return bool(c.app.workspace.cockpit.sidebar.display)


async def test_wide_screens_keep_the_sidebar_beside_the_terminal(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        tab = await c.shell("bastion")
        assert sidebar_shown(c)
        assert tab.view.region.x >= c.app.workspace.cockpit.sidebar.region.right


async def test_narrow_screens_give_the_terminal_all_columns(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        assert sidebar_shown(c)
        tab = await c.shell("bastion")
        await c.until(lambda: not sidebar_shown(c))
        assert tab.view.size.width == 80


async def test_the_sidebar_lies_over_a_narrow_terminal_without_resizing_it(
    cockpit: Start,
) -> None:
    async with cockpit(size=(80, 24)) as c:
        tab = await c.shell("bastion")
        size = tab.view.size
        await c.press("ctrl+g", "h")
        await c.until(lambda: sidebar_shown(c) and c.app.focused is c.hosts)
        assert tab.view.size == size
        await c.press("escape")
        await c.until(lambda: c.app.focused is tab.view)
        await c.until(lambda: not sidebar_shown(c))


async def test_one_key_hides_and_shows_the_sidebar(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "s")
        await c.until(lambda: not sidebar_shown(c))
        assert tab.view.size.width == 120
        await c.press("ctrl+g", "s")
        await c.until(lambda: sidebar_shown(c))


async def test_hiding_the_sidebar_that_has_the_focus_goes_to_the_tab(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "h")
        await c.until(lambda: c.app.focused is c.hosts)
        await c.press("ctrl+g", "s")
        await c.until(lambda: c.app.focused is tab.view and not sidebar_shown(c))


async def test_a_zoomed_terminal_has_all_but_one_line(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "z")
        await c.until(lambda: tab.view.size == (120, 39))
        await c.press("ctrl+g", "z")
        await c.until(lambda: tab.view.size.width < 120)


async def test_the_hosts_lie_over_a_zoomed_terminal(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "z")
        await c.until(lambda: tab.view.size == (120, 39))
        await c.press("ctrl+g", "h")
        await c.until(lambda: c.app.focused is c.hosts)
        assert tab.view.size == (120, 39)


async def test_resizing_moves_the_sidebar(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        await c.shell("bastion")
        assert sidebar_shown(c)
        await c.pilot.resize_terminal(80, 24)
        await c.until(lambda: not sidebar_shown(c))
        await c.pilot.resize_terminal(120, 40)
        await c.until(lambda: sidebar_shown(c))


async def test_a_terminal_too_small_says_so_and_recovers(cockpit: Start) -> None:
    async with cockpit(size=(30, 8)) as c:
        notice = c.app.workspace.query_one("#too-small")
        await c.until(lambda: notice.display)
        assert "30×8" in str(notice.content)
        assert "ctrl+g q leaves" in str(notice.content)
        await c.press("j")  # nobody sees where it goes
        await c.pilot.resize_terminal(80, 24)
        await c.until(lambda: not notice.display)
        await c.press("j")
        assert c.hosts.host == "web-1"
