"""How a tunnel is at one moment, put together for whoever shows it."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sshdash.states import TunnelState
from sshdash.tunnels.causes import Trouble, trouble_of
from sshdash.tunnels.legs import Cause, Leg
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind
from sshdash.tunnels.way import Way, differences

if TYPE_CHECKING:
    from sshdash.connections.recovery.outages import NoOutages, Outages
    from sshdash.tunnels.tunnel import Tunnel


def snapshot_of(tunnel: "Tunnel", outages: "Outages | NoOutages") -> TunnelSnapshot:
    """Return how a tunnel is now."""
    now = time.monotonic()
    traffic, record, spec = tunnel.traffic, tunnel.record, tunnel.spec
    traffic.tick(now)
    forwarder = tunnel.forwarder
    opened = tunnel.course.opened if tunnel.course else None
    rate_up, rate_down = traffic.rates
    minute_up, minute_down = traffic.minute
    listen = forwarder.listen_text if forwarder else spec.listen_text
    return TunnelSnapshot(
        id=tunnel.id,
        host=tunnel.host,
        kind=spec.kind,
        spec=spec,
        source=tunnel.source,
        listen=listen,
        target=spec.target_text,
        route=tunnel.route,
        state=tunnel.state,
        exposed=forwarder.exposed if forwarder else spec.exposed,
        clients=traffic.clients,
        clients_total=traffic.total,
        failures=record.failures,
        bytes_up=traffic.up,
        bytes_down=traffic.down,
        rate_up=rate_up,
        rate_down=rate_down,
        history=traffic.history,
        error=record.error,
        uptime=None if opened is None else now - opened,
        retry_in=_retry_in(tunnel, outages, now),
        rule=tunnel.rule,
        legs=_legs(tunnel, outages, listen),
        minute_up=minute_up,
        minute_down=minute_down,
        reach=traffic.reach,
        usual_reach=traffic.usual_reach,
        probe=tunnel.health.latest,
        reconnects=tunnel.reconnects,
        attempts=_attempts(tunnel, outages),
        mishaps=record.mishaps,
        holds_port=tunnel.holds_port,
    )


def _retry_in(tunnel: "Tunnel", outages: "Outages | NoOutages", now: float) -> float | None:
    if tunnel.state is not TunnelState.RECONNECTING:
        return None
    if tunnel.course is not None and tunnel.course.retry_at is not None:
        return max(0.0, tunnel.course.retry_at - now)
    return outages.retry_in(tunnel.host)


def _attempts(tunnel: "Tunnel", outages: "Outages | NoOutages") -> int:
    if tunnel.state is not TunnelState.RECONNECTING:
        return 0
    status = outages.status(tunnel.host)
    return max(tunnel.hindrances, status.attempts if status else 0)


def _legs(tunnel: "Tunnel", outages: "Outages | NoOutages", listen: str) -> tuple[Leg, ...]:
    connection = tunnel.connection
    way = Way(
        tunnel.spec.kind,
        listen,
        tunnel.spec.target_text,
        tunnel.route,
        tunnel.state,
        connected=connection is not None,
        reached=tunnel.record.reached,
        trouble=tunnel.record.trouble if connection else _trouble(tunnel, outages),
        round_trips=tuple(_round_trips(tunnel)),
    )
    return way.legs


def _trouble(tunnel: "Tunnel", outages: "Outages | NoOutages") -> Trouble | None:
    """Return what is wrong while there is no connection: of the latest attempt at one."""
    waiting = tunnel.state is TunnelState.RECONNECTING
    status = outages.status(tunnel.host) if waiting else None
    if status is None or status.failure is None:
        return tunnel.record.trouble
    trouble = replace(trouble_of(status.failure), hop=status.blamed)
    return replace(trouble, cause=Cause.AUTHENTICATION) if status.asking else trouble


def _round_trips(tunnel: "Tunnel") -> list[float | None]:
    """Return the time on each leg alone: to each host of the route, then to the target."""
    chain = tunnel.connection.chain if tunnel.connection else ()
    hosts = list(chain[-1].pulse.round_trips if chain else ())[-len(tunnel.route) :]
    hosts += [None] * (len(tunnel.route) - len(hosts))
    reach = tunnel.traffic.usual_reach
    if tunnel.spec.is_socks:  # its clients choose the target
        return [*differences(hosts), None]
    if tunnel.spec.kind is Kind.REMOTE:  # the target is reached from here
        return [*differences(hosts), reach]
    return differences([*hosts, reach])
