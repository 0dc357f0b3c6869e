"""What the configuration says about trusting one server's key."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from sshdash.config.resolver import ResolvedHost

_NULL = "/dev/null"
_NEVER_WRITTEN = frozenset("@?*#[]|'\"\\")
"""Characters of a name that would make another line of it in known_hosts."""


class Strictness(Enum):
    """StrictHostKeyChecking: what becomes of a key that is not known, or another than known."""

    REFUSE = "yes"
    ASK = "ask"
    ADD = "accept-new"
    OFF = "no"

    @classmethod
    def of(cls, value: str | None) -> "Strictness":
        """Return the meaning of a StrictHostKeyChecking value (ssh_config(5))."""
        word = (value or "ask").lower()
        if word in ("yes", "true"):
            return cls.REFUSE
        if word in ("no", "off", "false"):
            return cls.OFF
        return cls.ADD if word == "accept-new" else cls.ASK


@dataclass(frozen=True)
class HostPolicy:
    """What the configuration says about trusting one server."""

    host: str
    """The connection's name, for messages."""
    name: str
    """The name looked up in known_hosts."""
    plain_name: str
    """The name without its port, looked up where `name` says nothing; "" where it is no other."""
    hostname: str
    """The name a certificate must be for: the HostKeyAlias where there is one."""
    user_files: tuple[Path, ...]
    global_files: tuple[Path, ...]
    strictness: Strictness
    port: int = 22
    has_alias: bool = False
    """Whether `name` is a HostKeyAlias."""
    hash_names: bool = False
    revoked_files: tuple[Path, ...] = ()
    rsa_bits: int = 1024
    batch: bool = False
    """Nobody is to be asked."""
    check_address: bool = False
    trust_localhost: bool = False
    """NoHostAuthenticationForLocalhost."""
    command: str = ""
    """KnownHostsCommand, its tokens not replaced."""
    update: str = "no"
    """UpdateHostKeys: yes, no or ask."""
    dns_name: str = ""
    """The name DNS is asked about."""
    dns: str = "no"
    """VerifyHostKeyDNS: yes, no or ask."""
    visual: bool = False
    forwards_or_nothing: bool = False
    """ExitOnForwardFailure."""
    signatures: tuple[str, ...] = ()
    """The algorithms an authority may sign certificates with; none stands for any."""
    tokens: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, host: str, resolved: ResolvedHost) -> "HostPolicy":
        """Return the policy of a resolved host."""
        name = resolved.known_hosts_name
        alias = resolved.get("hostkeyalias")
        revoked = resolved.get_all("revokedhostkeys")
        signatures = resolved.get("casignaturealgorithms") or ""
        return cls(
            host=host,
            name=name,
            plain_name="" if alias or not name.startswith("[") else resolved.hostname.lower(),
            hostname=alias or resolved.hostname.lower(),
            user_files=_stored(resolved.user_known_hosts),
            global_files=_stored(resolved.global_known_hosts),
            strictness=Strictness.of(resolved.get("stricthostkeychecking")),
            port=resolved.port,
            has_alias=bool(alias),
            hash_names=resolved.flag("hashknownhosts"),
            revoked_files=tuple(Path(file) for file in revoked if file.lower() != "none"),
            rsa_bits=resolved.number("requiredrsasize") or 1024,
            batch=resolved.flag("batchmode"),
            check_address=resolved.flag("checkhostip"),
            trust_localhost=resolved.flag("nohostauthenticationforlocalhost"),
            command=resolved.get("knownhostscommand") or "",
            update=resolved.get("updatehostkeys") or "no",
            dns_name=resolved.hostname.lower(),
            dns=resolved.get("verifyhostkeydns") or "no",
            visual=resolved.flag("visualhostkey"),
            forwards_or_nothing=resolved.flag("exitonforwardfailure"),
            signatures=tuple(part for part in signatures.split(",") if part),
            tokens=resolved.tokens,
        )

    @property
    def file(self) -> Path | None:
        """Return where accepted keys are written, None where they are not kept."""
        if not self.user_files or str(self.user_files[0]) == _NULL:
            return None
        return self.user_files[0]

    @property
    def is_writable(self) -> bool:
        """Return whether the name can stand in known_hosts."""
        return not _NEVER_WRITTEN.intersection("" if self.has_alias else self.hostname)

    def address_name(self, address: str) -> str:
        """Return the name under which CheckHostIP keeps `address`, "" where it does not."""
        if not self.check_address or not address or is_local(address) or address == self.hostname:
            return ""
        return address if self.port == 22 else f"[{address}]:{self.port}"


def is_local(address: str) -> bool:
    """Return whether an address is of this machine's loopback."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _stored(files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(file for file in files if str(file) != "none")
