"""Scenes of terminals."""

from textual.geometry import Offset

from sshdash.snippets import snippets_file
from sshdash.ui.widgets.pane_area import PaneArea
from sshdash.ui.widgets.terminal_tab import TerminalTab
from tests.screenshots.stage import Stage, scene

SNIPPETS = """\
disk: {run: df -h, about: how full the disks are}
follow a log: {run: "tail -f {file}", values: {file: /var/log/syslog}}
restart: {run: "sudo systemctl restart {unit!q}", about: a unit of systemd, values: {unit: nginx}}
"""


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


@scene("moving", columns=140, rows=40)
async def _moving(stage: Stage) -> None:
    await _splits(stage)
    area = stage.app.screen.query_one(PaneArea)
    first, *_, last = area.panes.values()
    title = last.region.offset - area.region.offset + (5, -1)
    target = first.region.offset - area.region.offset + (first.size.width // 2, 4)
    await stage.pilot.mouse_down(area, offset=title)
    await stage.pilot.hover(area, offset=title + Offset(1, 0))
    await stage.pilot.hover(area, offset=target)


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


@scene("two-factor")
async def _two_factor(stage: Stage) -> None:
    await stage.select("vault")
    await stage.press("enter")
    await stage.until("[Pp]assword")


@scene("ended")
async def _ended(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type("exit 7")
    await stage.until("exit(ed)? (status )?7")


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


@scene("vim")
async def _vim(stage: Stage) -> None:
    await stage.shell("web")
    await stage.type("vim -u NONE -c 'syntax on' -c 'set number background=dark' .bashrc")
    await stage.until(r"1 \S")


@scene("htop", columns=140, rows=40)
async def _htop(stage: Stage) -> None:
    await stage.shell("web")
    await stage.press("ctrl+g", "vertical_line")
    await stage.until(r"│\w+@web:~# ")
    await stage.type("htop --no-mouse")
    await stage.until("F1Help")
