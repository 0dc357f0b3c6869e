"""KnownHostsCommand: a program that says more lines of known_hosts (ssh_config(5))."""

import asyncio
import logging
import os
import shlex
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import ChainMap
from collections.abc import Callable

from sshdash import processes
from sshdash.config.lexer import LexError, split_words
from sshdash.config.tokens import TokenError, expand
from sshdash.connections.trust.evidence import ShownKey
from sshdash.connections.trust.host_policy import HostPolicy
from sshdash.errors import HostKeyError
from sshdash.keys.blob import encode_blob, fingerprint
from sshdash.keys.known_hosts import KnownKey, parse_known_hosts
from sshdash.untrusted import clean, clean_lines

log = logging.getLogger(__name__)

_MOST = 8 * 1024 * 1024
_MOST_SAID = 8192


class KnownHostsCommand:
    """Runs the command of one host; `tell` gets what a person should know of it."""

    def __init__(self, policy: HostPolicy, tell: Callable[[str, str], None]) -> None:
        self._policy = policy
        self._tell = tell

    async def lines(
        self, invocation: str, name: str, shown: ShownKey | None = None
    ) -> tuple[KnownKey, ...]:
        """Return the lines that the command says of `name`, none where there is no command.

        `invocation` says what for: ORDER, HOSTNAME or ADDRESS. A command that cannot be started
        says nothing; one that fails refuses the server: raises HostKeyError.
        """
        words = self._words(invocation, name, shown) if self._policy.command and name else []
        if not words:
            return ()
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except OSError as error:
            reason = f"{clean(words[0])}: {error.strerror or error}"
            if not isinstance(error, FileNotFoundError) or _is_there(words[0]):
                raise self._failed(reason) from error
            self._tell("KnownHostsCommand cannot be run", reason)
            return ()
        try:
            printed, said, code = await _collect(process)
        finally:
            await processes.end(process, with_group=True)
        if said:
            self._tell("KnownHostsCommand says", clean_lines(said))
        if code or len(printed) > _MOST:
            raise self._failed(_how(words, code, said))
        text = printed.decode("utf-8", "surrogateescape")
        known = parse_known_hosts(text, f"KnownHostsCommand-{invocation}", from_command=True)
        return tuple(known.matching(name))

    def _failed(self, detail: str) -> HostKeyError:
        hint = "its exit status must be 0; try it in a shell"
        return HostKeyError("KnownHostsCommand failed", detail, hint, self._policy.host)

    def _words(self, invocation: str, name: str, shown: ShownKey | None) -> list[str]:
        """Return the command and its arguments; none, and a word about it, where it is wrong."""
        try:
            program, *rest = split_words(self._policy.command, comments=False) or [""]
            tokens = ChainMap(
                {
                    "H": name,
                    "I": invocation,
                    "t": shown.name if shown else "NONE",
                    "f": fingerprint(shown.key) if shown else "NONE",
                    "K": encode_blob(shown.data) if shown else "NONE",
                },
                self._policy.tokens,  # type: ignore[arg-type]
            )
            words = [program, *(expand(word, tokens, environment=True) for word in rest)]
        except LexError as error:
            self._tell("KnownHostsCommand cannot be run", str(error))
            return []
        except TokenError as error:
            raise HostKeyError(
                "KnownHostsCommand cannot be run", detail=str(error), host=self._policy.host
            ) from error
        if not os.path.isabs(program):
            self._tell("KnownHostsCommand cannot be run", f"{program}: its path is not absolute")
            return []
        return words


def _is_there(program: str) -> bool:
    """Return whether it is the program's interpreter that is missing."""
    return os.path.exists(program)


async def _collect(process: Process) -> tuple[bytes, bytes, int]:
    """Return what a process prints, what it says on its standard error, and its exit status."""
    assert process.stdout
    assert process.stderr
    printed, said = await asyncio.gather(
        _read(process.stdout, _MOST + 1), _read(process.stderr, _MOST_SAID)
    )
    return printed, said.strip(), await process.wait()


async def _read(stream: asyncio.StreamReader, most: int) -> bytes:
    """Return all of a stream, of which no more than `most` bytes are kept."""
    kept = b""
    while part := await stream.read(65536):
        kept = (kept + part)[:most]
    return kept


def _how(words: list[str], code: int, said: bytes) -> str:
    ended = f"exit status {code}" if code >= 0 else f"signal {-code}"
    text = f"{clean(shlex.join(words), 400)}: {ended}"
    return f"{text}\n{clean_lines(said, 10)}" if said else text
