"""Files of a host as another user: an SFTP server started by ``sudo`` or ``doas``.

The password is asked for once per host and kept in memory alone. It is written only when sudo
has asked for it, in words that nobody else knows, and never once the SFTP server is there.
"""

import asyncio
import re
import secrets
import shlex
from collections.abc import Sequence
from enum import Enum

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.errors import Cancelled, ConnectionLost, SessionError, UsageError
from sshdash.prompts import Prompter, SecretPrompt, SecretQuestion
from sshdash.sftp.job import Endpoint, as_user
from sshdash.sftp.looks import Look
from sshdash.sftp.opening import PATIENCE
from sshdash.sftp.wire import WINDOW, Wire
from sshdash.untrusted import clean, clean_lines

_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/lib/sftp-server",
    "/usr/lib64/misc/sftp-server",
    "/usr/lib64/ssh/sftp-server",
    "/usr/local/libexec/sftp-server",
    "/run/current-system/sw/libexec/sftp-server",
)
"""Where systems have it; the one that sshd has built in cannot be run by anybody else."""
_ATTEMPTS = 3
_SAID = 4096
"""Bytes that are kept of what the programs say before the SFTP server is there."""
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?|#[0-9]+")
_HINTS = (
    ("must have a tty", "requiretty in the host's sudoers forbids it: take it away for this user"),
    ("a terminal is required", "requiretty in the host's sudoers forbids it, or doas wants one"),
    ("no sftp-server", "install the host's package for it, such as openssh-sftp-server"),
    ("neither sudo nor doas", "install one of them, or log in as that user"),
    ("not allowed", "sudoers has to let this user run sh as the other one"),
    ("not in the sudoers", "sudoers has to let this user run sh as the other one"),
    ("incorrect password", "it is the password of the user who logged in, mostly"),
    ("doas", "doas asks only on a terminal: its rule needs nopass"),
)


class Elevations:
    """Makes ways to be another user on hosts, and knows the passwords of this run."""

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter
        self._known: dict[str, str] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def __repr__(self) -> str:
        return f"<Elevations [{len(self._known)} passwords hidden]>"

    def way(self, host: str, user: str) -> "Elevated":
        """Return the way to be `user` on a host. Raises UsageError for what is no user's name."""
        if not _USER.fullmatch(user):
            raise UsageError("Not the name of a user", clean(user))
        return Elevated(self, host, user)

    def forget(self, host: str) -> None:
        """Forget a host's password."""
        self._known.pop(host, None)

    def turn(self, host: str) -> asyncio.Lock:
        """Return what lets one at a time be asked for a host."""
        return self._turns.setdefault(host, asyncio.Lock())

    async def password(self, host: str, user: str, attempt: int, said: str) -> str:
        """Return the password for the first, second … time. Raises Cancelled."""
        if attempt == 1 and host in self._known:
            return self._known[host]
        known = self._known.pop(host, None) is not None
        answer = await self._prompter.ask(
            SecretQuestion(
                host,
                f"Files as {user}",
                (SecretPrompt("Password for sudo: "),),
                instructions=said,
                attempt=attempt - known,
            )
        )
        if answer is None:
            raise Cancelled(f"Not opened as {user}", "the password was not given", host=host)
        return answer[0]

    def keep(self, host: str, password: str) -> None:
        """Keep a password that was right, until the program ends or the host is forgotten."""
        self._known[host] = password


