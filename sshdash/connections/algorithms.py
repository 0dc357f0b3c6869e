"""Which algorithms a connection offers: the user's lists, within what the library can do.

Defaults follow OpenSSH's, but for the order of the ciphers: AES-GCM first, because the
hardware makes it the fastest by far.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from sshdash.config.resolver import ResolvedHost
from sshdash.errors import ConnectError
from sshdash.keys.blob import signature_algorithms

if TYPE_CHECKING:
    import asyncssh

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
KEX = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
)
MACS = (
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
)
PLAIN_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CERTIFICATE = "-cert-v01@openssh.com"
CERTIFICATE_KEYS = tuple(name.removesuffix("@openssh.com") + _CERTIFICATE for name in PLAIN_KEYS)
_OLD = {
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "kexalgorithms": (
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group1-sha1",
    ),
    "macs": (
        "hmac-sha1-96",
        "hmac-sha1-96-etm@openssh.com",
        "hmac-md5",
        "hmac-md5-etm@openssh.com",
        "hmac-md5-96",
        "hmac-md5-96-etm@openssh.com",
    ),
    "hostkeyalgorithms": ("ssh-rsa", "ssh-rsa" + _CERTIFICATE, "ssh-dss"),
    "pubkeyacceptedalgorithms": ("ssh-rsa", "ssh-rsa" + _CERTIFICATE, "ssh-dss"),
}
"""Only offered where the user names them."""
_DEFAULTS = {
    "ciphers": CIPHERS,
    "kexalgorithms": KEX,
    "macs": MACS,
    "hostkeyalgorithms": CERTIFICATE_KEYS + PLAIN_KEYS,
    "pubkeyacceptedalgorithms": CERTIFICATE_KEYS + PLAIN_KEYS,
}


def is_chosen(resolved: ResolvedHost, key: str) -> bool:
    """Return whether a value comes from a file or the command line, not from a default."""
    return bool(resolved.origins.get(key))


def algorithms(resolved: ResolvedHost, key: str) -> list[str]:
    """Return what to offer for an algorithm keyword such as ``ciphers``, in order.

    Raises ConnectError where the user's list names nothing that sshdash can do.
    """
    defaults = _DEFAULTS[key]
    if not is_chosen(resolved, key):
        return list(defaults)
    wanted = (resolved.get(key) or "").split(",")
    possible = {*defaults, *_OLD[key]}
    chosen = [name for name in dict.fromkeys(wanted) if name in possible]
    if not chosen:
        raise ConnectError(
            f"sshdash supports none of the configured {key}",
            detail=resolved.get(key) or "",
            hint=f"supported: {', '.join((*defaults, *_OLD[key]))}",
        )
    return chosen


def host_key_algorithms(
    allowed: Iterable[str], known_types: Collection[str], authorities: bool
) -> list[str]:
    """Return the host key algorithms to ask a server for, the most useful first.

    Types already known for the host lead, so that a server with several keys shows the one
    that can be checked. Certificates are only asked for where an authority is known.
    """
    plain = [name for name in allowed if not name.endswith(_CERTIFICATE)]
    known = {name for key_type in known_types for name in signature_algorithms(key_type)}
    first = [name for name in plain if name in known]
    rest = [name for name in plain if name not in known]
    certificates = [name for name in allowed if name.endswith(_CERTIFICATE)]
    return (certificates if authorities else []) + first + rest


def rekey_limits(resolved: ResolvedHost) -> dict[str, int]:
    """Return the library's options for RekeyLimit; what is not set is left to it."""
    limits = {
        "rekey_bytes": resolved.number("rekeylimit") or 0,
        "rekey_seconds": resolved.number("rekeyinterval") or 0,
    }
    return {name: value for name, value in limits.items() if value > 0}


def signatures(resolved: ResolvedHost) -> list[str]:
    """Return the signature algorithms that keys of the user may make."""
    accepted = algorithms(resolved, "pubkeyacceptedalgorithms")
    return list(dict.fromkeys(map(_plain, accepted)))


def _plain(name: str) -> str:
    """Return the plain name of a certificate's algorithm."""
    base = name.removesuffix(_CERTIFICATE)
    if base == name:
        return name
    return f"{base}@openssh.com" if base.startswith("sk-") else base


def weakness(ssh: "asyncssh.SSHClientConnection") -> str:
    """Return what is weak about a connection's encryption, "" for nothing.

    A prefix of the stream can be cut (CVE-2023-48795) where the server knows no strict key
    exchange and the cipher is ChaCha20, or CBC with encrypt-then-MAC.
    """
    cipher = str(ssh.get_extra_info("send_cipher"))
    mac = str(ssh.get_extra_info("send_mac"))
    exposed = cipher.startswith("chacha20") or (cipher.endswith("-cbc") and "-etm" in mac)
    if exposed and not getattr(ssh, "_strict_kex", True):
        return f"{cipher} without strict key exchange: an attacker could drop the first packets"
    return ""


def compression(resolved: ResolvedHost) -> list[str]:
    """Return the compression methods to offer."""
    if resolved.flag("compression"):
        return ["zlib@openssh.com", "zlib", "none"]
    return ["none", "zlib@openssh.com"]
