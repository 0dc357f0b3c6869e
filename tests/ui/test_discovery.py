"""What listens on a host, as a person finds it, forwards it and opens it."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sshdash.config.source import ConfigSource
from sshdash.errors import SessionError, SSHDashError, UnreachableError
from sshdash.settings import Settings
from sshdash.states import TunnelState
from sshdash.tunnels.discover.listening import Discovered, Listening
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind
from sshdash.ui.app import SSHDashApp
from sshdash.ui.controllers import discoveries
from sshdash.ui.screens.discovery import DiscoveryScreen, OfferList
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.sshd import RealSshd
from tests.ui.conftest import Cockpit, FakeTunnels, Start
from tests.ui.tunnel_stage import tunnel

FOUND = Discovered(
    (
        Listening(22, ("0.0.0.0", "::"), "sshd", 1, carries_us=True),
        Listening(3000, ("127.0.0.1",), "grafana", 700),
        Listening(5432, ("127.0.0.1", "::1"), "postgres", 812),
        Listening(61234, ("10.0.0.5",)),
    ),
    ("ss",),
)


class Tunnels(FakeTunnels):
    """Tunnels that open at once, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.started: list[str] = []

    def add(self, host: str, spec: object, source: str = "ad hoc", rule: object = None) -> str:
        assert isinstance(spec, ForwardSpec)
        for one in self.listed:
            if (one.host, one.spec) == (host, spec):
                return str(one.id)
        made = tunnel(len(self.listed) + 1, spec.kind, str(spec), host=host, source=source)
        self.listed.append(made)
        return made.id

    @property
    def added(self) -> list[TunnelSnapshot]:
        return [one for one in self.listed if one.source == "ad hoc"]

    def snapshot(self, identifier: str) -> TunnelSnapshot:
        found: TunnelSnapshot = next(one for one in self.listed if one.id == identifier)
        return found

    async def opens(self, identifier: str) -> None:
        self.started.append(identifier)
        state = TunnelState.FAILED if self.fails else TunnelState.OPEN
        changed = replace(self.snapshot(identifier), state=state)
        self.listed = [changed if one.id == identifier else one for one in self.listed]


class Asked:
    """Answers in the place of hosts."""

    def __init__(self) -> None:
        self.answer: Discovered | SSHDashError = FOUND
        self.held: asyncio.Event | None = None
        self.hosts: list[str] = []
        self.leases = 0

    async def lease(self, host: str, purpose: str) -> Any:
        self.leases += 1

        def release() -> None:
            self.leases -= 1

        return SimpleNamespace(host=host, release=release)

    async def discover(self, lease: Any) -> Discovered:
        self.hosts.append(lease.host)
        if self.held is not None:
            await self.held.wait()
        if isinstance(self.answer, SSHDashError):
            raise self.answer
        return self.answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    one = Asked()
    monkeypatch.setattr("sshdash.tunnels.discover.discovery.discover", one.discover)
    return one


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    addresses: list[str] = []

    async def note(address: str) -> None:
        addresses.append(address)

    monkeypatch.setattr(discoveries, "open_address", note)
    return addresses


def prepare(c: Cockpit, asked: Asked) -> Tunnels:
    tunnels = Tunnels()
    c.backend.fake_tunnels = tunnels
    c.backend.fake_connections.lease = asked.lease  # type: ignore[method-assign]
    return tunnels


async def discovering(c: Cockpit) -> Any:
    c.hosts.go_to("db-1")
    await c.press("D")
    await c.until(lambda: isinstance(c.app.screen, DiscoveryScreen))
    return c.app.screen


def lines(screen: Any) -> list[str]:
    return list(screen.query_one(OfferList).labels)


