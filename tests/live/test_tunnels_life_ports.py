"""A server that does not give a remote port back at once, over and over, against a real sshd."""

import asyncio

from sshdash.events import TunnelChanged
from sshdash.states import TunnelState
from sshdash.tunnels.legs import Cause
from tests.live.life_kit import lives_of
from tests.live.test_tunnels_backend import both_loopbacks
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


async def test_an_outage_over_what_the_server_does_not_give_yet_is_no_return(
    sshd: RealSshd,
) -> None:
    """The next connection is lost, too, while the server is asked again to listen on it."""
    async with target(echo) as port, lives_of(sshd.config_file) as lives:
        listen = free_port()
        tunnel, _ = await lives.open("R", f"{listen}:127.0.0.1:{port}")
        await asyncio.to_thread(sshd.stop)
        await lives.reach(TunnelState.RECONNECTING, tunnel)
        states: list[TunnelState] = []
        lives.backend.events.subscribe(
            lambda event: states.append(event.new) if isinstance(event, TunnelChanged) else None
        )

        def asked_in_vain() -> bool:
            return lives.manager.snapshot(tunnel).legs[0].cause is Cause.BIND_REFUSED

        with both_loopbacks(listen):
            await asyncio.to_thread(sshd.start)
            await lives.watch.until(asked_in_vain)
            await asyncio.to_thread(sshd.kill_connections)
            await lives.watch.until(lambda: not asked_in_vain())
            await lives.watch.until(asked_in_vain)
            assert TunnelState.OPEN not in states
        await lives.reach(TunnelState.OPEN, tunnel)
        assert await exchange(listen, b"back") == b"back"
        assert lives.manager.snapshot(tunnel).reconnects == 1
