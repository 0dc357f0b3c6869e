"""Bytes, round trips and new connections through tunnels beside those of ssh, one sshd for both."""

from statistics import median

from tests.bench.forwarding import CIPHER, Ports, openssh, run_client, target
from tests.bench.table import Row
from tests.live.tunnel_kit import tunnels_on
from tests.servers.sshd import RealSshd

_SIZE = 96 << 20
_ROUNDS = 7
_TRIPS = 1000
_NEW = 200
_GOALS = {"down": ">= 1.0", "up": ">= 0.9"}

Rounds = list[tuple[list[float], list[float]]]
"""What we and ssh took, in turns."""


async def rows() -> list[Row]:
    """Measure what goes through each kind of tunnel, in turns with ``ssh``."""
    with target() as port:
        async with RealSshd() as server, tunnels_on(server) as kit:
            aim = f"127.0.0.1:{port}"
            ours = Ports(
                (await kit.open("L", f"127.0.0.1:0:{aim}"))[1],
                (await kit.open("R", f"127.0.0.1:0:{aim}"))[1],
                (await kit.open("D", "127.0.0.1:0"))[1],
                port,
            )
            with openssh(server, port) as (theirs, _):
                table = [
                    _throughput(kind, way, await _in_turns(kind, way, _SIZE, ours, theirs))
                    for kind in "LRD"
                    for way in ("down", "up")
                ]
                table += _round_trip(await _in_turns("L", "trip", _TRIPS, ours, theirs))
                table += _new(await _in_turns("L", "new", _NEW, ours, theirs))
                return table


async def _in_turns(kind: str, what: str, amount: int, ours: Ports, theirs: Ports) -> Rounds:
    rounds: Rounds = []
    for number in range(_ROUNDS):
        turn = [await run_client(*_call(ports, kind, what, amount)) for ports in (ours, theirs)]
        if number:  # the first one warms up
            rounds.append((turn[0], turn[1]))
    return rounds


def _call(ports: Ports, kind: str, what: str, amount: int) -> tuple[int, str, int, int]:
    port, socks = ports.of(kind)
    return port, what, amount, socks


def _middles(rounds: Rounds, at: int = 0) -> tuple[float, float, float]:
    """Return our middle figure, ssh's, and the middle of ours divided by its neighbour of ssh."""
    return (
        median(ours[at] for ours, _ in rounds),
        median(theirs[at] for _, theirs in rounds),
        median(ours[at] / theirs[at] for ours, theirs in rounds),
    )


def _throughput(kind: str, way: str, rounds: Rounds) -> Row:
    ours, theirs, ratio = _middles(rounds)
    best = min(theirs[0] for _, theirs in rounds) / min(ours[0] for ours, _ in rounds)
    return Row(
        name=f"-{kind}, one stream {way}",
        ours=f"{_SIZE / ours / 1e6:.0f} MB/s",
        peer=f"ssh -{kind} {_SIZE / theirs / 1e6:.0f} MB/s",
        ratio=1 / ratio,
        target=_GOALS[way],
        note=f"{_SIZE >> 20} MiB, median of {len(rounds)} (of the best: {best:.2f}×), {CIPHER}",
    )


def _round_trip(rounds: Rounds) -> list[Row]:
    table = []
    for at, (name, goal) in enumerate((("p50", "<= 1.1"), ("p99", "<= 1.2"))):
        ours, theirs, ratio = _middles(rounds, at)
        table.append(
            Row(
                name=f"-L, round trip of one byte, {name}",
                ours=f"{ours * 1e6:.0f} µs",
                peer=f"ssh -L {theirs * 1e6:.0f} µs",
                ratio=ratio,
                target=goal,
                note=f"{_TRIPS}, median of {len(rounds)} runs",
            )
        )
    return table


def _new(rounds: Rounds) -> list[Row]:
    """Return how many there are a second, and how long the middle one takes.

    Of those of ssh some wait for an acknowledgement that is held back: a connection without a
    terminal keeps Nagle's algorithm on the server. They weigh so much that the first row alone
    would say nothing of the work that a connection takes.
    """
    ours, theirs, ratio = _middles(rounds)
    waits = [round(sum(one[who][2] for one in rounds) / len(rounds), 1) for who in (0, 1)]
    our_middle, their_middle, middle_ratio = _middles(rounds, 1)
    return [
        Row(
            name="-L, new connections",
            ours=f"{_NEW / ours:.0f} /s",
            peer=f"ssh -L {_NEW / theirs:.0f} /s",
            ratio=1 / ratio,
            target=">= 1.0",
            note=f"a byte each way, one after the other, median of {len(rounds)} runs of {_NEW}; "
            f"{waits[0]} waited 40 ms, with ssh {waits[1]}",
        ),
        Row(
            name="  the middle one of them",
            ours=f"{our_middle * 1e6:.0f} µs",
            peer=f"ssh -L {their_middle * 1e6:.0f} µs",
            ratio=middle_ratio,
            target="<= 1.0",
            note="without such waits",
        ),
    ]
