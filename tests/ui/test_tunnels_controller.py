"""What the tunnel table asks for becomes calls of the tunnels, after asking where it must."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from textual.app import App, ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from sshdash.backend import Backend
from sshdash.config.catalog import Catalog, HostEntry
from sshdash.config.source import ConfigSource
from sshdash.errors import ConfigError, UsageError
from sshdash.prompts import ConfirmQuestion, ScriptedPrompter
from sshdash.settings import Settings
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.snapshot import ProbeResult, TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.tunnels import TunnelsController
from sshdash.ui.rule_draft import RuleAnswer
from sshdash.ui.screens.forward_form import ForwardForm
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.tunnel_exports import exports_of
from sshdash.ui.widgets.ticks import Tick
from sshdash.ui.widgets.tunnel_messages import (
    AddTunnel,
    ChangeAll,
    ChangeTunnel,
    CutClient,
    EditTunnel,
    TunnelStep,
)
from sshdash.ui.widgets.tunnel_table import TunnelTable
from tests.ui.files_app import until
from tests.ui.tunnel_stage import CLIENTS, CLOSED, METRICS, NAMED, OPEN, ORDERS, fleet


class FakeTunnels:
    """Writes down what is called; the household alone starts, in the place of others' groups."""

    def __init__(self, tunnels: list[TunnelSnapshot]) -> None:
        self.tunnels = {tunnel.id: tunnel for tunnel in tunnels}
        self.calls: list[tuple[str, str]] = []

    def snapshots(self) -> list[TunnelSnapshot]:
        return list(self.tunnels.values())

    def snapshot(self, identifier: str) -> TunnelSnapshot:
        return self.tunnels[identifier]

    async def stop(self, identifier: str) -> None:
        self.calls.append(("stop", identifier))

    async def remove(self, identifier: str) -> None:
        self.calls.append(("remove", identifier))
        self.tunnels.pop(identifier, None)

    async def pause(self, identifier: str) -> None:
        self.calls.append(("pause", identifier))

    async def resume(self, identifier: str) -> None:
        self.calls.append(("resume", identifier))

    async def repoint(self, identifier: str, spec: ForwardSpec) -> None:
        self.calls.append((f"repoint {spec}", identifier))

    def change_rule(self, identifier: str, rule: Rule | None) -> None:
        self.calls.append((f"rule {rule.name if rule else None}", identifier))

    def add(self, host: str, spec: ForwardSpec, source: str, rule: Rule | None = None) -> str:
        self.calls.append((f"add {host} {spec}", rule.name if rule else ""))
        return f"n{len(self.calls)}"

    def cut(self, identifier: str, client: int) -> bool:
        self.calls.append((f"cut {client}", identifier))
        return True

    async def probe(self, identifier: str) -> ProbeResult:
        self.calls.append(("probe", identifier))
        return ProbeResult(0.0, 0.012 if identifier == "t1" else None, "said \x1b[1m so")


class FakeRules:
    def __init__(self, calls: list[tuple[str, str]]) -> None:
        self.all: list[Rule] = []
        self.calls = calls

    async def save(self, rule: Rule, old: str = "") -> list[str]:
        self.calls.append((f"save {rule.name}", old))
        return []

    async def remove(self, name: str) -> None:
        self.calls.append(("forget", name))


class FakeHousehold:
    def __init__(self, tunnels: FakeTunnels) -> None:
        self.tunnels = tunnels
        self.rules = FakeRules(tunnels.calls)

    def snapshots(self) -> list[TunnelSnapshot]:
        return self.tunnels.snapshots()

    async def ask(self, do: str, tunnel: TunnelSnapshot) -> None:
        self.tunnels.calls.append((f"ask {do}", tunnel.id))

    async def start(self, tunnel: str) -> None:
        self.tunnels.calls.append(("start", tunnel))

    async def take_over(self, tunnels: list[str]) -> None:
        self.tunnels.calls += [("take over", one) for one in tunnels]


