"""``make screenshots``: drive the cockpit against the demo fleet and draw every screen of it.

Each scene is written as SVG in both themes; `PICTURES` also as PNG, for the README.
``python -m tests.screenshots files help`` draws only these; without names, `tests.recording`
records a reconnect too.
"""

import asyncio
import html
import os
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, chdir
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from sshdash.config.source import ConfigSource
from sshdash.demo.fleet import DemoFleet
from sshdash.settings import Settings
from sshdash.snippets import snippets_file
from sshdash.ui.app import SSHDashApp
from sshdash.ui.widgets.file_panes import FilePanes
from sshdash.ui.widgets.terminal_tab import TerminalTab

FOLDER = Path(__file__).parent.parent / "screenshots"
THEMES = ("dark", "light")
PICTURES = {"workspace", "files", "tunnels", "host-key"}
PATIENCE = 30.0
_CELL = 12.2
"""Width of a cell in a drawing."""

SNIPPETS = """\
disk: {run: df -h, about: how full the disks are}
follow a log: {run: "tail -f {file}", values: {file: /var/log/syslog}}
restart: {run: "sudo systemctl restart {unit!q}", about: a unit of systemd, values: {unit: nginx}}
"""
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

    def __init__(self, app: SSHDashApp, pilot: Pilot[None], fleet: DemoFleet) -> None:
        self.app = app
        self.pilot = pilot
        self.fleet = fleet

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


@scene("start")
async def _start(stage: Stage) -> None:
    await stage.until("stage-web")


@scene("workspace")
async def _workspace(stage: Stage) -> None:
    await stage.shell("bastion")
    await stage.shell("db")
    await stage.shell("web")
    await stage.type("ls -la --color=always")
    await stage.type("uname -sm")
    await stage.until("Linux|Darwin")


