"""Names, addresses and sockets."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.network import sockets as network
from sshdash.connections.timeline import Timeline
from sshdash.errors import UnreachableError
from sshdash.states import ConnectionState
from tests.live.connecting import PROMPT, connecting
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd

Lookup = Callable[..., list[Any]]


def resolved(tmp_path: Path, text: str) -> ResolvedHost:
    config = tmp_path / "config"
    config.write_text(text)
    return Resolver(ConfigSource.standard(str(config))).resolve("web")


def answers(monkeypatch: pytest.MonkeyPatch, names: dict[str, list[tuple[str, int]]]) -> None:
    """Let names resolve to several addresses with ports of their own."""
    real: Lookup = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> list[Any]:
        if host in names and not options.get("flags"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in names[host]]
        return real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def test_second_address_is_used_while_the_first_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: tuple[str, int]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answers(monkeypatch, {"web": [silent, listener.getsockname()]})
        attempt = network.open_socket(resolved(tmp_path, "Port 22\n"), "web", Timeline("web"))
        with await asyncio.wait_for(attempt, PATIENCE) as made:
            assert made.getpeername() == listener.getsockname()


async def test_second_address_is_used_at_once_where_the_first_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = ("127.0.0.1", free_port())
        answers(monkeypatch, {"web": [refusing, listener.getsockname()]})
        made = await network.open_socket(resolved(tmp_path, ""), "web", Timeline("web"))
        with made:
            assert made.getpeername() == listener.getsockname()


async def test_all_addresses_failed_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, {"web": [("127.0.0.1", free_port()), ("127.0.0.1", free_port())]})
    with pytest.raises(UnreachableError) as caught:
        await network.open_socket(resolved(tmp_path, ""), "web", Timeline("web"))
    assert caught.value.title == "Connection refused"
    assert caught.value.detail == ("web port 22 (127.0.0.1); 2 addresses tried: connection refused")


async def test_cancelling_closes_every_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: tuple[str, int]
) -> None:
    answers(monkeypatch, {"web": [silent, silent]})
    task = asyncio.create_task(network.open_socket(resolved(tmp_path, ""), "web", Timeline("web")))
    await asyncio.wait([task], timeout=0.4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_bind_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        text = f"HostName 127.0.0.1\nPort {port}\nBindAddress 127.0.0.3\n"
        with await network.open_socket(resolved(tmp_path, text), "web", Timeline("web")) as made:
            assert made.getsockname()[0] == "127.0.0.3"
        wrong = resolved(tmp_path, text.replace("127.0.0.3", "192.0.2.1"))
        with pytest.raises(UnreachableError, match="local address"):
            await network.open_socket(wrong, "web", Timeline("web"))


async def test_address_family(tmp_path: Path) -> None:
    only_six = resolved(tmp_path, "HostName 127.0.0.1\nAddressFamily inet6\n")
    with pytest.raises(UnreachableError, match="has no IPv6 address"):
        await network.open_socket(only_six, "web", Timeline("web"))


async def test_silent_name_servers_hold_up_nobody_else(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Lookup = socket.getaddrinfo
    release = threading.Event()

    def look_up(host: str, *rest: Any, **options: Any) -> list[Any]:
        if host.startswith("dead") and not options.get("flags"):
            release.wait(2 * PATIENCE)
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        async with connecting(sshd.config_file) as client:
            dead = [
                asyncio.create_task(client.manager.lease(f"dead{number}", "x"))
                for number in range(50)
            ]
            await client.reaches("dead49", ConnectionState.CONNECTING)
            async with asyncio.timeout(PATIENCE):
                assert await client.run("sshd", "echo alive") == "alive\n"
            release.set()
            failures = await asyncio.gather(*dead, return_exceptions=True)
            assert all(isinstance(failure, UnreachableError) for failure in failures)
    finally:
        release.set()


async def test_cancelling_a_lookup_does_not_wait_for_the_name_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Lookup = socket.getaddrinfo
    release = threading.Event()

    def look_up(host: str, *rest: Any, **options: Any) -> list[Any]:
        if host == "web" and not options.get("flags"):
            release.wait(2 * PATIENCE)
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    config = tmp_path / "config"
    config.write_text("Host web\n")
    try:
        async with connecting(config) as client:
            attempt = asyncio.create_task(client.manager.lease("web", "x"))
            await client.reaches("web", ConnectionState.CONNECTING)
            await asyncio.wait([attempt], timeout=0.1)
            attempt.cancel()
            await asyncio.wait([attempt], timeout=PROMPT)
            assert attempt.cancelled()
    finally:
        release.set()
