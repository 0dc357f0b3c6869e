"""What the hosting terminal is known to draw, by its environment and by the settings."""

import pytest

from sshdash.ui.hosting import Hosting, hosting

BOTH, LINES, NEITHER = Hosting(True, True), Hosting(underlines=True), Hosting()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, NEITHER),
        ({"TERM": "linux"}, NEITHER),
        ({"TERM": "xterm-256color"}, NEITHER),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, NEITHER),
        ({"TERM": "xterm-256color", "VTE_VERSION": "5000"}, NEITHER),
        ({"TERM": "xterm-256color", "VTE_VERSION": "new"}, NEITHER),
        ({"TERM": "xterm-256color", "VTE_VERSION": "6800"}, LINES),
        ({"TERM": "alacritty"}, LINES),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, LINES),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, BOTH),
        ({"TERM": "xterm-kitty"}, BOTH),
        ({"TERM": "xterm-ghostty"}, BOTH),
        ({"TERM": "foot-extra"}, BOTH),
        ({"TERM": "tmux-256color", "TMUX": "x", "TERM_PROGRAM": "tmux"}, LINES),
        ({"TERM": "screen", "TMUX": "x", "VTE_VERSION": "6800"}, NEITHER),
        ({"TERM": "screen-256color", "STY": "1.pts", "TERM_PROGRAM": "WezTerm"}, NEITHER),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "ghostty"}, NEITHER),
    ],
)
def test_terminals_are_known_by_their_variables(
    environment: dict[str, str], expected: Hosting
) -> None:
    assert hosting(environment) == expected


def test_the_settings_win() -> None:
    assert hosting({"TERM": "xterm-kitty"}, "off", "off") == NEITHER
    assert hosting({"TERM": "linux"}, "on", "auto") == LINES
    assert hosting({"TERM": "linux"}, "auto", "on") == Hosting(clusters=True)
