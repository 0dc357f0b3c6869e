"""What the commands do that are valid anywhere: palette, help, messages, theme, leaving."""

from typing import TYPE_CHECKING

from sshdash.prompts import ConfirmQuestion
from sshdash.states import TunnelState
from sshdash.ui.format import count_text
from sshdash.ui.theme import DARK, LIGHT
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.live_counts import LiveCounts
    from sshdash.ui.app import SSHDashApp

_GOING_ON = (TunnelState.OPEN, TunnelState.DEGRADED, TunnelState.RECONNECTING)


class GeneralActions:
    """Opens what lies above the workspace, and leaves it."""

    def __init__(self, app: "SSHDashApp") -> None:
        self.app = app

    def action_view_palette(self) -> None:
        """List every command."""
        from sshdash.ui.dialogs import palette

        def picked(command_id: str | None) -> None:
            if command_id is not None:
                self.app.call_later(self.app.action_command, command_id)

        here = self.app.workspace.here
        self.app.push_screen(palette(self.app.keymap_of, here, self.app.why_not), picked)

    def action_view_help(self) -> None:
        """Show the keys of the place where the person is."""
        from sshdash.ui.dialogs import help_of

        self.app.push_screen(help_of(self.app.keymap_of, self.app.workspace.here))

    def action_view_log(self) -> None:
        """Show the recent notices."""
        from sshdash.ui.dialogs import messages

        self.app.clear_notifications()
        self.app.push_screen(messages(self.app.workspace.cockpit.notices.read()))
        self.app.workspace.refresh_soon()

    def action_view_theme(self) -> None:
        """Switch between dark and light."""
        self.app.theme = LIGHT.name if self.app.current_theme.dark else DARK.name

    def action_app_quit(self) -> None:
        """Leave, after asking where something is live."""
        self.app.workspace.cockpit.start(self._quit(), group="quit")

    async def _quit(self) -> None:
        live = self.app.backend.live()
        if live and not await self._sure(live):
            return
        self.app.exit()

    async def _sure(self, live: "LiveCounts") -> bool:
        """Ask whether to leave; where tunnels are to go on, hand them over before."""
        tunnels = self._own_tunnels()
        if not tunnels:
            question = ConfirmQuestion("Leave sshdash?", what_ends(live), "Leave", danger=True)
            answer: bool | None = await self.app.bridge.ask(question)
            return bool(answer)
        from sshdash.ui.screens.leave import LeaveDialog, Leaving

        dialog = LeaveDialog(what_ends(live), len(tunnels))
        leaving = await self.app.push_screen_wait(dialog)
        return await self._handed_over(tunnels) if leaving is Leaving.KEEP else bool(leaving)

    async def _handed_over(self, tunnels: list[str]) -> bool:
        """Have others go on with the tunnels; where some stay, ask again whether to leave."""
        done = await self.app.backend.hand_over(tunnels)
        if not done.kept:
            return True
        reasons = "\n".join(dict.fromkeys(clean(one.reason, 200) for one in done.kept))
        title = f"{count_text(len(done.kept), 'tunnel')} cannot go on without the screen"
        question = ConfirmQuestion(title, reasons, "Leave all the same", danger=True)
        answer: bool | None = await self.app.bridge.ask(question)
        return bool(answer)

    def _own_tunnels(self) -> list[str]:
        """Return the tunnels that end with this process and need not."""
        if not self.app.backend.loaded:
            return []
        return [
            tunnel.id
            for tunnel in self.app.backend.tunnels.snapshots()
            if tunnel.state in _GOING_ON and not tunnel.owner
        ]


def what_ends(live: "LiveCounts") -> str:
    """Return what leaving ends: ``2 shells and 1 tunnel will end.``"""
    counts = (
        (live.shells, "shell", ""),
        (live.tunnels, "tunnel", ""),
        (live.kept, "folder kept up to date", "folders kept up to date"),
    )
    words = [count_text(*one) for one in counts if one[0]]
    lines = []
    if words:
        listed = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
        lines.append(f"{listed} will end.")
    if live.transfers:
        copies = count_text(live.transfers, "copy", "copies")
        lines.append(f"{copies} will be paused, to go on with at another time.")
    if live.waiting:
        waiting = count_text(live.waiting, "shell or tunnel waits", "shells or tunnels wait")
        lines.append(f"{waiting} for a lost host, and will not come back.")
    return "\n".join(lines)
