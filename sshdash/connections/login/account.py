"""The saved secrets of one account: its password during a login, and how to forget them."""

import asyncio
import hashlib

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.login.replay import Replay
from sshdash.errors import SSHDashError
from sshdash.keys.saved import SavedSecrets, account_name
from sshdash.prompts import SecretAnswer


def account_of(resolved: ResolvedHost) -> str:
    """Return the name under which the password for a host is saved.

    The same address may be another server behind another hop, or under another HostKeyAlias.
    """
    name = account_name(resolved.user, resolved.hostname, resolved.port)
    if alias := resolved.get("hostkeyalias"):
        name += f" as {alias}"
    if resolved.proxy_jump:
        return f"{name} via {','.join(map(str, resolved.proxy_jump))}"
    if command := resolved.proxy_command:  # which may have a secret in it
        return f"{name} via command {hashlib.sha256(command.encode()).hexdigest()[:16]}"
    return name


async def forget_secrets(resolved: ResolvedHost, saved: SavedSecrets | None = None) -> list[str]:
    """Remove what is saved for a host, its keys' passphrases too; return what that was.

    Raises SSHDashError where there is no keyring to look into.
    """
    saved = saved or SavedSecrets()
    if not await saved.is_usable():
        raise SSHDashError("Nothing can be saved here", detail=saved.problem)
    names = {account_of(resolved): "password of"}
    names |= {str(path): "passphrase of" for path in resolved.identity_files}
    gone = [f"{what} {name}" for name, what in names.items() if await saved.forget(name)]
    if saved.problem:
        raise SSHDashError("The keyring could not be searched", detail=saved.problem)
    return gone


class AccountPassword:
    """The password of one account during one login: what is known is tried first, and once.

    Known is what was accepted before in this run, and else what is saved.
    """

    def __init__(self, saved: SavedSecrets, name: str, replay: Replay | None = None) -> None:
        self.was_refused = False
        """Whether what was saved is not the password any more."""
        self._saved = saved
        self._name = name
        self._replay = replay or Replay()
        self._looked = False
        self._tried = False
        self._replayed = False
        self._typed: str | None = None
        self._save = False
        self._keeping: asyncio.Task[bool] | None = None

    def __repr__(self) -> str:
        """Return whose it is, and never what it is."""
        return f"<AccountPassword of {self._name}>"

    async def take_saved(self, server: bytes, from_keyring: bool = True) -> str | None:
        """Return what is known, the first time; by the next it was refused, and is forgotten.

        `server` is the host key of the server that will get it: what was typed for that very key
        is given again, what is in the keyring only where that is wanted.
        """
        self._typed, self._save = None, False
        self._refused()
        if self._tried:
            self._tried, self.was_refused = False, True
            await self._saved.forget(self._name)
        if self._looked:
            return None
        self._looked = True
        found = self._replay.find(self._name, server)
        self._replayed = found is not None
        if found is None and from_keyring:
            found = await self._saved.find(self._name)
            self._tried = found is not None
        return found

    def typed(self, answer: SecretAnswer) -> None:
        """Take note of what was typed and will be tried now."""
        self._typed, self._save = answer[0], answer.save

    def accepted(self, server: bytes) -> None:
        """Keep what was typed, and save it where that was wanted: `server` took it."""
        self._tried = self._replayed = False
        secret, self._typed = self._typed, None
        if secret is None:
            return
        self._replay.keep(self._name, server, secret)
        if self._save:
            self._keeping = asyncio.create_task(
                self._saved.keep(self._name, secret), name="saving a password"
            )

    def close(self, refused: bool = False) -> None:
        """Wait for nothing any more; where the login ended as `refused`, forget what was tried."""
        if self._keeping:
            self._keeping.cancel()
        if refused:
            self._refused()
        if refused and self._tried:
            self._tried = False
            self._keeping = asyncio.create_task(
                self._saved.forget(self._name), name="forgetting a password"
            )

    def _refused(self) -> None:
        if self._replayed:
            self._replayed = False
            self._replay.forget(self._name)
