"""Databases through tunnels, asked by their own clients."""

import asyncio
import signal

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.tunnel_kit import tunnels_on, until
from tests.patience import PATIENCE
from tests.servers.programs import require
from tests.servers.services import postgres, redis, run
from tests.servers.sshd import RealSshd

ROWS = 20_000


def psql(port: int, *options: str) -> list[str]:
    """Return a command line of psql that reads no file of the user's."""
    return ["psql", "-X", "-At", "-h", "localhost", "-p", str(port), "-U", "tester", *options]


async def test_postgres_through_a_bastion(sshd: RealSshd) -> None:
    source = ConfigSource.standard(str(sshd.config_file))
    async with (
        postgres() as port,
        Backend(Settings(), RefusingPrompter(), source) as backend,
    ):
        await backend.load()
        spec = parse_forward(Kind.LOCAL, f"0:localhost:{port}")
        tunnel = backend.tunnels.add("inner", spec)
        snapshot = await backend.tunnels.start(tunnel)
        assert snapshot.state is TunnelState.OPEN, snapshot.error
        assert snapshot.route == ("sshd", "inner")
        listen = int(snapshot.listen.rpartition(":")[2])
        await run(*psql(listen, "-d", "postgres", "-c", "create table t (n int, words text)"))
        rows = "".join(f"{n}\tthe words of row {n}\n" for n in range(ROWS)).encode()
        copy = psql(listen, "-d", "postgres", "-c", "copy t from stdin")
        assert await run(*copy, answer=rows) == f"COPY {ROWS}\n".encode()
        back = await run(
            *psql(listen, "-d", "postgres", "-c", "copy (table t order by n) to stdout")
        )
        assert back == rows
        sums = [psql(listen, "-d", "postgres", "-c", "select sum(n) from t") for _ in range(5)]
        answers = await asyncio.gather(*(run(*each) for each in sums))
        assert set(answers) == {b"199990000\n"}
        snapshot = backend.tunnels.snapshot(tunnel)
        assert snapshot.bytes_up > len(rows)
        assert snapshot.bytes_down > len(rows)
        assert snapshot.failures == 0
        await until(lambda: backend.tunnels.snapshot(tunnel).clients == 0, "no clients")


async def test_an_interrupted_query_is_cancelled_by_a_connection_of_its_own(
    sshd: RealSshd,
) -> None:
    async with postgres() as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        command = psql(listen, "-d", "postgres", "-c", "select pg_sleep(100)")
        process = await asyncio.create_subprocess_exec(
            require(command[0]), *command[1:], stderr=asyncio.subprocess.PIPE
        )
        asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        try:
            async with asyncio.timeout(PATIENCE):
                while await run(*psql(listen, "-d", "postgres", "-c", asleep)) != b"1\n":
                    assert process.returncode is None
                before = kit.manager.snapshot(tunnel).clients_total
                process.send_signal(signal.SIGINT)
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert b"canceling statement due to user request" in said
        assert kit.manager.snapshot(tunnel).clients_total == before + 1
        await until(lambda: kit.channels == 0, "no channels")


async def test_redis(sshd: RealSshd) -> None:
    async with redis() as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        ask = ["redis-cli", "-h", "localhost", "-p", str(listen)]
        assert await run(*ask, "ping") == b"PONG\n"
        commands = b"".join(b"SET key:%d %b\r\n" % (n, b"value" * 40) for n in range(10_000))
        piped = await run(*ask, "--pipe", answer=commands)
        assert b"errors: 0, replies: 10000" in piped
        assert await run(*ask, "get", "key:9999") == b"value" * 40 + b"\n"
        value = bytes(range(1, 256)) * 4000
        assert await run(*ask, "-x", "set", "blob", answer=value) == b"OK\n"
        assert await run(*ask, "--raw", "get", "blob") == value + b"\n"
        assert kit.manager.snapshot(tunnel).clients_total == 5
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_subscriber_of_redis_hears_what_is_published(sshd: RealSshd) -> None:
    async with redis() as port, tunnels_on(sshd) as kit:
        _, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        writer.write(b"SUBSCRIBE news\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readuntil(b":1\r\n")).startswith(b"*3\r\n$9\r\nsubscribe")
            heard = await run("redis-cli", "-p", str(listen), "publish", "news", "it flows")
            assert heard == b"1\n"
            assert b"it flows" in await reader.readuntil(b"it flows\r\n")
        writer.close()
        await until(lambda: kit.channels == 0, "no channels")
