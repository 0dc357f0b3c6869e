"""What is known of one server's keys, and the verdict that follows: no questions, no network.

The rules are OpenSSH's, with one difference to the safe side: a revocation of the plain name
holds for every port.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sshdash.config.resolver import ResolvedHost
from sshdash.keys.blob import blob_type
from sshdash.keys.known_hosts import KnownHosts, KnownKey, Marker, load_known_hosts
from sshdash.keys.revoked import load_revoked

_NEVER_STORED = frozenset({"none", "/dev/null"})


class Verdict(Enum):
    """What known_hosts says of a key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


class Strictness(Enum):
    """StrictHostKeyChecking: what becomes of an unknown key."""

    REFUSE = "yes"
    ASK = "ask"
    ADD = "accept-new"

    @classmethod
    def of(cls, value: str | None) -> "Strictness":
        """Return the meaning of a StrictHostKeyChecking value (ssh_config(5))."""
        word = (value or "ask").lower()
        if word in ("yes", "true"):
            return cls.REFUSE
        return cls.ADD if word in ("accept-new", "no", "off", "false") else cls.ASK


@dataclass(frozen=True)
class HostPolicy:
    """What the configuration says about trusting one server."""

    host: str
    """The connection's name, for messages."""
    name: str
    """The name looked up in known_hosts."""
    plain_name: str
    """The name without its port, looked up where `name` says nothing; "" where it is no other."""
    user_files: tuple[Path, ...]
    global_files: tuple[Path, ...]
    strictness: Strictness
    hash_names: bool = False
    revoked_file: Path | None = None
    rsa_bits: int = 1024
    batch: bool = False
    """Nobody is to be asked."""

    @classmethod
    def of(cls, host: str, resolved: ResolvedHost) -> "HostPolicy":
        """Return the policy of a resolved host."""
        name = resolved.known_hosts_name
        plain = name[1:].partition("]:")[0] if name.startswith("[") else ""
        revoked = resolved.get("revokedhostkeys")
        return cls(
            host=host,
            name=name,
            plain_name=plain,
            user_files=_stored(resolved.user_known_hosts),
            global_files=_stored(resolved.global_known_hosts),
            strictness=Strictness.of(resolved.get("stricthostkeychecking")),
            hash_names=resolved.flag("hashknownhosts"),
            revoked_file=Path(revoked) if revoked and revoked.lower() != "none" else None,
            rsa_bits=resolved.number("requiredrsasize") or 1024,
            batch=resolved.flag("batchmode"),
        )


def _stored(files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(file for file in files if str(file) not in _NEVER_STORED)


@dataclass
class Evidence:
    """What the files say at one moment about one server."""

    known: KnownHosts
    mine: list[KnownKey]
    """The lines of the looked-up name."""
    plain: list[KnownKey]
    """The lines of the name without its port."""
    revoked: frozenset[bytes]
    accepted: frozenset[bytes]
    """Keys accepted for this run only."""

    def verdict(self, blob: bytes) -> tuple[Verdict, KnownKey | None]:
        """Return the verdict on a plain key, and the line it rests on."""
        for line in self._lines(Marker.REVOKED):
            if line.blob == blob:
                return Verdict.REVOKED, line
        if blob in self.revoked:
            return Verdict.REVOKED, None
        hosts = [line for line in self.mine if line.marker is Marker.HOST]
        fallback = [line for line in self.plain if line.marker is Marker.HOST]
        for line in hosts or fallback:
            if line.blob == blob:
                return Verdict.KNOWN, line
        if hosts:
            same_type = [line for line in hosts if line.key_type == blob_type(blob)]
            return Verdict.CHANGED, (same_type or hosts)[0]
        return (Verdict.KNOWN if blob in self.accepted else Verdict.UNKNOWN), None

    def known_types(self) -> set[str]:
        """Return the types of the keys that are known for this server."""
        known = {line.key_type for line in self._lines(Marker.HOST)}
        return known | {blob_type(blob) for blob in self.accepted}

    def authorities(self) -> set[bytes]:
        """Return the keys that may sign this server's certificates."""
        return {line.blob for line in self._lines(Marker.CA)}

    def revocations(self) -> set[bytes]:
        """Return the keys that may not be used for this server."""
        return {line.blob for line in self._lines(Marker.REVOKED)} | self.revoked

    def _lines(self, marker: Marker) -> Iterator[KnownKey]:
        return (line for line in (*self.mine, *self.plain) if line.marker is marker)


def read_evidence(policy: HostPolicy, accepted: frozenset[bytes]) -> Evidence:
    """Read what the files say; raises OSError, and ValueError for a bad list of revocations."""
    known = load_known_hosts((*policy.user_files, *policy.global_files))
    revoked = load_revoked(policy.revoked_file) if policy.revoked_file else frozenset()
    plain = list(known.matching(policy.plain_name)) if policy.plain_name else []
    return Evidence(known, list(known.matching(policy.name)), plain, revoked, accepted)
