"""The host key decision: known, unknown, changed or revoked, and what follows from it.

The rules are OpenSSH's, with two differences to the safe side: a changed key is refused under
every StrictHostKeyChecking, and a revocation of the plain name holds for every port.

The library asks for its verdict inside the key exchange, where nobody can be asked anything.
So an unknown key is captured there and the exchange fails; then the person is asked, and a
second connection accepts that very key and no other. No credential is sent before.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from asyncssh.public_key import get_public_key_algs

from sshdash.config.resolver import ResolvedHost
from sshdash.errors import HostKeyError
from sshdash.events import EventBus, WarningRaised
from sshdash.keys.blob import blob_type, encode_blob, fingerprint, key_bits, type_name
from sshdash.keys.known_hosts import (
    KnownHosts,
    KnownKey,
    Marker,
    append_line,
    known_line,
    load_known_hosts,
)
from sshdash.keys.revoked import load_revoked
from sshdash.prompts import HostKeyAnswer, HostKeyQuestion, Prompter, RefusingPrompter
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_NEVER_STORED = frozenset({"none", "/dev/null"})
_MAX_NOTES = 4


class Verdict(Enum):
    """What known_hosts says of a key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


class Strictness(Enum):
    """StrictHostKeyChecking: what becomes of an unknown key."""

    REFUSE = "yes"
    ASK = "ask"
    ADD = "accept-new"

    @classmethod
    def of(cls, value: str | None) -> "Strictness":
        """Return the meaning of a StrictHostKeyChecking value (ssh_config(5))."""
        word = (value or "ask").lower()
        if word in ("yes", "true"):
            return cls.REFUSE
        return cls.ADD if word in ("accept-new", "no", "off", "false") else cls.ASK


@dataclass(frozen=True)
class HostPolicy:
    """What the configuration says about trusting one server."""

    host: str
    """The connection's name, for messages."""
    name: str
    """The name looked up in known_hosts."""
    plain_name: str
    """The name without its port, looked up where `name` says nothing; "" where it is no other."""
    user_files: tuple[Path, ...]
    global_files: tuple[Path, ...]
    strictness: Strictness
    hash_names: bool = False
    revoked_file: Path | None = None
    rsa_bits: int = 1024
    batch: bool = False
    """Nobody is to be asked."""

    @classmethod
    def of(cls, host: str, resolved: ResolvedHost) -> "HostPolicy":
        """Return the policy of a resolved host."""
        name = resolved.known_hosts_name
        plain = name[1:].partition("]:")[0] if name.startswith("[") else ""
        revoked = resolved.get("revokedhostkeys")
        return cls(
            host=host,
            name=name,
            plain_name=plain,
            user_files=_stored(resolved.user_known_hosts),
            global_files=_stored(resolved.global_known_hosts),
            strictness=Strictness.of(resolved.get("stricthostkeychecking")),
            hash_names=resolved.flag("hashknownhosts"),
            revoked_file=Path(revoked) if revoked and revoked.lower() != "none" else None,
            rsa_bits=resolved.number("requiredrsasize") or 1024,
            batch=resolved.flag("batchmode"),
        )


