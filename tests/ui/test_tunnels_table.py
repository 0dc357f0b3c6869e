"""The table of tunnels, the diagram and the form."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult
from textual.events import Paste
from textual.widgets import Input, Static

from sshdash.paths import styles_dir
from sshdash.states import TunnelState
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from sshdash.ui.commands import COMMANDS
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.forward_form import ForwardForm, NewForward
from sshdash.ui.theme import DARK, THEMES, own_variables
from sshdash.ui.widgets.sparkline import sparkline
from sshdash.ui.widgets.tunnel_diagram import diagram
from sshdash.ui.widgets.tunnel_rows import TunnelColumns, head_text
from sshdash.ui.widgets.tunnel_table import (
    AddTunnel,
    ChangeAll,
    ChangeTunnel,
    TunnelStep,
    TunnelTable,
)
from tests.ui.files_app import until


def tunnel(
    number: int, kind: Kind, text: str, state: TunnelState = TunnelState.CLOSED, **more: Any
) -> TunnelSnapshot:
    spec = parse_forward(kind, text)
    fields: dict[str, Any] = {
        "id": f"t{number}",
        "host": "db-1",
        "kind": kind,
        "spec": spec,
        "source": "config",
        "listen": spec.listen_text,
        "target": spec.target_text,
        "route": ("bastion", "db-1"),
        "state": state,
        "exposed": spec.exposed,
        "clients": 0,
        "clients_total": 0,
        "failures": 0,
        "bytes_up": 0,
        "bytes_down": 0,
        "rate_up": 0.0,
        "rate_down": 0.0,
        "history": (0,) * 30,
        "error": "",
        "uptime": None,
    }
    return TunnelSnapshot(**{**fields, **more})


OPEN = tunnel(
    1,
    Kind.LOCAL,
    "5432:db:5432",
    TunnelState.OPEN,
    clients=3,
    bytes_up=1_200,
    bytes_down=84_000_000,
    rate_down=8_400_000.0,
    history=(*(0,) * 28, 10, 20),
    uptime=61.0,
)
CLOSED = tunnel(2, Kind.DYNAMIC, "1080")
FAILED = tunnel(
    3,
    Kind.REMOTE,
    "9000:localhost:3000",
    TunnelState.FAILED,
    host="web\x1b[31m[b]",
    error="port 9000 is in use on web\x1b[31m: postgres (pid 812)",
)


class TunnelsApp(App[None]):
    """The table alone."""

    def __init__(self, tunnels: list[TunnelSnapshot]) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.tunnels = tunnels
        self.table = TunnelTable(lambda: self.tunnels)
        self.requests: list[Any] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return own_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.rows.focus()

    @on(ChangeTunnel)
    @on(ChangeAll)
    @on(AddTunnel)
    def _requested(self, message: Any) -> None:
        self.requests.append(message)

    def action_command(self, command_id: str) -> None:
        if not self.table.why_not(command_id):
            getattr(self.table, COMMANDS[command_id].action)()

    def lines(self) -> list[str]:
        rows = self.table.rows
        count = len(self.tunnels)
        return ["".join(part.text for part in rows.render_line(y)) for y in range(count)]

    def detail(self) -> str:
        return str(self.table.query_one(".tunnel-detail", Static).render())


async def test_rows_tell_state_route_clients_and_rates() -> None:
    app = TunnelsApp([OPEN, CLOSED, FAILED])
    async with app.run_test(size=(160, 30)) as pilot:
        await pilot.pause()
        first, second, third = app.lines()
        parts = ("● open", "db-1", "localhost:5432 → db:5432", "84.0 MB", "8.4 MB/s", "▅█", "1 min")
        for part in parts:
            assert part in first
        assert "○ closed" in second
        assert "SOCKS" in second
        assert "✖ failed" in third
        assert r"\x1b[31m[b]" in third
        assert "\x1b" not in third
        head = str(app.table.query_one(".tunnels-head", Static).render())
        assert first.index("L") == head.index("listens") - 2
        assert first.index("8.4 MB/s") + 8 == head.index("↓ rate") + 6


@pytest.mark.parametrize("width", [80, 84])
async def test_a_narrow_table_tells_what_came_through_and_since_when(width: int) -> None:
    near = tunnel(4, Kind.LOCAL, "33793:db.internal:5432", host="stage-web")
    app = TunnelsApp([replace(OPEN, uptime=3 * 3600 + 300.0, bytes_up=999_000), near, CLOSED])
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        first, second, third = app.lines()
        for part in (" :5432 → db:5432", "999 kB 84.0 MB", "▅█ "):
            assert part in first
        assert first.rstrip().endswith("3 h")
        assert " :33793 → db.intern" in second
        assert " :1080 → " in third
        assert "/s" not in first
        head = str(app.table.query_one(".tunnels-head", Static).render())
        assert head.endswith("↑ bytes ↓ bytes  rate    up for")
        assert len({cell_len(line) for line in (first, second, third)}) == 1
        assert first.rindex("MB") == head.rindex("↓ bytes") + 5


async def test_all_rows_name_their_ports_alike() -> None:
    long = tunnel(4, Kind.LOCAL, "33793:a-rather-long-name.internal.example:5432")
    app = TunnelsApp([OPEN, long])
    async with app.run_test(size=(110, 30)) as pilot:
        await pilot.pause()
        assert not any("localhost" in line for line in app.lines())
        app.tunnels = [OPEN]
        await until(pilot, lambda: "localhost:5432" in app.lines()[0])


@pytest.mark.parametrize("width", range(30, 220, 7))
@pytest.mark.parametrize("way", [10, 30, 80])
def test_columns_fill_the_width(width: int, way: int) -> None:
    columns = TunnelColumns.fit(width, 9, way, way - 9)
    assert len(head_text(columns)) == max(width, 45)


async def test_rows_follow_the_snapshots() -> None:
    app = TunnelsApp([CLOSED])
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "closed" in app.lines()[0])
        app.tunnels = [replace(CLOSED, state=TunnelState.OPENING), OPEN]
        await until(pilot, lambda: len(app.table.tunnels) == 2)
        assert "◌ opening" in app.lines()[0]
        await pilot.press("down")
        app.tunnels = [OPEN]
        await until(pilot, lambda: len(app.table.tunnels) == 1)
        current = app.table.rows.current
        assert current is not None
        assert current.id == "t1"


async def test_the_detail_tells_the_whole_error_cleaned() -> None:
    app = TunnelsApp([OPEN, FAILED])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down")
        await until(pilot, lambda: "pid 812" in app.detail())
        assert "\x1b" not in app.detail()
        assert "─✖─" in app.detail()


async def test_keys_start_and_stop_all_of_the_host_at_the_cursor() -> None:
    failed = replace(CLOSED, id="t4", state=TunnelState.FAILED)
    app = TunnelsApp([OPEN, CLOSED, FAILED, failed])
    async with app.run_test() as pilot:
        await pilot.press("S", "X", "down", "down", "X")
        asked = [(one.step, [tunnel.id for tunnel in one.tunnels]) for one in app.requests]
        assert asked == [(TunnelStep.START, ["t2", "t4"]), (TunnelStep.STOP, ["t1"])]
        assert app.table.why_not("tunnels.stop_all").startswith("No tunnel of web")
        app.tunnels = [OPEN]
        app.table.update()
        assert app.table.why_not("tunnels.start_all") == "Every tunnel of db-1 is open"


async def test_keys_ask_for_changes() -> None:
    app = TunnelsApp([OPEN, CLOSED])
    async with app.run_test() as pilot:
        await pilot.press("enter", "r", "down", "space", "r", "y", "d", "a")
        asked = [
            (request.step, request.tunnel.id)
            for request in app.requests
            if isinstance(request, ChangeTunnel)
        ]
        assert asked == [
            (TunnelStep.STOP, "t1"),
            (TunnelStep.RESTART, "t1"),
            (TunnelStep.START, "t2"),
            (TunnelStep.COPY_COMMAND, "t2"),
            (TunnelStep.REMOVE, "t2"),
        ]
        assert isinstance(app.requests[-1], AddTunnel)
        assert app.requests[-1].host == "db-1"


async def test_without_tunnels_it_says_how_to_add_one() -> None:
    app = TunnelsApp([])
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.table.query_one(".tunnels-empty").display
        await pilot.press("enter", "d")
        assert not app.requests


def drawn(snapshot: TunnelSnapshot) -> str:
    return "".join(text for text, _ in diagram(snapshot))


def test_diagrams_go_the_way_of_the_bytes() -> None:
    assert drawn(OPEN) == "you localhost:5432 ──▶ bastion ──▶ db-1 ──▶ db:5432"
    remote = replace(FAILED, state=TunnelState.OPEN, host="db-1")
    assert drawn(remote) == "db-1 localhost:9000 ──▶ bastion ──▶ you ──▶ localhost:3000"
    assert drawn(CLOSED).endswith("┄┄▷ anywhere (SOCKS5)")
    degraded = replace(OPEN, state=TunnelState.DEGRADED)
    assert drawn(degraded).endswith("db-1 ─▲─ db:5432")


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [
        ((), 4, "····"),
        ((0, 0), 2, "··"),
        ((1, 0, 8), 3, "▂·█"),
        ((5,), 3, "··█"),
        ((1, 2, 3), 2, "▆█"),
        ((1, 10**9), 2, "▁█"),
        ((1,), 0, ""),
    ],
)
def test_sparklines(values: tuple[int, ...], width: int, bars: str) -> None:
    assert sparkline(values, width) == bars


class FormApp(App[None]):
    """The form alone."""

    def __init__(self, host: str = "db-1") -> None:
        super().__init__()
        self.form = ForwardForm(host, ["db-1", "web"])
        self.answers: list[NewForward | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.form, self.answers.append)

    def set(self, field: str, value: str) -> None:
        self.form.query_one(f"#{field}", Input).value = value

    def result(self) -> str:
        return str(self.form.query_one(".forward-result", Static).render())


async def test_the_form_answers_a_local_forward() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        await pilot.press(*"5432")
        app.set("target", "db")
        app.set("target-port", "5432")
        await until(pilot, lambda: app.result() == "ssh -N -L 5432:db:5432 db-1")
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    answer = app.answers[0]
    assert answer is not None
    assert (answer.host, str(answer.spec), answer.start) == ("db-1", "5432:db:5432", True)


async def test_the_form_names_what_is_wrong() -> None:
    app = FormApp(host="")
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Name a host" in app.result())
        app.set("host", "web")
        await until(pilot, lambda: "listen" in app.result())
        app.set("host", "-oProxyCommand=evil")
        await until(pilot, lambda: "-oProxyCommand" in app.result())
        app.set("host", "web")
        app.set("port", "99999")
        app.set("target-port", "80")
        await until(pilot, lambda: "99999" in app.result())
        app.form.query_one("#port", Input).focus()
        await pilot.press("enter")
        assert not app.answers
        app.set("port", "8080")
        app.set("bind", "*")
        await until(pilot, lambda: "other machines" in app.result())
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.form)
        assert not app.answers
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: app.answers == [None])


async def test_a_form_in_which_nothing_was_typed_goes_without_a_word() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        await pilot.press("escape")
        await until(pilot, lambda: app.answers == [None])


async def test_the_form_takes_a_whole_option_in_one_field() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        app.set("port", "127.0.0.1:5432:[::1]:5433")
        await until(pilot, lambda: "5433" in app.result())
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    answer = app.answers[0]
    assert answer is not None
    assert answer.spec.target_host == "::1"


async def test_a_target_with_its_port_is_split() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        await pilot.press(*"8080")
        target = app.form.query_one("#target", Input)
        port = app.form.query_one("#target-port", Input)
        target.focus()
        await pilot.press(*"localhost:80")
        await until(pilot, lambda: app.result() == "ssh -N -L 8080:localhost:80 db-1")
        assert (target.value, port.value) == ("localhost", "80")
        assert port.has_focus
        target.value = ""
        target.focus()
        target.post_message(Paste("db:5432"))
        await until(pilot, lambda: app.result() == "ssh -N -L 8080:db:5432 db-1")
        assert (target.value, port.value) == ("db", "5432")
        for address, host in (
            ("::1", "::1"),
            ("[::1]:90", "[::1]"),
            ("db:x", "db:x"),
            ("fe80:", "fe80:"),
        ):
            target.value = address
            await pilot.pause()
            assert target.value == host
        assert port.value == "90"


async def test_a_dynamic_forward_needs_no_target() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "down", "down", "space")
        app.set("port", "1080")
        await until(pilot, lambda: app.result() == "ssh -N -D 1080 db-1")
        assert app.form.query_one("#target", Input).disabled
