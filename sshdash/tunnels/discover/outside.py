"""What became of a port that the server was asked to open: it never says all of it.

It takes a request for all its addresses and, by default, listens on loopback without a word; by
another setting of GatewayPorts it is the other way round. Where another process has the port on
127.0.0.1 it is content with ::1. So what listens there is looked at.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError
from sshdash.tunnels.discover.discovery import discover
from sshdash.tunnels.discover.listening import Listening
from sshdash.tunnels.forwards.outlook import Outlook
from sshdash.tunnels.spec import host_port

if TYPE_CHECKING:
    from sshdash.connections.lease import Lease

_SERVER = "sshd"
KEPT_OUT = (
    "other machines cannot connect: the server listens for itself only, see GatewayPorts in its"
    " sshd_config"
)
LET_IN = (
    "other machines can connect: the server listens for all, see GatewayPorts in its sshd_config"
)


async def look(lease: "Lease", port: int) -> Outlook:
    """Return who can connect to a port that the host opened for us, and who has it as well."""
    try:
        found = await discover(lease)
    except SSHDashError:
        return Outlook()
    return outlook_on(port, found.listening)


def outlook_on(port: int, listening: Iterable[Listening]) -> Outlook:
    """Return the same of what listens. Processes that cannot be seen may be the server's."""
    there = [one for one in listening if one.port == port and not one.path]
    ours = [one for one in there if not one.process or one.process.startswith(_SERVER)]
    others = [one for one in there if one not in ours]
    if not ours:
        ours, others = there, []  # a server by another name
    lets_others_in = any(not one.is_loopback for one in ours) if ours else None
    return Outlook(lets_others_in, _rival(others[0]) if others else "")


def _rival(other: Listening) -> str:
    who = f"{other.process} (pid {other.pid})" if other.pid else other.process
    where = " and ".join(host_port(address, other.port) for address in other.addresses)
    return f"{who} has {where} there, and answers who connects to that"
