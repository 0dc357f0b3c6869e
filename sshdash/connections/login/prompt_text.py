"""Texts of a login that are not UTF-8: the SSH library would end the connection over them."""

from asyncssh.packet import Boolean, PacketDecodeError, SSHPacket, String, UInt32

INTERACTIVE = b"keyboard-interactive"
PASSWORD = b"password"
_MOST = 1_000
"""Prompts that are looked at; more than a few are refused anyway."""


def as_utf8(method: bytes, packet: SSHPacket) -> SSHPacket:
    """Return the server's request within `method` with all of its texts in UTF-8.

    That is SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256) or PASSWD_CHANGEREQ (RFC 4252); other bytes
    become visible escapes. What is not of that form comes back as it is.
    """
    copy = SSHPacket(packet.get_remaining_payload())
    try:
        parts = [_text(copy.get_string())]
        if method == INTERACTIVE:
            parts.append(_text(copy.get_string()))
        copy.get_string()  # the language, which nobody uses
        parts.append(String(b""))
        if method == INTERACTIVE:
            count = copy.get_uint32()
            parts.append(UInt32(count))
            for _ in range(min(count, _MOST)):
                parts += [_text(copy.get_string()), Boolean(copy.get_boolean())]
        parts.append(copy.get_remaining_payload())
    except PacketDecodeError:
        return packet
    return SSHPacket(b"".join(parts))


def _text(data: bytes) -> bytes:
    return String(data.decode("utf-8", "backslashreplace").encode())
