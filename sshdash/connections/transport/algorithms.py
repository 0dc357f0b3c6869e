"""Which algorithms a connection offers: the user's lists, within what the library can do.

Names, defaults and order are those of `sshdash.config.algorithms`, with two differences where
the user chooses nothing: AES-GCM is the first cipher where the processor has instructions for
it, which makes it the fastest by far, and so is the key exchange that a quantum computer does
not break, which newer releases of OpenSSH put first.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import TYPE_CHECKING

from sshdash.config.algorithms import DEFAULTS, SUPPORTED, assemble
from sshdash.config.resolver import ResolvedHost
from sshdash.connections.refusals import first_word
from sshdash.connections.transport.hardware import has_aes_instructions
from sshdash.errors import ConnectError
from sshdash.keys.blob import signature_algorithms

if TYPE_CHECKING:
    import asyncssh

_CERTIFICATE = "-cert-v01@openssh.com"
_QUANTUM_SAFE = ("mlkem768x25519-sha256", "sntrup761x25519-sha512")
_AES_GCM = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


def is_chosen(resolved: ResolvedHost, key: str) -> bool:
    """Return whether a value comes from a file or the command line, not from a default."""
    return bool(resolved.origins.get(key))


def algorithms(resolved: ResolvedHost, key: str) -> list[str]:
    """Return what to offer for an algorithm keyword such as ``ciphers``, in order.

    Raises ConnectError where the user's list names nothing that sshdash can do.
    """
    possible = _possible(key)
    text = resolved.options.first(key) if is_chosen(resolved, key) else None
    wanted = assemble(key, text, defaults(key))
    chosen = [name for name in dict.fromkeys(wanted) if name in possible]
    if not chosen:
        raise ConnectError(
            f"sshdash supports none of the configured {key}",
            detail=", ".join(wanted),
            hint=f"supported: {', '.join(name for name in SUPPORTED[key] if name in possible)}",
            host=resolved.alias,
        )
    return chosen


def defaults(key: str) -> Sequence[str]:
    """Return OpenSSH's defaults for a keyword in our order, for lists that start from them."""
    usual = DEFAULTS[key]
    first: Sequence[str] = ()
    if key == "ciphers" and has_aes_instructions():
        first = _AES_GCM
    elif key == "kexalgorithms":
        first = _QUANTUM_SAFE[:1]
    return tuple(dict.fromkeys((*first, *usual)))


def can_do(key: str, name: str) -> bool:
    """Return whether `name` may be added to an algorithm keyword such as ``ciphers``."""
    return key in DEFAULTS and name in _possible(key)


@cache
def _possible(key: str) -> frozenset[str]:
    """Return the names that the library knows for a keyword."""
    from asyncssh.encryption import get_encryption_algs
    from asyncssh.kex import get_kex_algs
    from asyncssh.mac import get_mac_algs
    from asyncssh.public_key import get_certificate_algs, get_public_key_algs

    names = {
        "ciphers": get_encryption_algs,
        "kexalgorithms": get_kex_algs,
        "macs": get_mac_algs,
    }.get(key, lambda: get_public_key_algs() + get_certificate_algs())()
    return frozenset(name.decode("ascii") for name in names)


def host_key_algorithms(
    resolved: ResolvedHost, known_types: Collection[str], authorities: bool
) -> list[str]:
    """Return the host key algorithms to ask a server for, the most useful first.

    The order is ssh's. Types already known for the host lead, so that a server with several keys
    shows the one that can be checked, and certificates do where an authority is known; not so
    where the user gave a whole list or put some at its head, or where the first of all is known.
    """
    allowed = algorithms(resolved, "hostkeyalgorithms")
    known = {name for key_type in known_types for name in signature_algorithms(key_type)}
    if _has_own_order(resolved) or plain_name(allowed[0]) in known:
        return allowed
    first = [
        name
        for name in allowed
        if plain_name(name) in known or (authorities and name.endswith(_CERTIFICATE))
    ]
    return list(dict.fromkeys((*first, *allowed)))


def _has_own_order(resolved: ResolvedHost) -> bool:
    text = resolved.options.first("hostkeyalgorithms")
    return is_chosen(resolved, "hostkeyalgorithms") and not (text or "").startswith(("+", "-"))


def signatures(resolved: ResolvedHost) -> list[str]:
    """Return the signature algorithms that keys of the user may make."""
    accepted = algorithms(resolved, "pubkeyacceptedalgorithms")
    return list(dict.fromkeys(map(plain_name, accepted)))


def plain_name(name: str) -> str:
    """Return the name of the plain key's algorithm for that of a certificate's."""
    base = name.removesuffix(_CERTIFICATE)
    if base == name:
        return name
    return f"{base}@openssh.com" if base.startswith("sk-") else base


def compression(resolved: ResolvedHost) -> list[str]:
    """Return the compression methods to offer: never one that begins before the login."""
    methods = ["none", "zlib@openssh.com"]
    return methods[::-1] if resolved.flag("compression") else methods


def rekey_limits(resolved: ResolvedHost) -> tuple[int, int]:
    """Return the bytes and the seconds of RekeyLimit, 0 where it sets none."""
    return resolved.number("rekeylimit") or 0, resolved.number("rekeyinterval") or 0


def weakness(resolved: ResolvedHost, ssh: "asyncssh.SSHClientConnection") -> str:
    """Return what is weak about a connection's encryption, "" for nothing.

    A prefix of the stream can be cut (CVE-2023-48795) where the server knows no strict key
    exchange and the cipher is ChaCha20, or CBC with encrypt-then-MAC. ``WarnWeakCrypto yes``
    also tells of a key exchange that a quantum computer breaks; ``no`` tells of nothing.
    """
    wanted = first_word(resolved.get("warnweakcrypto") or "")
    if wanted in ("no", "false"):
        return ""
    for way in ("send", "recv"):
        cipher = str(ssh.get_extra_info(f"{way}_cipher"))
        mac = str(ssh.get_extra_info(f"{way}_mac"))
        cuttable = cipher.startswith("chacha20") or (cipher.endswith("-cbc") and "-etm" in mac)
        if cuttable and not getattr(ssh, "_strict_kex", True):
            return f"{cipher} without strict key exchange: an attacker could drop packets"
    exchange = str(ssh.get_extra_info("kex") or "")
    if wanted in ("yes", "true") and exchange and not exchange.startswith(_QUANTUM_SAFE):
        return f"{exchange}: what is recorded today can be read once there are quantum computers"
    return ""
