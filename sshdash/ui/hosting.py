"""What the terminal that sshdash runs in draws, as far as its environment tells.

Nothing is asked of it: an answer that comes late would be read as keys. Curly and coloured
underlines are written with colons (``4:3``, ``58:2::R:G:B``), which old terminals take for
semicolons (``58;2;…`` is then dim, blinking, hidden text), and a joined emoji that is drawn wider
than it counts moves all that follows. So only terminals that are known get them, by the same signs
that editors go by; the settings decide for the others.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sshdash.settings import Choice

_CURLY_VTE = 5102
"""The version of VTE (GNOME Terminal and its like) that drew them first: 0.51.2."""
_JOINS = ("xterm-ghostty", "xterm-kitty", "foot", "contour")
"""Values of TERM, or beginnings of them, of terminals that draw both."""
_CURLY = ("alacritty", "wezterm", "rio", "mintty")
_JOINING_PROGRAMS = frozenset({"ghostty", "WezTerm"})
_CURLY_PROGRAMS = frozenset({"iTerm.app", "vscode", "mintty", "rio", "tmux"})
"""Values of TERM_PROGRAM. Tmux names itself from 3.2 on, and tells its own terminal only what
that one knows."""


class Hosting(NamedTuple):
    """What may be written to the hosting terminal."""

    underlines: bool = False
    """Underlines of every kind and colour; else plain ones."""
    clusters: bool = False
    """Emoji that are joined of several, in as many columns as Unicode gives the whole."""


def hosting(
    environment: Mapping[str, str], underlines: Choice = "auto", emoji: Choice = "auto"
) -> Hosting:
    """Return what the settings say, and where they say nothing, what the environment tells."""
    known = _known(environment)
    return Hosting(
        known.underlines if underlines == "auto" else underlines == "on",
        known.clusters if emoji == "auto" else emoji == "on",
    )


def _known(environment: Mapping[str, str]) -> Hosting:
    term, program = (environment.get(name, "") for name in ("TERM", "TERM_PROGRAM"))
    if "STY" in environment or "TMUX" in environment or term.startswith(("screen", "tmux")):
        # The variables of the terminal around a multiplexer may still be there.
        return Hosting(underlines=program == "tmux")
    if term.startswith(_JOINS) or program in _JOINING_PROGRAMS:
        return Hosting(underlines=True, clusters=True)
    vte = environment.get("VTE_VERSION", "")
    curly = vte.isascii() and vte.isdigit() and int(vte[:9]) >= _CURLY_VTE
    return Hosting(curly or term.startswith(_CURLY) or program in _CURLY_PROGRAMS)
