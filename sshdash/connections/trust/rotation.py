"""UpdateHostKeys: a trusted server tells its other host keys, and known_hosts follows.

A server proves that it has each new key; then the new ones are added and those it has no more
are removed. As in OpenSSH this leaves alone what a person or an administrator arranged: lines
with patterns, markers or several names, and keys that other names have too.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from asyncssh.constants import MSG_REQUEST_SUCCESS
from asyncssh.packet import PacketDecodeError, SSHPacket, String
from msgspec import Struct, field

from sshdash.connections.trust.hostkey_faults import describe
from sshdash.connections.trust.judged import Judged, host_key
from sshdash.keys.blob import BadBlob, blob_type, check_blob, signature_algorithms
from sshdash.keys.known_hosts import (
    KnownKey,
    Marker,
    known_line,
    load_known_hosts,
    parse_known_hosts,
)
from sshdash.keys.known_hosts_file import Rewritten, rewrite
from sshdash.keys.wire import string

log = logging.getLogger(__name__)

_PROVE = b"hostkeys-prove-00@openssh.com"
_RSA_PROOFS = (b"rsa-sha2-512", b"rsa-sha2-256")
_MOST_KEYS = 64
"""More than any server has; what is sent beyond that is not looked at."""


class Rotation(Struct):
    """What the keys that a server tells mean for the lines of its name."""

    name: str
    address: str
    """The name of its address, "" where CheckHostIP is off."""
    keys: list[bytes]
    """The keys the server has, in its order."""
    known: set[bytes] = field(default_factory=set)
    """Those of them that stand under the name or the address."""
    gone: list[bytes] = field(default_factory=list)
    """Keys that stand there and that the server has no more."""

    @property
    def new(self) -> list[bytes]:
        """Return the keys that must be proved."""
        return [key for key in self.keys if key not in self.known]

    def look(self, lines: Sequence[KnownKey]) -> str:
        """Compare with known_hosts; return why nothing may be changed, "" where it may."""
        others = []
        for line in lines:
            if not self.names(line):
                others.append(line)
                if line.blob in self.keys:
                    return f"{describe(line.blob)} is known under another name: {line.where}"
            elif line.marker is not Marker.HOST or _is_arranged(line):
                return f"{line.where} was arranged by hand"
            elif self._is_mixed(line):
                return f"{line.where} has the name or the address with another one"
            elif line.blob in self.keys:
                self.known.add(line.blob)
            elif line.blob not in self.gone:
                self.gone.append(line.blob)
        for line in others:
            if line.blob in self.gone:
                return f"the old {describe(line.blob)} is known under another name: {line.where}"
        return ""

    def names(self, line: KnownKey) -> bool:
        """Return whether a line speaks of the server."""
        return line.matches(self.name) or bool(self.address and line.matches(self.address))

    def _is_mixed(self, line: KnownKey) -> bool:
        if not self.address or "," not in line.names:
            return False
        return not (line.matches(self.name) and line.matches(self.address))

    def change(self, text: str, file: str, keys: Iterable[bytes], hashed: bool) -> str:
        """Return a known_hosts text in which the server has `keys` and no others."""
        known = {line.line: line for line in parse_known_hosts(text, file).keys}
        found: dict[bytes, set[str]] = {key: set() for key in keys}
        kept = []
        for number, row in enumerate(text.split("\n"), 1):
            line = known.get(number)
            if line and line.marker is Marker.HOST and self.names(line):
                if line.blob not in found:
                    continue
                names = [name for name in (self.name, self.address) if name]
                found[line.blob].update(filter(line.matches, names))
            kept.append(row)
        body = "\n".join(kept)
        more = "".join(self._lines(key, names, hashed) for key, names in found.items())
        return f"{body}\n{more}" if more and body and not body.endswith("\n") else body + more

    def _lines(self, key: bytes, names: set[str], hashed: bool) -> str:
        missing = [name for name in (self.name, self.address) if name and name not in names]
        if not missing:
            return ""
        separate = missing if hashed else [",".join(missing)]
        return "".join(known_line(name, key, blob_type(key), hashed) for name in separate)


def usable_keys(told: Sequence[bytes], algorithms: Iterable[bytes]) -> list[bytes]:
    """Return the plain keys among `told` that could be used as host keys here.

    Raises ValueError for a key that is told twice.
    """
    offered = {name.decode("latin-1") for name in algorithms}
    keys: list[bytes] = []
    for blob in told[:_MOST_KEYS]:
        try:
            check_blob(blob)
        except BadBlob:
            continue
        if not offered.intersection(signature_algorithms(blob_type(blob))):
            continue
        if blob in keys:
            raise ValueError(f"the server told {describe(blob)} twice")
        keys.append(blob)
    return keys


async def prove(connection: Judged, keys: Sequence[bytes]) -> list[bytes]:
    """Return those of `keys` that the server proves to have; raises ValueError for a bad proof."""
    library: Any = connection
    kind, answer = await library._make_global_request(_PROVE, *map(String, keys))
    if kind != MSG_REQUEST_SUCCESS:
        raise ValueError("the server does not prove that it has the keys it told")
    negotiated = connection.host_key_algorithm
    try:
        signatures = [answer.get_string() for _ in keys]
        answer.check_end()
        return [
            key
            for key, signature in zip(keys, signatures, strict=True)
            if _is_proved(key, signature, library._session_id, negotiated)
        ]
    except PacketDecodeError:
        raise ValueError("the server's proof cannot be read") from None


def _is_proved(key: bytes, signature: bytes, session: bytes, negotiated: bytes) -> bool:
    """Return whether a signature is a proof, False for one that proves nothing.

    An RSA key signs as in the key exchange, or else with SHA-2. Raises ValueError for a
    signature that is wrong.
    """
    if blob_type(key) == "ssh-rsa":
        algorithm = SSHPacket(signature).get_string()
        allowed = (negotiated,) if negotiated in (*_RSA_PROOFS, b"ssh-rsa") else _RSA_PROOFS
        if algorithm not in allowed:
            return False
    signed = string(_PROVE) + string(session) + string(key)
    if not host_key(key).verify(signed, signature):
        raise ValueError(f"the server's proof for {describe(key)} is wrong")
    return True


def look_up(rotation: Rotation, files: Sequence[Path]) -> str:
    """Compare with what `files` say; see `Rotation.look`."""
    return rotation.look(load_known_hosts(files).keys)


def write(
    rotation: Rotation, files: Sequence[Path], proved: Sequence[bytes], hashed: bool
) -> list[Rewritten]:
    """Change the files: the server's keys stand in the first of them alone. Raises OSError."""
    good = [key for key in rotation.keys if key in rotation.known or key in proved]
    done = []
    for number, file in enumerate(files):
        keys = [] if number else good

        def change(text: str, keys: Sequence[bytes] = keys, file: Path = file) -> str:
            return rotation.change(text, str(file), keys, hashed)

        try:
            rewritten = rewrite(file, change)
        except FileNotFoundError:
            continue
        if rewritten:
            done.append(rewritten)
    return done


def _is_arranged(line: KnownKey) -> bool:
    """Return whether no program wrote a line: with wildcards, or with more than two names."""
    return "*" in line.names or "?" in line.names or line.names.count(",") > 1
