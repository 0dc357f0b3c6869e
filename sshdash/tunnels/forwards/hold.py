"""Why an end of a relay is not read for now. Pure."""

from enum import Flag, auto


class Hold(Flag):
    """Why an end is not read."""

    NONE = 0
    UNOPENED = auto()
    """The other end does not exist yet."""
    PEER = auto()
    """The other end holds all it may."""
    TRUNK = auto()
    """The SSH connection's own socket is full."""
