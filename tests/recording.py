"""``python -m tests.recording``: record how shells, tunnels and a copy outlive two outages.

The installed program runs in a real terminal (tmux) against a real sshd, which is killed and
started again; then the network drops everything for a minute. What the terminal shows is written
to ``screenshots/reconnect.cast`` (asciicast, version 2), with stills beside it. Nothing is
written unless all of it came back: the copy whole, the shells and the tunnel answering.
"""

import asyncio
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, chdir
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from sshdash.demo.services import echo, listening
from tests.screenshots.stage import FOLDER, write_picture
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd
from tests.servers.tmux import Tmux, installed

COLUMNS, ROWS = 120, 34
SIZE = 320 * 1024 * 1024
RATE = 3 * 1024 * 1024
"""Bytes per second of the network that the copy goes through: it is to take a while."""
DROP = 60.0
"""Seconds that the network drops everything."""
_IDLE = 2.5
"""Seconds without a change that a player shows at most."""
_LOOK = 0.15
_NORMAL = "14161a f07178 7fc98b e2b45c 7aa2f7 c792ea 89ddff d8dbe2"
_BRIGHT = "666d7a f07178 7fc98b e2b45c 7aa2f7 c792ea 89ddff ffffff"


def _colours(words: str) -> list[tuple[int, int, int]]:
    rows = [bytes.fromhex(word) for word in words.split()]
    return [(red, green, blue) for red, green, blue in rows]


_THEME = TerminalTheme((20, 22, 26), (216, 219, 226), _colours(_NORMAL), _colours(_BRIGHT))


@dataclass
class Recorder:
    """Looks at a terminal again and again, and keeps what changed."""

    terminal: Tmux
    began: float = field(default_factory=time.monotonic)
    events: list[tuple[float, str]] = field(default_factory=list)
    stills: dict[str, str] = field(default_factory=dict)
    _rows: list[str] = field(default_factory=lambda: [""] * ROWS)

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            self._note(await self.terminal.screen(colours=True))
            await asyncio.sleep(_LOOK)

    def _note(self, screen: str) -> None:
        rows = screen.rstrip("\n").split("\n")[:ROWS]
        rows += [""] * (ROWS - len(rows))
        drawn = [
            f"\x1b[{number + 1};1H\x1b[m{row}\x1b[m\x1b[K"
            for number, (row, before) in enumerate(zip(rows, self._rows, strict=True))
            if row != before
        ]
        if drawn:
            self._rows = rows
            self.events.append((time.monotonic() - self.began, "".join(drawn)))

    async def still(self, name: str) -> None:
        """Keep what the terminal shows now as a picture."""
        self.stills[name] = await self.terminal.screen(colours=True)

    def write(self) -> None:
        """Write the recording and the stills."""
        header = {
            "version": 2,
            "width": COLUMNS,
            "height": ROWS,
            "title": "sshdash: shells, a tunnel and a copy outlive two outages",
            "idle_time_limit": _IDLE,
        }
        lines = [json.dumps(header)]
        lines += [json.dumps([round(at, 2), "o", text]) for at, text in self.events]
        (FOLDER / "reconnect.cast").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, screen in self.stills.items():
            svg = drawing(screen)
            target = FOLDER / f"{name}.svg"
            target.write_text(svg, encoding="utf-8")
            write_picture(svg, target.with_suffix(".png"))