@scene("workspace-80x24", columns=80, rows=24)
async def _workspace_small(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type("ls")
    await stage.press("ctrl+g", "h")


@scene("workspace-200x60", columns=200, rows=60)
async def _workspace_large(stage: Stage) -> None:
    await _workspace(stage)


@scene("splits", columns=140, rows=40)
async def _splits(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type("ls -la --color=always")
    await stage.press("ctrl+g", "vertical_line")
    await stage.until(r"│\w+@web:~# ")
    await stage.type("uname -sm")
    await stage.press("ctrl+g", "plus")
    await stage.type("db")
    await stage.until(r"\w+@db:~# ")
    await stage.type("ls")


@scene("broadcast", columns=140, rows=40)
async def _broadcast(stage: Stage) -> None:
    await _splits(stage)
    await stage.press("ctrl+g", "b")
    await stage.until("All terminals")
    await stage.press("enter")
    await stage.until("BROADCAST 3 panes")
    await stage.type("whoami")


@scene("prefix")
async def _prefix(stage: Stage) -> None:
    await stage.shell("web")
    await stage.press("ctrl+g")


@scene("snippets")
async def _snippets(stage: Stage) -> None:
    file = snippets_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SNIPPETS)
    await stage.shell("web")
    await stage.press("ctrl+g", "R")
    await stage.until("● REC")
    await stage.press("ctrl+g", "S")
    await stage.until("ctrl.r runs")
    await stage.type_into("rest")


@scene("switcher")
async def _switcher(stage: Stage) -> None:
    await stage.shell("web")
    await stage.press("ctrl+g", "space")


@scene("palette")
async def _palette(stage: Stage) -> None:
    await stage.press("colon")


@scene("host-form")
async def _host_form(stage: Stage) -> None:
    await stage.select("db")
    await stage.press("e")
    await stage.until("HostName")
    await stage.press(*["backspace"] * 20)
    await stage.type_into("10.0.0.51")
    await stage.until(r"\+ +HostName 10.0.0.51")


@scene("host-form-80x24", columns=80, rows=24)
async def _host_form_small(stage: Stage) -> None:
    await _host_form(stage)


@scene("host-remove")
async def _host_remove(stage: Stage) -> None:
    await stage.select("web")
    await stage.press("delete")
    await stage.until("Remove web")


@scene("help")
async def _help(stage: Stage) -> None:
    await stage.press("question_mark")


@scene("explain")
async def _explain(stage: Stage) -> None:
    await stage.select("db")
    await stage.press("i")
    await stage.until("ssh_config of db")


@scene("filter")
async def _filter(stage: Stage) -> None:
    await stage.press("slash", "w", "e", "b")


@scene("host-key")
async def _host_key(stage: Stage) -> None:
    stage.fleet.known_hosts.write_text("")
    await stage.select("web")
    await stage.press("enter")
    await stage.until("SHA256:")


@scene("host-key-changed")
async def _host_key_changed(stage: Stage) -> None:
    lines = stage.fleet.known_hosts.read_text().splitlines()
    key = lines[-1].split()[1:3]
    stage.fleet.known_hosts.write_text(
        "".join(" ".join([line.split()[0], *key]) + "\n" for line in lines)
    )
    await stage.select("bastion")
    await stage.press("enter")
    await stage.until("SHA256:")


@scene("two-factor")
async def _two_factor(stage: Stage) -> None:
    await stage.select("vault")
    await stage.press("enter")
    await stage.until("[Pp]assword")


@scene("refused")
async def _refused(stage: Stage) -> None:
    await stage.select("cache")
    await stage.press("enter")
    await stage.until("refused")


@scene("ended")
async def _ended(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type("exit 7")
    await stage.until("exit(ed)? (status )?7")


async def _open_files(stage: Stage) -> None:
    await stage.select("web")
    await stage.press("f")
    await stage.until(r"access\.log|many|README")


@scene("files")
async def _files(stage: Stage) -> None:
    await _open_files(stage)


@scene("dragging")
async def _dragging(stage: Stage) -> None:
    await _open_files(stage)
    panes = stage.app.screen.query_one(FilePanes)
    source, target = panes.right.rows, panes.left.rows
    await stage.press("tab", "end", "space", "up", "space")
    last = len(panes.right.browser.rows) - 1
    await stage.pilot.mouse_down(source, offset=(6, last))
    await stage.pilot.hover(source, offset=(8, last))
    await stage.pilot.hover(target, offset=(8, 1))


@scene("conflict")
async def _conflict(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "end", "c")
    await stage.until("1 done")
    await stage.press("c")
    await stage.until("exists")


@scene("transfers")
async def _transfers(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "home", "ctrl+a", "c")
    await stage.until(r"[1-9]\d %|1 done")


@scene("delete")
async def _delete(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("ctrl+a", "d")
    await stage.until("[Dd]elete")


@scene("view")
async def _view(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("end", "v")


@scene("permissions")
async def _permissions(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("end", "m")


@scene("forward-form")
async def _forward_form(stage: Stage) -> None:
    await _tunnels(stage)
    await stage.press("a")


@scene("quit")
async def _quit(stage: Stage) -> None:
    await stage.shell("web")
    await stage.press("ctrl+g", "q")
    await stage.until("Leave")


@scene("messages")
async def _messages(stage: Stage) -> None:
    await _refused(stage)
    await stage.press("ctrl+g", "l")


@scene("zoom")
async def _zoom(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type("ls -la --color=always")
    await stage.press("ctrl+g", "z")


@scene("link")
async def _link(stage: Stage) -> None:
    await stage.shell("web")
    address = "https://releases.example@downloads.example.net/notes"
    current = stage.app.workspace.cockpit.current
    assert isinstance(current, TerminalTab)
    assert current.session is not None
    current.session.paste(
        rf"clear; printf '\033]8;;{address}\033\\https://releases.example/notes\033]8;;\033\\\n'"
    )
    await stage.press("enter", "ctrl+g", "u")
    await stage.until("careful")


async def _long_output(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type(
        'for i in $(seq 400); do echo "$i GET /api/orders/$((i * 37 % 101)) 200"; done'
    )
    await stage.until("400 GET")


@scene("search")
async def _search(stage: Stage) -> None:
    await _long_output(stage)
    await stage.press("ctrl+g", "slash", "alt+r")
    await stage.type_into(r"orders/\d*7 ")
    await stage.until(r"\d+/\d+")
    await stage.press("enter", "enter")


@scene("copy-mode", columns=100, rows=30)
async def _copy_mode(stage: Stage) -> None:
    await _long_output(stage)
    await stage.press("ctrl+g", "left_square_bracket")
    await stage.press("1", "2", "0", "k", "0", "w", "ctrl+v", "8", "j", "e", "e")


@scene("files-80x24", columns=80, rows=24)
async def _files_small(stage: Stage) -> None:
    await _open_files(stage)


@scene("files-200x60", columns=200, rows=60)
async def _files_large(stage: Stage) -> None:
    await _open_files(stage)


@scene("tunnels")
async def _tunnels(stage: Stage) -> None:
    await stage.select("web")
    await stage.press("t")
    await stage.until("localhost:80")
    await stage.press("enter")
    await stage.until("●")


@scene("tunnels-200x60", columns=200, rows=60)
async def _tunnels_large(stage: Stage) -> None:
    await _tunnels(stage)


@scene("tunnels-80x24", columns=80, rows=24)
async def _tunnels_small(stage: Stage) -> None:
    await _tunnels(stage)


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
            async with app.run_test(size=size, notifications=True) as pilot:
                stage = Stage(app, pilot, fleet)
                await play(stage)
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


async def _main(names: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    unknown = set(names) - set(SCENES)
    if unknown:
        print(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
        return 2
    failed = 0
    for name in names or SCENES:
        for theme in THEMES:
            try:
                await draw(name, theme)
                print(f"screenshots/{name}-{theme}.svg")
            except (TimeoutError, LookupError) as error:
                failed += 1
                print(f"{name} ({theme}): {error}", file=sys.stderr)
    if not names:
        failed += await _record()
    return 1 if failed else 0


async def _record() -> int:
    """Record the outages that everything outlives; return how much of that failed."""
    from tests.recording import record

    try:
        await record()
    except (TimeoutError, AssertionError, pytest.skip.Exception) as error:
        print(f"reconnect.cast: {error}", file=sys.stderr)
        return 1
    print("screenshots/reconnect.cast")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:])))
