"""Passwords that were typed and accepted, for as long as their connection is wanted.

A connection that is made again after a loss, or beside one that is full, would else ask for the
same password once more, at a moment when nobody may be there. They are in memory alone, and
forgotten when the person disconnects the host, when the server refuses one, and at the end. Each
goes to the host key that it was typed for, and to no other: the configuration may have changed,
or StrictHostKeyChecking let another server in.
Answers that are good for once, such as codes, are never kept.
"""


class Replay:
    """What was accepted, by account."""

    def __init__(self) -> None:
        self._passwords: dict[str, tuple[bytes, str]] = {}

    def __repr__(self) -> str:
        """Return how many there are, never what they are."""
        return f"<Replay [{len(self._passwords)} accounts]>"

    def find(self, account: str, server: bytes) -> str | None:
        """Return what an account accepted on the server with this host key, None for nothing."""
        known, password = self._passwords.get(account, (b"", ""))
        return password if server and known == server else None

    def keep(self, account: str, server: bytes, password: str) -> None:
        """Remember what an account accepted, and by which host key the server is known."""
        self._passwords[account] = (server, password)

    def forget(self, account: str) -> None:
        """Forget the password of an account."""
        self._passwords.pop(account, None)

    def clear(self) -> None:
        """Forget all."""
        self._passwords.clear()