def drawing(screen: str) -> str:
    """Return a terminal's screen, with its escape sequences, as SVG."""
    console = Console(
        width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    for row in screen.rstrip("\n").split("\n")[:ROWS]:
        text = Text.from_ansi(row)
        text.truncate(COLUMNS, pad=True)
        console.print(text, soft_wrap=True)
    return console.export_svg(title="sshdash", theme=_THEME)


@dataclass
class Scene:
    """What the person at the terminal has."""

    terminal: Tmux
    recorder: Recorder
    sshd: RealSshd
    proxy: Proxy
    home: Path
    forwarded: int

    async def command(self, text: str, pattern: str) -> None:
        """Type a command and wait for what it prints."""
        await self.terminal.write(text)
        await self.terminal.type("Enter")
        await self.terminal.wait_for(pattern)

    async def answers(self) -> None:
        """Have the tunnel echo something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.forwarded)
        writer.write(b"ping")
        async with asyncio.timeout(30):
            assert await reader.readexactly(4) == b"ping"
        writer.close()


@asynccontextmanager
async def stage() -> AsyncIterator[Scene]:
    """Open sshdash at a home of its own, on a host ``web`` behind a slow network."""
    home = Path(tempfile.mkdtemp(prefix="recording-"))
    saved = dict(os.environ)
    for name in ("SSH_AUTH_SOCK", "TMUX", "NO_COLOR", "COLUMNS", "LINES"):
        os.environ.pop(name, None)
    for name in [one for one in os.environ if one.startswith("XDG_")]:
        del os.environ[name]
    os.environ.update(HOME=str(home), COLORTERM="truecolor")
    try:
        async with AsyncExitStack() as stack:
            sshd = await stack.enter_async_context(RealSshd())
            proxy = await stack.enter_async_context(Proxy(sshd.port, rate=RATE))
            service = await stack.enter_async_context(listening(echo))
            forwarded = free_port()
            _furnish(home, sshd, proxy, forwarded, service)
            stack.enter_context(chdir(home))
            command = installed("sshdash", sys.executable)
            terminal = await stack.enter_async_context(Tmux(*command, columns=COLUMNS, rows=ROWS))
            yield Scene(terminal, Recorder(terminal), sshd, proxy, home, forwarded)
    finally:
        os.environ.clear()
        os.environ.update(saved)
        shutil.rmtree(home, ignore_errors=True)


def _furnish(home: Path, sshd: RealSshd, proxy: Proxy, forwarded: int, service: int) -> None:
    (home / ".ssh").mkdir(mode=0o700)
    text = sshd.config_file.read_text().replace(f"Port {sshd.port}", f"Port {proxy.port}")
    text = text.replace("Host sshd inner\n", "Host web\n    HostKeyAlias web\n")
    text = text.replace("Host inner\n    ProxyJump sshd\n", "")
    text += f"    LocalForward {forwarded} 127.0.0.1:{service}\n"
    known = home / ".ssh" / "known_hosts"
    text = re.sub("UserKnownHostsFile .*", f"UserKnownHostsFile {known}", text)
    keys = (line.split(maxsplit=1)[1] for line in sshd.known_hosts.read_text().splitlines())
    known.write_text("".join(f"web {key}\n" for key in keys))
    config = home / ".ssh" / "config"
    config.write_text(text)
    config.chmod(0o600)
    settings = home / ".config" / "sshdash"
    settings.mkdir(parents=True)
    (settings / "settings.yaml").write_text("keepalive_interval: 5\n")
    bash = sshd.home / ".bashrc"
    bash.write_text(bash.read_text().replace("sshd$ ", "web$ "))
    release = home / "release"
    release.mkdir()
    with (release / "image.tar").open("wb") as file:
        for number in range(SIZE // (1 << 20)):
            file.write(b"%016d" % number * (1 << 16))
    for number in range(12):
        (release / f"notes-{number:02}.txt").write_text(f"{number}\n" * 500)


async def begin(scene: Scene) -> None:
    """Open two shells and a tunnel, and begin to copy."""
    terminal = scene.terminal
    await terminal.wait_for("web")
    await terminal.type("Enter")
    await terminal.wait_for(r"web\$ *$")
    await scene.command("seq 1 3 | sed 's/^/first shell, line /'", "^.*▕?first shell, line 3")
    await terminal.type("C-g", "c")
    await terminal.wait_for(r"web\$ *$")
    await scene.command("uname -s; date +%A", "day")
    await terminal.type("C-g", "t")
    await terminal.wait_for(f":{scene.forwarded}")
    await terminal.type("Enter")
    await terminal.wait_for("● open")
    await scene.answers()
    await terminal.type("C-g", "f")
    await terminal.wait_for("release")
    await terminal.wait_for(f"web ▾ +{scene.sshd.home}")
    await terminal.type("Down", "c")
    await terminal.wait_for(r"1 running[\s\S]* [1-9]\d? %")
    await asyncio.sleep(2)


async def kill_the_server(scene: Scene) -> None:
    """Kill sshd, look at what the screen says, and start it again."""
    terminal, still = scene.terminal, scene.recorder.still
    await asyncio.to_thread(scene.sshd.stop)
    await terminal.wait_for(r"retry \d+ s")
    await terminal.wait_for("1 waiting")
    await asyncio.sleep(4)
    await still("reconnect-copy")
    await terminal.type("C-g", "1")
    await terminal.wait_for(r"connection lost.*trying again in")
    await terminal.write("ls")
    await terminal.wait_for("not sent")
    await still("reconnect-lost")
    await asyncio.sleep(2)
    await terminal.type("C-g", "3")
    await terminal.wait_for(r"◌ retry")
    await asyncio.sleep(3)
    early = asyncio.create_task(scene.answers())
    await terminal.type("C-g", "1")

    await asyncio.to_thread(scene.sshd.start)
    await terminal.type("C-g", "r")
    await terminal.wait_for(r"web is back after .*2 shells, 1 tunnel, 1 copy")
    await terminal.wait_for(r"back after[^\n]*\n[^\n]*web\$")
    await still("reconnect-back")
    await early
    await scene.command("echo and on it goes", "^.*(?<!echo )and on it goes")
    await asyncio.sleep(6)


async def pull_the_cable(scene: Scene) -> None:
    """Let the network drop everything, and nobody be told."""
    terminal = scene.terminal
    scene.proxy.stall()
    dropped = time.monotonic()
    await terminal.wait_for(r"connection lost[^\n]*trying", timeout=40)
    await asyncio.sleep(max(0.0, DROP - (time.monotonic() - dropped)))
    scene.proxy.cut()
    scene.proxy.flow()
    await terminal.type("C-g", "r")
    await terminal.wait_for(r"web is back after 1 min|web is back after [4-9]\d s")
    await terminal.wait_for(r"back after[^\n]*\n[^\n]*web\$")
    await scene.command("echo still here", "^.*(?<!echo )still here")
    await scene.answers()
    scene.proxy.rate = 0
    await terminal.type("C-g", "4")
    await terminal.wait_for("1 done", timeout=120)
    await asyncio.sleep(2)
    await scene.recorder.still("reconnect-done")


def check(scene: Scene) -> None:
    """Compare the copy with its source."""
    source, copy = scene.home / "release", scene.sshd.home / "release"
    names = sorted(path.name for path in source.iterdir())
    assert sorted(path.name for path in copy.iterdir()) == names
    for name in names:
        with (source / name).open("rb") as one, (copy / name).open("rb") as other:
            while block := one.read(1 << 20):
                assert block == other.read(1 << 20), f"{name} differs"
            assert not other.read(1)


async def record() -> None:
    """Play, check and write."""
    async with stage() as scene:
        recording = asyncio.create_task(scene.recorder.run())
        try:
            await begin(scene)
            await kill_the_server(scene)
            await pull_the_cable(scene)
        finally:
            recording.cancel()
            await asyncio.wait([recording])
        await asyncio.to_thread(check, scene)
        scene.recorder.write()


if __name__ == "__main__":
    asyncio.run(record())
