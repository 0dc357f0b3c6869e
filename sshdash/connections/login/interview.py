"""Asks a person for the secrets of one host, and keeps the clock from running meanwhile."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.deadline import Deadline
from sshdash.connections.login.account import AccountPassword, account_of
from sshdash.connections.login.replay import Replay
from sshdash.connections.login.signing import KeyPair
from sshdash.errors import Cancelled
from sshdash.keys.agent import AgentRefused
from sshdash.keys.saved import SavedSecrets
from sshdash.prompts import (
    ConfirmQuestion,
    NoticeQuestion,
    Prompter,
    RefusingPrompter,
    SecretAnswer,
    SecretPrompt,
    SecretQuestion,
)
from sshdash.untrusted import clean

_TITLE = 56
"""Characters of a title that a small screen has room for."""
_PATIENCE = 1.5
"""Seconds until a person is told that an agent is slow: it may be asking something itself."""


class Interview:
    """Who answers during one attempt.

    A dismissed question ends the attempt: `refusal` is set and nothing more is asked.
    """

    def __init__(
        self,
        host: str,
        resolved: ResolvedHost,
        prompter: Prompter,
        saved: SavedSecrets,
        replay: Replay | None = None,
    ) -> None:
        self.host = host
        self.account = f"{resolved.user}@{resolved.hostname}"
        self.banner = ""
        self.refusal: Cancelled | None = None
        self.batch = resolved.flag("batchmode")
        """Whether nobody may be asked because the configuration says so."""
        self.silent = self.batch or isinstance(prompter, RefusingPrompter)
        self.deadline = Deadline(0)
        self.saved = saved
        self.password = AccountPassword(saved, account_of(resolved), replay)
        self._prompter = prompter

    async def ask(
        self,
        title: str,
        prompts: tuple[SecretPrompt, ...],
        attempt: int = 1,
        instructions: str = "",
        may_save: bool = False,
    ) -> SecretAnswer | None:
        """Return the answers, None where nobody gives any.

        With `may_save` and a fit keyring, the person may want the answer saved.
        """
        if self.silent or self.refusal:
            return None
        shown = "\n".join(part for part in (self.banner, instructions) if part)
        with self.deadline.paused():
            can_save = may_save and await self.saved.is_usable()
            answers = await self._prompter.ask(
                SecretQuestion(self.host, title, prompts, shown, attempt, can_save, self.banner)
            )
        if answers is None:
            self.refusal = Cancelled(
                "Authentication cancelled", title, "connect again to be asked again", self.host
            )
            return None
        return SecretAnswer(answers, can_save and getattr(answers, "save", False))

    async def saved_password(self, server: bytes, from_keyring: bool = True) -> str | None:
        """Return the password that is known, the first time, for the host key of `server`.

        The keyring may ask to be unlocked.
        """
        with self.deadline.paused():
            return await self.password.take_saved(server, from_keyring)

    async def passphrase(self, path: Path, attempt: int) -> SecretAnswer | None:
        """Ask for the passphrase of a key file."""
        name = clean(str(path), 1_000)
        title = f"Passphrase for {name}"
        if attempt > 1:
            title = f"Wrong passphrase. {title}"
        prompts = (SecretPrompt("Passphrase: ", words=f"Enter passphrase for key '{name}': "),)
        whole = name if len(title) > _TITLE else ""
        return await self.ask(title, prompts, attempt, whole, may_save=True)

    async def agrees(self, title: str, detail: str, action: str) -> bool:
        """Return whether the person says yes; a no does not end the attempt."""
        if self.silent or self.refusal:
            return False
        with self.deadline.paused():
            question = ConfirmQuestion(title, detail, action, unbidden=True)
            answer: bool | None = await self._prompter.ask(question)
            return bool(answer)

    async def patiently(self, pair: KeyPair, signing: Awaitable[bytes]) -> bytes:
        """Return what an agent signs; its owner is told that it waits, and may give it up.

        Raises what `signing` raises, and AgentRefused where it was given up.
        """
        with self.deadline.paused():
            signed = asyncio.ensure_future(signing)
            notice = asyncio.create_task(self._tell_to_wait(pair), name="waiting for an agent")
            try:
                await asyncio.wait({signed, notice}, return_when=asyncio.FIRST_COMPLETED)
                if notice.done() and not signed.done():
                    if notice.result():
                        self.refusal = Cancelled("Authentication cancelled", host=self.host)
                        raise AgentRefused("given up")
                    await asyncio.wait({signed})
                return signed.result()
            finally:
                for task in (signed, notice):
                    task.cancel()
                await asyncio.gather(signed, notice, return_exceptions=True)

    async def _tell_to_wait(self, pair: KeyPair) -> bool:
        """Show a notice until it is cancelled; return whether the person gives the key up."""
        title, detail = f"Touch your key: {pair.name}", f"{pair.label} {pair.fingerprint}"
        if not pair.is_token:
            await asyncio.sleep(_PATIENCE)
            title = "The agent has not signed yet"
            detail += "\nit may be asking you to confirm, or wait for a touch of your token"
        if self.silent:
            return False
        notice = NoticeQuestion(title, detail, self.host)
        given_up: bool | None = await self._prompter.ask(notice)
        return bool(given_up)
