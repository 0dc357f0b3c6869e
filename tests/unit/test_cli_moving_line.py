"""The line that tells how far a copy is, beside the questions on the same terminal."""

import sys
from pathlib import Path

import pytest

from sshdash.cli import prompter
from sshdash.cli.moving_line import LINE, MovingLine
from sshdash.prompts import ConfirmQuestion
from sshdash.terminal.emulator import Emulator
from tests.servers.tty import Tty


def seen(written: str) -> str:
    """Return what a terminal shows of it."""
    emulator = Emulator(100, 5)
    emulator.feed(written.replace("\n", "\r\n").encode())
    return "\n".join(emulator.screen_text()).strip()


def test_a_shorter_line_leaves_nothing_of_a_longer_one(capsys: pytest.CaptureFixture[str]) -> None:
    line = MovingLine()
    line.draw("99 %  a long name")
    line.draw("100 %")
    line.leave()
    line.leave()
    assert seen(capsys.readouterr().err + "next") == "100 %\nnext"


@pytest.mark.parametrize("name", ["漢字" * 60, "e\u0301" * 200, "x" * 200])
def test_a_name_of_any_width_stays_in_one_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    line = MovingLine()
    for percent in (10, 20):
        line.draw(f"{percent} %  {name}")
    shown = seen(capsys.readouterr().err)
    assert shown.startswith("20 %  ")
    assert "\n" not in shown.rstrip()


def test_a_question_has_the_terminal_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    line = MovingLine()
    line.draw("10 %  a name that is long")
    with line.aside():
        written = capsys.readouterr().err + "overwrite? "
        line.draw("20 %")
        written += capsys.readouterr().err
        assert seen(written) == "overwrite?"
    line.draw("30 %")
    assert "30 %" in capsys.readouterr().err


async def test_whoever_asks_on_the_terminal_moves_the_line_aside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: list[str] = []

    class Terminal:
        def __enter__(self) -> "Terminal":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def forget_typed(self) -> None:
            pass

        async def read_line(self, prompt: str, echo: bool = True) -> str:
            LINE.draw("20 %")
            drawn.append(capsys.readouterr().err)
            return "y"

    monkeypatch.setattr(prompter, "_Terminal", Terminal)
    assert await prompter.TtyPrompter().ask(ConfirmQuestion("Go on", "with it", "copy"))
    assert drawn == [""]


def test_nothing_is_whole_that_was_not_found(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sshdash", "cp", str(tmp_path / "none"), str(tmp_path / "new")]
    with Tty(command) as terminal:
        terminal.until("none: cannot stat")
        assert "0 %  0 B" in terminal.text
        assert "100 %" not in terminal.text
