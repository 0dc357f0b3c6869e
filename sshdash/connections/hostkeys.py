"""The host key decision: known, unknown, changed or revoked, and what follows from it.

A changed key is refused under every StrictHostKeyChecking, where OpenSSH with ``no`` would go
on with less.

The library asks for its verdict inside the key exchange, where nobody can be asked anything.
So an unknown key is captured there and the exchange fails; then the person is asked, and a
second connection accepts that very key and no other. No credential is sent before.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from asyncssh.public_key import get_public_key_algs

from sshdash.connections.evidence import (
    Evidence,
    HostPolicy,
    Strictness,
    Verdict,
    read_evidence,
)
from sshdash.connections.timeline import Timeline
from sshdash.errors import HostKeyError
from sshdash.events import EventBus, WarningRaised
from sshdash.keys.blob import blob_type, encode_blob, fingerprint, key_bits, type_name
from sshdash.keys.known_hosts import (
    KnownHosts,
    KnownKey,
    Marker,
    append_line,
    known_line,
)
from sshdash.prompts import HostKeyAnswer, HostKeyQuestion, Prompter, RefusingPrompter
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_MAX_NOTES = 4


class HostTrust:
    """Decides for all connections of a run, and remembers what was accepted in it."""

    def __init__(self, prompter: Prompter, events: EventBus) -> None:
        self._prompter = prompter
        self._events = events
        self._accepted: dict[str, set[bytes]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._reported: set[tuple[str, int]] = set()

    async def check(
        self, policy: HostPolicy, route: tuple[str, ...], timeline: Timeline
    ) -> "HostKeyCheck":
        """Return the check of one connection attempt.

        Raises HostKeyError where a file that must be read cannot be.
        """
        return HostKeyCheck(self, policy, route, await self.evidence(policy), timeline)

    async def evidence(self, policy: HostPolicy) -> Evidence:
        """Read the files off the loop and return what they say; raises HostKeyError."""
        accepted = frozenset(self._accepted.get(policy.name, ()))
        try:
            evidence = await asyncio.to_thread(read_evidence, policy, accepted)
        except OSError as error:
            raise HostKeyError(
                "Cannot read what is known about host keys",
                detail=f"{error.filename}: {error.strerror or error}",
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

    async def decide(self, policy: HostPolicy, question: HostKeyQuestion, blob: bytes) -> None:
        """Return when an unknown key may be trusted; raises HostKeyError when it may not."""
        async with self._locks.setdefault(policy.name, asyncio.Lock()):
            verdict, _ = (await self.evidence(policy)).verdict(blob)
            if verdict is Verdict.KNOWN:
                return
            answer: HostKeyAnswer | None = HostKeyAnswer.ACCEPT
            if policy.strictness is not Strictness.ADD:
                self._refuse_unasked(policy, question)
                answer = await self._prompter.ask(question)
            if answer is None:
                raise _not_trusted("Host key not accepted", policy, question)
            await self._remember(policy, blob, answer)

    def _refuse_unasked(self, policy: HostPolicy, question: HostKeyQuestion) -> None:
        """Raise HostKeyError where an unknown key is refused without asking anybody."""
        if policy.strictness is Strictness.REFUSE:
            reason = "StrictHostKeyChecking is yes"
        elif policy.batch:
            reason = "BatchMode is yes"
        elif isinstance(self._prompter, RefusingPrompter):
            reason = "nobody can be asked"
        else:
            return
        raise _not_trusted(f"Host key unknown, and {reason}", policy, question)

    async def _remember(self, policy: HostPolicy, blob: bytes, answer: HostKeyAnswer) -> None:
        """Write an accepted key to known_hosts, or keep it for this run where that cannot be."""
        if answer is HostKeyAnswer.ONCE or not policy.user_files:
            self._accepted.setdefault(policy.name, set()).add(blob)
            return
        file = policy.user_files[0]
        line = known_line(policy.name, blob, blob_type(blob), policy.hash_names)
        try:
            await asyncio.to_thread(append_line, file, line)
        except OSError as error:
            self._accepted.setdefault(policy.name, set()).add(blob)
            title = "The host key is trusted for this run only"
            detail = f"cannot write {file}: {error.strerror or error}"
        else:
            if policy.strictness is not Strictness.ADD:
                return
            title = "New host key added"
            detail = f"{type_name(blob)} {fingerprint(blob)} added to {file}"
        self._events.emit(WarningRaised(title, detail, policy.host))


def _not_trusted(title: str, policy: HostPolicy, question: HostKeyQuestion) -> HostKeyError:
    return HostKeyError(
        title,
        detail=f"{question.key_type} {question.fingerprint}",
        hint="nothing was sent; compare the fingerprint and add the key to known_hosts",
        host=policy.host,
    )


@dataclass
class HostKeyCheck:
    """The check of one attempt: verdicts inside the key exchange, the question after it."""

    trust: HostTrust
    policy: HostPolicy
    route: tuple[str, ...]
    evidence: Evidence
    timeline: Timeline
    certificates: bool = True
    """Whether host certificates may be asked for."""
    retry_plain: bool = False
    """Set when a certificate's signer was not known: worth a round with plain keys."""
    captured: bytes | None = None
    """An unknown key that waits for a decision."""
    refusal: HostKeyError | None = None
    _pinned: bytes | None = field(default=None, repr=False)

    @property
    def pinned_types(self) -> set[str]:
        """Return the key types to ask for first."""
        if self._pinned:
            return {blob_type(self._pinned)}
        return self.evidence.known_types()

    @property
    def wants_certificates(self) -> bool:
        """Return whether an authority is known whose certificate could be shown."""
        return self.certificates and not self._pinned and bool(self.evidence.authorities())

    def accept_key(self, blob: bytes) -> bool:
        """Return whether the key exchange may go on with this key."""
        verdict, line = self.evidence.verdict(blob)
        if type_name(blob) == "RSA" and key_bits(blob) < self.policy.rsa_bits:
            self.refusal = self._too_short(blob)
        elif verdict is Verdict.REVOKED:
            self.refusal = self._revoked(blob, line)
        elif verdict is Verdict.CHANGED and line:
            self.refusal = self._changed(blob, line)
        elif self._pinned is not None and blob != self._pinned:
            self.refusal = self._swapped(blob)
        elif verdict is Verdict.KNOWN or blob == self._pinned:
            return True
        else:
            self.captured = blob
        return False

    def accept_authority(self, blob: bytes) -> bool:
        """Return whether a host certificate may be signed by this key."""
        if blob in self.evidence.authorities():
            return True
        self.certificates = False
        self.retry_plain = True
        return False

    def library_answer(
        self, host: str, addr: str, port: int | None
    ) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """Return what the library is told of known_hosts: what no certificate may be made of.

        All else it asks of `accept_key` and `accept_authority`.
        """
        if not self.wants_certificates:
            return [], [], []
        known = get_public_key_algs()
        lines = [
            f"{blob_type(blob)} {encode_blob(blob)}".encode()
            for blob in self.evidence.revocations()
            if blob_type(blob).encode() in known
        ]
        return [], [], lines

    async def decide(self, address: str) -> None:
        """Ask about the captured key and pin it; raises HostKeyError where it is not trusted."""
        assert self.captured is not None
        blob, self.captured = self.captured, None
        await self.trust.decide(self.policy, self._question(blob, address), blob)
        self._pinned = blob

    def _question(self, blob: bytes, address: str) -> HostKeyQuestion:
        files = self.policy.user_files
        return HostKeyQuestion(
            host=clean(self.policy.name),
            address=address,
            route=self.route,
            key_type=clean(type_name(blob), 40),
            bits=key_bits(blob),
            fingerprint=fingerprint(blob),
            known_file=str(files[0]) if files else "",
            notes=tuple(self._notes(blob)),
        )

    def _notes(self, blob: bytes) -> Iterator[str]:
        for before in sorted(self.evidence.accepted):
            yield f"CAREFUL: until now, this run trusted another key: {_describe(before)}"
        others = [line for line in self.evidence.plain if line.marker is Marker.HOST]
        for line in others[:1]:
            yield f"{self.policy.plain_name} (port 22) has another key: {line.where}"
        same = list(self.evidence.known.names_of(blob))
        for line in same[:_MAX_NOTES]:
            name = "[hashed name]" if line.is_hashed else clean(line.names, 80)
            yield f"the same key is known as {name}: {line.where}"
        if len(same) > _MAX_NOTES:
            yield f"and under {len(same) - _MAX_NOTES} other names"

    def _changed(self, blob: bytes, line: KnownKey) -> HostKeyError:
        return HostKeyError(
            "HOST KEY CHANGED",
            detail=(
                "someone may be intercepting the connection, or the server was reinstalled\n"
                f"the server shows {_describe(blob)}\n"
                f"known_hosts has {_describe(line.blob)}\n"
                f"at {line.where}"
            ),
            hint=(
                "if the change is right, remove the old key: "
                f"ssh-keygen -R '{self.policy.name}' -f '{line.file}'"
            ),
            host=self.policy.host,
        )

    def _revoked(self, blob: bytes, line: KnownKey | None) -> HostKeyError:
        where = line.where if line else str(self.policy.revoked_file)
        return HostKeyError(
            "Host key revoked",
            detail=f"{_describe(blob)} is revoked at {where}",
            hint="the key counts as stolen; ask whoever runs the server",
            host=self.policy.host,
        )

    def _swapped(self, blob: bytes) -> HostKeyError:
        assert self._pinned is not None
        return HostKeyError(
            "The server showed another key after the question",
            detail=f"accepted {_describe(self._pinned)}, then came {_describe(blob)}",
            hint="someone may be intercepting the connection; nothing was sent",
            host=self.policy.host,
        )

    def _too_short(self, blob: bytes) -> HostKeyError:
        return HostKeyError(
            "Host key too short",
            detail=f"{_describe(blob)} has fewer than {self.policy.rsa_bits} bits",
            hint="RequiredRSASize sets the limit",
            host=self.policy.host,
        )


def _describe(blob: bytes) -> str:
    return f"{clean(type_name(blob), 40)} {fingerprint(blob)}"
