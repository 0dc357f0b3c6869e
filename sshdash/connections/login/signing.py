"""Key pairs as the SSH library wants them: a key of an agent, and one on disk that opens late."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

import asyncssh

from sshdash.keys.agent import Agent, AgentKey, AgentRefused, AgentUnavailable
from sshdash.keys.blob import (
    blob_type,
    certificate_type,
    fingerprint,
    is_certificate,
    key_bits,
    plain_type,
    signature_algorithms,
    type_name,
)
from sshdash.untrusted import clean

_SIGN_TIMEOUT = 120.0
"""Seconds the owner of an agent's key may take to confirm its use or touch a token."""

Patiently = Callable[["KeyPair", Awaitable[bytes]], Awaitable[bytes]]
"""Waits for the signature of an agent, which may be waiting for its owner."""
Opened = Callable[[], Awaitable[asyncssh.SSHKey]]


class KeyPair(asyncssh.SSHKeyPair):
    """A key pair that signs by way of `signed`; with a certificate, or as it is."""

    source = ""
    """Where its private half is, for people: "agent" or nothing."""
    signs_at_once = False
    """Whether it signs before the server has said that it would take it."""

    def __init__(self, blob: bytes, name: str, certificate: bytes = b"") -> None:
        self.base = plain_type(blob_type(blob))
        """The key type without its certificate."""
        algorithms = [one.encode() for one in signature_algorithms(self.base)]
        public = certificate or blob
        shown = blob_type(public).encode()
        super().__init__(shown, algorithms[0], algorithms, algorithms, public, name)
        self.signer = blob
        """The key that makes the signature."""
        self.name = clean(name or "unnamed", 120)

    @property
    def has_cert(self) -> bool:
        """Return whether it shows a certificate."""
        return is_certificate(self.public_data)

    @property
    def is_token(self) -> bool:
        """Return whether it lives on a FIDO token, which wants to be touched."""
        return self.base.startswith("sk-")

    @property
    def label(self) -> str:
        """Return the kind, the name and the place of the key, for people."""
        kind = type_name(self.signer) + " certificate" * self.has_cert
        return f"{kind} {self.name}" + (f" ({self.source})" if self.source else "")

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of the key that signs."""
        return fingerprint(self.signer)

    @property
    def rsa_bits(self) -> int | None:
        """Return the size of an RSA key, None for all others."""
        return key_bits(self.signer) if self.base == "ssh-rsa" else None

    def fitting(self, accepted: Iterable[str], server: Collection[bytes]) -> list[str]:
        """Return the names of `accepted` that this key can sign by, in their order.

        `server` is what the server says it takes, nothing where it does not say: only RSA keys
        have a choice, so only theirs is made by it. A server that does not say is too old for
        SHA-2, so RSA signs as it always did where the user allows that.
        """
        wanted = {blob_type(self.public_data)}
        if self.base == "ssh-rsa":
            wanted = set(signature_algorithms(self.base))
            wanted = set(map(certificate_type, wanted)) if self.has_cert else wanted
        names = [name for name in accepted if name in wanted]
        if self.base == "ssh-rsa" and server:
            return [name for name in names if plain_type(name).encode() in server]
        old = [name for name in names if plain_type(name) == "ssh-rsa"]
        return old or names

    def prepare(self, algorithms: list[str]) -> None:
        """Sign by one of `algorithms`, which `fitting` gave and of which there is one at least."""
        self.sig_algorithms = [plain_type(name).encode() for name in algorithms]
        self.set_sig_algorithm(self.sig_algorithms[0])

    def set_sig_algorithm(self, sig_algorithm: bytes) -> None:
        """Choose the signature's algorithm; an RSA certificate is then named by it, too."""
        self.sig_algorithm = sig_algorithm
        name = sig_algorithm.decode()
        if self.base != "ssh-rsa":
            name = blob_type(self.public_data)
        elif self.has_cert:
            name = certificate_type(name)
        self.algorithm = name.encode()

    async def sign_async(self, data: bytes) -> bytes:
        """Return the signature of `data`; raises ValueError where there is none."""
        raise NotImplementedError


class DiskKeyPair(KeyPair):
    """A private key on disk, opened when something must be signed."""

    _key_type = "local"

    def __init__(
        self,
        blob: bytes,
        path: Path,
        opened: Opened,
        certificate: bytes = b"",
        *,
        asks_nobody: bool = False,
    ) -> None:
        super().__init__(blob, str(path), certificate)
        self._opened = opened
        self.asks_nobody = asks_nobody
        """Whether it opens without a question to anybody."""

    async def sign_async(self, data: bytes) -> bytes:
        """Return the signature of `data`; raises ValueError where the key stays closed."""
        key = await self._opened()
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


class AgentKeyPair(KeyPair):
    """A key of the agent. The agent may ask its owner, who is told so meanwhile."""

    _key_type = "agent"
    source = "agent"

    def __init__(
        self,
        agent: Agent,
        key: AgentKey,
        patiently: Patiently,
        refused: Callable[["AgentKeyPair", str], None],
        certificate: bytes = b"",
    ) -> None:
        super().__init__(key.blob, key.comment.decode("utf-8", "replace"), certificate)
        self._agent = agent
        self._patiently = patiently
        self._refused = refused

    async def sign_async(self, data: bytes) -> bytes:
        """Return the agent's signature of `data`; raises ValueError where it refuses."""
        try:
            async with asyncio.timeout(_SIGN_TIMEOUT):
                signing = self._agent.sign(self.signer, data, self.sig_algorithm)
                return await self._patiently(self, signing)
        except TimeoutError:
            reason = "the agent did not sign in time"
        except AgentRefused as error:
            reason = clean(str(error))
        except AgentUnavailable as error:
            reason = f"the agent is gone: {clean(str(error))}"
        self._refused(self, reason)
        raise ValueError(reason)
