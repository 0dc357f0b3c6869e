"""What went wrong with one tunnel: the last of it, and lately. Pure."""

import time
from collections import deque
from dataclasses import replace

from sshdash.tunnels.causes import Place, Trouble
from sshdash.tunnels.legs import Cause, Mishap

_MOST = 50


class Record:
    """Keeps a tunnel's trouble and its last mishaps."""

    def __init__(self) -> None:
        self.error = ""
        """The last thing that went wrong, cleaned; empty since it opened without."""
        self.trouble: Trouble | None = None
        """What keeps it from carrying clients."""
        self.failures = 0
        """Clients that did not get through."""
        self.reached = False
        """Whether the last client got through to its target."""
        self._mishaps: deque[Mishap] = deque(maxlen=_MOST)

    def __repr__(self) -> str:
        """Return the last thing that went wrong."""
        return f"<Record [{self.error or 'nothing'}]>"

    @property
    def mishaps(self) -> tuple[Mishap, ...]:
        """Return what went wrong lately, the newest last."""
        return tuple(self._mishaps)

    def clear(self) -> None:
        """Note that it is well, or tried anew."""
        self.error = ""
        self.trouble = None
        self.reached = False

    def note(self, trouble: Trouble) -> None:
        """Note what keeps it from carrying clients."""
        self.trouble = trouble
        self.error = trouble.text
        self._add(trouble.cause, trouble.text)

    def refused(self, cause: Cause, text: str) -> None:
        """Note a client that did not get through to its target."""
        self.failures += 1
        self.reached = False
        self.error = text
        self.trouble = Trouble(Place.TARGET, cause, text)
        self._add(cause, text)

    def turned_away(self, text: str, cause: Cause = Cause.SHORTAGE) -> None:
        """Note a client that was not let in, or not understood: that tells nothing of targets."""
        self.failures += 1
        self.error = text
        self._add(cause, text)

    def _add(self, cause: Cause, text: str) -> None:
        """Keep a mishap as the latest; one that happened before is the same one once more."""
        now = time.time()
        same = next((one for one in self._mishaps if (one.cause, one.text) == (cause, text)), None)
        if same is None:
            self._mishaps.append(Mishap(now, cause, text))
            return
        self._mishaps.remove(same)
        again = replace(same, time=now, count=same.count + 1, first=same.first or same.time)
        self._mishaps.append(again)
