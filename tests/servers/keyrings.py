"""Keyrings of the system, made up: one that is fit for secrets, and ones that are not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring import backend, errors


class Vault(backend.KeyringBackend):
    """Keeps secrets in memory, as a desktop's keyring would keep them encrypted."""

    priority = 5

    def __init__(self, **secrets: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.secrets = dict(secrets)
        self.services: set[str] = set()
        self.hangs: threading.Event | None = None
        """It answers once this is set."""
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._enter(service)
        return self.secrets.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._enter(service)
        self.secrets[username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._enter(service)
        del self.secrets[username]

    def _enter(self, service: str) -> None:
        self.services.add(service)
        if self.hangs:
            self.hangs.wait(30)
        if self.locked:
            raise errors.KeyringLocked("locked")


class PlaintextKeyring(Vault):
    """Says of itself that it is good, and is not."""


class Meagre(Vault):
    """Says of itself that it is not good for much."""

    priority = 0.5  # type: ignore[assignment]


@contextmanager
def using(chosen: backend.KeyringBackend) -> Iterator[None]:
    """Make a keyring that of the system."""
    from keyring.backends.fail import Keyring

    keyring.set_keyring(chosen)
    try:
        yield
    finally:
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