async def test_what_listens_is_listed_filtered_and_forwarded(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        screen = await discovering(c)
        await c.until(lambda: len(lines(screen)) == 4)
        assert lines(screen) == [
            "22 ssh sshd (1) *",
            "3000 grafana grafana (700) localhost",
            "5432 postgres postgres (812) localhost",
            "61234 10.0.0.5",
        ]
        assert "this connection" in c.drawn
        await c.until(lambda: "4 listeners · by ss" in c.drawn)
        await c.press("down")
        await c.until(
            lambda: re.search(r"ssh -L (3\d+):127.0.0.1:3000 db-1 +http://localhost:\1/", c.drawn)
        )
        await c.type("postg")
        await c.until(lambda: lines(screen) == ["5432 postgres postgres (812) localhost"])
        await c.until(lambda: "ssh -L 54" in c.drawn and "localhost:5432 db-1" in c.drawn)
        await c.press("enter")
        await c.until(lambda: tunnels.started)
        (made,) = tunnels.added
        assert tunnels.started == [made.id]
        assert (made.host, made.kind, made.spec.target_text) == (
            "db-1",
            Kind.LOCAL,
            "localhost:5432",
        )
        await c.until(lambda: c.current is not None and c.current.tab_title.startswith("tunnels"))
        await c.until(lambda: c.current.table.listing.rows.current.id == made.id)
        await c.until(lambda: asked.leases == 0)


async def test_what_is_forwarded_already_is_gone_to(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        tunnels.listed = [
            tunnel(1, Kind.LOCAL, "1111:other:1", TunnelState.OPEN),
            tunnel(2, Kind.LOCAL, "15432:localhost:5432", TunnelState.OPEN),
            tunnel(3, Kind.LOCAL, "13000:localhost:3000"),
        ]
        screen = await discovering(c)
        await c.until(lambda: len(lines(screen)) == 4)
        await c.until(lambda: "⇄ :15432" in c.drawn and "listed, closed" in c.drawn)
        await c.type("5432")
        await c.press("enter")
        await c.until(
            lambda: c.current is not None and c.current.table.listing.rows.current is not None
        )
        await c.until(lambda: c.current.table.listing.rows.current.id == "t2")
        assert (tunnels.started, tunnels.added) == ([], [])
        await c.press("D")
        await c.until(lambda: isinstance(c.app.screen, DiscoveryScreen))
        again: Any = c.app.screen
        await c.until(lambda: len(lines(again)) == 4)
        await c.press("down", "enter")
        await c.until(lambda: tunnels.started == ["t3"])
        assert asked.hosts == ["db-1", "db-1"]


@pytest.fixture
def forwarding(config: Path) -> Path:
    """Write a configuration that forwards what listens."""
    text = config.read_text().replace("5432 db:5432", "6000 localhost:5432")
    config.write_text(text)
    return config


async def test_what_the_configuration_forwards_is_marked(
    cockpit: Start, asked: Asked, forwarding: Path
) -> None:
    async with cockpit(file=forwarding) as c:
        tunnels = prepare(c, asked)
        await discovering(c)
        await c.until(lambda: "listed, closed" in c.drawn)
        await c.type("5432")
        await c.press("enter")
        await c.until(lambda: tunnels.started == ["t1"])
        assert tunnels.added == []


async def test_ctrl_o_forwards_and_opens_the_page(
    cockpit: Start, asked: Asked, opened: list[str]
) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        screen = await discovering(c)
        await c.until(lambda: len(lines(screen)) == 4)
        await c.type("post")
        await c.press("ctrl+o")
        await c.until(lambda: "postgres is nothing for a browser" in c.drawn)
        assert isinstance(c.app.screen, DiscoveryScreen)
        await c.press(*["backspace"] * 4)
        await c.type("graf")
        await c.press("ctrl+o")
        await c.until(lambda: opened)
        assert opened == [f"http://localhost:{tunnels.added[0].spec.port}/"]


async def test_ctrl_y_forwards_and_copies_the_address(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        for name, scheme, end in (("post", "", ""), ("graf", "http://", "/")):
            await discovering(c) if not c.tabs else await c.press("D")
            await c.until(lambda: isinstance(c.app.screen, DiscoveryScreen))
            screen: Any = c.app.screen
            await c.until(lambda screen=screen: len(lines(screen)) == 4)
            await c.type(name)
            await c.press("ctrl+y")
            await c.until(lambda: not isinstance(c.app.screen, DiscoveryScreen))
            await c.until(lambda: any("Copied" in told for told in c.told))
            port = tunnels.added[-1].spec.port
            await c.until(lambda words=f"{scheme}localhost:{port}{end}": c.app.clipboard == words)


async def test_a_tunnel_that_fails_opens_no_browser(
    cockpit: Start, asked: Asked, opened: list[str]
) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        tunnels.fails = True
        screen = await discovering(c)
        await c.until(lambda: len(lines(screen)) == 4)
        await c.type("graf")
        await c.press("ctrl+o")
        await c.until(lambda: tunnels.started and asked.leases == 0)
        assert not opened


async def test_what_goes_wrong_is_told_in_the_dialog_and_asked_again(
    cockpit: Start, asked: Asked
) -> None:
    async with cockpit(size=(80, 24)) as c:
        prepare(c, asked)
        hint = "install ss (iproute2) there, or add the forward by its port"
        asked.answer = SessionError("What listens there cannot be told", "the host has no ss", hint)
        screen = await discovering(c)
        await c.until(lambda: "What listens there cannot be told" in c.drawn)
        assert "the host has no ss" in c.drawn
        assert "install ss (iproute2)" in c.drawn
        asked.answer = FOUND
        await c.press("ctrl+r")
        await c.until(lambda: len(lines(screen)) == 4)
        asked.answer = UnreachableError("Connection refused")
        await c.press("ctrl+r")
        await c.until(lambda: "✖ Connection refused · ctrl+r asks again" in c.drawn)
        assert len(lines(screen)) == 4
        await c.type("nosuchthing")
        await c.until(lambda: "nothing matches" in c.drawn)
        await c.press("enter", "ctrl+o", "ctrl+y")
        assert c.app.screen is screen
        await c.press("escape")
        await c.until(lambda: asked.leases == 0)


async def test_a_host_on_which_nothing_listens(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        prepare(c, asked)
        asked.answer = Discovered((), ("ss",))
        await discovering(c)
        await c.until(lambda: "nothing listens there" in c.drawn)


async def test_escape_while_it_is_asked_leaves_nothing(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        prepare(c, asked)
        asked.held = asyncio.Event()
        await discovering(c)
        await c.until(lambda: asked.hosts and "asking db-1…" in c.drawn)
        await c.press("escape")
        await c.until(lambda: asked.leases == 0)
        assert not isinstance(c.app.screen, DiscoveryScreen)


async def test_keys_typed_while_it_is_asked_filter_what_comes(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        prepare(c, asked)
        asked.held = asyncio.Event()
        screen = await discovering(c)
        await c.until(lambda: asked.hosts)
        await c.type("graf")
        asked.held.set()
        await c.until(lambda: lines(screen) == ["3000 grafana grafana (700) localhost"])


async def test_the_cursor_stays_on_what_it_is_on(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        prepare(c, asked)
        screen = await discovering(c)
        await c.until(lambda: len(lines(screen)) == 4)
        await c.press("down", "down")
        asked.answer = Discovered(FOUND.listening[1:], ("ss",))
        await c.press("ctrl+r")
        await c.until(lambda: len(lines(screen)) == 3)
        assert screen.query_one(OfferList).current.listening.port == 5432


async def test_hostile_names_are_drawn_as_text(cockpit: Start, asked: Asked) -> None:
    async with cockpit(size=(80, 24)) as c:
        prepare(c, asked)
        name = r"\x1b[31m[b]" + "e" * 60
        asked.answer = Discovered((Listening(80, ("127.0.0.1",), name, 7),), ("[link]",))
        screen = await discovering(c)
        await c.until(lambda: lines(screen))
        await c.until(lambda: "[b]eee" in c.drawn and "by [link]" in c.drawn)


async def test_a_thousand_are_filtered_as_one_types(cockpit: Start, asked: Asked) -> None:
    async with cockpit() as c:
        prepare(c, asked)
        many = tuple(Listening(port, ("10.0.0.5",)) for port in range(20000, 21000))
        asked.answer = Discovered(many, ("ss",), complete=False)
        screen = await discovering(c)
        await c.until(lambda: len(lines(screen)) == 1000)
        await c.until(lambda: "the rest is left out" in c.drawn)
        await c.type("20777")
        await c.until(lambda: lines(screen)[:1] == ["20777 10.0.0.5"])


async def test_a_listener_on_a_real_host_is_found_forwarded_and_reached() -> None:
    async with RealSshd() as sshd, target(echo) as port:
        app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            c = Cockpit(app, pilot)
            c.hosts.go_to("sshd")
            await c.press("D")
            await c.until(lambda: isinstance(app.screen, DiscoveryScreen))
            screen = app.screen
            await c.until(lambda: lines(screen))
            await c.type(f"{port}")
            await c.until(lambda: lines(screen)[0].startswith(f"{port} "))
            await c.press("enter")
            await c.until(lambda: [one.state for one in opened_tunnels(app)] == [TunnelState.OPEN])
            (one,) = opened_tunnels(app)
            assert one.spec.target_text == f"127.0.0.1:{port}"
            assert one.spec.port > port  # the host is this machine, where that port is taken
            assert await exchange(one.spec.port, b"through") == b"through"


def opened_tunnels(app: SSHDashApp) -> list[TunnelSnapshot]:
    found = app.backend.tunnels.snapshots() if app.backend.loaded else []
    return [one for one in found if one.state is not TunnelState.CLOSED]


async def table(c: Cockpit, tunnels: Tunnels, *listed: TunnelSnapshot) -> None:
    tunnels.listed = list(listed)
    c.hosts.go_to("db-1")
    await c.press("t")
    await c.until(lambda: c.current is not None and c.app.focused is c.current.table.listing.rows)
    await c.until(lambda: c.current.table.listing.rows.current is not None)


async def test_o_opens_the_page_of_the_tunnel(
    cockpit: Start, asked: Asked, opened: list[str]
) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        page = tunnel(1, Kind.LOCAL, "8080:localhost:80", TunnelState.OPEN)
        await table(c, tunnels, page)
        await c.press("o")
        await c.until(lambda: opened == ["http://localhost:8080/"])


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (tunnel(1, Kind.LOCAL, "8080:localhost:80"), "The tunnel is not open"),
        (tunnel(1, Kind.LOCAL, "5432:db:5432", TunnelState.OPEN), "is no web page"),
        (tunnel(1, Kind.DYNAMIC, "1080", TunnelState.OPEN), "Only a local forward"),
    ],
)
async def test_why_there_is_nothing_to_open(
    cockpit: Start, asked: Asked, opened: list[str], listed: TunnelSnapshot, told: str
) -> None:
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        await table(c, tunnels, listed)
        await c.press("o")
        await c.until(lambda: any(told in one for one in c.told))
        assert not opened


async def test_without_a_browser_the_address_is_copied(
    cockpit: Start, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 40000 10.0.0.2 22")
    async with cockpit() as c:
        tunnels = prepare(c, asked)
        page = tunnel(1, Kind.LOCAL, "8443:localhost:443", TunnelState.OPEN)
        await table(c, tunnels, page)
        await c.press("o")
        await c.until(lambda: c.app.clipboard == "https://localhost:8443/")
        await c.until(lambda: any("No browser could be opened: address cop" in t for t in c.told))
