"""Anything asked of tunnels of all kinds, of a real server and on a bad line, in any order."""

import asyncio
import random
from pathlib import Path

import pytest

from sshdash.states import TunnelState
from tests.live.life_kit import ask_anything, lives_of
from tests.live.outage_kit import through
from tests.live.tunnel_kit import free_to_use
from tests.live.tunnel_kit import until as when
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_asked_of_tunnels_of_a_real_server(
    sshd: RealSshd, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.course._PAUSES", (0.05,))
    dice = random.Random(seed)
    async with Proxy(sshd.port) as line, lives_of(through(sshd, line, tmp_path)) as lives:
        tunnels = [
            lives.add("L", f"{free_port()}:localhost:9"),
            lives.add("R", f"127.0.0.1:{free_port()}:localhost:9"),
            lives.add("D", f"{free_port()}"),
            lives.add("R", f"127.0.0.1:{free_port()}"),
        ]
        asked = []
        for _ in range(60):
            fault = dice.choice((line.reset, line.cut, sshd.kill_connections))
            asking = ask_anything(lives.manager, dice.choice(tunnels), dice, fault)
            asked.append(asyncio.create_task(asking))
            await asyncio.sleep(dice.choice((0, 0, 0.002, 0.02)))
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.gather(*asked, return_exceptions=True)
        assert [one for one in found if isinstance(one, BaseException)] == []
        for one in tunnels:
            lives.manager.change_rule(one, None)
            await lives.manager.start(one)
        await lives.reach(TunnelState.OPEN, *tunnels)
        ports = [int(lives.manager.snapshot(one).listen.rpartition(":")[2]) for one in tunnels]
        assert not any(map(free_to_use, ports))
        for one in tunnels:
            await lives.manager.stop(one)
        await when(lambda: all(map(free_to_use, ports)), "every port is free")
        live = lives.backend.connections.live("sshd")
        assert live is not None
        assert not live.ssh._remote_listeners, "no listener is left on the server"
        assert not live.leases
