"""Two factors for an asyncssh server: a password, then the prompts of keyboard-interactive."""

import asyncssh


class PartialSuccess:
    """Tells a client that its password was right and that more is needed (RFC 4252, 5.1).

    asyncssh's server says only "failed"; the answer that follows the right password is the one
    that has to say "partial success".
    """

    def __init__(self, connection: asyncssh.SSHServerConnection) -> None:
        self.passed = False
        """The first factor is behind."""
        self._say = connection.send_userauth_failure
        self._pending = False
        connection.send_userauth_failure = self._answer  # type: ignore[method-assign]

    def first_factor_passed(self) -> None:
        """Note it: the failure that asyncssh sends next becomes a partial success."""
        self.passed = self._pending = True

    def _answer(self, partial_success: bool) -> None:
        pending, self._pending = self._pending, False
        self._say(partial_success or pending)
