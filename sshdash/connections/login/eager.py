"""Logs in with fewer round trips than the library would take.

It asks for the login together with the first try, and signs at once with the only key there is;
a server that reads on answers both. Nothing is sent that would not have been sent anyway, only
sooner, and nothing before the host key is known to be good.
"""

from typing import Any, cast

from asyncssh.constants import MSG_NEWKEYS, MSG_SERVICE_ACCEPT
from asyncssh.packet import Boolean, SSHPacket, String

from sshdash.connections.login.binding import Bound
from sshdash.connections.login.signing import KeyPair

_LOGIN = String("ssh-userauth")
"""The service that every login is (RFC 4252)."""


class Eager(Bound):
    """A client's connection that waits for no answer that it can foresee."""

    _presumed = False
    """Whether the login has begun and the server is still to say that it may."""

    @property
    def reads_on(self) -> bool:
        """Return whether the server is known to take what comes before its own answer."""
        return "OpenSSH" in str(self.get_extra_info("server_version") or "")

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> Any:
        """Begin the login once what is sent is encrypted; the server's consent comes later."""
        if pkttype == MSG_SERVICE_ACCEPT and self._presumed:
            self._presumed = False
            if packet.get_remaining_payload() == _LOGIN:
                return True
        result = super().process_packet(pkttype, pktid, packet)
        if pkttype == MSG_NEWKEYS and self._next_service and self.reads_on:
            self._presumed = True
            super().process_packet(MSG_SERVICE_ACCEPT, pktid, SSHPacket(_LOGIN))
        return result

    async def send_userauth_request(
        self, method: bytes, *args: bytes, key: Any = None, trivial: bool = True
    ) -> None:
        """Send a try; with a key that signs at once, its signature rather than a question."""
        if method == b"publickey" and key is None:
            pair = cast(KeyPair, cast(Any, self._auth)._keypair)
            if pair.signs_at_once:
                signed = Boolean(True), *args[1:]
                try:
                    await super().send_userauth_request(method, *signed, key=pair, trivial=False)
                except ValueError:
                    pass  # as for any other key, the server is asked first
                else:
                    return
        await super().send_userauth_request(method, *args, key=key, trivial=trivial)
