"""The content of the tunnels tab: a live table, and everything about the tunnel at the cursor."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.format import count_text, duration_text, size_text
from sshdash.ui.theme import MARKS
from sshdash.ui.widgets.row_list import RowList
from sshdash.ui.widgets.tunnel_diagram import diagram
from sshdash.ui.widgets.tunnel_rows import TunnelRows, head_text
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_INTERVAL = 0.33
"""Seconds between two looks at the tunnels, while the table is in sight."""
_RUNNING = (
    TunnelState.OPENING,
    TunnelState.OPEN,
    TunnelState.DEGRADED,
    TunnelState.RECONNECTING,
)
_MEANING = {
    Kind.LOCAL: "Programs here that connect to {listen} reach {target} as {host} sees it.",
    Kind.REMOTE: "Programs on {host} that connect to {listen} reach {target} as seen from here.",
    Kind.DYNAMIC: "Programs here with {listen} as their SOCKS5 proxy connect from {host}.",
}
_REMOTE_SOCKS = "Programs on {host} with {listen} as their SOCKS5 proxy connect from here."
_KEYWORDS = {
    Kind.LOCAL: "LocalForward",
    Kind.REMOTE: "RemoteForward",
    Kind.DYNAMIC: "DynamicForward",
}


class TunnelStep(Enum):
    """What can be done with a tunnel."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    REMOVE = "remove"
    COPY_COMMAND = "copy command"


class ChangeTunnel(Message):
    """Do something with a tunnel."""

    def __init__(self, step: TunnelStep, tunnel: TunnelSnapshot) -> None:
        super().__init__()
        self.step = step
        self.tunnel = tunnel


class ChangeAll(Message):
    """Start or stop several tunnels of one host."""

    def __init__(self, step: TunnelStep, tunnels: list[TunnelSnapshot]) -> None:
        super().__init__()
        self.step = step
        self.tunnels = tunnels


class AddTunnel(Message):
    """Add a forward, after asking which; `host` is what the form begins with."""

    def __init__(self, table: TunnelTable, host: str) -> None:
        super().__init__()
        self.table = table
        self.host = host


