"""SSH agents: OpenSSH's own, and one that follows a script."""

import asyncio
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sshdash.keys.blob import read_string
from sshdash.keys.wire import string
from tests.servers.programs import require

_FAILURE = b"\x05"
_SUCCESS = b"\x06"


class RealAgent:
    """One ``ssh-agent`` on a socket of its own."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="agent-")
        self.path = Path(self.folder.name) / "socket"
        self._process = subprocess.Popen(
            [require("ssh-agent"), "-D", "-a", str(self.path), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        assert self._process.stdout
        self._process.stdout.readline()

    def add(self, *keys: Path, options: Sequence[str] = ()) -> None:
        """Give it keys, with options of ssh-add."""
        self._run("-q", *options, *map(str, keys))

    @property
    def listing(self) -> str:
        """Return its keys as ``ssh-add -L`` prints them."""
        return self._run("-L", check=False)

    def close(self) -> None:
        """End it; twice is once."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self.folder.cleanup()

    def _run(self, *words: str, check: bool = True) -> str:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.path)}
        done = subprocess.run(
            ["ssh-add", *words], check=check, capture_output=True, text=True, env=environment
        )
        return done.stdout


class TokenKey:
    """A FIDO key as a token would hold it: ``sk-ssh-ed25519@openssh.com``, made in software."""

    type = "sk-ssh-ed25519@openssh.com"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = string(self.type.encode()) + string(raw) + string(b"ssh:")

    def sign(self, data: bytes, flags: int) -> bytes:
        """Return the signature of somebody who touched the token (PROTOCOL.u2f)."""
        state = b"\x01" + (7).to_bytes(4, "big")
        signed = hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(data).digest()
        return string(self.type.encode()) + string(self._key.sign(signed)) + state


class FileKey:
    """A plain private key in an agent."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key
        self.blob = key.public_data

    def sign(self, data: bytes, flags: int) -> bytes:
        """Return the signature that is asked for."""
        algorithm = {2: b"rsa-sha2-256", 4: b"rsa-sha2-512"}.get(flags, self._key.algorithm)
        return bytes(self._key.sign(data, algorithm))


@dataclass
class Script:
    """What a scripted agent does. May be changed while it runs."""

    refuse: bool = False
    """It signs nothing."""
    leave: bool = False
    """It closes the connection where it should sign."""
    garbage: bool = False
    """It answers what is not the protocol."""
    narrow: bool = False
    """It ends over an extension, as agents do that know none."""
    silent: bool = False
    """It answers nothing at all."""
    signing: asyncio.Event | None = None
    """It signs when this is set: somebody touched the token."""


class ScriptedAgent:
    """An agent with `keys`, on a socket; `asked` are the types of the requests it got."""

    def __init__(self, *keys: TokenKey | FileKey, script: Script | None = None) -> None:
        self.keys = keys
        self.script = script or Script()
        self.asked: list[int] = []
        self.bindings: list[bytes] = []
        self.reached = asyncio.Event()
        """Set when it was asked to sign."""
        self._folder = tempfile.TemporaryDirectory(prefix="agent-")
        self.path = Path(self._folder.name) / "socket"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Be gone."""
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                answer = await self._answer(await reader.readexactly(size))
                if answer is None:
                    return
                writer.write(string(answer))
        except (EOFError, OSError):
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, request: bytes) -> bytes | None:
        kind = request[0]
        self.asked.append(kind)
        if self.script.silent:
            await asyncio.Event().wait()
        if self.script.garbage:
            return b"\xff" * 20
        if kind == 11:
            listed = b"".join(string(key.blob) + string(b"scripted key") for key in self.keys)
            return b"\x0c" + len(self.keys).to_bytes(4, "big") + listed
        if kind == 27 and self.script.narrow:
            return None
        if kind == 27:
            self.bindings.append(request)
            return _SUCCESS
        return await self._sign(request) if kind == 13 else _FAILURE

    async def _sign(self, request: bytes) -> bytes | None:
        self.reached.set()
        if self.script.signing:
            await self.script.signing.wait()
        if self.script.refuse or self.script.leave:
            return None if self.script.leave else _FAILURE
        blob, at = read_string(request, 1)
        data, at = read_string(request, at)
        flags = int.from_bytes(request[at : at + 4], "big")
        key = next(key for key in self.keys if key.blob == blob)
        return b"\x0e" + string(key.sign(data, flags))
