"""What the dialects of a proxy's clients have in common: how they are read and what they ask. Pure.

A dialect is a chain of readers. Each looks at what has arrived, takes what it understands, and
says what comes next: another reader, the finished request, or nothing, where the client has all
it wanted.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from sshdash.tunnels.forwards.refusal import Refusal

LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Request(ABC):
    """Where a client wants to go."""

    host: str
    """Printable ASCII without spaces, 1 to 255 characters; resolved by whoever connects to it."""
    port: int

    @abstractmethod
    def reply(self, refusal: Refusal | None) -> bytes:
        """Return what the client is told: that it is through (None), or what stopped it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one reader made of the bytes it saw."""

    taken: int
    """How many of them it understood."""
    then: "Reader | Request | None"
    answer: bytes = b""
    """What the client is told now."""
    onward: bytes = b""
    """What the target of the request is told before all that follows."""


Reader = Callable[[bytes], Step]
"""Reads from the start of what has arrived. Raises Unfinished and TurnedAway."""


class Unfinished(Exception):
    """More bytes are needed."""


class TurnedAway(Exception):
    """The client cannot be served: why, in words, and what it is told before the end."""

    def __init__(self, reason: str, answer: bytes = b"") -> None:
        super().__init__(reason)
        self.answer = answer


def is_sendable(name: bytes) -> bool:
    """Return whether a host name may be handed to a server.

    Servers end the whole connection over a NUL, and no name or address needs a character that
    is not printable ASCII (names in other scripts travel as xn--).
    """
    return 0 < len(name) <= LONGEST_NAME and all(0x21 <= char <= 0x7E for char in name)
