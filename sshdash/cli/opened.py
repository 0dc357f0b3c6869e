"""What a command opened to look at its operands."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from sshdash.sftp.job import Endpoint

if TYPE_CHECKING:
    from sshdash.sftp.scp_runner import CopyEnd

End = TypeVar("End", bound="CopyEnd")


class Opened(Generic[End]):
    """What was opened to look at the operands, handed on to the first job that asks."""

    def __init__(self, open_end: Callable[[Endpoint], Awaitable[End]]) -> None:
        self._open = open_end
        self._idle: dict[Endpoint, list[End]] = {}

    async def look(self, endpoint: Endpoint) -> End:
        """Return what stays here."""
        if endpoint not in self._idle:
            self._idle[endpoint] = [await self._open(endpoint)]
        return self._idle[endpoint][0]

    async def take(self, endpoint: Endpoint) -> End:
        """Return what is the caller's to close."""
        if self._idle.get(endpoint):
            return self._idle[endpoint].pop()
        return await self._open(endpoint)

    async def close(self) -> None:
        """Close what nobody took."""
        for idle in self._idle.values():
            for end in idle:
                await end.close()
