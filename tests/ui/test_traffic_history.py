"""What passed when: bars, peak and reading, of a tunnel, its rule or all."""

import time

from textual.app import App
from textual.geometry import Offset

from sshdash.paths import styles_dir
from sshdash.tunnels.snapshot import TunnelHistory
from sshdash.ui.screens.traffic_history import TrafficHistoryScreen, Whose
from sshdash.ui.theme import DARK, THEMES
from sshdash.ui.widgets.traffic_graph import Unit, Window, axis, graph, reading, summary
from tests.ui.files_app import until

NOON = time.mktime((2026, 11, 30, 12, 0, 30, 0, 0, -1))
MINUTES = ((0, 60), (600, 6_000_000), (0, 0), (60, 1200))


def window(*, width: int = 40, back: int = 0, unit: Unit = Unit.MINUTE) -> Window:
    return Window.of(unit, MINUTES, width, back, NOON, 630.0)


def test_the_peak_is_told_with_its_time() -> None:
    words = summary(window(), 1, 6_001_260)
    assert words == "↓ 6.0 MB in all  ·  peak 100 kB/s at 11:58  ·  mean 25.0 kB/s"
    assert summary(window(), 0, 0).startswith("↑ 0 B in all  ·  peak 10 B/s at 11:58")


def test_bars_tell_little_from_nothing_and_stand_at_the_right() -> None:
    top, middle, bottom = str(graph(window(width=4), 1, 3, "")).splitlines()
    assert top == " █   100 kB/s  "
    assert middle.rstrip() == " █"
    assert bottom.rstrip() == "▁█·▁"
    assert str(graph(window(width=26), 1, 1, "")).rstrip() == "▁▁▁▁▁▁██████······▁▁▁▁▁▁ 100 kB/s"


def test_what_is_at_the_cursor_is_read() -> None:
    assert reading(window()) == "12:00   ↑ 60 B   ↓ 1.2 kB   ↑ 1 B/s ↓ 20 B/s   still runs"
    assert reading(window(back=2)) == "11:58   ↑ 600 B   ↓ 6.0 MB   ↑ 10 B/s ↓ 100 kB/s"
    assert reading(window(back=99)).startswith("11:57")
    assert reading(Window.of(Unit.HOUR, (), 40, 0, NOON, 630.0)) == ""


def test_the_cursor_brings_what_is_older_in_sight() -> None:
    assert str(axis(window(width=2))).strip() == "12:00"
    older = window(width=2, back=3)
    assert (older.first, older.index_at(1), older.index_at(70)) == (0, 1, 3)


class HistoryApp(App[None]):
    def __init__(self) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for one in THEMES:
            self.register_theme(one)
        self.theme = DARK.name
        self.asked: list[tuple[str, ...] | None] = []
        whose = [Whose("mine", ("t1",)), Whose("rule web", ("t1", "t2")), Whose("all", None)]
        self.shown = TrafficHistoryScreen(whose, self._history)

    def _history(self, tunnels: tuple[str, ...] | None) -> TunnelHistory:
        self.asked.append(tunnels)
        return TunnelHistory(((5, 7),) * 60, MINUTES, ((660, 6_001_260),), 660, 6_001_260)

    def on_mount(self) -> None:
        self.push_screen(self.shown)


async def test_keys_choose_whose_and_by_what() -> None:
    app = HistoryApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "6.0 MB in all" in app.shown.text)
        assert "still runs" in app.shown.text
        assert set(app.asked) == {("t1",)}
        await pilot.press("w")
        assert app.asked[-1] == ("t1", "t2")
        await pilot.press("w")
        assert app.asked[-1] is None
        await pilot.press("left", "left")
        assert "↑ 600 B   ↓ 6.0 MB" in app.shown.text
        await pilot.press("u", "u")
        assert "↑ 5 B   ↓ 7 B" in app.shown.text
        assert len(app.shown.text.splitlines()) <= app.shown._body.content_size.height
        assert max(map(len, app.shown.text.splitlines())) <= app.shown._body.content_size.width


async def test_the_mouse_chooses_too() -> None:
    app = HistoryApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "rule web" in app.shown.text)
        at = app.shown.text.splitlines()[0].index("rule web")
        await pilot.click(".traffic-history", offset=(at + 1, 0))
        await until(pilot, lambda: app.asked[-1] == ("t1", "t2"))
        at = app.shown.text.splitlines()[1].index("per second")
        await pilot.click(".traffic-history", offset=(at + 1, 1))
        await until(pilot, lambda: "↑ 5 B   ↓ 7 B" in app.shown.text)
        await pilot.click(offset=Offset(0, 0))
        await until(pilot, lambda: app.screen is not app.shown)
