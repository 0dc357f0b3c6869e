"""curl through every kind of tunnel, to names that only the far side knows."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.tunnel_kit import Tunnels, target, tunnels_on, until
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.ports import free_port
from tests.servers.programs import require
from tests.servers.services import run, web_server
from tests.servers.sshd import RealSshd

NAME = "wiki.only-there.invalid"
REMOTE_NAMES = {
    "socks5": ("--socks5-hostname", "{proxy}"),
    "socks5h": ("--proxy", "socks5h://{proxy}"),
    "socks5 with a password": ("--proxy", "socks5h://somebody:secret@{proxy}"),
    "socks4a": ("--socks4a", "{proxy}"),
    "connect": ("--proxytunnel", "--proxy", "http://{proxy}"),
    "connect of http 1.0": ("--proxytunnel", "--proxy1.0", "{proxy}"),
    "connect with a password": ("-p", "--proxy", "http://somebody:secret@{proxy}"),
    "http": ("--proxy", "http://{proxy}"),
    "http 1.0 with a password": ("--http1.0", "--proxy", "http://somebody:secret@{proxy}"),
}
CURL = ("curl", "-q", "-sS", "--fail", "-m", "30")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Give what a web server serves."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "page").write_text("hello from there")
    (folder / "large").write_bytes(bytes(range(256)) * 20_000)
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every name that this process looks up."""
    names: list[str] = []

    def note(look_up: Callable[..., Any]) -> Callable[..., Any]:
        def noting(host: Any, *arguments: Any, **options: Any) -> Any:
            names.append(str(host))
            return look_up(host, *arguments, **options)

        return noting

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, name, note(getattr(socket, name)))
    return names


async def dynamic(kit: Tunnels) -> tuple[str, str]:
    """Open a dynamic forward; return its id and the address clients use."""
    tunnel, port = await kit.open("D", "0")
    return tunnel, f"localhost:{port}"


@pytest.mark.parametrize("way", REMOTE_NAMES)
async def test_a_name_that_only_the_server_knows(way: str, site: Path, asked: list[str]) -> None:
    faults = Faults(names={NAME: "127.0.0.1"})
    async with (
        web_server(site) as port,
        LoopbackServer(faults) as server,
        tunnels_on(server) as kit,
    ):
        _, proxy = await dynamic(kit)
        asked.clear()
        options = [option.format(proxy=proxy) for option in REMOTE_NAMES[way]]
        for path in ("page", "large"):
            got = await run(*CURL, *options, f"http://{NAME}:{port}/{path}")
            assert got == (site / path).read_bytes()
        assert server.forwards == [(NAME, port)] * 2, "the server is asked by name"
        assert NAME not in asked, "and nobody else is"
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("way", ["--socks5", "--socks4"])
async def test_such_a_name_is_really_not_known_here(way: str) -> None:
    async with LoopbackServer() as server, tunnels_on(server) as kit:
        _, proxy = await dynamic(kit)
        said = await run(*CURL, way, proxy, f"http://{NAME}/", status=None)
        assert b"resolve" in said.lower()
        assert server.forwards == []


@pytest.mark.parametrize("way", ["--socks5", "--socks4", *REMOTE_NAMES])
async def test_an_address_through_a_real_sshd(sshd: RealSshd, way: str, site: Path) -> None:
    async with web_server(site) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        options = [each.format(proxy=proxy) for each in REMOTE_NAMES.get(way, (way, "{proxy}"))]
        got = await run(*CURL, *options, f"http://127.0.0.1:{port}/page")
        assert got == b"hello from there"
        assert kit.manager.snapshot(tunnel).failures == 0
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_local_forward(sshd: RealSshd, site: Path) -> None:
    async with web_server(site) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:localhost:{port}")
        for host in ("localhost", "127.0.0.1"):
            got = await run(*CURL, f"http://{host}:{listen}/large")
            assert got == (site / "large").read_bytes()
        assert kit.manager.snapshot(tunnel).clients_total == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5h://{proxy}"),
        ("all_proxy", "socks4a://{proxy}"),
        ("http_proxy", "http://{proxy}"),
    ],
)
async def test_the_environment_is_enough(
    sshd: RealSshd, variable: str, value: str, site: Path
) -> None:
    async with web_server(site) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        env = {variable: value.format(proxy=proxy)}
        got = await run(*CURL, f"http://localhost:{port}/page", env=env)
        assert got == b"hello from there"
        assert kit.manager.snapshot(tunnel).clients_total == 1


