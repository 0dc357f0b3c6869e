"""Key pairs for public key authentication, in the order OpenSSH tries them.

First the agent's keys that the configuration names, then the agent's others, then keys that
are only on disk. A key on disk is opened when a server has said that it would take it, so
nobody types a passphrase in vain.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.algorithms import algorithms, is_chosen
from sshdash.keys.agent import AgentUnavailable, open_agent
from sshdash.keys.blob import blob_type, encode_blob, key_bits, type_name
from sshdash.keys.identities import Identity, load_identity
from sshdash.keys.keyring import AskPassphrase, KeyRing
from sshdash.untrusted import clean

_AGENT_TIMEOUT = 10.0
"""Seconds an agent may take to list its keys; one that hangs must not stop a connection."""
_RSA = b"ssh-rsa"
_RSA_SHA2 = (b"rsa-sha2-512", b"rsa-sha2-256")

_SIGN_TIMEOUT = 120.0
"""Seconds the owner of an agent's key may take to confirm its use or touch a token."""

Asking = Callable[[], AbstractContextManager[None]]
"""Stops the connection's clock while it is entered."""
Opened = Callable[[], Awaitable[asyncssh.SSHKey]]


class DiskKeyPair(asyncssh.SSHKeyPair):
    """A private key on disk, opened when something must be signed."""

    _key_type = "local"

    def __init__(
        self,
        public: asyncssh.SSHKey,
        path: Path,
        opened: Opened,
        certificate: asyncssh.SSHCertificate | None = None,
    ) -> None:
        super().__init__(
            public.algorithm,
            public.algorithm,
            public.sig_algorithms,
            public.sig_algorithms,
            public.public_data,
            str(path),
            certificate,
        )
        self._opened = opened

    async def sign_async(self, data: bytes) -> bytes:
        """Return the signature of `data`; raises ValueError where the key stays closed."""
        key = await self._opened()
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


class AgentKeyPair(asyncssh.SSHAgentKeyPair):
    """A key of the agent. The agent may ask its owner, so the clock stands still meanwhile."""

    def __init__(
        self,
        agent: asyncssh.SSHAgentClient,
        pair: asyncssh.SSHKeyPair,
        asking: Asking,
        refused: Callable[[asyncssh.SSHKeyPair, str], None],
        certificate: asyncssh.SSHCertificate | None = None,
    ) -> None:
        comment = pair.get_comment_bytes() or b""
        super().__init__(agent, pair.key_algorithm, pair.key_public_data, comment)
        if certificate is not None:
            self.set_certificate(certificate)
        self._asking = asking
        self._refused = refused

    async def sign_async(self, data: bytes) -> bytes:
        """Return the agent's signature of `data`; raises ValueError where it refuses."""
        try:
            with self._asking():
                async with asyncio.timeout(_SIGN_TIMEOUT):
                    return await super().sign_async(data)
        except TimeoutError:
            self._refused(self, "the agent did not sign in time")
            raise ValueError("the agent did not sign in time") from None
        except ValueError as error:
            self._refused(self, "the agent refused to sign (locked, denied, or bound to a host)")
            raise ValueError(str(error)) from None


