"""What the tunnels' screen asks for; the controller carries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import ClientSnapshot, TunnelSnapshot


class TunnelStep(Enum):
    """What can be done with a tunnel."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    TAKE_OVER = "take over"
    """Run here what another process runs."""
    PROBE = "probe"
    COPY_COMMAND = "copy command"
    EXPORT = "export"
    HISTORY = "history"


class ChangeTunnel(Message):
    """Do something with a tunnel."""

    def __init__(self, step: TunnelStep, tunnel: TunnelSnapshot) -> None:
        super().__init__()
        self.step = step
        self.tunnel = tunnel


class ChangeAll(Message):
    """Do the same with several tunnels, of one host or of one rule."""

    def __init__(self, step: TunnelStep, tunnels: Sequence[TunnelSnapshot], name: str = "") -> None:
        super().__init__()
        self.step = step
        self.tunnels = list(tunnels)
        self.name = name
        """What they have in common, cleaned."""


class AddTunnel(Message):
    """Add a forward, after asking which; `host` is what the form begins with."""

    def __init__(self, select: Callable[[str], None], host: str) -> None:
        super().__init__()
        self.select = select
        """Puts the cursor on a tunnel, by its id."""
        self.host = host


class EditTunnel(Message):
    """Change a rule, or a forward that nobody has named, after asking how."""

    def __init__(self, select: Callable[[str], None], tunnels: Sequence[TunnelSnapshot]) -> None:
        super().__init__()
        self.select = select
        self.tunnels = list(tunnels)
        """The forwards of the rule."""


class CutClient(Message):
    """Close one client of a tunnel."""

    def __init__(self, tunnel: TunnelSnapshot, client: ClientSnapshot) -> None:
        super().__init__()
        self.tunnel = tunnel
        self.client = client


TunnelRequest = ChangeTunnel | ChangeAll | AddTunnel | EditTunnel | CutClient
