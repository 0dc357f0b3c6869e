"""Decrypted private keys, in memory and for this run only."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

from sshdash.keys.identities import Passphrase, unlock
from sshdash.keys.saved import SavedSecrets
from sshdash.prompts import SecretAnswer

MAX_ATTEMPTS = 3

AskPassphrase = Callable[[Path, int], Awaitable[SecretAnswer | None]]
"""Called with the key file and the number of the attempt; None or "" gives the key up."""
_Version = tuple[int, int, int, int]


class WrongPassphrase(ValueError):
    """The passphrase was wrong too often, or not given."""


class KeyRing:
    """Asks for each passphrase once and keeps what it opened.

    What is kept belongs to one version of the file: a key that changed on the disk is asked
    for again. Passphrases themselves are not kept, but where a person wants them `saved`.
    """

    def __init__(self, saved: SavedSecrets | None = None) -> None:
        self.not_for_agents: set[Path] = set()
        """Keys that a person does not want in an agent."""
        self._saved = saved or SavedSecrets()
        self._keys: dict[_Version, asyncssh.SSHKey] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def __repr__(self) -> str:
        """Return how many keys are open, never which."""
        return f"<KeyRing [{len(self._keys)} open]>"

    async def private_key(
        self,
        path: Path,
        encrypted: bool,
        ask: AskPassphrase,
        attempts: int = MAX_ATTEMPTS,
        batch: bool = False,
    ) -> asyncssh.SSHKey:
        """Return the private key of `path`, asking at most `attempts` times.

        In `batch` mode the system's keyring is left alone: it may ask its owner something.

        Raises WrongPassphrase, ValueError for a damaged key, OSError for the file.
        """
        place = await asyncio.to_thread(os.path.realpath, path)
        async with self._locks.setdefault(place, asyncio.Lock()):
            status = await asyncio.to_thread(path.stat)
            version = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            if version not in self._keys:
                self._keys[version] = await self._unlock(path, encrypted, ask, attempts, batch)
            return self._keys[version]

    async def _unlock(
        self, path: Path, encrypted: bool, ask: AskPassphrase, attempts: int, batch: bool
    ) -> asyncssh.SSHKey:
        if not encrypted:
            return await asyncio.to_thread(unlock, path)
        key = None if batch else await self._unlock_with_saved(path)
        if key is not None:
            return key
        for attempt in range(1, attempts + 1):
            answer = await ask(path, attempt)
            if not answer or not answer[0]:
                raise WrongPassphrase("no passphrase given")
            try:
                key = await asyncio.to_thread(unlock, path, answer[0])
            except Passphrase:
                continue
            if answer.save:
                await self._saved.keep(str(path), answer[0])
            return key
        raise WrongPassphrase(f"wrong passphrase {attempts} times")

    async def _unlock_with_saved(self, path: Path) -> asyncssh.SSHKey | None:
        """Return the key opened with what is saved for it; what turns out wrong is forgotten."""
        passphrase = await self._saved.find(str(path))
        if not passphrase:
            return None
        try:
            return await asyncio.to_thread(unlock, path, passphrase)
        except Passphrase:
            await self._saved.forget(str(path))
            return None
