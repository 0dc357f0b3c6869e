"""What is known of one server's keys, and the verdict that follows: no questions, no network.

The rules are OpenSSH's, with one difference to the safe side: a revocation of the plain name
holds for every port.
"""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct, field
from msgspec.structs import replace

from sshdash.connections.trust.host_policy import HostPolicy
from sshdash.keys.blob import blob_type
from sshdash.keys.certificate import Certificate, is_certificate, parse_certificate
from sshdash.keys.known_hosts import KnownHosts, KnownKey, Marker, load_known_hosts
from sshdash.keys.revoked import Revocations, load_revoked


class Verdict(Enum):
    """What known_hosts says of a key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


class ShownKey(Struct, frozen=True):
    """What a server shows: a key, and perhaps a certificate for it."""

    key: bytes
    certificate: Certificate | None = None
    data: bytes = b""
    """The blob as it came: the certificate's where there is one."""

    @classmethod
    def read(cls, data: bytes) -> "ShownKey":
        """Return what a blob shows; raises ValueError for one that is no key."""
        if is_certificate(blob_type(data)):
            certificate = parse_certificate(data)
            return cls(certificate.key, certificate, data)
        return cls(data, None, data)

    @property
    def plain(self) -> "ShownKey":
        """Return the key alone."""
        return replace(self, certificate=None, data=self.key)

    @property
    def name(self) -> str:
        """Return the type it names itself."""
        return blob_type(self.data)


class Finding(Struct, frozen=True):
    """A verdict, and the line it rests on."""

    verdict: Verdict
    line: KnownKey | None = None


def judge(lines: Sequence[KnownKey], shown: ShownKey) -> Finding:
    """Return what the lines of one name say of a key, or of a certificate's authority."""
    for line in lines:
        if line.marker is Marker.REVOKED and _is_named(shown, line.blob):
            return Finding(Verdict.REVOKED, line)
    if shown.certificate:
        for line in lines:
            if line.marker is Marker.CA and line.blob == shown.certificate.authority:
                return Finding(Verdict.KNOWN, line)
        return Finding(Verdict.UNKNOWN)
    hosts = [line for line in lines if line.marker is Marker.HOST]
    for line in hosts:
        if line.blob == shown.key:
            return Finding(Verdict.KNOWN, line)
    if not hosts:
        return Finding(Verdict.UNKNOWN)
    same_type = [line for line in hosts if line.key_type == blob_type(shown.key)]
    return Finding(Verdict.CHANGED, (same_type or hosts)[0])


def _is_named(shown: ShownKey, blob: bytes) -> bool:
    return blob == shown.key or bool(shown.certificate and blob == shown.certificate.authority)


class AddressEvidence:
    """What known_hosts says of the server's address (CheckHostIP); nothing where it is off."""

    def __init__(self, name: str, lines: tuple[KnownKey, ...], shown: ShownKey) -> None:
        self.name = name
        found = judge(lines, shown)
        self.line = found.line
        self.agrees = found.verdict is not Verdict.CHANGED
        self.is_new = bool(name) and not shown.certificate and found.verdict is Verdict.UNKNOWN
        self.files = {found.line.file} if found.line and self.agrees else set()

    @property
    def remark(self) -> str:
        """Return what the address says about a key that changed, "" where it is not looked up."""
        if not self.name:
            return ""
        if self.line is None:
            return f"the key of its address {self.name} is not known"
        same = "the same" if self.agrees else "yet another key"
        return f"its address {self.name} has {same}, at {self.line.where}: DNS spoofing?"


class Evidence(Struct, frozen=True):
    """What the files say at one moment about one server."""

    known: KnownHosts = field(default_factory=KnownHosts)
    mine: tuple[KnownKey, ...] = ()
    """The lines of the looked-up name."""
    plain: tuple[KnownKey, ...] = ()
    """The lines of the name without its port."""
    revoked: tuple[Revocations, ...] = ()
    accepted: frozenset[bytes] = frozenset()
    """Keys accepted for this run only."""
    extra: tuple[KnownKey, ...] = ()
    """What a KnownHostsCommand said before the key exchange, for the order of algorithms."""

    def verdict(self, shown: ShownKey, said: Sequence[KnownKey] = ()) -> Finding:
        """Return the verdict on what a server shows; `said` is what a command added."""
        found = judge((*self.mine, *said), shown)
        fallback = judge(self.plain, shown)
        if Verdict.REVOKED in (found.verdict, fallback.verdict):
            return found if found.verdict is Verdict.REVOKED else fallback
        if found.verdict is not Verdict.UNKNOWN:
            return found
        if fallback.verdict is Verdict.KNOWN:
            return fallback
        if shown.certificate is None and shown.key in self.accepted:
            return Finding(Verdict.KNOWN)
        return found

    def revocation(self, shown: ShownKey) -> str:
        """Return where and how a RevokedHostKeys file names what is shown, "" where none does."""
        for file in self.revoked:
            found = file.find(shown.key, shown.certificate)
            if found:
                return found
        return ""

    def address_lines(self, name: str) -> tuple[KnownKey, ...]:
        """Return the lines that speak of an address."""
        return tuple(self.known.matching(name)) if name else ()

    def known_types(self) -> set[str]:
        """Return the types of the keys that are known for this server, revoked ones left out."""
        lines = (*self.mine, *self.plain, *self.extra)
        revoked = {line.blob for line in lines if line.marker is Marker.REVOKED}
        known = {line.blob for line in lines if line.marker is Marker.HOST} | self.accepted
        return {blob_type(blob) for blob in known - revoked}

    def has_authority(self) -> bool:
        """Return whether an authority is known that may sign this server's certificates."""
        lines = (*self.mine, *self.plain, *self.extra)
        return any(line.marker is Marker.CA for line in lines)


def read_evidence(policy: HostPolicy, accepted: frozenset[bytes]) -> Evidence:
    """Read what the files say.

    Raises OSError for a list of revocations that cannot be read, and ValueError for a bad one.
    """
    known = load_known_hosts((*policy.user_files, *policy.global_files))
    plain = tuple(known.matching(policy.plain_name)) if policy.plain_name else ()
    revoked = tuple(load_revoked(file) for file in policy.revoked_files)
    return Evidence(known, tuple(known.matching(policy.name)), plain, revoked, accepted)