class Elevated:
    """One user on one host."""

    def __init__(self, elevations: Elevations, host: str, user: str) -> None:
        self._elevations = elevations
        self._host = host
        self._user = user

    def label(self, host: str) -> Endpoint:
        """Return the host's name with the user."""
        return as_user(host, self._user)

    async def open(self, ssh: Transport, looks: Sequence[Look] = ()) -> Wire:
        """Become the user and return the channel. Raises Cancelled and SessionError.

        Nothing is asked ahead: what comes first here are questions for the password.
        """
        async with self._elevations.turn(self._host):
            prompt, marker = (f"sshdash-{secrets.token_hex(16)}" for _ in range(2))
            dialogue = _Dialogue(Wire(), prompt.encode(), marker.encode())
            try:
                async with asyncio.timeout(PATIENCE):
                    await ssh.create_session(
                        lambda: dialogue,
                        command=_command(self._user, prompt, marker),
                        encoding=None,
                        window=WINDOW,
                        env=(),
                        send_env=(),
                        lends_agent=False,
                    )
                await self._admit(dialogue)
            except BaseException:
                dialogue.close()
                raise
            return dialogue.wire

    async def _admit(self, dialogue: "_Dialogue") -> None:
        """Answer until the SFTP server is there."""
        attempt, password = 0, ""
        while (news := await self._news(dialogue)) is _News.ASKED:
            attempt += 1
            if attempt > _ATTEMPTS:
                break
            asking = self._elevations.password(self._host, self._user, attempt, dialogue.said)
            password = await asking
            dialogue.answer(password)
        if dialogue.wire.connection_failed:
            detail = f"meanwhile: becoming {self._user}"
            raise ConnectionLost("Connection lost", detail, "connect again and retry", self._host)
        if news is not _News.ADMITTED:
            raise self._refused(dialogue.said, attempt > _ATTEMPTS)
        if password:
            self._elevations.keep(self._host, password)

    async def _news(self, dialogue: "_Dialogue") -> "_News":
        try:
            async with asyncio.timeout(PATIENCE):
                return await dialogue.news()
        except TimeoutError:
            said = dialogue.said or "nothing came"
            hint = "what asks for more than a password, such as a code, cannot be answered here"
            raise SessionError(self._title, said, hint, self._host) from None

    def _refused(self, said: str, wrong: bool) -> SessionError:
        self._elevations.forget(self._host)
        said = said or ("the password was wrong" if wrong else "it ended without a word")
        hint = next((hint for words, hint in _HINTS if words in said), "")
        return SessionError(self._title, said, hint, self._host)

    @property
    def _title(self) -> str:
        return f"No files as {self._user}"


class _News(Enum):
    ASKED = "asked"
    """sudo wants the password."""
    ADMITTED = "admitted"
    """The SFTP server is there."""
    ENDED = "ended"


class _Dialogue(asyncssh.SSHClientSession[bytes]):
    """What is said before the SFTP server is there; afterwards everything is the wire's."""

    def __init__(self, wire: Wire, prompt: bytes, marker: bytes) -> None:
        self.wire = wire
        self._prompt = prompt
        self._marker = marker
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._output = b""
        self._errors = b""
        self._admitted = False
        self._news: asyncio.Queue[_News] = asyncio.Queue()

    @property
    def said(self) -> str:
        """What sudo said last, cleaned."""
        return clean_lines(self._errors.strip() or self._output.strip(), lines=6)

    async def news(self) -> _News:
        """Return what happens next."""
        return await self._news.get()

    def answer(self, password: str) -> None:
        """Give the password, unless nobody waits for it any more."""
        self._errors = b""
        if self._channel and not self._admitted and not self._channel.is_closing():
            self._channel.write(password.encode("utf-8", "surrogateescape") + b"\n")

    def close(self) -> None:
        """End it all."""
        self.wire.close()
        if self._channel:
            self._channel.close()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel; the wire gets it later, for it greets at once."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Look for the prompt and for the marker."""
        if self._admitted:
            self.wire.data_received(data, datatype)
        elif datatype is not None:
            before, asked, after = (self._errors + data).rpartition(self._prompt)
            self._errors = (before + after)[-_SAID:]
            if asked:
                self._news.put_nowait(_News.ASKED)
        else:
            # A start-up file of the shell may print what it likes before.
            before, admitted, after = (self._output + data).partition(self._marker)
            self._output = (before + after if not admitted else b"")[-_SAID:]
            if admitted:
                self._admitted = True
                self._news.put_nowait(_News.ADMITTED)
                assert self._channel
                self.wire.connection_made(self._channel)
                self.wire.data_received(after, None)

    def eof_received(self) -> bool:
        """Tell that nothing more comes."""
        return self.wire.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is over."""
        self._news.put_nowait(_News.ENDED)
        self.wire.connection_lost(exc)


def _command(user: str, prompt: str, marker: str) -> str:
    """Return the command line, which every shell that people log in to understands."""
    start = (
        f'cd "$HOME" 2>/dev/null || cd /; for s in {" ".join(_SERVERS)}; do if [ -x "$s" ]; then '
        f'printf %s {marker}; exec "$s"; fi; done; echo "there is no sftp-server" >&2; exit 127'
    )
    as_user, start = shlex.quote(user), shlex.quote(start)
    become = (
        "if command -v sudo >/dev/null 2>&1; then "
        f"exec sudo -S -H -p {prompt} -u {as_user} -- sh -c {start}; "
        "elif command -v doas >/dev/null 2>&1; then "
        f"exec doas -n -u {as_user} sh -c {start}; "
        'else echo "there is neither sudo nor doas" >&2; exit 127; fi'
    )
    return f"exec sh -c {shlex.quote(become)}"