class FakeBackend:
    def __init__(self, tunnels: FakeTunnels) -> None:
        self.tunnels = tunnels
        self.household = FakeHousehold(tunnels)
        self.resolver = SimpleNamespace(preview=lambda host: None)
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

    def put(self, *tunnels: TunnelSnapshot) -> None:
        self.fake.tunnels = {tunnel.id: tunnel for tunnel in tunnels}

    def keep(self, *rules: Rule) -> None:
        self.backend.household.rules.all = [*rules]

    async def answer(self, pilot: Any, answer: RuleAnswer | None) -> None:
        """Answer the form, in which nothing differs from what is there yet."""
        await until(pilot, lambda: isinstance(self.screen, ForwardForm))
        form = cast(ForwardForm, self.screen)
        await pilot.pause()
        assert not form.is_changed
        form.dismiss(answer)
        await until(pilot, lambda: not isinstance(self.screen, ForwardForm))

    @property
    def told(self) -> str:
        return " ".join(f"{one.heading} {one.body}" for one in self.cockpit.notices.read())

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
        app.controller.handle(ChangeAll(TunnelStep.START, [CLOSED, third], "db-1"))
        await until(pilot, lambda: app.calls == [("start", "t2")])
        assert not app.prompter.asked


async def test_whatever_other_processes_refuse_is_told_for_each() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:

        async def refuse(do: str, tunnel: TunnelSnapshot) -> None:
            raise UsageError(f"{tunnel.owner} does not {do}")

        app.backend.household.ask = refuse  # type: ignore[method-assign]
        app.put(*(replace(CLOSED, id=f"{pid}/t1", owner=f"forward {pid}") for pid in (7, 8)))
        app.put(*app.fake.snapshots(), OPEN)
        app.controller.handle(ChangeAll(TunnelStep.START, app.fake.snapshots(), "db-1"))
        await until(pilot, lambda: app.calls == [("start", "t1")])
        await until(pilot, lambda: "forward 8 does not start" in app.told)
        assert "forward 7 does not start" in app.told


async def test_all_tunnels_of_a_host_are_stopped_after_one_question() -> None:
    app = ControllerApp(None, True)
    async with app.run_test() as pilot:
        app.fake.tunnels["t3"] = replace(OPEN, id="t3", clients=0)
        both = ChangeAll(TunnelStep.STOP, [OPEN, app.fake.tunnels["t3"]], "db-1")
        app.controller.handle(both)
        await until(pilot, lambda: len(app.prompter.asked) == 1)
        assert not app.calls
        app.controller.handle(both)
        await until(pilot, lambda: app.calls == [("stop", "t1"), ("stop", "t3")])
        question = cast(ConfirmQuestion, app.prompter.asked[1])
        assert question.title == "Close all tunnels of db-1?"
        assert "3 clients of 1 tunnel" in question.detail


async def test_a_tunnel_is_paused_and_goes_on() -> None:
    app = ControllerApp(True)
    async with app.run_test() as pilot:
        app.ask(TunnelStep.PAUSE, OPEN)
        await until(pilot, lambda: app.calls == [("pause", "t1")])
        assert "3 clients" in cast(ConfirmQuestion, app.prompter.asked[0]).detail
        app.ask(TunnelStep.RESUME, OPEN)
        await until(pilot, lambda: app.calls[-1] == ("resume", "t1"))


async def test_a_client_is_cut_after_a_yes() -> None:
    app = ControllerApp(None, True)
    async with app.run_test() as pilot:
        app.controller.handle(CutClient(OPEN, CLIENTS[0]))
        await until(pilot, lambda: app.prompter.asked)
        app.controller.handle(CutClient(OPEN, CLIENTS[0]))
        await until(pilot, lambda: app.calls == [("cut 1", "t1")])
        assert "psql (8123)" in cast(ConfirmQuestion, app.prompter.asked[0]).detail


