"""Decrypted private keys, in memory and for this run only."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

from sshdash.keys.identities import Passphrase, unlock

MAX_ATTEMPTS = 3

AskPassphrase = Callable[[Path, int], Awaitable[str | None]]
"""Called with the key file and the number of the attempt; None or "" gives the key up."""


class WrongPassphrase(ValueError):
    """The passphrase was wrong too often, or not given."""


class KeyRing:
    """Asks for each passphrase once and keeps what it opened.

    What is kept belongs to one version of the file: a key that changed on the disk is asked
    for again.
    """

    def __init__(self) -> None:
        self._keys: dict[tuple[Path, int, int], asyncssh.SSHKey] = {}
        self._locks: dict[Path, asyncio.Lock] = {}

    def __repr__(self) -> str:
        """Return how many keys are open, never which."""
        return f"<KeyRing [{len(self._keys)} open]>"

    async def private_key(self, path: Path, encrypted: bool, ask: AskPassphrase) -> asyncssh.SSHKey:
        """Return the private key of `path`, asking at most three times.

        Raises WrongPassphrase, ValueError for a damaged key, OSError for the file.
        """
        async with self._locks.setdefault(path, asyncio.Lock()):
            status = await asyncio.to_thread(path.stat)
            version = (path, status.st_mtime_ns, status.st_size)
            if version not in self._keys:
                self._keys[version] = await self._unlock(path, encrypted, ask)
            return self._keys[version]

    async def _unlock(self, path: Path, encrypted: bool, ask: AskPassphrase) -> asyncssh.SSHKey:
        if not encrypted:
            return await asyncio.to_thread(unlock, path)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            passphrase = await ask(path, attempt)
            if not passphrase:
                raise WrongPassphrase("no passphrase given")
            try:
                return await asyncio.to_thread(unlock, path, passphrase)
            except Passphrase:
                continue
        raise WrongPassphrase(f"wrong passphrase {MAX_ATTEMPTS} times")
