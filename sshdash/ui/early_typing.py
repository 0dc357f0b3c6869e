"""What is typed for a shell that is not there yet."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

_MOST = 4096


class EarlyTyping:
    """Keys, and pastes of one line: longer ones ask before they are sent, and need the shell."""

    def __init__(self) -> None:
        self._kept: deque[events.Key | str] = deque(maxlen=_MOST)
        self._session: ShellSession | None = None
        """Where all of it goes at once, as soon as there is one."""

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<EarlyTyping [{len(self)}]>"

    def keep(self, event: events.Key | events.Paste) -> bool:
        """Keep what was typed; return whether it can be."""
        if isinstance(event, events.Key):
            self._kept.append(event)
        elif event.text.isprintable():
            self._kept.append(event.text)
        else:
            return False
        if self._session is not None:
            self.give(self._session)
        return True

    def forget(self) -> None:
        """Keep nothing any more."""
        self._kept.clear()

    def give(self, session: ShellSession) -> None:
        """Send all of it to a shell, once, and whatever is still kept afterwards.

        The focus is on its way to the terminal then, and keys may come here until it is there.
        """
        self._session = session
        for one in self._kept:
            data = one.encode() if isinstance(one, str) else _encoded(session, one)
            if data:
                session.write(data)
        self.forget()


def _encoded(session: ShellSession, event: events.Key) -> bytes:
    return session.keyboard.encode(event.key, event.character)
