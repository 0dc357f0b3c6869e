"""What the tunnel table asks for becomes calls of the tunnels, after asking where it must."""

from dataclasses import replace
from typing import Any, cast

from textual.app import App, ComposeResult
from textual.message import Message
from textual.screen import Screen

from sshdash.backend import Backend
from sshdash.config.catalog import Catalog, HostEntry
from sshdash.config.source import ConfigSource
from sshdash.errors import UsageError
from sshdash.prompts import ConfirmQuestion, ScriptedPrompter
from sshdash.settings import Settings
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.tunnels import TunnelsController
from sshdash.ui.widgets.tunnel_table import ChangeAll, ChangeTunnel, TunnelStep, TunnelTable
from tests.ui.files_app import until
from tests.ui.test_tunnels_table import CLOSED, OPEN


class FakeTunnels:
    """Writes down what is called."""

    def __init__(self, tunnels: list[TunnelSnapshot]) -> None:
        self.tunnels = {tunnel.id: tunnel for tunnel in tunnels}
        self.calls: list[tuple[str, str]] = []

    def snapshots(self) -> list[TunnelSnapshot]:
        return list(self.tunnels.values())

    def snapshot(self, identifier: str) -> TunnelSnapshot:
        return self.tunnels[identifier]

    async def start(self, identifier: str) -> None:
        self.calls.append(("start", identifier))

    async def stop(self, identifier: str) -> None:
        self.calls.append(("stop", identifier))

    async def remove(self, identifier: str) -> None:
        self.calls.append(("remove", identifier))
        self.tunnels.pop(identifier, None)


class FakeBackend:
    def __init__(self, tunnels: FakeTunnels) -> None:
        self.tunnels = tunnels
        self.settings = Settings()
        self.source = ConfigSource(None, None)
        self.loaded = True
        hosts = [HostEntry(name, "config", 1, "") for name in ("one", "bad", "two")]
        self.catalog = Catalog(tuple(hosts), ())
        self.listed: list[str] = []

    async def load(self) -> None:
        """Everything is there."""

    def add_config_forwards(self, host: str) -> list[str]:
        if host == "bad":
            raise UsageError("Bad forward", "LocalForward x: the target is missing")
        self.listed.append(host)
        return []


class ControllerApp(App[None]):
    def __init__(self, *answers: object) -> None:
        super().__init__()
        self.fake = FakeTunnels([OPEN, CLOSED])
        self.backend = FakeBackend(self.fake)
        self.prompter = ScriptedPrompter(list(answers))
        self.table = TunnelTable(self.fake.snapshots)
        self.copied: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        screen = cast("Screen[None]", self.screen)
        self.cockpit = Cockpit(screen, cast(Backend, self.backend), self.prompter)
        self.controller = TunnelsController(self.cockpit)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def ask(self, step: TunnelStep, tunnel: TunnelSnapshot) -> None:
        message: Message = ChangeTunnel(step, tunnel)
        self.controller.handle(message)

    @property
    def calls(self) -> list[tuple[str, str]]:
        return self.fake.calls


async def test_a_tunnel_in_use_is_closed_only_after_a_yes() -> None:
    app = ControllerApp(None, True)
    async with app.run_test() as pilot:
        app.ask(TunnelStep.STOP, OPEN)
        await until(pilot, lambda: len(app.prompter.asked) == 1)
        assert not app.calls
        app.ask(TunnelStep.STOP, OPEN)
        await until(pilot, lambda: app.calls == [("stop", "t1")])
        question = cast(Any, app.prompter.asked[1])
        assert isinstance(question, ConfirmQuestion)
        assert "3 clients" in question.detail


async def test_an_idle_tunnel_is_not_asked_about() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        app.fake.tunnels["t1"] = replace(OPEN, clients=0)
        app.ask(TunnelStep.RESTART, OPEN)
        await until(pilot, lambda: app.calls == [("stop", "t1"), ("start", "t1")])
        app.ask(TunnelStep.REMOVE, OPEN)
        await until(pilot, lambda: app.calls[-1] == ("remove", "t1"))
        app.ask(TunnelStep.START, CLOSED)
        await until(pilot, lambda: app.calls[-1] == ("start", "t2"))
        assert not app.prompter.asked


async def test_a_tunnel_removed_meanwhile_is_left_alone() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        gone = app.fake.tunnels.pop("t1")
        app.ask(TunnelStep.REMOVE, gone)
        app.ask(TunnelStep.START, CLOSED)
        await until(pilot, lambda: app.calls)
        assert app.calls == [("start", "t2")]
        assert not app.cockpit.notices.unread


async def test_the_ssh_command_of_a_tunnel() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        app.ask(TunnelStep.COPY_COMMAND, OPEN)
        app.ask(TunnelStep.COPY_COMMAND, CLOSED)
        await until(pilot, lambda: len(app.copied) == 2)
        assert app.copied[0].endswith("-N -L 5432:db:5432 db-1")
        assert app.copied[1].endswith("-N -D 1080 db-1")


async def test_one_bad_forward_does_not_hide_the_others() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        app.controller.list_configured()
        await until(pilot, lambda: app.backend.listed == ["one", "two"])
        assert app.cockpit.notices.unread == 1


async def test_all_tunnels_of_a_host_are_started_one_gone_meanwhile_is_left_out() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        third = replace(CLOSED, id="t3")
        app.controller.handle(ChangeAll(TunnelStep.START, [CLOSED, third]))
        await until(pilot, lambda: app.calls == [("start", "t2")])
        assert not app.prompter.asked


async def test_all_tunnels_of_a_host_are_stopped_after_one_question() -> None:
    app = ControllerApp(None, True)
    async with app.run_test() as pilot:
        app.fake.tunnels["t3"] = replace(OPEN, id="t3", clients=0)
        both = ChangeAll(TunnelStep.STOP, [OPEN, app.fake.tunnels["t3"]])
        app.controller.handle(both)
        await until(pilot, lambda: len(app.prompter.asked) == 1)
        assert not app.calls
        app.controller.handle(both)
        await until(pilot, lambda: app.calls == [("stop", "t1"), ("stop", "t3")])
        question = cast(ConfirmQuestion, app.prompter.asked[1])
        assert "3 clients of 1 tunnel" in question.detail