@dataclass
class KeyReport:
    """What became of the keys: for the message when none of them was enough."""

    offered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Keys on disk that must not or cannot be used, each with the reason."""
    notes: list[str] = field(default_factory=list)
    """What else went wrong: an agent that is gone, a passphrase not given."""


class KeyPairs:
    """The key pairs of one attempt, one after the other."""

    def __init__(
        self, resolved: ResolvedHost, keyring: KeyRing, ask: AskPassphrase, asking: Asking
    ) -> None:
        self.report = KeyReport()
        self._resolved = resolved
        self._keyring = keyring
        self._ask = ask
        self._asking = asking
        self._rsa_bits = resolved.number("requiredrsasize") or 1024
        self._sha1 = "ssh-rsa" in algorithms(resolved, "pubkeyacceptedalgorithms")
        self._agent: asyncssh.SSHAgentClient | None = None
        self._queue: deque[asyncssh.SSHKeyPair | Identity] | None = None

    async def next(self) -> asyncssh.SSHKeyPair | None:
        """Return the next pair to offer, None once there are no more."""
        if self._queue is None:
            self._queue = deque(await self._gather())
        while self._queue:
            found = self._queue.popleft()
            if isinstance(found, Identity):
                self._queue.extendleft(reversed(await self._disk_pairs(found)))
            elif self._usable(found):
                self.report.offered.append(_describe(found))
                return found
        return None

    def close(self) -> None:
        """Let the agent go."""
        if self._agent:
            self._agent.close()
            self._agent = None

    async def _gather(self) -> list[asyncssh.SSHKeyPair | Identity]:
        """Return the agent's pairs, then the identities whose keys are only on disk."""
        identities = await asyncio.to_thread(self._load)
        in_agent = await self._agent_pairs()
        wanted = [identity.blob for identity in identities if identity.blob]
        named = [pair for pair in in_agent if pair.key_public_data in wanted]
        named.sort(key=lambda pair: wanted.index(pair.key_public_data))
        others = [pair for pair in in_agent if pair not in named]
        if self._resolved.identities_only:
            others = []
        found: list[asyncssh.SSHKeyPair | Identity] = []
        for pair in (*named, *others):
            found += self._with_certificates(pair, identities)
        held = {pair.key_public_data for pair in in_agent}
        found += [
            identity
            for identity in identities
            if identity.private and not identity.problem and identity.blob not in held
        ]
        return found

    def _load(self) -> list[Identity]:
        certificates = self._resolved.certificate_files
        found = []
        for path in self._resolved.identity_files:
            identity = load_identity(path, certificates)
            if identity is None:
                if is_chosen(self._resolved, "identityfile"):
                    self.report.notes.append(f"{path} does not exist")
                continue
            if identity.problem:
                self.report.refused.append(f"{path} {identity.problem}")
            found.append(identity)
        return found

    async def _agent_pairs(self) -> list[asyncssh.SSHKeyPair]:
        path = self._resolved.identity_agent
        if not path:
            return []
        try:
            async with asyncio.timeout(_AGENT_TIMEOUT):
                self._agent = await open_agent(path)
                return list(await self._agent.get_keys())
        except TimeoutError:
            self.report.notes.append(f"the agent at {path} does not answer")
        except (AgentUnavailable, ValueError) as error:
            self.report.notes.append(f"the agent at {path} cannot be used: {clean(str(error))}")
        return []

    def _with_certificates(
        self, pair: asyncssh.SSHKeyPair, identities: list[Identity]
    ) -> list[asyncssh.SSHKeyPair]:
        """Return an agent's key with each certificate found on disk, then as it is."""
        pairs: list[asyncssh.SSHKeyPair] = [
            self._agent_pair(pair, certificate)
            for identity in identities
            if identity.blob == pair.public_data
            for certificate in identity.certificates
        ]
        return [*pairs, self._agent_pair(pair)]

    def _agent_pair(
        self, pair: asyncssh.SSHKeyPair, certificate: asyncssh.SSHCertificate | None = None
    ) -> AgentKeyPair:
        assert self._agent
        return AgentKeyPair(self._agent, pair, self._asking, self._note_refusal, certificate)

    def _note_refusal(self, pair: asyncssh.SSHKeyPair, reason: str) -> None:
        self.report.notes.append(f"{_describe(pair)}: {reason}")

    async def _disk_pairs(self, identity: Identity) -> list[asyncssh.SSHKeyPair]:
        """Return a key on disk with each of its certificates, then as it is."""
        try:
            public = await self._public(identity)
        except (ValueError, OSError) as error:
            self._note_failure(identity.path, error)
            return []
        opened = self._opener(identity)
        return [
            DiskKeyPair(public, identity.path, opened, certificate)
            for certificate in (*identity.certificates, None)
        ]

    async def _public(self, identity: Identity) -> asyncssh.SSHKey:
        """Return the public half, opening the key only where nothing else tells it."""
        if identity.blob is None:
            return await self._open(identity)
        text = f"{blob_type(identity.blob)} {encode_blob(identity.blob)}"
        return asyncssh.import_public_key(text)

    def _opener(self, identity: Identity) -> Opened:
        async def opened() -> asyncssh.SSHKey:
            try:
                return await self._open(identity)
            except (ValueError, OSError) as error:
                self._note_failure(identity.path, error)
                raise ValueError(str(error)) from None

        return opened

    async def _open(self, identity: Identity) -> asyncssh.SSHKey:
        return await self._keyring.private_key(identity.path, identity.encrypted, self._ask)

    def _note_failure(self, path: Path, error: Exception) -> None:
        note = f"{path}: {clean(str(error))}"
        if note not in self.report.notes:
            self.report.notes.append(note)

    def _usable(self, pair: asyncssh.SSHKeyPair) -> bool:
        """Prefer SHA-2 for RSA, and refuse RSA keys shorter than RequiredRSASize."""
        if pair.key_algorithm != _RSA:
            return True
        if key_bits(pair.key_public_data) < self._rsa_bits:
            name = clean(pair.get_comment(errors="replace") or "a key", 80)
            self.report.notes.append(f"{name} is an RSA key of fewer than {self._rsa_bits} bits")
            return False
        if not pair.has_cert:
            pair.sig_algorithms = (*_RSA_SHA2, _RSA) if self._sha1 else _RSA_SHA2
            if not self._sha1:
                pair.set_sig_algorithm(_RSA_SHA2[0])
        return True


def _describe(pair: asyncssh.SSHKeyPair) -> str:
    """Return the kind and the name of a pair, for people."""
    name = clean(pair.get_comment(errors="replace") or "unnamed", 80)
    source = " (agent)" if pair.get_key_type() == "agent" else ""
    certificate = " certificate" if pair.has_cert else ""
    return f"{type_name(pair.key_public_data)}{certificate} {name}{source}"
