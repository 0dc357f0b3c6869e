"""A paste is shown before it is run."""

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from sshdash.paths import styles_dir
from sshdash.ui.format import count_text
from sshdash.ui.screens.paste import SHOWN, PasteDialog, with_line_feeds
from sshdash.ui.theme import DARK

DETAIL = "Each line is run as it arrives"


class Asking(App[None]):
    CSS_PATH = styles_dir() / "modals.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str | None] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def ask(self, pasted: str) -> None:
        self.push_screen(PasteDialog(pasted, DETAIL), self.answers.append)


async def shown(pilot: Pilot[None]) -> str:
    await pilot.pause()
    return "\n".join(str(one.render()) for one in pilot.app.screen.query(Static))


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], "a\nb\n"),
        (["escape"], None),
        (["o"], "a b"),
        (["left", "enter"], "a b"),
        (["left", "left", "enter"], None),
    ],
)
async def test_the_answers(keys: list[str], answer: str | None) -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask("a\nb\n")
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert app.answers == [answer]


async def test_the_lines_are_shown_as_they_are() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask("rm -rf \x1b[2J\u202e[bold]\nsecond\r\n\tthird\x07")
        text = await shown(pilot)
        assert "rm -rf \\x1b[2J\\u202e[bold]\nsecond\n        third\\x07" in text
        assert "but for the last" in text
        frame = app.screen.query_one(".dialog")
        assert "Paste 3 lines?" in str(frame.border_title)


async def test_a_long_paste_shows_its_beginning_and_how_much_more() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask("line\n" * 100_000)
        text = await shown(pilot)
        assert f"… {count_text(100_000 - SHOWN, 'more line')}" in text
        assert "the last too" in text
        assert app.screen.query_one(".dialog").region.bottom <= 24


def test_lines_end_as_in_a_terminal() -> None:
    assert with_line_feeds("a\rb\r\nc\x0bd\u2028e\n") == "a\nb\nc\x0bd\u2028e"
