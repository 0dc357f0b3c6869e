"""Losses and decisions that meet an attempt half way."""

import asyncio
from pathlib import Path

import pytest

from sshdash.errors import ConnectionLost
from sshdash.states import ConnectionState
from tests.live.connecting import connecting, until
from tests.servers.loopback import LoopbackServer

IDLE = ConnectionState.IDLE


async def test_a_connection_lost_before_anybody_has_it_is_not_taken_for_up(tmp_path: Path) -> None:
    ran, go = tmp_path / "ran", tmp_path / "go"
    async with LoopbackServer() as server:
        command = f"touch {ran}; while ! test -e {go}; do sleep 0.02; done"
        config = server.config_file
        text = f"PermitLocalCommand yes\nLocalCommand {command}\n"
        config.write_text(text + config.read_text())
        async with connecting(config) as client:
            leasing = asyncio.create_task(client.manager.lease("loopback", "shell"))
            await until(ran.exists)
            await server.stop()
            await asyncio.sleep(0.2)
            go.touch()
            with pytest.raises(ConnectionLost):
                _ = (await leasing).connection.ssh
            await client.reaches("loopback", IDLE)
