"""How long what a probe found stands against what clients meet."""

import pytest

from sshdash.tunnels.kept.rule import Probe, ProbeKind, Rule
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.probes.health import Health
from sshdash.tunnels.snapshot import ProbeResult

ASKED_AGAIN = Rule("web", "web-1", (), probe=Probe(ProbeKind.HTTP, interval=10.0))
ON_REQUEST = Rule("web", "web-1", (), probe=Probe(ProbeKind.HTTP))


@pytest.mark.parametrize(
    ("rule", "cause", "outweighs"),
    [
        (ASKED_AGAIN, Cause.OTHER, True),
        (ASKED_AGAIN, Cause.TARGET_REFUSED, False),
        (ASKED_AGAIN, None, False),
        (ON_REQUEST, Cause.OTHER, False),
        (None, Cause.OTHER, False),
    ],
)
def test_a_connection_does_not_make_well_what_the_next_probe_judges(
    rule: Rule | None, cause: Cause | None, outweighs: bool
) -> None:
    health = Health()
    assert not health.outweighs_clients(rule)
    health.latest = ProbeResult(0.0, None, "503 Service Unavailable", cause)
    assert health.outweighs_clients(rule) is outweighs
    assert repr(health) == "<Health [503 Service Unavailable]>"
