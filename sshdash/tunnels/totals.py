"""What several tunnels carry together: those of a rule, or all of them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from sshdash.states import TunnelState
from sshdash.tunnels.counters import Passed, Traffic
from sshdash.tunnels.snapshot import TunnelHistory, TunnelSnapshot

_OPEN = frozenset({TunnelState.OPEN, TunnelState.DEGRADED})
_NOTHING = (0, 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of some tunnels' figures; rates are in bytes per second."""

    tunnels: int = 0
    open: int = 0
    """Tunnels that take clients now, those whose target refuses included."""
    clients: int = 0
    clients_total: int = 0
    failures: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    rate_up: float = 0.0
    rate_down: float = 0.0
    minute_up: float = 0.0
    minute_down: float = 0.0
    reconnects: int = 0
    states: dict[str, int] = field(default_factory=dict)
    """How many are in each state, by its word; states that none is in are left out."""


def total(tunnels: Iterable[TunnelSnapshot]) -> Totals:
    """Return what the tunnels carry together."""
    each = list(tunnels)
    return Totals(
        tunnels=len(each),
        open=sum(one.state in _OPEN for one in each),
        clients=sum(one.clients for one in each),
        clients_total=sum(one.clients_total for one in each),
        failures=sum(one.failures for one in each),
        bytes_up=sum(one.bytes_up for one in each),
        bytes_down=sum(one.bytes_down for one in each),
        rate_up=sum(one.rate_up for one in each),
        rate_down=sum(one.rate_down for one in each),
        minute_up=sum(one.minute_up for one in each),
        minute_down=sum(one.minute_down for one in each),
        reconnects=sum(one.reconnects for one in each),
        states=dict(Counter(one.state.value for one in each)),
    )


def by_rule(tunnels: Iterable[TunnelSnapshot]) -> dict[str, Totals]:
    """Return what each rule carries, by its name; forwards that nobody has named are left out."""
    rules: defaultdict[str, list[TunnelSnapshot]] = defaultdict(list)
    for one in tunnels:
        if one.rule is not None:
            rules[one.rule.name].append(one)
    return {name: total(each) for name, each in rules.items()}


def history_of(traffics: Sequence[Traffic], now: float) -> TunnelHistory:
    """Return what passed through some tunnels together, until `now` in monotonic seconds."""
    for one in traffics:
        one.tick(now)
    return TunnelHistory(
        _sum([tuple(one.seconds.passed) for one in traffics]),
        _sum([one.minutes.until_now(one.up, one.down) for one in traffics]),
        _sum([one.hours.until_now(one.up, one.down) for one in traffics]),
        sum(one.up for one in traffics),
        sum(one.down for one in traffics),
    )


def _sum(each: Sequence[Sequence[Passed]]) -> tuple[Passed, ...]:
    """Return the sums of spans that end together, however far back each reaches."""
    if len(each) == 1:
        return tuple(each[0])
    spans = zip_longest(*(reversed(one) for one in each), fillvalue=_NOTHING)
    sums = [(sum(up for up, _ in one), sum(down for _, down in one)) for one in spans]
    return tuple(reversed(sums))
