"""A list that draws only the lines in sight."""

from textual.app import App, ComposeResult

from sshdash.ui.widgets.row_list import Piece, RowList


class Numbers(RowList):
    """As many lines as it is told."""

    count = 1

    def item_count(self) -> int:
        """Return how many."""
        return self.count

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the number of a line."""
        return [(f"line {line}", self.rich_style)]


class NumbersApp(App[None]):
    """One such list."""

    def compose(self) -> ComposeResult:
        """Show it."""
        yield Numbers()


async def test_the_cursor_is_in_sight_in_a_list_that_has_just_become_long() -> None:
    async with NumbersApp().run_test(size=(40, 12)) as pilot:
        rows = pilot.app.query_one(Numbers)
        rows.count = 1000
        rows.reset_lines()
        rows.action_last()  # before a layout has given it a scrollbar
        await pilot.pause()
        assert rows.render_line(rows.size.height - 1).text.strip() == "line 999"
