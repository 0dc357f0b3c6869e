"""What the host key decisions of one run share: the files, what was accepted, who is told."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from sshdash.connections.trust.evidence import Evidence, read_evidence
from sshdash.connections.trust.host_policy import HostPolicy, Strictness
from sshdash.connections.trust.name_server import NameServers
from sshdash.errors import HostKeyError
from sshdash.events import EventBus, WarningRaised
from sshdash.keys.blob import blob_type
from sshdash.keys.known_hosts import KnownHosts, known_line
from sshdash.keys.known_hosts_file import append_line
from sshdash.prompts import Prompter
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_Scope = tuple[str, tuple[Path, ...], Strictness]


class HostTrust:
    """Decides for all connections of a run, and remembers what was accepted in it."""

    def __init__(self, prompter: Prompter, events: EventBus) -> None:
        self.prompter = prompter
        self.name_servers: Callable[[], NameServers] = NameServers.of_system
        """Who is asked for fingerprints where VerifyHostKeyDNS says so."""
        self._events = events
        self._accepted: dict[_Scope, set[bytes]] = {}
        self._unasked: set[tuple[str, bytes]] = set()
        """Names and keys that were added in this run though nothing vouches for them."""
        self._locks: dict[str, asyncio.Lock] = {}
        self._reported: set[tuple[str, int]] = set()

    async def evidence(self, policy: HostPolicy) -> Evidence:
        """Read the files off the loop and return what they say; raises HostKeyError."""
        accepted = frozenset(self._accepted.get(_scope(policy), ()))
        try:
            evidence = await asyncio.to_thread(read_evidence, policy, accepted)
        except OSError as error:
            raise HostKeyError(
                "Cannot read RevokedHostKeys",
                detail=f"{error.filename}: {error.strerror or error}",
                hint="mend the path, or take RevokedHostKeys away: without it nothing is revoked",
                host=policy.host,
            ) from error
        except ValueError as error:
            raise HostKeyError(
                "Cannot use RevokedHostKeys", detail=str(error), host=policy.host
            ) from error
        self._report(evidence.known)
        return evidence

    def _report(self, known: KnownHosts) -> None:
        for bad in known.bad:
            if (bad.file, bad.line) not in self._reported:
                self._reported.add((bad.file, bad.line))
                log.warning("%s:%d skipped: %s", bad.file, bad.line, clean(bad.reason))
                if bad.line == 0:
                    self.tell("A known_hosts file is not used", f"{bad.file} {bad.reason}")

    def tell(self, title: str, detail: str, host: str = "") -> None:
        """Tell a person what no question is asked about."""
        self._events.emit(WarningRaised(title, detail, host))

    def lock(self, name: str) -> asyncio.Lock:
        """Return what only one decision about a name holds at a time."""
        return self._locks.setdefault(name, asyncio.Lock())

    def accept(self, policy: HostPolicy, blob: bytes) -> None:
        """Trust a key for this run, wherever the configuration trusts as it does here."""
        self._accepted.setdefault(_scope(policy), set()).add(blob)

    def take_unasked(self, name: str, blob: bytes) -> None:
        """Note that a key is used which no person and no file has vouched for."""
        self._unasked.add((name, blob))

    def was_asked(self, name: str, blob: bytes) -> bool:
        """Return whether a key was found trusted, or accepted by a person."""
        return (name, blob) not in self._unasked

    async def remember(self, policy: HostPolicy, blob: bytes, names: Sequence[str]) -> str:
        """Write a key to known_hosts under `names`; return where, "" where that cannot be done.

        As in ssh a key that cannot be written is a reason for a warning, and for no more: it is
        trusted for this run.
        """
        file = policy.file
        if file is None:
            self.accept(policy, blob)
            return ""
        separate = names if policy.hash_names else [",".join(names)]
        kind = blob_type(blob)
        lines = "".join(known_line(name, blob, kind, policy.hash_names) for name in separate)
        try:
            await asyncio.to_thread(append_line, file, lines)
        except OSError as error:
            self.accept(policy, blob)
            title = "The host key is trusted for this run only"
            reason = (
                f"cannot write {file}: {error.strerror or error}; mend that to be asked no more"
            )
            self.tell(title, reason, policy.host)
            return ""
        return str(file)


def _scope(policy: HostPolicy) -> _Scope:
    """Return where an acceptance holds: what one host takes unasked, another must not find known.

    Two hosts may have the same address, and one of them ``StrictHostKeyChecking no``.
    """
    return policy.name, policy.user_files, policy.strictness
