"""What is said to sudo, and what is never said to the SFTP server behind it."""

from typing import Any

from sshdash.sftp.elevation import _Dialogue
from sshdash.sftp.wire import Wire

PROMPT, MARKER = b"asks-1234", b"is-there-5678"


class Channel:
    """A channel that notes what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes, datatype: object = None) -> None:
        self.written += bytes(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.written += b"".join(pieces)

    def is_closing(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: None


async def test_the_password_is_not_written_once_the_server_is_there() -> None:
    channel: Any = Channel()
    dialogue = _Dialogue(Wire(), PROMPT, MARKER)
    dialogue.connection_made(channel)
    dialogue.data_received(PROMPT[:4], 1)
    dialogue.data_received(PROMPT[4:], 1)
    dialogue.answer("first")
    assert channel.written == b"first\n"
    dialogue.data_received(PROMPT, 1)  # and while the person types, it lets us in after all
    dialogue.data_received(b"Last login: today\n" + MARKER[:3], None)
    dialogue.data_received(MARKER[3:], None)
    dialogue.answer("secret")
    assert b"secret" not in channel.written
    dialogue.close()
