"""The place in the key exchange where a host key is judged, with all the time that takes.

The library asks for its verdict at once, where no person, program or name server can be asked.
Here the packet that shows the key waits until `HostKeyJudge.judge` is done with it; only then
does the library go on, and finds a key that is judged already. Nothing is sent meanwhile. What
this relies on inside the library is tested in `tests/live/test_hostkeys_hardening.py`.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import asyncssh
from asyncssh.constants import MSG_KEXINIT
from asyncssh.packet import PacketDecodeError, SSHPacket
from asyncssh.public_key import KeyImportError, decode_ssh_public_key

from sshdash.connections.transport.offers import first_common, read_offers
from sshdash.keys.blob import BadBlob, blob_type, certificate_type, plain_type
from sshdash.keys.certificate import is_certificate, parse_certificate
from sshdash.untrusted import clean

_SHOWS_KEY = "_process_reply"
"""The library's name of what handles the packet with the host key, in every key exchange."""
_GIVES_GROUP = "_process_group"
"""Its name of what handles a group for Diffie-Hellman that the server chose (RFC 4419)."""
_SMALLEST_GROUP, _LARGEST_GROUP = 2048, 8192
"""Bits of such a group, as OpenSSH has it: a large one would keep the processor busy for ever."""


class HostKeyJudge(Protocol):
    """Who decides whether a host key may be trusted."""

    untrusted: str
    """Why a key is used though nothing vouches for it, "" for one that is trusted."""

    async def judge(self, data: bytes) -> None:
        """Return where the key or certificate in `data` is trusted.

        Raises asyncssh.HostKeyNotVerifiable where it is not.
        """
        ...

    async def learn(self, connection: "Judged", keys: list[bytes]) -> None:
        """Take the host keys that a server says it has; raises nothing."""
        ...