def _stored(files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(file for file in files if str(file) not in _NEVER_STORED)


@dataclass
class Evidence:
    """What the files say at one moment about one server."""

    known: KnownHosts
    mine: list[KnownKey]
    """The lines of the looked-up name."""
    plain: list[KnownKey]
    """The lines of the name without its port."""
    revoked: frozenset[bytes]
    accepted: frozenset[bytes]
    """Keys accepted for this run only."""

    def verdict(self, blob: bytes) -> tuple[Verdict, KnownKey | None]:
        """Return the verdict on a plain key, and the line it rests on."""
        for line in self._lines(Marker.REVOKED):
            if line.blob == blob:
                return Verdict.REVOKED, line
        if blob in self.revoked:
            return Verdict.REVOKED, None
        hosts = [line for line in self.mine if line.marker is Marker.HOST]
        fallback = [line for line in self.plain if line.marker is Marker.HOST]
        for line in hosts or fallback:
            if line.blob == blob:
                return Verdict.KNOWN, line
        if hosts:
            same_type = [line for line in hosts if line.key_type == blob_type(blob)]
            return Verdict.CHANGED, (same_type or hosts)[0]
        return (Verdict.KNOWN if blob in self.accepted else Verdict.UNKNOWN), None

    def known_types(self) -> set[str]:
        """Return the types of the keys that are known for this server."""
        known = {line.key_type for line in self._lines(Marker.HOST)}
        return known | {blob_type(blob) for blob in self.accepted}

    def authorities(self) -> set[bytes]:
        """Return the keys that may sign this server's certificates."""
        return {line.blob for line in self._lines(Marker.CA)}

    def revocations(self) -> set[bytes]:
        """Return the keys that may not be used for this server."""
        return {line.blob for line in self._lines(Marker.REVOKED)} | self.revoked

    def _lines(self, marker: Marker) -> Iterator[KnownKey]:
        return (line for line in (*self.mine, *self.plain) if line.marker is marker)


class HostTrust:
    """Decides for all connections of a run, and remembers what was accepted in it."""

    def __init__(self, prompter: Prompter, events: EventBus) -> None:
        self._prompter = prompter
        self._events = events
        self._accepted: dict[str, set[bytes]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._reported: set[tuple[str, int]] = set()

    async def check(self, policy: HostPolicy, route: tuple[str, ...]) -> "HostKeyCheck":
        """Return the check of one connection attempt.

        Raises HostKeyError where a file that must be read cannot be.
        """
        return HostKeyCheck(self, policy, route, await self.evidence(policy))

    async def evidence(self, policy: HostPolicy) -> Evidence:
        """Read the files off the loop and return what they say; raises HostKeyError."""
        accepted = frozenset(self._accepted.get(policy.name, ()))
        try:
            evidence = await asyncio.to_thread(_read_evidence, policy, accepted)
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
        self._accepted.setdefault(policy.name, set()).add(blob)
        if answer is HostKeyAnswer.ONCE or not policy.user_files:
            return
        file = policy.user_files[0]
        line = known_line(policy.name, blob, blob_type(blob), policy.hash_names)
        try:
            await asyncio.to_thread(append_line, file, line)
        except OSError as error:
            self._events.emit(
                WarningRaised(
                    "The host key is trusted for this run only",
                    detail=f"cannot write {file}: {error.strerror or error}",
                    host=policy.host,
                )
            )
            return
        if policy.strictness is Strictness.ADD:
            detail = f"{type_name(blob)} {fingerprint(blob)} added to {file}"
            self._events.emit(WarningRaised("New host key added", detail, policy.host))


def _not_trusted(title: str, policy: HostPolicy, question: HostKeyQuestion) -> HostKeyError:
    return HostKeyError(
        title,
        detail=f"{question.key_type} {question.fingerprint}",
        hint="nothing was sent; compare the fingerprint and add the key to known_hosts",
        host=policy.host,
    )


def _read_evidence(policy: HostPolicy, accepted: frozenset[bytes]) -> Evidence:
    known = load_known_hosts((*policy.user_files, *policy.global_files))
    revoked = load_revoked(policy.revoked_file) if policy.revoked_file else frozenset()
    plain = list(known.matching(policy.plain_name)) if policy.plain_name else []
    return Evidence(known, list(known.matching(policy.name)), plain, revoked, accepted)


@dataclass
class HostKeyCheck:
    """The check of one attempt: verdicts inside the key exchange, the question after it."""

    trust: HostTrust
    policy: HostPolicy
    route: tuple[str, ...]
    evidence: Evidence
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
            "HOST KEY CHANGED: someone may be intercepting, or the server was reinstalled",
            detail=(
                f"the server shows {_describe(blob)}, "
                f"known_hosts has {_describe(line.blob)} at {line.where}"
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
