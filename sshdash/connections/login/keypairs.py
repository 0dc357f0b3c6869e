"""Key pairs for public key authentication, in the order OpenSSH tries them.

First the certificates that CertificateFile names, then the agent's keys that the configuration
names, then the agent's others, then keys that are only on disk. A key on disk is opened when a
server has said that it would take it, so nobody types a passphrase in vain. The only key there
is signs without that, which saves a round trip, where nobody is asked anything for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncssh
from msgspec import Struct, field

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.login.binding import Bound
from sshdash.connections.login.interview import Interview
from sshdash.connections.login.signing import AgentKeyPair, DiskKeyPair, KeyPair, Opened
from sshdash.connections.transport.algorithms import algorithms, is_chosen
from sshdash.keys.agent import Agent, AgentKey, AgentRefused, AgentUnavailable, open_agent
from sshdash.keys.blob import blob_type, is_certificate
from sshdash.keys.identities import Certificate, Identity, load_certificate, load_identity
from sshdash.keys.keyring import KeyRing
from sshdash.untrusted import clean

_AGENT_TIMEOUT = 10.0
"""Seconds an agent may take to list its keys; one that hangs must not stop a connection."""


class KeyReport(Struct):
    """What became of the keys: for the message when none of them was enough."""

    offered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Keys on disk that must not or cannot be used, each with the reason."""
    notes: list[str] = field(default_factory=list)
    """What else went wrong: an agent that is gone, a passphrase not given."""

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)


