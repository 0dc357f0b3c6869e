"""Draws the way of the selected rule, with its traffic moving along it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from sshdash.ui.widgets.tunnel_diagram import Part, diagram, moves

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_FRAME = 1 / 8
"""Seconds between two steps of what moves."""
_MOST = 6
"""Forwards of a rule that are drawn."""
_STYLES = {
    "end": "bold",
    "hop": "$foreground",
    "here": "bold",
    "time": "$muted",
    "sent": "bold $accent",
    "received": "bold $accent",
    "broken": "bold $error",
    "gap": "",
    "idle": "$faint",
    "opening": "$warning",
    "up": "$success",
    "paused": "$warning",
    "waiting": "$warning",
    "unknown": "$muted",
    "failed": "$error",
}


class TunnelFlow(Static):
    """The diagram. It moves while bytes do, unless animations are switched off."""

    def __init__(self) -> None:
        super().__init__(markup=False, classes="tunnel-flow")
        self.step = 0
        self._tunnels: tuple[TunnelSnapshot, ...] = ()
        self._lines: list[list[Part]] = []
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Stand still until something moves."""
        self._timer = self.set_interval(_FRAME, self._advance, pause=True)

    @property
    def is_moving(self) -> bool:
        """Return whether bytes move, and may be seen to."""
        wanted = any(moves(tunnel) for tunnel in self._tunnels[:_MOST])
        return wanted and self.app.animation_level != "none"

    def show(self, tunnels: Sequence[TunnelSnapshot]) -> None:
        """Show the forwards of a rule."""
        self._tunnels = tuple(tunnels)
        if self._timer is not None:
            if self.is_moving:
                self._timer.resume()
            else:
                self._timer.pause()
        self._draw()

    def _advance(self) -> None:
        if self._timer is not None and not self.is_on_screen:
            self._timer.pause()  # the next look at the tunnels goes on with it
            return
        self.step += 1
        self._draw()

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if width <= 0:
            return
        lines = diagram(self._tunnels[:_MOST], width, self.step)
        if lines == self._lines:
            return
        grown = len(lines) != len(self._lines)
        self._lines = lines
        content = Content("\n").join(
            Content.assemble(*((text, _STYLES[role]) for text, role in line)) for line in lines
        )
        if len(self._tunnels) > _MOST:
            more = f"\nand {len(self._tunnels) - _MOST} more"
            content = Content.assemble(content, (more, "$faint"))
        self.update(content, layout=grown)
