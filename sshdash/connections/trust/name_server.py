"""Asks the system's name servers for SSHFP records (VerifyHostKeyDNS).

Only ``options trust-ad`` in resolv.conf(5) makes a name server's word on authenticity count, as
it does for programs of the system: otherwise anybody on the way could have given it.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sshdash.keys.sshfp import Answer, BadMessage, question, read_answer

_FILE = Path("/etc/resolv.conf")
_PORT = 53
_MOST_SERVERS = 3
_MOST_SECONDS, _MOST_ATTEMPTS = 30, 5
_LARGEST = 65535


class NameServers(Struct, frozen=True):
    """Who is asked, and how."""

    addresses: tuple[tuple[str, int], ...] = (("127.0.0.1", _PORT),)
    are_trusted: bool = False
    """Whether their word on authenticity counts."""
    extended: bool = False
    """Whether DNSSEC is asked for by EDNS."""
    seconds: float = 5.0
    attempts: int = 2

    @classmethod
    def of_system(cls) -> "NameServers":
        """Return the name servers of this system."""
        try:
            text = _FILE.read_text("utf-8", "replace")
        except OSError:
            text = ""
        return read_resolv_conf(text, os.environ.get("RES_OPTIONS", ""))

    async def fingerprints(self, name: str) -> Answer | None:
        """Return what is said of `name`; None where nobody answers, or it is no name."""
        if _is_address(name):
            return None
        for _ in range(self.attempts):
            for server in self.addresses:
                with contextlib.suppress(OSError, TimeoutError, BadMessage):
                    async with asyncio.timeout(self.seconds):
                        return await self._ask(server, name)
        return None

    async def _ask(self, server: tuple[str, int], name: str) -> Answer:
        asked = question(
            name,
            secrets.randbelow(1 << 16),
            authentic=self.are_trusted,
            extended=self.extended,
        )
        answer = await _over(socket.SOCK_DGRAM, server, asked, _by_datagram)
        if answer.is_truncated:
            answer = await _over(socket.SOCK_STREAM, server, asked, _by_stream)
        return replace(answer, is_authentic=answer.is_authentic and self.are_trusted)


def read_resolv_conf(text: str, more_options: str = "") -> NameServers:
    """Return what resolv.conf(5) says, with the options of the variable RES_OPTIONS."""
    addresses: list[tuple[str, int]] = []
    options: list[str] = []
    for line in text.splitlines():
        keyword, *words = line.split("#")[0].split(";")[0].split() or [""]
        if keyword == "nameserver" and words and _is_address(words[0]):
            addresses.append((words[0], _PORT))
        elif keyword == "options":
            options += words
    options += more_options.split()
    found = NameServers(are_trusted="trust-ad" in options, extended="edns0" in options)
    if addresses:
        found = replace(found, addresses=tuple(addresses[:_MOST_SERVERS]))
    for option in options:
        name, _, value = option.partition(":")
        if name == "timeout" and value.isdecimal():
            found = replace(found, seconds=float(min(max(int(value), 1), _MOST_SECONDS)))
        elif name == "attempts" and value.isdecimal():
            found = replace(found, attempts=min(max(int(value), 1), _MOST_ATTEMPTS))
    return found


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


async def _over(
    kind: socket.SocketKind,
    server: tuple[str, int],
    asked: bytes,
    way: Callable[[socket.socket, bytes], Awaitable[Answer]],
) -> Answer:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, kind) as opened:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, server)
        return await way(opened, asked)


async def _by_datagram(opened: socket.socket, asked: bytes) -> Answer:
    """Return the first answer to the question; what answers others is passed over."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, asked)
    while True:
        message = await loop.sock_recv(opened, _LARGEST)
        with contextlib.suppress(BadMessage):
            return read_answer(message, asked)
        if message[:2] == asked[:2]:
            raise BadMessage("the name server has no answer")


async def _by_stream(opened: socket.socket, asked: bytes) -> Answer:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, len(asked).to_bytes(2, "big") + asked)
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        part = await loop.sock_recv(opened, _LARGEST)
        if not part:
            raise BadMessage("the answer ends too early")
        data += part
    return read_answer(data[2 : 2 + int.from_bytes(data[:2], "big")], asked)
