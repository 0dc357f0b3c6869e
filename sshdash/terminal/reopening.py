"""What a terminal says between the end of a session and its next beginning."""

import time
from typing import TYPE_CHECKING

from sshdash.connections.recovery.outages import outage_text
from sshdash.states import SessionState
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_DASH = "─"
_COMMAND = 60
"""Characters of a command that the rule shows."""


def reopening_rule(session: "ShellSession", ago: float, reattach: str = "") -> str:
    """Return the line above the next session: what happened when, for how long, what is run.

    `ago` is how many seconds ago the session ended. The line fits the width of the terminal.
    """
    parts = [clean(session.exit_text) or "reopened"]
    ended = time.strftime("%H:%M:%S", time.localtime(time.time() - ago))
    if session.state is SessionState.LOST:
        parts += [f"at {ended}", f"back after {outage_text(ago)}"]
        if reattach:
            parts.append(clean(reattach, _COMMAND))
    else:
        parts.append(ended)
    text = f"{_DASH * 2} {' · '.join(parts)} "
    if len(text) > session.emulator.columns:
        return f"{text[: session.emulator.columns - 1]}…"
    return text.ljust(session.emulator.columns, _DASH)