async def test_two_plain_requests_for_two_targets_go_to_each(
    sshd: RealSshd, site: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "page").write_text("hello from another")
    async with web_server(site) as one, web_server(other) as two, tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        urls = [f"http://127.0.0.1:{port}/page" for port in (one, two, one)]
        got = await run(*CURL, "--proxy", f"http://{proxy}", *urls)
        assert got == b"hello from therehello from anotherhello from there"
        assert kit.manager.snapshot(tunnel).clients_total == 3, "one connection for each"


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """Give what a server with a certificate for `NAME` needs; ``ca.pem`` vouches for it."""
    made = tmp_path / "ca.pem"
    command = [require("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={NAME}"]
    command += ["-addext", f"subjectAltName=DNS:{NAME}"]
    command += ["-keyout", str(tmp_path / "key.pem"), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, tmp_path / "key.pem")
    return context


@pytest.mark.parametrize("way", ["socks5h", "socks4a", "http"])
async def test_https_with_the_name_in_its_certificate(
    way: str, certified: ssl.SSLContext, tmp_path: Path
) -> None:
    body = bytes(range(256)) * 8000

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certified)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        LoopbackServer(Faults(names={NAME: "127.0.0.1"})) as there,
        tunnels_on(there) as kit,
    ):
        _, proxy = await dynamic(kit)
        ca = ["--cacert", str(tmp_path / "ca.pem")]
        got = await run(*CURL, *ca, "--proxy", f"{way}://{proxy}", f"https://{NAME}:{port}/")
        assert got == body
        await until(lambda: kit.channels == 0, "no channels")


async def test_many_at_once_through_every_dialect(sshd: RealSshd, site: Path) -> None:
    async with web_server(site) as port, tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        urls = f"http://127.0.0.1:{port}/page?[1-40]"
        many = ["--parallel", "--parallel-max", "40"]
        ways = [REMOTE_NAMES[way] for way in ("socks5", "socks4a", "connect", "http")]
        got = await asyncio.gather(
            *(run(*CURL, *many, *(each.format(proxy=proxy) for each in way), urls) for way in ways)
        )
        assert got == [b"hello from there" * 40] * 4
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.clients_total, snapshot.failures) == (160, 0)
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_plain_request_with_a_body(sshd: RealSshd) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split()[0])
        await reader.readexactly(size)
        answer = f"{size} bytes, {head.splitlines()[0].decode()}".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        await writer.drain()

    async with target(count) as port, tunnels_on(sshd) as kit:
        _, proxy = await dynamic(kit)
        said = await run(
            *CURL, "--proxy", f"http://{proxy}", "--data-binary", "@-",
            f"http://127.0.0.1:{port}/place?q=1", answer=bytes(1 << 20),
        )  # fmt: skip
        assert said == b"1048576 bytes, POST /place?q=1 HTTP/1.1"
        await until(lambda: kit.channels == 0, "no channels")


async def test_what_curl_says_where_there_is_nothing(sshd: RealSshd) -> None:
    closed = free_port()
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        url = f"http://127.0.0.1:{closed}/"
        socks = await run(*CURL, "--socks5-hostname", proxy, url, status=None)
        assert b"(5)" in socks, "connection refused, by its code"
        connect = await run(*CURL, "-p", "--proxy", f"http://{proxy}", url, status=None)
        assert b"502" in connect
        plain = await run(*CURL, "--proxy", f"http://{proxy}", url, status=None)
        assert b"502" in plain
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.failures == 3
        assert snapshot.error == f"127.0.0.1:{closed}: connection refused"


async def test_what_curl_says_where_it_is_forbidden() -> None:
    async with RealSshd(PermitOpen="127.0.0.1:1") as server, tunnels_on(server) as kit:
        _, proxy = await dynamic(kit)
        url = "http://127.0.0.1:22/"
        said = await run(*CURL, "-p", "--proxy", f"http://{proxy}", url, status=None)
        assert b"403" in said
        assert b"(2)" in await run(*CURL, "--socks5", proxy, url, status=None)


async def test_the_pac_file(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        for address in (proxy, proxy.replace("localhost", "127.0.0.1")):
            pac = (await run(*CURL, f"http://{address}/proxy.pac")).decode()
            assert f'"SOCKS5 {address}; PROXY {address}"' in pac
        assert (await run(*CURL, "-I", f"http://{proxy}/proxy.pac")).startswith(b"HTTP/1.1 200")
        posted = await run(
            "curl", "-q", "-sS", "-m", "30", "--data-binary", "@-", f"http://{proxy}/proxy.pac",
            answer=bytes(60_000),
        )  # fmt: skip
        assert b"POST of the proxy itself" in posted, "the answer survives what was still sent"
        assert kit.manager.snapshot(tunnel).clients_total == 0
        assert kit.channels == 0


async def test_tls_spoken_to_the_port_is_named(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, proxy = await dynamic(kit)
        said = await run("curl", "-q", "-sS", "-m", "30", f"https://{proxy}/", status=None)
        assert b"(35)" in said, "closed during the TLS handshake"
        assert kit.manager.snapshot(tunnel).error == "a client spoke TLS to the SOCKS port"
        ssh = await asyncio.create_subprocess_exec(
            require("ssh"), "-F", "/dev/null", "-p", proxy.rpartition(":")[2], "localhost", "true",
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await ssh.communicate()
        assert ssh.returncode == 255
        assert kit.manager.snapshot(tunnel).error == "a client spoke SSH to the SOCKS port"
