"""Algorithm lists: OpenSSH's names and defaults, and its ``+``, ``-`` and ``^`` prefixes.

Defaults and order are those of OpenSSH 9.2p1; names that newer releases added are accepted in
lists too.
"""

import itertools
from collections.abc import Sequence

from sshdash.config.lexer import lower
from sshdash.config.patterns import match_list, matches_list

_PLAIN_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CERTIFICATES = (
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
)
_ALL_KEYS = (
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
)
_NEWER_KEYS = (
    "ssh-mldsa44-ed25519@openssh.com",
    "ssh-mldsa44-ed25519-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
)
"""Names that releases after 9.2 know: right in a list, and never chosen from it."""
_KEY_NICKNAMES = frozenset({"ed25519", "ed25519-sk", "ecdsa", "ecdsa-sk", "dsa", "rsa"})
"""Names of key types that pass the check, though no algorithm is called so."""
_CIPHERS = (
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
)
_MACS = (
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
)
_KEX = (
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "mlkem768x25519-sha256",
)
GSS_KEX = (
    "gss-group14-sha256-",
    "gss-group16-sha512-",
    "gss-nistp256-sha256-",
    "gss-curve25519-sha256-",
    "gss-group14-sha1-",
    "gss-gex-sha1-",
)
_GSS_KEX_NAMES = frozenset({*GSS_KEX, "gss-group1-sha1-"})

SUPPORTED: dict[str, tuple[str, ...]] = {
    "ciphers": _CIPHERS,
    "macs": _MACS,
    "kexalgorithms": _KEX,
    "hostkeyalgorithms": _ALL_KEYS,
    "hostbasedacceptedalgorithms": _ALL_KEYS,
    "pubkeyacceptedalgorithms": _ALL_KEYS,
    "casignaturealgorithms": tuple(name for name in _ALL_KEYS if "-cert-" not in name),
}
DEFAULTS: dict[str, tuple[str, ...]] = {
    "ciphers": (
        "chacha20-poly1305@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
    ),
    "macs": (
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
    ),
    "kexalgorithms": (
        "sntrup761x25519-sha512",
        "sntrup761x25519-sha512@openssh.com",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group14-sha256",
    ),
    "hostkeyalgorithms": _CERTIFICATES + _PLAIN_KEYS,
    "hostbasedacceptedalgorithms": _CERTIFICATES + _PLAIN_KEYS,
    "pubkeyacceptedalgorithms": _CERTIFICATES + _PLAIN_KEYS,
    "casignaturealgorithms": _PLAIN_KEYS,
}


def unknown_name(keyword: str, text: str) -> str | None:
    """Return the first algorithm of a list that `keyword` cannot take, None where all are known.

    What follows a ``-`` is a pattern and never wrong. An empty list is.
    """
    if text.startswith("-"):
        return None
    names = text[1:] if text[:1] in ("+", "^") else text
    if not names:
        return text
    for name in names.split(","):
        if not name:
            break
        if not _known(keyword, name):
            return name
    return None


def assemble(
    keyword: str, text: str | None, defaults: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the algorithms that a configured list means, in order.

    `defaults` are what ``+``, ``-`` and ``^`` start from, OpenSSH's where none are given. Raises
    ValueError where nothing is left, which OpenSSH refuses too.
    """
    default = tuple(defaults or DEFAULTS[keyword])
    supported = SUPPORTED[keyword]
    if not text:
        return default
    if text.startswith("-"):
        return tuple(name for name in default if not matches_list(name, text[1:]))
    wanted = text.split(",")
    if text.startswith("+"):
        wanted = [*default, *text[1:].split(",")]
    elif text.startswith("^"):
        wanted = [*text[1:].split(","), *default]
    chosen: dict[str, None] = {}
    for pattern in wanted:
        if pattern.startswith("!"):
            raise ValueError(f"negated pattern {pattern!r}")
        chosen.update((name, None) for name in supported if matches_list(name, pattern))
    if not chosen:
        raise ValueError("no supported algorithm is left")
    return tuple(chosen)


def known_gss_kex(text: str) -> bool:
    """Return whether every name of a list begins with a known one; none counts behind ``,,``."""
    known = tuple(_GSS_KEX_NAMES)
    names = itertools.takewhile(bool, text.split(","))
    return bool(text) and all(name.startswith(known) for name in names)


def _known(keyword: str, name: str) -> bool:
    supported = SUPPORTED[keyword]
    if name in supported:
        return True
    if keyword == "kexalgorithms":
        return any(name.startswith(prefix) for prefix in _GSS_KEX_NAMES)
    if keyword in ("ciphers", "macs"):
        return False
    keys = (*_ALL_KEYS, *_NEWER_KEYS)
    return lower(name) in _KEY_NICKNAMES or any(match_list(key, name) for key in keys)
