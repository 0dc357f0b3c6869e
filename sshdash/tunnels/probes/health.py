"""What probes found out about one tunnel's target, and for how long that stands. Pure."""

from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.snapshot import ProbeResult


class Health:
    """Keeps what the latest probe found."""

    def __init__(self) -> None:
        self.latest: ProbeResult | None = None

    def __repr__(self) -> str:
        """Return what the latest probe found."""
        return f"<Health [{self.latest.text if self.latest else 'not asked'}]>"

    def outweighs_clients(self, rule: Rule | None) -> bool:
        """Return whether the target is there and yet not well, as the next probe will tell too.

        A client that gets a connection changes nothing about that.
        """
        again = rule is not None and rule.probe.interval is not None
        return again and self.latest is not None and self.latest.cause is Cause.OTHER
