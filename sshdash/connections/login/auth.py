"""Authentication of one connection: the library's callbacks, answered by a person and keys.

The order of methods is the library's walk through PreferredAuthentications; here is what
each of them has to offer, how often, and the record for the message when nothing was enough.
"""

import asyncio
import re
from collections.abc import Sequence

import asyncssh
from msgspec import Struct, field

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.deadline import LOGIN_SECONDS
from sshdash.connections.faults import is_too_many
from sshdash.connections.login.agent_forwarding import forwarding_problem
from sshdash.connections.login.gssapi import gssapi_problem
from sshdash.connections.login.interview import Interview
from sshdash.connections.login.keypairs import KeyPairs
from sshdash.connections.timeline import Phase, Timeline
from sshdash.connections.transport.transport import Transport, adopt
from sshdash.connections.trust.hostkeys import HostKeyCheck
from sshdash.events import BannerReceived, EventBus, WarningRaised
from sshdash.keys.keyring import KeyRing
from sshdash.prompts import SecretAnswer, SecretPrompt
from sshdash.untrusted import clean, clean_lines

METHODS = ("gssapi-with-mic", "hostbased", "publickey", "keyboard-interactive", "password")
_MAX_PROMPTS = 32
_MAX_BANNER_LINES = 40
_QUIET = frozenset({"quiet", "fatal", "error"})
"""Values of LogLevel under which no banner is shown, as with ssh."""
_MAX_TOLD_LINES = 200
"""Lines that a server may show during one login, whatever the number of its banners."""
_PASSWORD = re.compile(r"(?i)\bpass(word|phrase)\b")
_NO_PASSWORD = re.compile(r"(?i)one.?time|otp|token|code|new|retype|again")
"""What prompts say that ask for something that is good for once, or for another password."""

_NOT_GIVEN = "no saved password is given to a host key that nobody has vouched for"


