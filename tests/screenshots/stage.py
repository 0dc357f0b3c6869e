"""The stage of a drawing: the cockpit on the demo fleet, driven by keys, and how it is drawn."""

import asyncio
import html
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, chdir
from pathlib import Path

from rich.cells import cell_len
from textual.pilot import Pilot

from sshdash.config.source import ConfigSource
from sshdash.demo.fleet import DemoFleet
from sshdash.settings import Settings
from sshdash.ui.app import SSHDashApp
from sshdash.ui.widgets.tunnel_table import TunnelTable
from tests.patience import PATIENCE

FOLDER = Path(__file__).parents[2] / "screenshots"
THEMES = ("dark", "light")
PICTURES = {"workspace", "splits", "files", "tunnels", "host-key"}
_CELL = 12.2
"""Width of a cell in a drawing."""

Scene = Callable[["Stage"], Awaitable[None]]
SCENES: dict[str, tuple[Scene, tuple[int, int]]] = {}


def scene(name: str, *, columns: int = 120, rows: int = 36) -> Callable[[Scene], Scene]:
    """Register what leads to a screen and the size it is drawn at."""

    def register(play: Scene) -> Scene:
        SCENES[name] = (play, (columns, rows))
        return play

    return register


class Stage:
    """The running cockpit, driven by keys as a person drives it."""

    def __init__(
        self, app: SSHDashApp, pilot: Pilot[None], fleet: DemoFleet, stack: AsyncExitStack
    ) -> None:
        self.app = app
        self.pilot = pilot
        self.fleet = fleet
        self.stack = stack
        """Ends, after the picture was taken, what a scene began."""

    @property
    def table(self) -> TunnelTable:
        """Return the tunnels' screen."""
        return self.app.screen.query_one(TunnelTable)

    @property
    def text(self) -> str:
        """Return what the screen in front shows."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text and Enter."""
        await self.type_into(text)
        await self.press("enter")

    async def type_into(self, text: str) -> None:
        """Type a text."""
        names = {" ": "space", "/": "slash", "-": "minus", ".": "full_stop", ":": "colon"}
        await self.press(*(names.get(char, char) for char in text))

    async def until(self, pattern: str) -> None:
        """Wait until the screen shows something. Raises TimeoutError with what it shows."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not re.search(pattern, self.text):
                    await self.pilot.pause(0.05)
        except TimeoutError:
            raise TimeoutError(f"never saw {pattern!r} on:\n{self.text}") from None

    async def select(self, host: str) -> None:
        """Put the cursor of the host list on a host."""
        await self.press("ctrl+g", "h", "home")
        hosts = self.app.workspace.cockpit.sidebar.hosts
        for _ in range(40):
            if hosts.host == host:
                return
            await self.press("down")
        raise LookupError(f"no host {host} in the list")

    async def shell(self, host: str) -> None:
        """Open a shell on a host and wait for its prompt."""
        await self.select(host)
        await self.press("enter")
        await self.until(rf"{host}[^\n]*[$#] ")


async def draw(name: str, theme: str) -> None:
    """Play one scene on a fleet of its own and write what it shows."""
    play, size = SCENES[name]
    saved = dict(os.environ)
    async with DemoFleet() as fleet, AsyncExitStack() as stack:
        os.environ.update(fleet.environment())
        stack.enter_context(chdir(os.environ["HOME"]))
        os.environ.pop("SSH_AUTH_SOCK", None)
        try:
            settings = Settings(theme=f"sshdash-{theme}")
            source = ConfigSource.standard(str(fleet.config_file))
            app = SSHDashApp(settings, source, badge="demo")
            async with (
                app.run_test(size=size, notifications=True) as pilot,
                AsyncExitStack() as ends,
            ):
                await play(Stage(app, pilot, fleet, ends))
                await pilot.pause(0.7)
                svg = app.export_screenshot(title="sshdash")
        finally:
            os.environ.clear()
            os.environ.update(saved)
    target = FOLDER / f"{name}-{theme}.svg"
    target.write_text(svg, encoding="utf-8")
    if name in PICTURES:
        write_picture(svg, target.with_suffix(".png"))


def write_picture(svg: str, target: Path) -> None:
    """Convert a drawing, with every character put in its own cell.

    The drawing names a web font and stretches its text; the converter has neither, so it is given
    a font that machines have and the place of each character.
    """
    import cairosvg

    placed = re.sub(r'x="([\d.]+)"([^>]*) textLength="[\d.]+"([^>]*)>([^<]*)<', _place, svg)
    local = placed.replace("Fira Code", "DejaVu Sans Mono")
    cairosvg.svg2png(bytestring=local.encode(), write_to=str(target), scale=1.0)


def _place(text: re.Match[str]) -> str:
    x, before, after, content = text.groups()
    places, at = [], float(x)
    for char in html.unescape(content):
        places.append(f"{at:.1f}")
        at += cell_len(char) * _CELL
    return f'x="{" ".join(places)}"{before}{after}>{content}<'
