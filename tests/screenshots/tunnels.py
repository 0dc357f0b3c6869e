"""Scenes of tunnels."""

import asyncio
from contextlib import suppress

from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from tests.screenshots.stage import Stage, scene


def _rule(name: str, host: str, *forwards: str, tags: str = "", colour: str = "") -> Rule:
    specs = tuple(parse_forward(Kind(one[1]), one[3:]) for one in forwards)
    return Rule(name, host, specs, tags=tuple(tags.split()), colour=colour)


_RULES = (
    _rule("orders-db", "db", "-L 15432:localhost:5432", tags="prod billing", colour="cyan"),
    _rule(
        "dashboards",
        "web",
        "-L 13000:localhost:3000",
        "-L 19090:localhost:9090",
        tags="ops",
        colour="magenta",
    ),
    _rule("sessions", "db", "-L 16379:localhost:6380"),
)


async def _open(stage: Stage) -> None:
    """Keep some rules, open most tunnels and let some bytes through."""
    backend = stage.app.backend
    await backend.load()
    for rule in _RULES:
        await backend.household.rules.save(rule)
    await stage.select("web")
    await stage.press("t")
    await stage.until("dashboards")
    wanted = [one.id for one in backend.tunnels.snapshots() if one.kind is not Kind.DYNAMIC]
    await asyncio.gather(*map(backend.tunnels.start, wanted))
    await _use(stage, _named(stage, "orders-db"), hold=2)
    await _use(stage, _named(stage, "dashboards"), hold=1)
    with suppress(OSError):
        await _use(stage, _named(stage, "sessions"), hold=1)
    await stage.until(r"[kM]B/s")


def _named(stage: Stage, name: str) -> TunnelSnapshot:
    return next(
        one
        for one in stage.app.backend.tunnels.snapshots()
        if one.rule is not None and one.rule.name == name
    )


async def _use(stage: Stage, tunnel: TunnelSnapshot, hold: int) -> None:
    """Send through a tunnel for as long as the picture takes, by some clients that stay."""
    port = int(tunnel.listen.rpartition(":")[2])
    for size in range(hold):
        task = asyncio.create_task(_talk(port, 3000 << size))
        stage.stack.push_async_callback(_end, task)


async def _talk(port: int, size: int) -> None:
    with suppress(OSError):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                for _ in range(200):
                    writer.write(b"GET /status HTTP/1.1\r\n" + b"x" * size)
                    if not await reader.read(65536):
                        break
                    await asyncio.sleep(0.05)
            finally:
                writer.transport.abort()
            await asyncio.sleep(0.2)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})


@scene("tunnels", columns=140, rows=40)
async def _tunnels(stage: Stage) -> None:
    await _open(stage)
    stage.table.select(_named(stage, "orders-db").id)
    await stage.until(r"\d ms")


@scene("tunnels-200x60", columns=200, rows=60)
async def _tunnels_large(stage: Stage) -> None:
    await _tunnels(stage)


@scene("tunnels-80x24", columns=80, rows=24)
async def _tunnels_small(stage: Stage) -> None:
    await _tunnels(stage)


async def _broken(stage: Stage) -> None:
    await _open(stage)
    tunnel = _named(stage, "sessions").id
    stage.table.select(tunnel)
    while stage.app.backend.tunnels.snapshot(tunnel).state is not TunnelState.DEGRADED:
        await stage.pilot.pause(0.05)
    await stage.until("✖ ")


@scene("tunnel-broken", columns=120, rows=36)
async def _tunnel_broken(stage: Stage) -> None:
    await _broken(stage)


@scene("tunnel-broken-80x24", columns=80, rows=24)
async def _tunnel_broken_small(stage: Stage) -> None:
    await _broken(stage)


@scene("tunnel-map", columns=120, rows=36)
async def _map(stage: Stage) -> None:
    await _open(stage)
    await stage.press("m")


@scene("tunnel-history", columns=120, rows=36)
async def _history(stage: Stage) -> None:
    await _tunnels(stage)
    await stage.press("h", "u", "u")
    await stage.until("peak")


@scene("forward-form")
async def _forward_form(stage: Stage) -> None:
    await stage.select("db")
    await stage.press("t")
    await stage.until("closed")
    await stage.press("a")
    await stage.type_into("15432")
    await stage.press("tab")
    await stage.type_into("localhost:5432")


@scene("forward-form-80x24", columns=80, rows=24)
async def _forward_form_small(stage: Stage) -> None:
    await _forward_form(stage)
    await stage.press("ctrl+o")


@scene("discovery")
async def _discovery(stage: Stage) -> None:
    await stage.select("web")
    await stage.press("t")
    await stage.until("closed")
    await stage.press("enter")
    await stage.until("●")
    await stage.press("D")
    await stage.until(r"\d+ listeners? · by")
    await stage.press("down", "down")
    await stage.until("ssh -L 3")


@scene("discovery-80x24", columns=80, rows=24)
async def _discovery_small(stage: Stage) -> None:
    await _discovery(stage)