async def test_a_probe_is_told() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        app.ask(TunnelStep.PROBE, OPEN)
        await until(pilot, lambda: app.calls)
        await until(pilot, lambda: "is well said \\x1b[1m so in 12 ms" in app.told)
        app.ask(TunnelStep.PROBE, CLOSED)
        await until(pilot, lambda: "is not well" in app.told)


async def test_a_rule_is_added_saved_and_opened() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        selected: list[str] = []
        for answer in (
            RuleAnswer("web", METRICS.forwards, METRICS, True, True),
            RuleAnswer("web", METRICS.forwards[:1], None, False, False),
            RuleAnswer("web", METRICS.forwards, METRICS, True, True),
        ):
            app.controller.handle(AddTunnel(selected.append, "web"))
            await app.answer(pilot, answer)
            await pilot.pause()
            app.keep(METRICS)
        assert app.calls == [
            ("add web 3000:grafana.internal:3000", "metrics"),
            ("add web 9090:prometheus.internal:9090", "metrics"),
            ("save metrics", ""),
            ("start", "n1"),
            ("start", "n2"),
            ("add web 3000:grafana.internal:3000", ""),
        ]
        assert selected == ["n1", "n6"]
        assert "There is a rule metrics already" in app.told


async def test_a_form_whose_rule_cannot_be_stays_with_all_that_was_typed() -> None:
    app = ControllerApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.keep(METRICS)

        def preview(host: str) -> None:
            if host != "web":
                raise UsageError("Bad host", host)

        app.backend.resolver.preview = preview
        app.controller.handle(AddTunnel(lambda _: None, "gone"))
        await until(pilot, lambda: isinstance(app.screen, ForwardForm))
        form = app.screen
        for name, value in (("listen", "80"), ("target", "80"), ("name", METRICS.name)):
            form.query_one(f"#{name}", Input).value = value
        form.query_one("#keep", Tick).value = True
        said = form.query_one(".forward-result", Static)
        await until(pilot, lambda: "as gone sees it" in str(said.render()))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "There is a rule metrics already" in str(said.render()))
        form.query_one("#name", Input).value = "other"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Bad host: gone" in str(said.render()))
        form.query_one("#host", Input).value = "web"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: ("save other", "") in app.calls)


async def test_a_rule_that_cannot_be_kept_is_opened_all_the_same() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:

        async def fails(rule: Rule, old: str = "") -> list[str]:
            raise ConfigError("Cannot write the rules", Path("tunnels.yaml"), detail="disk full")

        app.backend.household.rules.save = fails  # type: ignore[method-assign]
        app.controller.handle(AddTunnel(lambda _: None, "web"))
        await app.answer(pilot, RuleAnswer("web", METRICS.forwards[:1], METRICS, True, True))
        await until(pilot, lambda: "disk full" in app.told)
        assert app.calls[-1] == ("start", "n1")


async def test_an_edited_rule_is_led_elsewhere_while_it_is_open() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        rows = [one for one in fleet() if one.rule is METRICS]
        app.put(*rows)
        app.keep(METRICS)
        new = (
            METRICS.forwards[1],
            parse_forward(Kind.LOCAL, "3001:grafana.internal:3000"),
            parse_forward(Kind.DYNAMIC, "1080"),
        )
        rule = replace(METRICS, name="graphs", forwards=new)
        app.controller.handle(EditTunnel(lambda _: None, rows))
        await app.answer(pilot, RuleAnswer("web", new, rule, True, False))
        await until(pilot, lambda: ("save graphs", "metrics") in app.calls)
        assert app.calls == [
            ("repoint 3001:grafana.internal:3000", "t6"),
            ("add web 1080", "graphs"),
            ("rule graphs", "t7"),
            ("rule graphs", "t6"),
            ("rule graphs", "n2"),
            ("save graphs", "metrics"),
        ]


