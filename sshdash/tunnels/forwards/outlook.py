"""What a look at a server showed of a port that it opened, which the server itself never says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outlook:
    """Empty where the server does not tell what listens there."""

    lets_others_in: bool | None = None
    """Whether other machines can connect; None where that is not known."""
    rival: str = ""
    """Another process that has the port on some of the addresses, and where; one cleaned line."""
