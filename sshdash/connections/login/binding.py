"""Ties an agent, and the signatures of keys, to the server that a connection leads to.

OpenSSH's agents need this for keys that may be used for certain hosts only (``ssh-add -h``): the
server's signature of the key exchange shows them where their signature will go (PROTOCOL.agent),
and publickey-hostbound (PROTOCOL, section 3) puts the host key into what is signed.
"""

from collections.abc import Awaitable
from typing import Any, Protocol

import asyncssh
from asyncssh.channel import SSHUNIXChannel
from asyncssh.constants import MSG_EXT_INFO, MSG_USERAUTH_FAILURE
from asyncssh.forward import SSHForwarder
from asyncssh.packet import PacketDecodeError, SSHPacket, String

from sshdash.connections.login.prompt_text import INTERACTIVE, PASSWORD, as_utf8
from sshdash.keys.agent import AgentUnavailable, SessionBinding, bound_socket

_HOSTBOUND = b"publickey-hostbound@openssh.com"
_MSG_REQUEST = 60
"""What the server asks within a method: its prompts, or a new password."""
_METHOD = b"publickey-hostbound-v00@openssh.com"


class LoginListener(Protocol):
    """Who wants to know how a login goes."""

    def answered(self, methods: list[str], partly: bool) -> None:
        """Take note of which methods the server takes after a try; `partly`: it accepted that."""
        ...


class Bound(asyncssh.SSHClientConnection):
    """A client's connection that can prove to an agent which server it leads to."""

    login_listener: LoginListener | None = None
    """Called while it logs in."""
    binds_signatures = True
    """Whether the host key goes into signatures, where the server can check it."""
    _binding: SessionBinding | None = None
    _server_binds = False
    _lendable: str | None = None
    """The socket of the agent that the server may use."""
    _is_lent = False
    """Whether a session was told of it."""

    @property
    def binding(self) -> SessionBinding | None:
        """Return what proves the server to an agent; None before the first key exchange ended."""
        return self._binding

    @property
    def forwards_agent(self) -> bool:
        """Return whether the server may use an agent of ours."""
        return bool(self._lendable)

    @property
    def server_signature_algorithms(self) -> frozenset[bytes]:
        """Return the signatures the server says it takes; none where it does not say."""
        return frozenset(self._server_sig_algs) - {b""}

    # -- the key exchange

    def validate_server_host_key(self, key_data: bytes) -> asyncssh.SSHKey:
        """Return the host key, which remembers the first signature that it verifies."""
        key = super().validate_server_host_key(key_data)
        if self._binding is None:
            verify = key.verify

            def remembering(data: bytes, sig: bytes) -> bool:
                good = verify(data, sig)
                if good and self._binding is None:
                    # What the first exchange signs is the session's id (RFC 4253 section 7.2).
                    self._binding = SessionBinding(key_data, data, sig)
                return good

            key.verify = remembering  # type: ignore[method-assign]
        return key

    # -- the login

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> Any:
        """Look at what the library has no use for: an extension, and what follows a try."""
        if pkttype == MSG_EXT_INFO:
            self._server_binds = _extensions(packet).get(_HOSTBOUND) == b"0"
        elif pkttype == MSG_USERAUTH_FAILURE and self.login_listener:
            self.login_listener.answered(*_answer(packet))
        return super().process_packet(pkttype, pktid, packet)

    async def send_userauth_request(
        self, method: bytes, *args: bytes, key: Any = None, trivial: bool = True
    ) -> None:
        """Send a try; a key's signature covers the host key where both sides know how."""
        both_know = self._server_binds and self.binds_signatures
        if method == b"publickey" and key is not None and self._binding and both_know:
            method, args = _METHOD, (*args, String(self._binding.host_key))
        if method in (INTERACTIVE, PASSWORD) and self._auth:
            self._read_any_text(self._auth, method)
        await super().send_userauth_request(method, *args, key=key, trivial=trivial)

    def _read_any_text(self, auth: Any, method: bytes) -> None:
        """Let what the server asks within a method be in any encoding."""
        process = type(auth).process_packet

        def leniently(pkttype: int, pktid: int, packet: SSHPacket) -> Any:
            if pkttype == _MSG_REQUEST:
                packet = as_utf8(method, packet)
            return process(auth, pkttype, pktid, packet)

        auth.process_packet = leniently

    # -- the forwarded agent

    def keep_agent(self) -> None:
        """Take the agent from the library, which would forward it to every session."""
        self._lendable, self._agent_forward_path = self._agent_forward_path, None

    def lend_agent(self, *, lend: bool) -> None:
        """Let the next session forward the agent, where ForwardAgent allows it."""
        self._agent_forward_path = self._lendable if lend else None
        self._is_lent = self._is_lent or bool(self._agent_forward_path)

    def host_key_untrusted(self) -> None:
        """Lend the server nothing."""
        self._lendable = self._agent_forward_path = None

    def _process_auth_agent_at_openssh_dot_com_open(
        self, packet: SSHPacket
    ) -> tuple[SSHUNIXChannel[bytes], Awaitable[SSHForwarder]]:
        """Open a way to our agent for the server, where ForwardAgent allows it."""
        packet.check_end()
        if not (self._lendable and self._is_lent):
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "agent forwarding is off"
            )
        return self.create_unix_channel(), self._open_agent(self._lendable)

    async def _open_agent(self, path: str) -> SSHForwarder:
        try:
            sock = await bound_socket(path, self._binding)
            _, peer = await self._loop.create_unix_connection(SSHForwarder, sock=sock)
        except (OSError, AgentUnavailable) as error:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None
        return SSHForwarder(peer)


def _extensions(packet: SSHPacket) -> dict[bytes, bytes]:
    """Return what an SSH_MSG_EXT_INFO says (RFC 8308); nothing for one that is damaged."""
    copy = SSHPacket(packet.get_remaining_payload())
    try:
        return {copy.get_string(): copy.get_string() for _ in range(min(copy.get_uint32(), 64))}
    except PacketDecodeError:
        return {}


def _answer(packet: SSHPacket) -> tuple[list[str], bool]:
    """Return what an SSH_MSG_USERAUTH_FAILURE says; nothing for one that is damaged."""
    copy = SSHPacket(packet.get_remaining_payload())
    try:
        return [name.decode("latin-1") for name in copy.get_namelist()], copy.get_boolean()
    except PacketDecodeError:
        return [], False