class AuthRecord(Struct):
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
        self.keys = KeyPairs(
            resolved, keyring, interview, lambda: self._connection, self._note_detail
        )
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Done when the connection is gone, with the library's reason."""
        self.greeted = False
        """Whether our version string was sent before the library has the socket."""
        self._resolved = resolved
        self._check = check
        self._interview = interview
        self._events = events
        prompts = resolved.number("numberofpasswordprompts")
        self._prompts_left = 3 if prompts is None else prompts
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
    def is_silent(self) -> bool:
        """Return whether there is nobody to ask."""
        return self._interview.silent

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

    @property
    def _server(self) -> bytes:
        """Return the server's host key, empty before it is known to be good."""
        key = self._connection.get_server_host_key() if self._connection else None
        return key.public_data if key else b""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Keep the connection: it knows what the server offers."""
        self._connection = adopt(conn)
        self._connection.greeted = self.greeted
        self._connection.judge = self._check
        self._connection.watch_login(self.timeline)
        self._connection.login_listener = self
        self._connection.binds_signatures = self._resolved.get("pubkeyauthentication") != "unbound"

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that the connection is gone."""
        self.keys.close()
        refused = isinstance(exc, asyncssh.DisconnectError) and is_too_many(exc)
        self._interview.password.close(refused)
        if not self.lost.done():
            self.lost.set_result(exc)

    @property
    def untrusted(self) -> str:
        """Return why the host key is used though nothing vouches for it, "" for a trusted one."""
        return self._check.untrusted

    # -- methods ------------------------------------------------------------------------------

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """Show the banner, cleaned, here and with every question that follows."""
        text = clean_lines(msg, _MAX_BANNER_LINES)
        self._told += 1 + text.count("\n")
        quiet = (self._resolved.get("loglevel") or "").lower() in _QUIET
        if text and not quiet and self._told <= _MAX_TOLD_LINES:
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
        """Return the saved password, then ask as often as NumberOfPasswordPrompts allows."""
        if self._give_up() or self._interview.batch or self.untrusted:
            return None
        saved = await self._saved_password()
        if saved is not None:
            self._start("password")
            return saved
        if self._interview.silent or self._passwords >= self._prompts_left:
            return None
        self._start("password")
        self._passwords += 1
        title = f"Password for {self._interview.account}"
        if self._passwords > 1:
            title = f"Permission denied. {title}"
        elif self._interview.password.was_refused:
            title = f"The saved password was refused. {title}"
        words = f"{self._interview.account}'s password: "
        prompt = SecretPrompt(words, words=words)
        answers = await self._interview.ask(title, (prompt,), self._passwords, may_save=True)
        return self._typed(answers)

    async def _saved_password(self) -> str | None:
        """Return the password that is known; one of the keyring only for a key that is vouched for.

        Else whoever is on the way could collect it, and nobody would even notice.
        """
        vouched = self._check.is_vouched_for
        if not vouched and self._interview.silent:
            self.keys.report.note(_NOT_GIVEN)
        return await self._interview.saved_password(self._server, from_keyring=vouched)

    async def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        """Ask for the old password and twice for a new one, where the server wants a change."""
        prompts = tuple(map(SecretPrompt, ("Old password: ", "New password: ", "Again: ")))
        account = self._interview.account
        title = f"The password has expired. New password for {account}"
        for attempt in range(1, max(1, self._prompts_left) + 1):
            shown = clean_lines(prompt)
            answers = await self._interview.ask(title, prompts, attempt, shown, may_save=True)
            if answers is None or len(answers) != len(prompts):
                break
            old, new, again = answers
            if new and new == again:
                self._typed(SecretAnswer((new,), answers.save))
                return old, new
            title = f"The two did not match. New password for {account}"
        return NotImplemented  # type: ignore[no-any-return]

    def password_change_failed(self) -> None:
        """Keep that the server did not take the new password."""
        self.keys.report.note("the server did not take the new password")

    async def kbdint_auth_requested(self) -> str | None:
        """Begin keyboard-interactive, unless it was tried often enough or asked nothing.

        The answer names the devices of KbdInteractiveDevices, of which the server chooses.
        """
        if self._give_up() or self._interview.batch or self.untrusted:
            return None
        if self._challenges >= self._prompts_left or not self._answered:
            return None
        if self._interview.silent and not await self._interview.saved.is_usable():
            return None
        self._start("keyboard-interactive")
        self._challenges += 1
        self._answered = False
        return self._resolved.get("kbdinteractivedevices") or ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Ask what the server asks, all prompts of one challenge together."""
        if not prompts:
            self.auth_banner_received(f"{name}\n{instructions}".strip(), lang)
            return []
        if len(prompts) > _MAX_PROMPTS:
            return None
        is_password = _asks_password(prompts) and not self._answered
        self._answered = True
        if is_password:
            saved = await self._saved_password()
            if saved is not None:
                self._challenges -= 1  # nobody was asked
                return [saved]
        # Whose words they are comes first: they could be those of a question for a passphrase.
        account, name = self._interview.account, clean(name.strip(), 80)
        title = f"{account} asks: {name}" if name else f"Authentication for {account}"
        asked = tuple(SecretPrompt(clean(text.strip()), echo) for text, echo in prompts)
        answers = await self._interview.ask(
            title, asked, self._challenges, clean_lines(instructions), may_save=is_password
        )
        if answers is None or len(answers) != len(prompts):
            return None
        if is_password:
            self._typed(answers)
        return list(answers)

    # -- how it goes --------------------------------------------------------------------------

    def answered(self, methods: list[str], partly: bool) -> None:
        """Take note of what the server takes, and go on where a method was not enough."""
        if "gssapi-with-mic" in methods and (problem := gssapi_problem(self._resolved)):
            self.keys.report.note(problem)
        if "hostbased" in methods and self._resolved.flag("hostbasedauthentication"):
            self.keys.report.note("there is no host-based authentication here")
        if partly:
            self._interview.password.accepted(self._server)
            self.keys.again()

    def auth_completed(self) -> None:
        """Save what was typed, where that was wanted, and let the agent go."""
        self._interview.password.accepted(self._server)
        self.keys.close()
        if self._connection and self._connection.forwards_agent:
            self._note_detail("the server may use the agent")
        if problem := forwarding_problem(self._resolved):
            told = WarningRaised("Agent not forwarded", problem, self._interview.host)
            self._events.emit(told)

    def _note_detail(self, text: str) -> None:
        self.timeline.note(Phase.AUTH, text, detail=True)

    def _typed(self, answers: SecretAnswer | None) -> str | None:
        if not answers:
            return None
        self._interview.password.typed(answers)
        return answers[0]

    def _warn_of_refused_keys(self) -> None:
        """Tell of keys that were passed over, once: another method may hide that they were."""
        for problem in self.keys.report.refused:
            self._events.emit(WarningRaised("Private key not used", problem, self._interview.host))
        self.keys.report.notes[:0] = self.keys.report.refused
        self.keys.report.refused.clear()

    def _start(self, method: str) -> None:
        assert self._connection
        if not self.record.tried:
            # ConnectTimeout ends with the key exchange: a login may take what a server allows.
            self._interview.deadline.restart(LOGIN_SECONDS)
        self.record.start(method, self._connection.get_server_auth_methods())

    def _give_up(self) -> bool:
        """Return whether the person dismissed a question: then nothing more is tried."""
        return self._interview.refusal is not None


def _asks_password(prompts: Sequence[tuple[str, bool]]) -> bool:
    """Return whether a challenge asks for nothing but the account's password."""
    if len(prompts) != 1 or prompts[0][1]:
        return False
    text = prompts[0][0]
    return bool(_PASSWORD.search(text)) and not _NO_PASSWORD.search(text)
