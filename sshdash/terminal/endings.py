"""How a shell ended, in words, where the bare exit status says too little."""

import time
from collections.abc import Sequence

_AT_ONCE = 3.0
"""Seconds within which a shell that nobody typed into has ended at once."""
_NO_LOGIN = ("account is currently not available", "account is not available")
"""What nologin(8) says."""


class Beginning:
    """What is remembered of a shell's start, to tell its end by."""

    def __init__(self, used: bool = False) -> None:
        self.used = used
        """Whether something was typed into it, or it was to run a command."""
        self._opened = time.monotonic()

    def describe(self, exit_text: str, shown: Sequence[str]) -> str:
        """Return how it ended with what probably lies behind it.

        `shown` are the lines that it left on the screen.
        """
        if not exit_text or self.used or time.monotonic() - self._opened > _AT_ONCE:
            return exit_text
        text = " ".join(shown).lower()
        if any(words in text for words in _NO_LOGIN):
            return f"{exit_text}: this account takes no shells (nologin)"
        if exit_text == "exit 127":
            return f"{exit_text}: the account's shell or forced command is not there"
        return f"{exit_text} at once: a forced command, or no shell for logins"
