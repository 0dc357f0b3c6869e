"""Starting and leaving: empty and broken configurations, themes, live things, hostile text."""

import sys
from pathlib import Path

import pytest
from rich.color import Color, ColorSystem
from textual.theme import Theme

from sshdash.errors import SSHDashError
from sshdash.events import WarningRaised
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.theme import THEMES
from sshdash.ui.widgets.start_panel import StartPanel
from tests.ui.conftest import Cockpit, Start


def start_words(c: Cockpit) -> str:
    return str(c.app.workspace.query_one(StartPanel).content)


async def test_a_missing_configuration_is_explained(cockpit: Start, tmp_path: Path) -> None:
    async with cockpit(file=tmp_path / "none") as c:
        assert "does not exist yet" in start_words(c)
        assert "Host web" in start_words(c)
        await c.press("enter")
        assert c.told[-1] == "Shell: Select a host first"


async def test_an_empty_configuration_is_explained(cockpit: Start, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("# nothing yet\n")
    file.chmod(0o600)
    async with cockpit(file=file) as c:
        assert "has no Host entries yet" in start_words(c)


async def test_problems_are_shown_and_the_rest_is_listed(cockpit: Start, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text('Host good\n    Port 22\nHost "unclosed\nHost fine\n')
    file.chmod(0o600)
    async with cockpit(file=file) as c:
        assert {"good", "fine"} <= set(c.hosts.shown_hosts)
        assert f"{file}:3" in start_words(c)
        assert f"{file}:3" in c.told[0]
        assert c.app.workspace.cockpit.notices.unread == 1


async def test_leaving_asks_only_while_something_is_live(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        await c.press("ctrl+g", "h")
        await c.until(lambda: c.app.focused is c.hosts)
        await c.press("q")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "1 shell will end" in c.drawn)
        await c.press("enter")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert c.app.is_running
        await c.press("q")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: c.app._exit)


async def test_leaving_with_nothing_live_is_immediate(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("q")
        await c.until(lambda: c.app._exit)


async def test_ctrl_c_in_the_list_says_how_to_leave(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+c")
        assert "q leaves sshdash" in c.told[-1]
        assert c.app.is_running


async def test_themes(cockpit: Start) -> None:
    async with cockpit(theme="sshdash-light") as c:
        assert not c.app.current_theme.dark
        await c.press("ctrl+g", "T")
        await c.until(lambda: c.app.theme == "sshdash-dark")
        c.app.theme = "gruvbox"
        await c.pilot.pause()


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_a_theme_is_in_force_from_the_first_frame(cockpit: Start, theme: Theme) -> None:
    async with cockpit(theme=theme.name) as c:
        assert c.app.workspace.styles.background.hex.lower() == theme.background
        assert c.app.has_class("-dark-mode") is theme.dark


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_greys_stay_grey_in_256_colours(theme: Theme) -> None:
    names = ("boost", "line", "hover", "muted", "faint", "cursor-blurred")
    greys = [theme.background, theme.surface, theme.panel]
    for grey in (*greys, *(theme.variables[name] for name in names)):
        assert grey is not None
        red, green, blue = Color.parse(grey).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        assert max(red, green, blue) - min(red, green, blue) == 0, grey


async def test_an_unknown_theme_is_told(cockpit: Start) -> None:
    async with cockpit(theme="[red]none[/]") as c:
        await c.until(lambda: c.told)
        assert "there is no theme" in c.told[0]
        assert c.app.theme == "sshdash-dark"


async def test_no_color_draws_in_grey(cockpit: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with cockpit() as c:
        assert c.app.no_color
        await c.shell("bastion")


@pytest.mark.parametrize(
    "words", ["[@click=app.exit]x[/]", "[/]", "a\x1b]0;evil\x07b", "\u202egnp.exe", "x" * 5000]
)
async def test_hostile_words_in_errors_are_text(cockpit: Start, words: str) -> None:
    async with cockpit(size=(80, 24)) as c:
        c.app.workspace.cockpit.report(SSHDashError(words, words, words, words))
        c.backend.events.emit(WarningRaised(words, words, words))
        await c.pilot.pause()
        await c.press("exclamation_mark")
        drawn = c.drawn
        assert "\x1b" not in drawn
        assert "\x07" not in drawn
        assert c.app.is_running


async def test_a_defect_in_one_action_is_told_and_the_screen_goes_on(
    cockpit: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async def defect() -> None:
        raise ZeroDivisionError("surprise")

    async with cockpit() as c:
        c.app.workspace.cockpit.start(defect())
        await c.until(lambda: c.told)
        assert "surprise" in c.told[0]
        assert c.app.is_running
    assert "an action failed" in caplog.text


def test_the_screen_brings_in_neither_the_ssh_library_nor_the_emulator() -> None:
    import subprocess

    code = (
        "import sys, sshdash.ui.app\n"
        "print([name for name in ('asyncssh', 'pyghostty', 'cryptography', 'keyring', 'psutil',"
        " 'watchfiles') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
