"""Tunnels made up for tests and pictures, and the table alone to show them in."""

from dataclasses import replace
from typing import Any

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Static

from sshdash.paths import styles_dir
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Probe, ProbeKind, Rule, Start
from sshdash.tunnels.legs import Cause, Leg, LegState, Mishap
from sshdash.tunnels.snapshot import ClientSnapshot, ProbeResult, TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from sshdash.ui.commands import COMMANDS
from sshdash.ui.theme import DARK, THEMES, own_variables
from sshdash.ui.widgets.tunnel_messages import (
    AddTunnel,
    ChangeAll,
    ChangeTunnel,
    CutClient,
    EditTunnel,
)
from sshdash.ui.widgets.tunnel_table import TunnelTable

NOON = 1_790_000_000.0


def tunnel(
    number: int, kind: Kind, text: str, state: TunnelState = TunnelState.CLOSED, **more: Any
) -> TunnelSnapshot:
    """Return a tunnel of db-1 behind bastion, unless `more` says otherwise."""
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


def legs(*states: LegState, times: tuple[float, ...] = (), **last: Any) -> tuple[Leg, ...]:
    """Return the way you, bastion, db-1, db:5432 with these states."""
    places = ("you", "bastion", "db-1", "db:5432")
    made = [
        Leg(
            places[index],
            places[index + 1],
            state,
            times[index] if index < len(times) else None,
        )
        for index, state in enumerate(states)
    ]
    broken = next((i for i, leg in enumerate(made) if leg.state is LegState.FAILED), None)
    if broken is not None:
        made[broken] = replace(made[broken], **last)
    return tuple(made)


