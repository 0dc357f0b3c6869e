"""Whether other machines reach a port that the server opened: its GatewayPorts decides that.

The server takes a request for all its addresses and, by default, listens on loopback without a
word. So what listens there is looked at.
"""

from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError
from sshdash.tunnels.discover.discovery import discover

if TYPE_CHECKING:
    from sshdash.connections.lease import Lease

LOOPBACK_ONLY = (
    "other machines cannot connect: the server listens for itself only, see GatewayPorts in its"
    " sshd_config"
)


async def lets_others_in(lease: "Lease", port: int) -> bool | None:
    """Return whether a port of the host is for other machines too; None where it does not tell."""
    try:
        found = await discover(lease)
    except SSHDashError:
        return None
    ours = [one for one in found.listening if one.port == port and not one.path]
    return any(not one.is_loopback for one in ours) if ours else None
