"""A defect in the screen: what is left on the terminal."""

import io
import logging

import pytest
from rich.console import Console

from sshdash.config.source import ConfigSource
from sshdash.settings import Settings
from sshdash.ui.app import SSHDashApp


async def test_a_crash_shows_no_variables_and_nothing_raw(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = SSHDashApp(Settings(), ConfigSource(None, None))

    kept = io.StringIO()
    app.error_console = Console(file=kept, width=200)

    def fail() -> None:
        typed = "correct-horse-battery"
        raise ValueError(f"[bold]{len(typed)} letters\x1b[2J")

    async def crash() -> None:
        async with app.run_test() as pilot:
            await pilot.pause()
            app.workspace.call_later(fail)
            await pilot.pause()

    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="letters"):
        await crash()
    shown = kept.getvalue()
    assert "ValueError: [bold]21 letters\\x1b[2J" in shown
    assert "horse" not in shown
    assert "Traceback" in caplog.text