class TunnelTable(Vertical):
    """All tunnels, live. Asks for changes; the controller makes them."""

    place: ClassVar[Place] = Place.TUNNELS
    BINDINGS = bindings_of(Place.TUNNELS)

    def __init__(self, source: Callable[[], list[TunnelSnapshot]] = list) -> None:
        super().__init__()
        self._source = source
        self._host = ""
        self._rows = TunnelRows()
        self._head = Static(classes="tunnels-head", markup=False)
        self._detail = Static(classes="tunnel-detail", markup=False)
        self._empty = Static(classes="tunnels-empty", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the table above the detail."""
        yield self._head
        yield self._rows
        yield self._empty
        yield self._detail

    def on_mount(self) -> None:
        """Begin to look."""
        self.update()
        self.set_interval(_INTERVAL, self._look)

    @property
    def rows(self) -> TunnelRows:
        """The list of tunnels, which takes the focus."""
        return self._rows

    @property
    def tunnels(self) -> list[TunnelSnapshot]:
        """What is shown."""
        return self._rows.tunnels

    def select_host(self, host: str) -> None:
        """Put the cursor on the first tunnel of a host, and let new ones begin with it."""
        self._host = host
        self.update()
        for index, tunnel in enumerate(self.tunnels):
            if tunnel.host == host:
                self._rows.cursor = index
                break

    def select(self, tunnel: str) -> None:
        """Put the cursor on a tunnel."""
        self.update()
        ids = [one.id for one in self.tunnels]
        if tunnel in ids:
            self._rows.cursor = ids.index(tunnel)
        self._rows.focus()

    def _look(self) -> None:
        if self.is_on_screen:
            self.update()

    def update(self) -> None:
        """Show the tunnels as they are now."""
        tunnels = self._source()
        self._rows.show(tunnels)
        self._rows.display = self._head.display = self._detail.display = bool(tunnels)
        self._empty.display = not tunnels
        self._empty.update(
            Content(
                "No tunnels yet\n\n"
                "a adds one: a local port that leads to something only the host can reach,\n"
                "a port on the host that leads here, or a SOCKS proxy.\n"
                "LocalForward, RemoteForward and DynamicForward of ssh_config are listed too."
            )
        )
        self._draw_head()
        self._draw_detail()

    def _draw_head(self) -> None:
        width = self._rows.scrollable_content_region.width
        self._head.update(Content(head_text(self._rows.columns(width))))

    def on_resize(self) -> None:
        """Fit the columns' names."""
        self.call_after_refresh(self._draw_head)

    def _draw_detail(self) -> None:
        tunnel = self._rows.current
        if tunnel is None:
            return
        mark = MARKS[tunnel.state]
        colour = f"${mark.colour}"
        styles = {"line": colour, "hop": "$muted", "here": "bold", "end": "bold"}
        drawn = Content.assemble(
            *(Content.styled(text, styles[role]) for text, role in diagram(tunnel))
        )
        is_remote_socks = tunnel.kind is Kind.REMOTE and tunnel.spec.is_socks
        meaning = (_REMOTE_SOCKS if is_remote_socks else _MEANING[tunnel.kind]).format(
            listen=clean(tunnel.listen, 80),
            target=clean(tunnel.target, 80),
            host=clean(tunnel.host, 60),
        )
        lines = [drawn, Content.styled(meaning, "$muted"), _facts(tunnel)]
        if tunnel.exposed:
            lines.append(Content.styled(f"⚠ {tunnel.exposure}", "$warning"))
        if tunnel.error:
            style = "$error" if tunnel.state is TunnelState.FAILED else "$warning"
            lines.append(Content.styled(f"{mark.shape} {clean(tunnel.error, 1000)}", style))
        self._detail.update(Content("\n").join(lines))

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._draw_detail()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_tunnels_toggle()

    # Commands

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        tunnel = self._rows.current
        name = command_id.partition(".")[2]
        if name == "add":
            return ""
        if tunnel is None:
            return "There are no tunnels yet; a adds one"
        if name == "restart" and tunnel.state not in _RUNNING:
            return "The tunnel is not open"
        if name == "start_all" and not self._of_host(running=False):
            return f"Every tunnel of {clean(tunnel.host, 60)} is open"
        if name == "stop_all" and not self._of_host(running=True):
            return f"No tunnel of {clean(tunnel.host, 60)} is open"
        return ""

    def _of_host(self, *, running: bool) -> list[TunnelSnapshot]:
        """Return the tunnels of the host at the cursor that run, or those that do not."""
        current = self._rows.current
        return [
            tunnel
            for tunnel in self.tunnels
            if current and tunnel.host == current.host and (tunnel.state in _RUNNING) is running
        ]

    def action_tunnels_toggle(self) -> None:
        """Open the tunnel at the cursor, or close it."""
        if tunnel := self._rows.current:
            step = TunnelStep.STOP if tunnel.state in _RUNNING else TunnelStep.START
            self.post_message(ChangeTunnel(step, tunnel))

    def action_tunnels_add(self) -> None:
        """Add a forward."""
        current = self._rows.current
        self.post_message(AddTunnel(self, current.host if current else self._host))

    def action_tunnels_remove(self) -> None:
        """Take the tunnel at the cursor off the list."""
        self._change(TunnelStep.REMOVE)

    def action_tunnels_restart(self) -> None:
        """Close the tunnel at the cursor and open it again."""
        self._change(TunnelStep.RESTART)

    def action_tunnels_start_all(self) -> None:
        """Open what is closed of the host at the cursor."""
        self.post_message(ChangeAll(TunnelStep.START, self._of_host(running=False)))

    def action_tunnels_stop_all(self) -> None:
        """Close what is open of the host at the cursor."""
        self.post_message(ChangeAll(TunnelStep.STOP, self._of_host(running=True)))

    def action_tunnels_command(self) -> None:
        """Copy the ssh command that opens the same tunnel."""
        self._change(TunnelStep.COPY_COMMAND)

    def _change(self, step: TunnelStep) -> None:
        if tunnel := self._rows.current:
            self.post_message(ChangeTunnel(step, tunnel))


def _facts(tunnel: TunnelSnapshot) -> Content:
    origin = "of ssh_config" if tunnel.source == "config" else "added by hand"
    words = [f"{_KEYWORDS[tunnel.kind]} {origin}"]
    if tunnel.clients_total:
        words.append(f"{count_text(tunnel.clients_total, 'client')} so far")
    if tunnel.failures:
        words.append(f"{tunnel.failures} did not get through")
    if tunnel.bytes_up or tunnel.bytes_down:
        words.append(f"↑ {size_text(tunnel.bytes_up)} ↓ {size_text(tunnel.bytes_down)}")
    if tunnel.uptime is not None:
        words.append(f"up for {duration_text(tunnel.uptime)}")
    return Content.styled("  ·  ".join(words), "$faint")
