"""What becomes of a connection that is gone, in the words of a person who waits for it."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdash.states import ConnectionState
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.snapshot import ConnectionSnapshot


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a host is expected back; the texts are cleaned."""

    short: str
    """For a line of the list or a tab: ``retry 3 s``."""
    words: str
    """For where there is room: ``trying again in 3 s``."""
    hopeless: bool = False
    """Whether nothing is tried by itself any more."""


def outlook_of(status: "ConnectionSnapshot") -> Outlook | None:
    """Return the outlook of a host that is out, None for one that is not, or stays so."""
    if status.state is ConnectionState.WAITING:
        if status.retry_at is None:
            return Outlook("waiting", "waiting for its jump host")
        left = max(0, math.ceil(status.retry_at - time.monotonic()))
        return Outlook(f"retry {left} s", f"trying again in {left} s")
    if status.state is ConnectionState.CONNECTING:
        return Outlook("trying", "asks for an answer" if status.asking else "trying now")
    if status.gives_up:
        return Outlook("", f"not tried again: {clean(status.gives_up)}", hopeless=True)
    return None


def attempts_text(attempts: int) -> str:
    """Return how many attempts failed, empty for none."""
    return f"{attempts} failed" if attempts else ""