class Judged(asyncssh.SSHClientConnection):
    """A client's connection that has its host keys judged by somebody who needs time."""

    judge: HostKeyJudge | None = None
    _good: bytes | None = None
    """The key that was found good."""
    _learning: asyncio.Future[None] | None = None
    _told = False

    @property
    def host_key_algorithm(self) -> bytes:
        """Return the algorithm that both sides agreed on for the host key's signature."""
        return plain_type(self._agreed()).encode()

    def _agreed(self) -> str:
        """Return the host key algorithm that both sides agreed on, "" for none."""
        ours, theirs = read_offers(self._client_kexinit), read_offers(self._server_kexinit)
        return (first_common(ours.host_key, theirs.host_key) if ours and theirs else None) or ""

    async def finish_learning(self, seconds: float) -> None:
        """Return when what the server told of its keys is dealt with, or given up."""
        if self._learning:
            await asyncio.wait([self._learning], timeout=seconds)
            self._learning.cancel()
            await asyncio.wait([self._learning])

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> Any:
        """Put the judge into the key exchange that begins with this packet."""
        result = super().process_packet(pkttype, pktid, packet)
        return self._begin(result) if pkttype == MSG_KEXINIT else result

    async def _begin(self, agreement: Any) -> None:
        await agreement
        exchange: Any = self._kex
        if exchange:
            exchange._packet_handlers = self._waiting(exchange._packet_handlers)

    def _waiting(self, handlers: Mapping[int, Callable[..., Any]]) -> dict[int, Callable[..., Any]]:
        ours = {_SHOWS_KEY: self._after_judgement, _GIVES_GROUP: _of_a_fair_size}
        return {
            kind: ours[handler.__name__](handler) if handler.__name__ in ours else handler
            for kind, handler in handlers.items()
        }

    def _after_judgement(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        def handle(exchange: Any, kind: int, number: int, packet: SSHPacket) -> Any:
            shown = SSHPacket(packet.get_remaining_payload()).get_string()
            _check_type(shown, self._agreed())
            if shown == self._good:  # as at every later key exchange
                return handler(exchange, kind, number, packet)
            return self._judge_then(shown, lambda: handler(exchange, kind, number, packet))

        return handle

    async def _judge_then(self, shown: bytes, go_on: Callable[[], None]) -> None:
        if self.judge is None:
            raise asyncssh.HostKeyNotVerifiable("nobody judges the host key")
        self.host_key_shown(shown)
        try:
            await self.judge.judge(shown)
        except BaseException:
            self.host_key_refused()
            raise
        if not self._transport:
            return  # the server did not wait
        self._good = shown
        if self.judge.untrusted:
            self.host_key_untrusted()
        go_on()

    def host_key_shown(self, data: bytes) -> None:
        """Take note that the server shows a key, before it is judged."""

    def host_key_untrusted(self) -> None:
        """Take note that the key is used though nothing vouches for it."""

    def host_key_refused(self) -> None:
        """Take note that the key is not trusted, or that nobody waits for the judgement."""

    def validate_server_host_key(self, key_data: bytes) -> asyncssh.SSHKey:
        """Return the key that was judged; the library's own rules are not asked."""
        if key_data != self._good:
            raise asyncssh.HostKeyNotVerifiable("the host key was not judged")
        key = host_key(key_data)
        verify = functools.partial(_verify, key.verify, self.host_key_algorithm)
        key.verify = verify  # type: ignore[method-assign]
        self._server_host_key = key
        return key

    def _process_hostkeys_00_at_openssh_dot_com_global_request(self, packet: SSHPacket) -> None:
        """Take the server's word on which host keys it has (PROTOCOL, section 2.5)."""
        keys = []
        while packet:
            keys.append(packet.get_string())
        if self.judge and not self._told:
            self._told = True
            self._learning = asyncio.ensure_future(self.judge.learn(self, keys))
        self._report_global_response(True)


def _check_type(shown: bytes, agreed: str) -> None:
    """Raise HostKeyNotVerifiable for a key of another type than the algorithm agreed on has.

    The library takes any, even one of a type that HostKeyAlgorithms leaves out.
    """
    plain = plain_type(agreed)
    wanted = "ssh-rsa" if plain.startswith("rsa-sha2-") else plain
    if plain != agreed:
        wanted = certificate_type(wanted)
    try:
        kind = blob_type(shown)
    except BadBlob as error:
        raise asyncssh.HostKeyNotVerifiable(str(error)) from None
    if kind != wanted:
        raise asyncssh.HostKeyNotVerifiable(
            f"{clean(agreed) or 'no algorithm'} was agreed on, and the server shows a key "
            f"of type {clean(kind, 60)}"
        )


def _verify(verify: Callable[[bytes, bytes], bool], agreed: bytes, data: bytes, sig: bytes) -> bool:
    """Return whether a signature is good, and by the algorithm that was agreed on."""
    try:
        algorithm = SSHPacket(sig).get_string()
    except PacketDecodeError:
        return False
    return algorithm == agreed and verify(data, sig)


def _of_a_fair_size(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return `handler` for groups that are neither too small nor too large."""

    def handle(exchange: Any, kind: int, number: int, packet: SSHPacket) -> Any:
        bits = SSHPacket(packet.get_remaining_payload()).get_mpint().bit_length()
        if not _SMALLEST_GROUP <= bits <= _LARGEST_GROUP:
            raise asyncssh.KeyExchangeFailed(f"the server chose a group of {bits} bits")
        return handler(exchange, kind, number, packet)

    return handle


def host_key(data: bytes) -> asyncssh.SSHKey:
    """Return the key in a blob, a certificate's where it is one that its authority signed.

    Raises asyncssh.HostKeyNotVerifiable for anything else.
    """
    try:
        if not is_certificate(blob_type(data)):
            return decode_ssh_public_key(data)
        certificate = parse_certificate(data)
        authority = decode_ssh_public_key(certificate.authority)
        if authority.verify(certificate.signed, certificate.signature):
            return decode_ssh_public_key(certificate.key)
    except (KeyImportError, ValueError):
        raise asyncssh.HostKeyNotVerifiable("the host key cannot be read") from None
    raise asyncssh.HostKeyNotVerifiable("the host certificate's signature is wrong")
