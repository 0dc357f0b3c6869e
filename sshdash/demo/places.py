"""The hosts of the fleet: what they are called, where they stand and how one gets in."""

from dataclasses import dataclass, field

DOMAIN = "internal"
"""The network behind the bastion: the top level that is kept for private use."""


@dataclass(frozen=True)
class Place:
    """One host of the fleet."""

    name: str
    user: str
    about: str
    group: str
    """The Include'd file it is in."""
    behind: str = ""
    """The jump host on the way; "" for a host on a loopback port."""
    color: int = 32
    """SGR colour of its prompt."""
    two_factor: bool = False
    up: bool = True
    known: bool = True
    """Its host key is in known_hosts."""
    delay: float = 0.0
    """Seconds one way."""
    rate: int = 0
    """Bytes per second, 0 without a limit."""
    old: bool = False
    """Speaks only algorithms of ten years ago."""
    tags: tuple[str, ...] = field(default=())
    """Sample files it has: see `sshdash.demo.files`."""
    listens: tuple[tuple[int, str, str], ...] = ()
    """Port, process and service (of `sshdash.demo.services`) of what listens besides sshd."""

    @property
    def address(self) -> str:
        """Return the name it has in its network."""
        return f"{self.name}.{DOMAIN}" if self.behind else "127.0.0.1"


PLACES = (
    Place("bastion", "ops", "the way in", "production", color=33, tags=("scripts",)),
    Place(
        "web",
        "deploy",
        "web server",
        "production",
        behind="bastion",
        tags=("site", "logs", "large"),
        listens=((80, "nginx", "http"), (3000, "grafana", "http"), (9090, "prometheus", "http")),
    ),
    Place(
        "db",
        "postgres",
        "database",
        "production",
        behind="bastion",
        color=36,
        tags=("dumps", "many", "logs"),
        listens=((5432, "postgres", "echo"), (6379, "redis-server", "echo")),
    ),
    Place("cache", "ops", "down: refuses connections", "production", up=False),
    Place(
        "stage-web",
        "deploy",
        "web server for tests, with a host key not known yet",
        "staging",
        color=35,
        known=False,
        tags=("site",),
    ),
    Place("vault", "admin", "asks for a password and a code", "special", color=31, two_factor=True),
    Place(
        "old",
        "root",
        "an old host on a slow line",
        "special",
        color=34,
        delay=0.09,
        rate=1_500_000,
        old=True,
        tags=("odd", "logs"),
    ),
)