OPEN = tunnel(
    1,
    Kind.LOCAL,
    "5432:db:5432",
    TunnelState.OPEN,
    clients=3,
    clients_total=17,
    bytes_up=1_200,
    bytes_down=84_000_000,
    rate_down=8_400_000.0,
    minute_down=7_900_000.0,
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

ORDERS = Rule(
    "orders-db",
    "db-1",
    (parse_forward(Kind.LOCAL, "5432:db:5432"),),
    note="the replica, for reports",
    tags=("prod", "billing"),
    colour="cyan",
    start=Start.LAUNCH,
    probe=Probe(ProbeKind.POSTGRES, interval=30.0),
)
METRICS = Rule(
    "metrics",
    "web",
    (
        parse_forward(Kind.LOCAL, "3000:grafana.internal:3000"),
        parse_forward(Kind.LOCAL, "9090:prometheus.internal:9090"),
    ),
    tags=("ops",),
    colour="magenta",
)
NAMED = replace(
    OPEN,
    rule=ORDERS,
    source="saved",
    uptime=3 * 3600 + 300.0,
    rate_up=48_000.0,
    minute_up=41_000.0,
    bytes_up=1_900_000,
    history=tuple(int(4e6 + 4e6 * ((i * 7) % 11) / 11) for i in range(30)),
    legs=legs(LegState.UP, LegState.UP, LegState.UP, times=(0.012, 0.003, 0.0004)),
    reconnects=2,
    mishaps=(
        Mishap(NOON, Cause.CONNECTION_DOWN, "Connection lost: keepalive timeout"),
        Mishap(NOON + 61, Cause.TARGET_REFUSED, "db:5432 refused: Connection refused"),
    ),
    probe=ProbeResult(NOON, 0.0123, "PostgreSQL, encryption on offer"),
)
PROHIBITED = replace(
    tunnel(4, Kind.LOCAL, "6379:cache:6379", TunnelState.DEGRADED, uptime=12.0, failures=4),
    rule=Rule("sessions-cache", "db-1", (parse_forward(Kind.LOCAL, "6379:cache:6379"),)),
    legs=legs(
        LegState.UP,
        LegState.UP,
        LegState.FAILED,
        times=(0.012, 0.003),
        cause=Cause.PROHIBITED,
        message="db-1 does not open channels to cache:6379: open failed: administratively "
        "prohibited",
    ),
)


def client(number: int, process: str, **more: Any) -> ClientSnapshot:
    """Return a client of an open tunnel."""
    fields: dict[str, Any] = {
        "id": number,
        "address": f"127.0.0.1:5031{number}",
        "process": process,
        "target": "db:5432",
        "age": 700.0 * number,
        "bytes_up": 12_000 * number,
        "bytes_down": 3_400_000 * number,
    }
    return ClientSnapshot(**{**fields, **more})


CLIENTS = [client(1, "psql (8123)"), client(2, "python3 (9001)"), client(3, "")]


def fleet() -> list[TunnelSnapshot]:
    """Return tunnels of several hosts in every state."""
    web: dict[str, Any] = {"host": "web", "route": ("bastion", "web")}
    return [
        NAMED,
        PROHIBITED,
        tunnel(5, Kind.DYNAMIC, "1080", TunnelState.OPEN, uptime=190_000.0, bytes_down=7_200_000),
        replace(
            tunnel(6, Kind.LOCAL, "3000:grafana.internal:3000", TunnelState.OPEN, uptime=600.0),
            rule=METRICS,
            rate_down=96_000.0,
            history=(*(0,) * 20, *range(0, 20000, 2000)),
            clients=1,
            **web,
        ),
        replace(
            tunnel(7, Kind.LOCAL, "9090:prometheus.internal:9090", TunnelState.OPEN, uptime=600.0),
            rule=METRICS,
            **web,
        ),
        replace(
            tunnel(8, Kind.REMOTE, "*:8080:localhost:3000", TunnelState.RECONNECTING, **web),
            retry_in=2.4,
        ),
        replace(
            tunnel(9, Kind.LOCAL, "8443:intranet:443", TunnelState.PAUSED, **web),
            holds_port=True,
        ),
        tunnel(
            10,
            Kind.LOCAL,
            "5433:replica:5432",
            TunnelState.FAILED,
            error="port 5433 is in use: postgres (pid 812); 5434 is free",
            host="stage-db",
            route=("stage-db",),
        ),
        tunnel(11, Kind.DYNAMIC, "1081", host="stage-db", route=("stage-db",)),
        tunnel(
            12,
            Kind.LOCAL,
            "8000:build:8000",
            TunnelState.OPEN,
            host="ci",
            route=("ci",),
            owner="forward (4211)",
            uptime=80.0,
        ),
    ]


class TunnelsApp(App[None]):
    """The table alone."""

    def __init__(self, tunnels: list[TunnelSnapshot], theme: str = DARK.name) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.tunnels = tunnels
        self.clients: dict[str, list[ClientSnapshot]] = {}
        self.pulled: list[str] = []
        self.seen: list[str] = []
        self.reading = False
        self.table = TunnelTable(
            lambda: self.tunnels, self._clients, self.seen.append, lambda: self.reading
        )
        self.requests: list[Any] = []

    def _clients(self, wanted: str) -> list[ClientSnapshot]:
        self.pulled.append(wanted)
        return self.clients.get(wanted, [])

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return own_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.listing.rows.focus()

    @on(ChangeTunnel)
    @on(ChangeAll)
    @on(AddTunnel)
    @on(EditTunnel)
    @on(CutClient)
    def _requested(self, message: Any) -> None:
        self.requests.append(message)

    def action_command(self, command_id: str) -> None:
        if not self.table.why_not(command_id):
            getattr(self.table, COMMANDS[command_id].action)()

    def lines(self) -> list[str]:
        """Return the rows as they are drawn."""
        front = self.table.listing.front
        count = front.line_count()
        return ["".join(part.text for part in front.render_line(y)) for y in range(count)]

    def head(self) -> str:
        """Return the names of the columns."""
        return str(self.table.query_one(".tunnels-head", Static).render())

    def detail(self) -> str:
        """Return the way and all that is told."""
        return f"{self.table.detail.flow.render()}\n{self.table.detail.text}"
