"""What is asked for when a part of the screen changes."""

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from sshdash.ui.compositor import MarkingCompositor


class Rows(Widget):
    """A widget that notes which of its rows were asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.asked: list[Region] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        self.asked.append(crop)
        return super().render_lines(crop)


class TwoApp(App[None]):
    """One widget above another, on a screen that is drawn as the workspace is."""

    CSS = "Rows { height: 8; width: 1fr; }"

    def get_default_screen(self) -> Screen[None]:
        screen: Screen[None] = Screen()
        screen._compositor = MarkingCompositor()
        return screen

    def compose(self) -> ComposeResult:
        yield Rows("upper")
        yield Rows("lower")


async def test_only_the_rows_that_changed_are_asked_for() -> None:
    app = TwoApp()
    async with app.run_test(size=(30, 20)) as pilot:
        await pilot.pause()
        upper, lower = app.query(Rows)
        upper.asked.clear()
        lower.asked.clear()
        compositor = app.screen._compositor
        lower._repaint_regions = {Region(0, 3, 30, 1)}
        compositor.update_widgets({lower})
        update = compositor.render_update()
        assert update is not None
        assert (upper.asked, lower.asked) == ([], [Region(0, 3, 30, 1)])


async def test_parts_of_the_screen_are_drawn_as_the_whole() -> None:
    app = TwoApp()
    async with app.run_test(size=(30, 20)) as pilot:
        await pilot.pause()
        compositor = app.screen._compositor
        whole = [strip.text for strip in compositor.render_strips()]
        for top in range(20):
            crop = Region(0, top, 30, 3)
            chops = compositor._render_chops(crop, crop.line_range.__contains__)
            for y in crop.line_range:
                if y < 20:
                    assert Strip.join(list(chops[y].values())).text == whole[y]
