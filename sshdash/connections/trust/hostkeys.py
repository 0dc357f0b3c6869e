"""The host key decision: known, unknown, changed or revoked, and what follows from it.

StrictHostKeyChecking has OpenSSH's effects. With ``no`` a changed or revoked key is no end, but
then nothing that an interceptor could use is done: no password, no agent, no tunnels.

The key exchange waits for the decision, and no credential is sent before. Where the server does
not wait that long, the decision is made all the same, and the next connection accepts that very
key and no other.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncssh
from msgspec.structs import replace

from sshdash.connections.deadline import Deadline
from sshdash.connections.timeline import Phase, Timeline
from sshdash.connections.trust import hostkey_faults as faults
from sshdash.connections.trust import hostkey_questions as questions
from sshdash.connections.trust.evidence import AddressEvidence, Evidence, Finding, ShownKey, Verdict
from sshdash.connections.trust.host_policy import HostPolicy, Strictness, is_local
from sshdash.connections.trust.host_trust import HostTrust
from sshdash.connections.trust.judged import Judged, host_key
from sshdash.connections.trust.key_update import KeyUpdate
from sshdash.connections.trust.known_hosts_command import KnownHostsCommand
from sshdash.errors import HostKeyError
from sshdash.keys.blob import blob_type, fingerprint, key_bits, type_name
from sshdash.keys.known_hosts import KnownKey
from sshdash.keys.randomart import randomart
from sshdash.keys.sshfp import matches
from sshdash.prompts import HostKeyAnswer, HostKeyQuestion, RefusingPrompter
from sshdash.untrusted import clean

_CANCELLED = "given up"


@dataclass
class HostKeyCheck:
    """The check of one attempt, over all the connections it takes."""

    trust: HostTrust
    policy: HostPolicy
    route: tuple[str, ...]
    evidence: Evidence
    timeline: Timeline
    peer: str = ""
    """The server's address; empty where a jump host or a program leads to it."""
    deadline: Deadline = field(default_factory=lambda: Deadline(0), repr=False)
    """The attempt's clock: it stands still while a person is asked."""
    untrusted: str = ""
    """Why the key is used though nothing vouches for it: then no secret may be sent, and no
    agent, tunnel or window lent; "" for a key that is trusted."""
    may_learn: bool = False
    """Whether the server may tell its other keys: this one was known or accepted by a person."""
    refusal: HostKeyError | None = None
    changed: tuple[ShownKey, KnownKey] | None = None
    """The key that is not the known one, and that, for whom it can be shown to."""
    _remarks: list[str] = field(default_factory=list, repr=False)
    """What a person should know of the key when asked about it."""
    _fault: str = field(default="", repr=False)
    """What is wrong with the certificate that the server shows."""
    _pinned: bytes | None = field(default=None, repr=False)
    _deciding: "asyncio.Task[None] | None" = field(default=None, repr=False)
    _people: int = field(default=0, repr=False)
    """How many questions are open."""

    def __post_init__(self) -> None:
        """Set up the command that may know more keys."""
        self.command = KnownHostsCommand(self.policy, self._tell)

    @classmethod
    async def begin(
        cls, trust: HostTrust, policy: HostPolicy, route: tuple[str, ...], timeline: Timeline
    ) -> "HostKeyCheck":
        """Return the check of a new attempt.

        Raises HostKeyError where what must be known of revoked keys cannot be read.
        """
        check = cls(trust, policy, route, await trust.evidence(policy), timeline)
        said = await check.command.lines("ORDER", policy.name)
        check.evidence = replace(check.evidence, extra=said)
        return check

    @property
    def is_vouched_for(self) -> bool:
        """Return whether a person, a file or an authority says that the key is the host's.

        Nobody does where checking is off, or a key is added unasked (``accept-new``), even if
        known_hosts has it from then on.
        """
        key = self._pinned
        return (
            key is not None and not self.untrusted and self.trust.was_asked(self.policy.name, key)
        )

    # -- what is asked for in the key exchange

    @property
    def pinned_types(self) -> set[str]:
        """Return the key types to ask for first."""
        if self._pinned:
            return {blob_type(self._pinned)}
        return self.evidence.known_types()

    @property
    def wants_certificates(self) -> bool:
        """Return whether an authority is known whose certificate could be shown."""
        return not self._pinned and self.evidence.has_authority()

    def library_answer(
        self, host: str, addr: str, port: int | None
    ) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """Return what the library is told of known_hosts: nothing. `judge` decides."""
        return [], [], []

    # -- the verdict

    async def judge(self, data: bytes) -> None:
        """Return where the key or certificate in `data` is trusted.

        Raises asyncssh.HostKeyNotVerifiable where it is not; then `refusal` says why.
        """
        await self.close()
        self._deciding = asyncio.create_task(
            self._decide(data), name=f"deciding about the key of {self.policy.host}"
        )
        try:
            await asyncio.shield(self._deciding)
        except HostKeyError as error:
            self.refusal = error
            raise asyncssh.HostKeyNotVerifiable(error.title) from None

    async def explained(self, reason: str) -> HostKeyError:
        """Return why a key was refused, once a person has seen it where it is a changed one.

        `reason` is the library's.
        """
        prompter = self.trust.prompter
        if self.changed and not self.policy.batch and not isinstance(prompter, RefusingPrompter):
            shown, line = self.changed
            where = _with_port(self.peer, self.policy.port) if self.peer else ""
            await prompter.ask(questions.changed_key(self.policy, shown, line, where, self.route))
        return self.refusal or HostKeyError(
            "Host key not verifiable", detail=reason, host=self.policy.host
        )

    async def settled(self) -> bool:
        """Return, once a person has decided what the server did not wait for, whether to go on.

        False where there was no such decision. Raises HostKeyError where it was a refusal.
        """
        if self._deciding is None or self._deciding.done() or not self._people:
            return False
        await self._deciding
        return self._pinned is not None

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Stop the clock: people are asked, for this connection or for another like it."""
        self._people += 1
        try:
            with self.deadline.paused():
                yield
        finally:
            self._people -= 1

    async def close(self) -> None:
        """Give up a decision that nobody waits for any more."""
        if self._deciding:
            self._deciding.cancel(_CANCELLED)
            await asyncio.wait([self._deciding])
            if not self._deciding.cancelled():
                self._deciding.exception()  # somebody has seen it, or has lost interest

    async def _decide(self, data: bytes) -> None:
        """Return where a key is trusted; raises HostKeyError."""
        policy = self.policy
        self._fault = ""  # but once untrusted, always: the way there was not what it should be
        self._remarks.clear()
        try:
            shown = ShownKey.read(data)
            host_key(data)  # it is whole, and signed by its authority where it has one
            kind = type_name(shown.key)
        except (ValueError, asyncssh.HostKeyNotVerifiable) as error:
            raise HostKeyError(
                "The host key cannot be read", detail=clean(str(error)), host=policy.host
            ) from error
        if kind == "RSA" and key_bits(shown.key) < policy.rsa_bits:
            raise faults.too_short(policy, shown)
        where = self.evidence.revocation(shown)
        if where:
            raise faults.revoked(policy, shown, None, where)
        if policy.trust_localhost and is_local(self.peer) and not policy.has_alias:
            self._note("not checked: NoHostAuthenticationForLocalhost")
            return
        if policy.dns == "no" or not await self._dns_vouches(shown):
            await self._look_up(shown)
        self._pinned = shown.key
        if policy.visual:
            for row in (f"fingerprint {fingerprint(shown.key)}", *randomart(shown.key).split("\n")):
                self.timeline.note(Phase.HOST_KEY, row, plain=True)

    async def _dns_vouches(self, shown: ShownKey) -> bool:
        """Return whether the DNS alone is enough to trust a key; remark what it says."""
        answer = await self.trust.name_servers().fingerprints(self.policy.dns_name)
        if answer is None or not answer.fingerprints:
            self._remark("DNS has no fingerprint for it")
        elif not matches(answer.fingerprints, shown.key):
            text = f"DNS has other fingerprints for {clean(self.policy.dns_name)}"
            self._tell(text, f"the server shows {faults.describe(shown.key)}")
            self._remarks.append(f"CAREFUL: {text}")
        elif not answer.is_authentic:
            self._remark("DNS has this fingerprint, without DNSSEC")
        else:
            self._remark("DNS has this fingerprint, with DNSSEC")
            self.may_learn = self.policy.dns == "yes"
            return self.policy.dns == "yes"
        return False

    async def _look_up(self, shown: ShownKey) -> None:
        """Look a key up in known_hosts and act on what is found; raises HostKeyError."""
        said = await self.command.lines("HOSTNAME", self.policy.name, shown)
        found = Finding(Verdict.UNKNOWN)
        if shown.certificate:
            found = self.evidence.verdict(shown, said)
            if found.verdict is Verdict.KNOWN:
                self._fault = clean(
                    shown.certificate.fault(self.policy.hostname, self.policy.signatures)
                )
                if not self._fault:
                    self._note(_rests_on("its authority", found.line))
                    return
                self._remark(f"CAREFUL: its certificate is not valid: {self._fault}")
        if found.verdict is not Verdict.REVOKED:
            found = self.evidence.verdict(shown.plain, said)
        address: tuple[KnownKey, ...] = ()
        name = self.policy.address_name(self.peer)
        if name and not shown.certificate:
            address = (
                *self.evidence.address_lines(name),
                *await self.command.lines("ADDRESS", name, shown),
            )
        await self._act(shown, found, AddressEvidence(name, address, shown))

    async def _act(self, shown: ShownKey, found: Finding, address: AddressEvidence) -> None:
        policy = self.policy
        if self._pinned not in (None, shown.key):
            assert self._pinned is not None
            raise faults.swapped(policy, self._pinned, shown)
        if found.verdict is Verdict.REVOKED:
            self._unsafe(faults.revoked(policy, shown, found.line, ""))
            return
        if found.verdict is Verdict.CHANGED:
            assert found.line
            self.changed = (shown, found.line)
            self._unsafe(faults.changed(policy, shown, found.line, address.remark))
            return
        if found.verdict is Verdict.KNOWN:
            await self._known(shown, found, address)
        elif self._pinned is None:
            await self._unknown(shown, address)
        if address.line and not address.agrees:
            await self._other_address(shown, address, address.line)

    async def _known(self, shown: ShownKey, found: Finding, address: AddressEvidence) -> None:
        line = found.line
        self._note(_rests_on("known", line))
        if line is None or line not in self.evidence.mine:
            return  # it was accepted for this run, or is known for another port
        files = {str(file) for file in self.policy.global_files}
        self.may_learn = not files.intersection(address.files | {line.file})
        if address.is_new and self.policy.file and self.policy.is_writable:
            await self.trust.remember(self.policy, shown.key, [address.name])
            self._note(f"its address {address.name} added to {self.policy.file}")

    async def _unknown(self, shown: ShownKey, address: AddressEvidence) -> None:
        """Ask about a key, or add it; raises HostKeyError where it is not to be trusted."""
        with self._patience():
            async with self.trust.lock(self.policy.name):
                await self._introduce(shown, address)

    async def _introduce(self, shown: ShownKey, address: AddressEvidence) -> None:
        fresh = await self.trust.evidence(self.policy)
        self.evidence = replace(fresh, extra=self.evidence.extra)
        found = self.evidence.verdict(shown.plain)
        if found.verdict is Verdict.KNOWN:  # somebody was asked meanwhile
            self.may_learn = found.line in self.evidence.mine
            return
        names = [self.policy.name]
        if address.is_new and address.name != self.policy.name:
            names.append(address.name)
        self._refuse_unasked(shown)
        if self.policy.strictness is Strictness.ASK:
            await self._ask(shown, names)
            return
        self.trust.take_unasked(self.policy.name, shown.key)
        file = await self.trust.remember(self.policy, shown.key, names)
        if file:
            self._note(f"unknown, added to {file}")
            added = f"{faults.describe(shown.key)} added to {file}"
            self.trust.tell("New host key added", added, self.policy.host)

    async def _ask(self, shown: ShownKey, names: Sequence[str]) -> None:
        self._note("unknown; asking")
        where = _with_port(self.peer, self.policy.port) if self.peer else ""
        question: HostKeyQuestion = questions.unknown_key(
            self.policy, self.evidence, shown, where, self.route, self._remarks
        )
        answer = await self.trust.prompter.ask(question)
        if answer is None:
            self._note("not accepted")
            raise faults.not_trusted("Host key not accepted", self.policy, shown, self._fault)
        if answer is HostKeyAnswer.ONCE or not question.known_file:
            self.trust.accept(self.policy, shown.key)
            self._note("accepted for this run")
            return
        self.may_learn = True
        file = await self.trust.remember(self.policy, shown.key, names)
        self._note(f"accepted, added to {file}" if file else "accepted, but it cannot be written")

    def _refuse_unasked(self, shown: ShownKey) -> None:
        """Raise HostKeyError where an unknown key is refused without asking anybody."""
        policy = self.policy
        if policy.strictness is Strictness.REFUSE:
            reason = "StrictHostKeyChecking is yes"
        elif policy.strictness in (Strictness.ADD, Strictness.OFF):
            if policy.user_files and policy.is_writable:
                return
            reason = "there is no known_hosts file to add it to"
        elif policy.batch:
            reason = "BatchMode is yes"
        elif isinstance(self.trust.prompter, RefusingPrompter):
            reason = "nobody can be asked"
        else:
            return
        raise faults.not_trusted(f"Host key unknown, and {reason}", policy, shown, self._fault)

    async def _other_address(
        self, shown: ShownKey, address: AddressEvidence, line: KnownKey
    ) -> None:
        """Warn that the key is not the one of the server's address; raises HostKeyError."""
        error = faults.address_differs(self.policy, shown, address.name, line)
        if self.policy.strictness is Strictness.OFF:
            self._tell(error.title, error.detail)
            return
        question = questions.other_address(self.policy, shown, address.name, line)
        if self.policy.strictness is not Strictness.ASK or self.policy.batch:
            raise error
        with self._patience():
            if not await self.trust.prompter.ask(question):
                raise error

    def _unsafe(self, error: HostKeyError) -> None:
        """Refuse, or go on without all that an interceptor could use; see `untrusted`."""
        if self.policy.strictness is not Strictness.OFF:
            raise error
        if self.policy.forwards_or_nothing:
            error.hint = "ExitOnForwardFailure is yes, and nothing may be forwarded to it"
            raise error
        self.untrusted = error.title
        self._tell(
            f"{error.title}: connected without protection",
            f"StrictHostKeyChecking is no; {error.detail}\n"
            "passwords, agent forwarding and tunnels are off for this connection",
        )

    # -- the server's other keys

    async def learn(self, connection: Judged, keys: list[bytes]) -> None:
        """Let known_hosts follow the keys that a trusted server says it has (UpdateHostKeys)."""
        wanted = self.policy.update == "yes" or (
            self.policy.update == "ask" and not self.policy.batch
        )
        if wanted and self.may_learn and self.policy.file:
            name = self.policy.address_name(self.peer)
            await KeyUpdate(self.trust, self.policy, name, self.timeline).run(connection, keys)

    # -- telling

    def _note(self, text: str) -> None:
        self.timeline.note(Phase.HOST_KEY, text)

    def _remark(self, text: str) -> None:
        self._remarks.append(text)
        self._note(text)

    def _tell(self, title: str, detail: str) -> None:
        self._note(f"{title}: {detail.splitlines()[0] if detail else ''}")
        self.trust.tell(title, detail, self.policy.host)


def _rests_on(what: str, line: KnownKey | None) -> str:
    return f"{what}: {line.where}" if line else f"{what}: accepted for this run"


def _with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
