"""Authentication of one connection: the library's callbacks, answered by a person and keys.

The order of methods is the library's walk through PreferredAuthentications; here is what
each of them has to offer, how often, and the record for the message when nothing was enough.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.deadline import Deadline
from sshdash.connections.hostkeys import HostKeyCheck
from sshdash.connections.keypairs import KeyPairs
from sshdash.connections.timeline import Timeline
from sshdash.connections.transport import Transport, adopt
from sshdash.errors import Cancelled
from sshdash.events import BannerReceived, EventBus, WarningRaised
from sshdash.keys.keyring import KeyRing
from sshdash.prompts import Prompter, RefusingPrompter, SecretPrompt, SecretQuestion
from sshdash.untrusted import clean, clean_lines

log = logging.getLogger(__name__)

METHODS = ("gssapi-with-mic", "hostbased", "publickey", "keyboard-interactive", "password")
_MAX_PROMPTS = 32
_MAX_BANNER_LINES = 40
_MAX_TOLD_LINES = 200
"""Lines that a server may show during one login, whatever the number of its banners."""


@dataclass
class AuthRecord:
    """What was tried on one connection."""

    offered: list[str] = field(default_factory=list)
    """Methods the server would take, as far as it said."""
    tried: list[str] = field(default_factory=list)
    method: str = ""
    """The method that was tried last: the one that succeeded, where one did."""

    def start(self, method: str, offered: Sequence[str]) -> None:
        """Note that `method` begins, and what the server offers beside it."""
        self.method = method
        if method not in self.tried:
            self.tried.append(method)
        self.offered += [name for name in offered if name not in self.offered]


class Interview:
    """Asks a person for the secrets of one host; the connection's clock stands still meanwhile.

    A dismissed question ends the attempt: `refusal` is set and nothing more is asked.
    """

    def __init__(self, host: str, resolved: ResolvedHost, prompter: Prompter) -> None:
        self.host = host
        self.account = f"{resolved.user}@{resolved.hostname}"
        self.banner = ""
        self.refusal: Cancelled | None = None
        self.silent = resolved.flag("batchmode") or isinstance(prompter, RefusingPrompter)
        self._prompter = prompter
        self.deadline = Deadline(0)

    async def ask(
        self,
        title: str,
        prompts: tuple[SecretPrompt, ...],
        attempt: int = 1,
        instructions: str = "",
    ) -> tuple[str, ...] | None:
        """Return the answers, None where nobody gives any."""
        if self.silent or self.refusal:
            return None
        shown = "\n".join(part for part in (self.banner, instructions) if part)
        question = SecretQuestion(self.host, title, prompts, shown, attempt)
        with self.deadline.paused():
            answers = await self._prompter.ask(question)
        if answers is None:
            self.refusal = Cancelled("Authentication cancelled", title, host=self.host)
        return answers

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Stop the clock while somebody is asked by other means than ours, as by an agent."""
        with self.deadline.paused():
            yield

    async def passphrase(self, path: Path, attempt: int) -> str | None:
        """Ask for the passphrase of a key file."""
        title = f"Passphrase for {path}"
        if attempt > 1:
            title = f"Wrong passphrase. {title}"
        answers = await self.ask(title, (SecretPrompt("Passphrase: "),), attempt)
        return answers[0] if answers else None


