"""What a destination is called, whichever way it is written."""

from sshdash.config.destination import parse_destination
from sshdash.errors import UsageError


def canonical(name: str) -> str:
    """Return the name a connection is kept under, for any way to write the destination."""
    try:
        return str(parse_destination(name))
    except UsageError:
        return name
