"""Scenes of the hosts, of connecting and of what goes over the whole screen."""

from tests.screenshots.stage import Stage, scene


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


@scene("refused")
async def _refused(stage: Stage) -> None:
    await stage.select("cache")
    await stage.press("enter")
    await stage.until("refused")


@scene("quit")
async def _quit(stage: Stage) -> None:
    await stage.shell("web")
    await stage.press("ctrl+g", "q")
    await stage.until("Leave")


@scene("messages")
async def _messages(stage: Stage) -> None:
    await _refused(stage)
    await stage.press("ctrl+g", "l")
