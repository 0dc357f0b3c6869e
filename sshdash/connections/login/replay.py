"""Passwords that were typed and accepted, for as long as their connection is wanted.

A connection that is made again after a loss, or beside one that is full, would else ask for the
same password once more, at a moment when nobody may be there. They are in memory alone, and
forgotten when the person disconnects the host, when the server refuses one, and at the end.
Answers that are good for once, such as codes, are never kept.
"""


class Replay:
    """What was accepted, by account."""

    def __init__(self) -> None:
        self._passwords: dict[str, str] = {}

    def __repr__(self) -> str:
        """Return how many there are, never what they are."""
        return f"<Replay [{len(self._passwords)} accounts]>"

    def find(self, account: str) -> str | None:
        """Return the password that an account accepted, None where none is known."""
        return self._passwords.get(account)

    def keep(self, account: str, password: str) -> None:
        """Remember what an account accepted."""
        self._passwords[account] = password

    def forget(self, account: str) -> None:
        """Forget the password of an account."""
        self._passwords.pop(account, None)

    def clear(self) -> None:
        """Forget all."""
        self._passwords.clear()
