"""What a person is asked about host keys, and told of them."""

from collections.abc import Iterator, Sequence

from sshdash.connections.trust.evidence import Evidence, ShownKey
from sshdash.connections.trust.host_policy import HostPolicy
from sshdash.connections.trust.hostkey_faults import describe, removal
from sshdash.keys.blob import fingerprint, key_bits, type_name
from sshdash.keys.known_hosts import KnownKey, Marker
from sshdash.keys.randomart import randomart
from sshdash.prompts import ChangedKeyQuestion, ConfirmQuestion, HostKeyQuestion, KeyFacts
from sshdash.untrusted import clean

_MAX_NAMES = 8
"""Other names of a key that are shown, as many as ssh shows."""


def unknown_key(
    policy: HostPolicy,
    evidence: Evidence,
    shown: ShownKey,
    address: str,
    route: tuple[str, ...],
    notes: Sequence[str] = (),
) -> HostKeyQuestion:
    """Return the question about a key that is not known; `notes` come first."""
    return HostKeyQuestion(
        host=clean(policy.name),
        address=address,
        route=route,
        key_type=clean(type_name(shown.key), 40),
        bits=key_bits(shown.key),
        fingerprint=fingerprint(shown.key),
        known_file=str(policy.file) if policy.file and policy.is_writable else "",
        notes=(*notes, *_notes(policy, evidence, shown.key)),
        randomart=randomart(shown.key),
    )


def _notes(policy: HostPolicy, evidence: Evidence, blob: bytes) -> Iterator[str]:
    for before in sorted(evidence.accepted):
        yield f"CAREFUL: until now, this run trusted another key: {describe(before)}"
    others = [line for line in evidence.plain if line.marker is Marker.HOST]
    for line in others[:1]:
        yield f"{policy.plain_name} (port 22) has another key: {line.where}"
    same = list(evidence.known.names_of(blob))
    for line in same[:_MAX_NAMES]:
        name = "[hashed name]" if line.is_hashed else clean(line.names, 80)
        yield f"the same key is known as {name}: {line.where}"
    if len(same) > _MAX_NAMES:
        yield f"and under {len(same) - _MAX_NAMES} other names"


def changed_key(
    policy: HostPolicy, shown: ShownKey, line: KnownKey, address: str, route: tuple[str, ...]
) -> ChangedKeyQuestion:
    """Return what is shown of a key that is not the known one."""
    port = "" if policy.port == 22 else f"-p {policy.port} "
    return ChangedKeyQuestion(
        host=clean(policy.name),
        address=address,
        route=route,
        shown=_facts(shown.key),
        known=_facts(line.blob),
        where=line.where,
        checks=(
            f"ssh-keygen -lvf /etc/ssh/ssh_host_{_file_word(shown.key)}_key.pub",
            f"ssh-keyscan {port}{clean(policy.hostname)} | ssh-keygen -lvf -",
        ),
        remedy=removal(policy, line),
    )


def _file_word(blob: bytes) -> str:
    """Return the type of a key as sshd's host key files have it in their names."""
    word = type_name(blob).lower()
    return word if word in ("ed25519", "ecdsa", "rsa") else "*"


def _facts(blob: bytes) -> KeyFacts:
    kind = clean(type_name(blob), 40)
    return KeyFacts(kind, key_bits(blob), fingerprint(blob), randomart(blob))


def other_address(
    policy: HostPolicy, shown: ShownKey, name: str, line: KnownKey
) -> ConfirmQuestion:
    """Return the question about a key that the address of a known server does not have."""
    return ConfirmQuestion(
        f"The address of {clean(policy.name)} has another key",
        detail=(
            f"the server shows {describe(shown.key)}\n"
            f"for {clean(name)} known_hosts has {describe(line.blob)} at {line.where}"
        ),
        action="Connect",
        danger=True,
        unbidden=True,
    )
