"""What a command is, and the places where commands are valid."""

from dataclasses import dataclass
from enum import Enum


class Place(Enum):
    """Where the person is; a widget tells with an attribute `place`."""

    ANYWHERE = "Anywhere"
    HOSTS = "Hosts"
    TERMINAL = "Terminal"
    FILES = "Files"
    TRANSFERS = "Transfers"
    TUNNELS = "Tunnels"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do."""

    id: str
    """Stable: settings name it to give it another key."""
    place: Place
    title: str
    """One to three words, as the footer and the prefix menu show them."""
    help: str
    """A sentence without a full stop."""
    keys: tuple[str, ...] = ()
    """Keys of Textual, valid in `place` while nothing is being typed."""
    prefix: tuple[str, ...] = ()
    """Keys after the prefix, valid everywhere."""
    footer: int = 0
    """Position in the footer of its place; 0 leaves it out."""
    palette: bool = True
    """Whether the palette lists it."""
    repeats: bool = False
    """Whether its key may follow again for a moment without the prefix."""

    @property
    def action(self) -> str:
        """Return the name of the method that does it."""
        return f"action_{self.id.replace('.', '_')}"