class SSHClient(asyncssh.SSHClient):
    """The library's view of us during one connection."""

    def __init__(
        self,
        resolved: ResolvedHost,
        check: HostKeyCheck,
        interview: Interview,
        keyring: KeyRing,
        events: EventBus,
        timeline: Timeline,
    ) -> None:
        self.record = AuthRecord()
        self.timeline = timeline
        self.keys = KeyPairs(resolved, keyring, interview.passphrase, interview.busy)
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Done when the connection is gone, with the library's reason."""
        self._resolved = resolved
        self._check = check
        self._interview = interview
        self._events = events
        self._prompts_left = resolved.number("numberofpasswordprompts") or 3
        self._passwords = 0
        self._challenges = 0
        self._answered = True
        self._told = 0
        self._connection: Transport | None = None

    @property
    def is_adopted(self) -> bool:
        """Return whether the library has taken the socket over."""
        return self._connection is not None

    @property
    def transport(self) -> Transport | None:
        """Return the connection as far as it came, None before the library has the socket."""
        return self._connection

    @property
    def server_version(self) -> str:
        """Return the server's greeting without its ``SSH-2.0-``, "" before it came."""
        if self._connection is None:
            return ""
        text = str(self._connection.get_extra_info("server_version") or "")
        return clean(text.partition("-")[2].partition("-")[2], 80)

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Keep the connection: it knows what the server offers."""
        self._connection = adopt(conn)
        self._connection.watch_login(self.timeline)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that the connection is gone."""
        self.keys.close()
        if not self.lost.done():
            self.lost.set_result(exc)

    # -- trust --------------------------------------------------------------------------------

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Return the verdict on a plain host key."""
        return self._check.accept_key(key.public_data)

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Return the verdict on the signer of a host certificate."""
        return self._check.accept_authority(key.public_data)

    # -- methods ------------------------------------------------------------------------------

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """Show the banner, cleaned, here and with every question that follows."""
        text = clean_lines(msg, _MAX_BANNER_LINES)
        self._told += 1 + text.count("\n")
        if text and self._told <= _MAX_TOLD_LINES:
            both = f"{self._interview.banner}\n{text}".lstrip("\n")
            self._interview.banner = clean_lines(both, _MAX_BANNER_LINES)
            self._events.emit(BannerReceived(self._interview.host, text))

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        """Return the next key to offer."""
        if self._give_up():
            return None
        self._start("publickey")
        pair = await self.keys.next()
        self._warn_of_refused_keys()
        return pair

    async def password_auth_requested(self) -> str | None:
        """Ask for the password, as often as NumberOfPasswordPrompts allows."""
        if self._give_up() or self._interview.silent or self._passwords >= self._prompts_left:
            return None
        self._start("password")
        self._passwords += 1
        title = f"Password for {self._interview.account}"
        if self._passwords > 1:
            title = f"Permission denied. {title}"
        prompt = SecretPrompt(f"{self._interview.account}'s password: ")
        answers = await self._interview.ask(title, (prompt,), self._passwords)
        return answers[0] if answers else None

    async def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        """Ask for the old password and twice for a new one, where the server wants a change."""
        prompts = tuple(map(SecretPrompt, ("Old password: ", "New password: ", "Again: ")))
        title = f"New password for {self._interview.account}"
        for attempt in range(1, self._prompts_left + 1):
            shown = clean_lines(prompt)
            answers = await self._interview.ask(title, prompts, attempt, shown)
            if answers is None:
                break
            old, new, again = answers
            if new and new == again:
                return old, new
            title = f"The two did not match. New password for {self._interview.account}"
        return NotImplemented  # type: ignore[no-any-return]

    async def kbdint_auth_requested(self) -> str | None:
        """Begin keyboard-interactive, unless it was tried often enough or asked nothing."""
        if self._give_up() or self._interview.silent:
            return None
        if self._challenges >= self._prompts_left or not self._answered:
            return None
        self._start("keyboard-interactive")
        self._challenges += 1
        self._answered = False
        return ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Ask what the server asks, all prompts of one challenge together."""
        if not prompts:
            self.auth_banner_received(f"{name}\n{instructions}".strip(), lang)
            return []
        if len(prompts) > _MAX_PROMPTS:
            return None
        self._answered = True
        title = f"{clean(name.strip(), 80) or 'Authentication'} for {self._interview.account}"
        asked = tuple(SecretPrompt(clean(text.strip()), echo) for text, echo in prompts)
        text = clean_lines(instructions)
        answers = await self._interview.ask(title, asked, self._challenges, text)
        if answers is None or len(answers) != len(prompts):
            return None
        return list(answers)

    def _warn_of_refused_keys(self) -> None:
        """Tell of keys that were passed over, once: another method may hide that they were."""
        for problem in self.keys.report.refused:
            self._events.emit(WarningRaised("Private key not used", problem, self._interview.host))
        self.keys.report.notes[:0] = self.keys.report.refused
        self.keys.report.refused.clear()

    def _start(self, method: str) -> None:
        assert self._connection
        self.record.start(method, self._connection.get_server_auth_methods())

    def _give_up(self) -> bool:
        """Return whether the person dismissed a question: then nothing more is tried."""
        return self._interview.refusal is not None
