"""A name server on loopback that knows SSHFP records and nothing else."""

import asyncio
import struct
from types import TracebackType
from typing import Self

_SSHFP = 44
_AUTHENTIC, _TRUNCATED = 0x0020, 0x0200


class NameServer(asyncio.DatagramProtocol):
    """Answers every question with `records`, by UDP and by TCP on one port."""

    def __init__(
        self, *records: bytes, authentic: bool = False, long: bool = False, port: int = 0
    ) -> None:
        self.records = list(records)
        self.authentic = authentic
        """Whether it claims to have checked signatures, where it is asked for that."""
        self.long = long
        """Whether its answers are too long for UDP."""
        self.silent = False
        self.asked: list[bytes] = []
        self.address = ("127.0.0.1", port)
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen: on a free port, unless it has one."""
        self._server = await asyncio.start_server(self._serve, *self.address)
        self.address = self._server.sockets[0].getsockname()[:2]
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=self.address
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        assert self._transport
        assert self._server
        self._transport.close()
        self._server.close()
        await self._server.wait_closed()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer a question."""
        assert self._transport
        self.asked.append(data)
        if not self.silent:
            self._transport.sendto(self._answer(data, self.long), address)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        answer = self._answer(await reader.readexactly(size), False)
        writer.write(len(answer).to_bytes(2, "big") + answer)
        await writer.drain()
        writer.close()

    def _answer(self, asked: bytes, cut: bool) -> bytes:
        number, flags = struct.unpack_from(">2H", asked)
        end = asked.index(b"\0", 12) + 5
        records = [] if cut else self.records
        claimed = _AUTHENTIC if self.authentic and flags & _AUTHENTIC else 0
        head = 0x8180 | claimed | (_TRUNCATED if cut else 0)
        answer = struct.pack(">6H", number, head, 1, len(records), 0, 0) + asked[12:end]
        for data in records:
            answer += b"\xc0\x0c" + struct.pack(">2HIH", _SSHFP, 1, 60, len(data)) + data
        return answer
