"""How a host's connection stands at one moment, for the screen."""

from collections.abc import Mapping

from msgspec import Struct, field

from sshdash.connections.timeline import Timeline
from sshdash.errors import SSHDashError
from sshdash.states import ConnectionState


class ConnectionSnapshot(Struct, frozen=True):
    """A host's connection at one moment, for the screen."""

    host: str
    state: ConnectionState = ConnectionState.IDLE
    reason: str = ""
    since: float = 0.0
    """When the state was entered, by the monotonic clock; 0 where it never changed."""
    leases: Mapping[str, int] = field(default_factory=dict)
    """How many leases there are for each purpose."""
    user: str = ""
    target: str = ""
    """The name or address and the port that the configuration has, of the latest attempt."""
    address: str = ""
    via: tuple[str, ...] = ()
    cipher: str = ""
    server_version: str = ""
    auth_method: str = ""
    keepalive_rtt: float | None = None
    attempts: int = 0
    """Attempts that failed since the connection was last up."""
    retry_at: float | None = None
    """When the next attempt begins, by the monotonic clock; None where none is planned."""
    failure: SSHDashError | None = None
    """Why it is not there, of the latest attempt or of the loss; None where nothing went wrong."""
    blamed: str = ""
    """The jump host that is to blame for that, "" for none."""
    gives_up: str = ""
    """Why no further attempt is made unless somebody asks for it, such as a refused login."""
    asking: bool = False
    """Whether an attempt that nobody asked for waits for an answer."""
    agent_forwarded: bool = False
    """Whether the server can use the keys of this machine's agent."""
    untrusted: str = ""
    """Why the server's key is used though nothing vouches for it, "" for a trusted one."""
    spares: int = 0
    """Further connections to the host, made because the server takes no more sessions on one."""
    timeline: Timeline | None = None
    """The steps of the latest attempt, None where there was none."""