class KeyPairs:
    """The key pairs of one attempt, one after the other."""

    def __init__(
        self,
        resolved: ResolvedHost,
        keyring: KeyRing,
        interview: Interview,
        connection: Callable[[], Bound | None],
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.report = KeyReport()
        self._resolved = resolved
        self._keyring = keyring
        self._interview = interview
        self._connection = connection
        self._tell = tell
        """Records what is done, for whoever looks closer."""
        self._rsa_bits = resolved.number("requiredrsasize") or 1024
        self._accepted = algorithms(resolved, "pubkeyacceptedalgorithms")
        self._agent: Agent | None = None
        self._queue: deque[KeyPair | Identity] | None = None
        self._tried: list[KeyPair] = []

    async def next(self) -> KeyPair | None:
        """Return the next pair to offer, None once there are no more."""
        if self._queue is None:
            found = await self._gather()
            if len(found) == 1 and isinstance(only := found[0], DiskKeyPair):
                only.signs_at_once = only.asks_nobody
            self._queue = deque(found)
        while self._queue:
            pair = self._queue.popleft()
            if isinstance(pair, Identity):
                self._queue.extendleft(reversed(await self._opened_pairs(pair)))
            elif self._usable(pair):
                self.report.offered.append(pair.label)
                self._tell(f"offering {pair.label}")
                self._tried.append(pair)
                return pair
        self._tried.clear()  # as in OpenSSH, a method that has nothing left is over
        return None

    def again(self) -> None:
        """Offer the keys that were tried once more, after the others: the server wants another.

        It is so that two keys can be asked for, one after the other.
        """
        if self._queue is not None:
            self._queue.extend(self._tried)
            self._tried.clear()

    def close(self) -> None:
        """Let the agent go."""
        if self._agent:
            self._agent.close()
            self._agent = None

    # -- which there are ----------------------------------------------------------------------

    async def _gather(self) -> list[KeyPair | Identity]:
        """Return all there are, in order. Identities stand for keys that must be opened first."""
        identities, certificates = await asyncio.to_thread(self._load)
        held = await self._agent_keys()
        in_agent = {key.blob: key for key in held}
        on_disk = {one.blob: one for one in identities if one.blob and self._is_openable(one)}
        configured = {one.blob for one in identities}
        if not certificates:
            configured |= {one.certificate.blob for one in identities if one.certificate}
        found: list[KeyPair | Identity] = []
        for certificate in certificates:
            found += self._certified(certificate, in_agent, on_disk)
        found += [self._agent_pair(key) for key in held if key.blob in configured]
        if not self._resolved.identities_only:
            found += [self._agent_pair(key) for key in held if key.blob not in configured]
        for identity in identities:
            if identity.blob not in in_agent and self._is_openable(identity):
                found.append(self._disk_pair(identity) if identity.blob else identity)
            own = identity.certificate
            if own and not certificates and own.blob not in in_agent:
                found += self._certified(own, in_agent, on_disk)
        return found

    def _load(self) -> tuple[list[Identity], list[Certificate]]:
        """Read the files of the configuration."""
        provider = self._resolved.get("pkcs11provider") or "none"
        if provider.lower() != "none":
            self.report.note(
                f"PKCS11Provider is not loaded; ssh-add -s {provider} puts its keys into an agent"
            )
        identities: list[Identity] = []
        chosen = is_chosen(self._resolved, "identityfile")
        for path in self._resolved.identity_files:
            identity = load_identity(path)
            if identity is None:
                if chosen:
                    self.report.note(f"{path} does not exist")
                continue
            if identity.problem:
                self.report.refused.append(f"{path} {identity.problem}")
            identities.append(identity)
        certificates: list[Certificate] = []
        for path in self._resolved.certificate_files:
            try:
                certificates.append(load_certificate(path))
            except OSError as error:
                self.report.note(f"{path}: {error.strerror or error}")
            except ValueError as error:
                self.report.note(f"{path} is no certificate: {clean(str(error))}")
        return identities, certificates

    def _is_openable(self, identity: Identity) -> bool:
        """Return whether the private key is on disk and may be used from there."""
        return identity.private and not identity.problem

    async def _agent_keys(self) -> list[AgentKey]:
        path = self._resolved.identity_agent
        if not path:
            return []
        try:
            async with asyncio.timeout(_AGENT_TIMEOUT):
                self._agent = await open_agent(path)
                return await self._keys_for_here(self._agent, path)
        except TimeoutError:
            self.report.note(f"the agent at {path} does not answer")
        except AgentUnavailable as error:
            self.report.note(f"the agent at {path} cannot be used: {clean(str(error))}")
        self.close()
        return []

    async def _keys_for_here(self, agent: Agent, path: str) -> list[AgentKey]:
        """Return the keys that may sign for this server, and note those that may not."""
        keys = await agent.get_keys()
        connection = self._connection()
        if connection is None or connection.binding is None:
            return keys
        try:
            bound = await agent.bind(connection.binding)
        except AgentUnavailable:  # it ends over what it does not know
            self._agent = await open_agent(path)
            return await self._agent.get_keys()
        here = await agent.get_keys()
        self._tell(f"the agent has {len(here)} keys, {'' if bound else 'not '}bound to this host")
        for key in keys:
            if key not in here:
                name = clean(key.comment, 120)
                self.report.note(f"{name} in the agent is bound to other hosts (ssh-add -h)")
        return here

    # -- as pairs -----------------------------------------------------------------------------

    def _certified(
        self,
        certificate: Certificate,
        in_agent: dict[bytes, AgentKey],
        on_disk: dict[bytes, Identity],
    ) -> list[KeyPair]:
        """Return the pair that shows a certificate from disk, none where nobody can sign it."""
        if certificate.problem:
            self.report.note(f"{certificate.path} {certificate.problem}")
        if "users" in certificate.problem:
            return []
        if certificate.key in in_agent:
            return [self._agent_pair(in_agent[certificate.key], certificate.blob)]
        if certificate.key in on_disk:
            return [self._disk_pair(on_disk[certificate.key], certificate.blob)]
        if certificate.path in self._resolved.certificate_files:
            self.report.note(f"{certificate.path} has no private key here or in the agent")
        return []

    def _agent_pair(self, key: AgentKey, certificate: bytes = b"") -> AgentKeyPair:
        assert self._agent
        return AgentKeyPair(
            self._agent, key, self._interview.patiently, self._note_refusal, certificate
        )

    def _disk_pair(self, identity: Identity, certificate: bytes = b"") -> DiskKeyPair:
        assert identity.blob
        opener, keeps = self._opener(identity), self._resolved.get("addkeystoagent") or "no"
        asks_nobody = not identity.encrypted and keeps == "no"
        return DiskKeyPair(
            identity.blob, identity.path, opener, certificate, asks_nobody=asks_nobody
        )

    async def _opened_pairs(self, identity: Identity) -> Sequence[KeyPair]:
        """Return the pair of a key whose public half only the passphrase tells."""
        try:
            key = await self._open(identity)
        except (ValueError, OSError) as error:
            self._note_failure(identity.path, error)
            return []
        return [DiskKeyPair(key.public_data, identity.path, self._opener(identity))]

    def _opener(self, identity: Identity) -> Opened:
        async def opened() -> asyncssh.SSHKey:
            try:
                return await self._open(identity)
            except (ValueError, OSError) as error:
                self._note_failure(identity.path, error)
                raise ValueError(str(error)) from None

        return opened

    async def _open(self, identity: Identity) -> asyncssh.SSHKey:
        attempts = self._resolved.number("numberofpasswordprompts")
        with self._interview.deadline.paused():
            key = await self._keyring.private_key(
                identity.path,
                identity.encrypted,
                self._interview.passphrase,
                3 if attempts is None else attempts,
                self._interview.batch,
            )
        if identity.blob not in (None, key.public_data):
            raise ValueError("the public half beside it belongs to another key")
        await self._give_to_agent(identity, key)
        return key

    # -- what becomes of them -----------------------------------------------------------------

    async def _give_to_agent(self, identity: Identity, key: asyncssh.SSHKey) -> None:
        """Do what AddKeysToAgent says with a key that was opened."""
        choice, *limit = (self._resolved.get("addkeystoagent") or "no").split()
        if choice == "no" or self._agent is None or identity.path in self._keyring.not_for_agents:
            return
        if choice == "ask" and not await self._interview.agrees(
            f"Add {identity.path} to the agent?", "until the agent ends", "Add it"
        ):
            self._keyring.not_for_agents.add(identity.path)
            return
        (pair,) = asyncssh.load_keypairs([key])
        comment = key.get_comment_bytes() or str(identity.path).encode()
        lifetime = int(limit[0]) if limit else 0
        try:
            async with asyncio.timeout(_AGENT_TIMEOUT):
                await self._agent.add(
                    pair.get_agent_private_key(), comment, lifetime, choice == "confirm"
                )
            self._tell(f"added {identity.path} to the agent")
        except (TimeoutError, AgentRefused, AgentUnavailable) as error:
            self.report.note(f"{identity.path} was not added to the agent: {clean(str(error))}")

    def _note_refusal(self, pair: KeyPair, reason: str) -> None:
        self.report.note(f"{pair.label}: {reason}")

    def _note_failure(self, path: Path, error: Exception) -> None:
        self.report.note(f"{path}: {clean(str(error))}")

    def _usable(self, pair: KeyPair) -> bool:
        """Return whether a pair can be offered, after choosing how it signs; else say why not."""
        bits = pair.rsa_bits
        if bits is not None and bits < self._rsa_bits:
            self.report.note(f"{pair.name} is an RSA key of fewer than {self._rsa_bits} bits")
            return False
        if pair.is_token and isinstance(pair, DiskKeyPair):
            self.report.note(f"{pair.name} is a FIDO key; use it through an agent: ssh-add")
            return False
        connection = self._connection()
        server = connection.server_signature_algorithms if connection else frozenset()
        names = pair.fitting(self._accepted, server)
        if names:
            pair.prepare(names)
            return True
        who = "PubkeyAcceptedAlgorithms does not"
        if pair.fitting(self._accepted, frozenset()):
            who = "the server does not"
        kind = blob_type(pair.public_data)
        what = "certificates" if is_certificate(pair.public_data) else "keys"
        self.report.note(f"{pair.name} was passed over: {who} take {what} of type {kind}")
        return False
