"""The SSH agent: which keys it holds, and what it signs. It alone touches their private halves.

The protocol is that of draft-ietf-sshm-ssh-agent, with OpenSSH's extension that tells an agent
which server a connection leads to (PROTOCOL.agent): without it, keys that were added for certain
hosts only (``ssh-add -h``) sign nothing.
"""

import asyncio
import socket

from msgspec import Struct

from sshdash.keys.blob import BadBlob, read_string
from sshdash.keys.wire import string

_REQUEST_IDENTITIES = 11
_SIGN_REQUEST = 13
_ADD_IDENTITY = 17
_ADD_ID_CONSTRAINED = 25
_EXTENSION = 27

_SUCCESS = 6
_IDENTITIES_ANSWER = 12
_SIGN_RESPONSE = 14

_CONSTRAIN_LIFETIME = 1
_CONSTRAIN_CONFIRM = 2

_SHA2_FLAGS = {b"rsa-sha2-256": 2, b"rsa-sha2-512": 4}
_MAX_ANSWER = 256 * 1024
_MAX_KEYS = 2048


class AgentUnavailable(Exception):
    """The agent's socket is gone, refused, or does not speak the protocol."""


class AgentRefused(Exception):
    """The agent is there and said no."""


class AgentKey(Struct, frozen=True):
    """One key that an agent holds."""

    blob: bytes
    comment: bytes


class SessionBinding(Struct, frozen=True):
    """Which server an SSH connection leads to, and the proof: its signature of the session."""

    host_key: bytes
    session_id: bytes
    signature: bytes

    def request(self, forwarding: bool) -> bytes:
        """Return the agent request that binds what follows to this server.

        `forwarding` says that it is the server that will use the agent.
        """
        parts = (b"session-bind@openssh.com", self.host_key, self.session_id, self.signature)
        return bytes([_EXTENSION]) + b"".join(map(string, parts)) + bytes([forwarding])


class Agent:
    """A connection to an agent: one request at a time. It is closed after anything odd."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def get_keys(self) -> list[AgentKey]:
        """Return the keys it holds, in its order; none of one that is locked.

        Raises AgentUnavailable.
        """
        answer = await self._ask(bytes([_REQUEST_IDENTITIES]))
        if answer[:1] != bytes([_IDENTITIES_ANSWER]):
            raise AgentUnavailable("it does not list its keys")
        try:
            return _parse_keys(answer)
        except BadBlob as error:
            raise AgentUnavailable(f"its list of keys is damaged: {error}") from None

    async def sign(self, blob: bytes, data: bytes, algorithm: bytes) -> bytes:
        """Return the signature of `data` by the key `blob`, for people who agree to it.

        Raises AgentRefused, also for a signature by another algorithm, and AgentUnavailable.
        """
        flags = _SHA2_FLAGS.get(algorithm, 0)
        request = string(blob) + string(data) + flags.to_bytes(4, "big")
        answer = await self._ask(bytes([_SIGN_REQUEST]) + request)
        if answer[:1] != bytes([_SIGN_RESPONSE]):
            raise AgentRefused("the agent refused to sign (locked, denied, or bound to a host)")
        try:
            signature, _ = read_string(answer, 1)
            made, _ = read_string(signature)
        except BadBlob as error:
            raise AgentUnavailable(f"its signature is damaged: {error}") from None
        if made != algorithm:
            raise AgentRefused(f"the agent signs with {made!r} only, not with {algorithm!r}")
        return signature

    async def bind(self, binding: SessionBinding) -> bool:
        """Tell the agent which server it will sign for; return whether it took note.

        Agents that do not know the extension say no, and sign all the same. Raises
        AgentUnavailable.
        """
        return (await self._ask(binding.request(forwarding=False)))[:1] == bytes([_SUCCESS])

    async def add(
        self, private: bytes, comment: bytes, lifetime: int = 0, confirm: bool = False
    ) -> None:
        """Give it a private key, encoded for agents, for `lifetime` seconds (0: for good).

        With `confirm`, it asks before each use. Raises AgentRefused and AgentUnavailable.
        """
        limits = b""
        if lifetime:
            limits += bytes([_CONSTRAIN_LIFETIME]) + lifetime.to_bytes(4, "big")
        if confirm:
            limits += bytes([_CONSTRAIN_CONFIRM])
        kind = _ADD_ID_CONSTRAINED if limits else _ADD_IDENTITY
        answer = await self._ask(bytes([kind]) + private + string(comment) + limits)
        if answer[:1] != bytes([_SUCCESS]):
            raise AgentRefused("the agent does not take the key")

    def close(self) -> None:
        """Let it go; twice is once."""
        self._writer.close()

    async def _ask(self, request: bytes) -> bytes:
        """Return the answer to a request; after a failure or a cancellation there are no more."""
        async with self._turn:
            try:
                return await exchange(self._reader, self._writer, request)
            except BaseException:
                self.close()
                raise


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> bytes:
    """Return an agent's answer to one request; raises AgentUnavailable."""
    try:
        writer.write(string(request))
        await writer.drain()
        size = int.from_bytes(await reader.readexactly(4), "big")
        if not 0 < size <= _MAX_ANSWER:
            raise AgentUnavailable("it does not speak the agent protocol")
        return await reader.readexactly(size)
    except EOFError:
        raise AgentUnavailable("it closed the connection") from None
    except OSError as error:
        raise AgentUnavailable(error.strerror or str(error)) from None


async def open_agent(path: str) -> Agent:
    """Return a connection to the agent at `path`; raises AgentUnavailable."""
    try:
        return Agent(*await asyncio.open_unix_connection(path))
    except OSError as error:
        raise AgentUnavailable(error.strerror or str(error)) from None
    except ValueError as error:  # a NUL in the path
        raise AgentUnavailable(str(error)) from None


async def bound_socket(path: str, binding: SessionBinding | None) -> socket.socket:
    """Return a socket to the agent at `path`, bound to the server that will use it.

    Raises AgentUnavailable. An agent that does not know the extension is used as it is.
    """
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, path)
        if binding:
            await loop.sock_sendall(sock, string(binding.request(forwarding=True)))
            size = int.from_bytes(await _read(sock, 4), "big")
            if size > _MAX_ANSWER:
                raise AgentUnavailable("it does not speak the agent protocol")
            await _read(sock, size)
    except OSError as error:
        sock.close()
        raise AgentUnavailable(error.strerror or str(error)) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(sock, size - len(data))
        if not piece:
            raise AgentUnavailable("it closed the connection")
        data += piece
    return data


def _parse_keys(answer: bytes) -> list[AgentKey]:
    """Read an SSH_AGENT_IDENTITIES_ANSWER; raises BadBlob."""
    count = int.from_bytes(answer[1:5], "big")
    if count > _MAX_KEYS:
        raise BadBlob(f"it claims to hold {count} keys")
    keys = []
    at = 5
    for _ in range(count):
        blob, at = read_string(answer, at)
        comment, at = read_string(answer, at)
        read_string(blob)  # a key names its type, or is none
        keys.append(AgentKey(blob, comment))
    return keys