async def test_a_rule_moves_to_another_host_and_is_opened_there() -> None:
    app = ControllerApp(False, True)
    async with app.run_test() as pilot:
        app.put(NAMED, replace(CLOSED, rule=ORDERS))
        app.keep(ORDERS)
        rule = replace(ORDERS, host="two", colour="bright_red")
        answer = RuleAnswer("two", (*ORDERS.forwards, CLOSED.spec), rule, True, False)
        selected: list[str] = []
        for count in (1, 2):
            app.controller.handle(EditTunnel(selected.append, [*app.fake.tunnels.values()]))
            await app.answer(pilot, answer)
            await until(pilot, lambda: bool(app.prompter.asked[count - 1 :]))  # noqa: B023
            if count == 1:
                await pilot.pause()
                assert not app.calls, "the first answer was no"
        await until(pilot, lambda: app.calls[-1][0] == "start")
        assert "3 clients of orders-db would be cut off" in str(app.prompter.asked[-1])
        assert [one for one in app.calls if one[0] != "start"] == [
            ("stop", "t1"),
            ("remove", "t1"),
            ("stop", "t2"),
            ("rule None", "t2"),
            ("add two 5432:db:5432", "orders-db"),
            ("add two 1080", "orders-db"),
            ("save orders-db", "orders-db"),
        ]
        assert [one[1] for one in app.calls if one[0] == "start"] == [*selected, "n6"]


async def test_a_rule_that_is_not_kept_any_more_goes_from_its_file() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        app.put(NAMED)
        app.keep(ORDERS)
        app.controller.handle(EditTunnel(lambda _: None, [NAMED]))
        await app.answer(pilot, RuleAnswer("db-1", ORDERS.forwards, None, False, False))
        await until(pilot, lambda: app.calls == [("rule None", "t1"), ("forget", "orders-db")])


async def test_a_kept_rule_is_removed_only_after_a_yes() -> None:
    app = ControllerApp(None, True)
    async with app.run_test() as pilot:
        app.put(replace(NAMED, clients=0))
        app.keep(ORDERS)
        app.ask(TunnelStep.REMOVE, NAMED)
        await until(pilot, lambda: len(app.prompter.asked) == 1)
        await pilot.pause()
        assert not app.calls
        app.ask(TunnelStep.REMOVE, NAMED)
        await until(pilot, lambda: app.calls == [("forget", "orders-db"), ("remove", "t1")])


async def test_what_another_process_runs_is_asked_of_it_or_taken_over() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        other = fleet()[-1]
        app.put(other)
        app.ask(TunnelStep.STOP, other)
        await until(pilot, lambda: app.calls == [("ask stop", "t12")])
        app.ask(TunnelStep.TAKE_OVER, other)
        await until(pilot, lambda: len(app.calls) == 3)
        assert app.calls[1:] == [("add ci 8000:build:8000", ""), ("take over", "n2")]


async def test_a_rule_is_copied_in_the_words_that_are_picked() -> None:
    app = ControllerApp()
    async with app.run_test() as pilot:
        app.ask(TunnelStep.EXPORT, NAMED)
        await until(pilot, lambda: isinstance(app.screen, Picker))
        choices: tuple[Choice, ...] = cast(Picker, app.screen).choices
        assert [one.id for one in choices][:3] == [
            "ssh command",
            "ssh_config block",
            "systemd user unit",
        ]
        await pilot.press(*"block", "enter")
        await until(pilot, lambda: app.copied)
        assert "LocalForward 5432 db:5432" in app.copied[0]


def test_what_makes_use_of_a_tunnel_is_to_be_copied_too() -> None:
    proxy = replace(CLOSED, listen="*:1080")
    texts = {one.name: one.text for one in exports_of(proxy, None)}
    assert texts["curl"].startswith("curl --proxy socks5h://localhost:1080 ")
    assert "ALL_PROXY=socks5h://localhost:1080" in texts["environment"]
    assert texts["PAC file"] == "http://localhost:1080/proxy.pac"
    database = {one.name: one.text for one in exports_of(NAMED, None)}
    assert database["psql"] == "psql -h localhost -p 5432"
    assert "systemd user unit" not in texts
