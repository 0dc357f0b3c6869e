"""What is said of a host key that is not trusted."""

from sshdash.connections.trust.evidence import ShownKey
from sshdash.connections.trust.host_policy import HostPolicy
from sshdash.errors import HostKeyError
from sshdash.keys.blob import fingerprint, type_name
from sshdash.keys.known_hosts import KnownKey
from sshdash.untrusted import clean


def describe(blob: bytes) -> str:
    """Return the type and the fingerprint of a key."""
    return f"{clean(type_name(blob), 40)} {fingerprint(blob)}"


def not_trusted(title: str, policy: HostPolicy, shown: ShownKey, fault: str = "") -> HostKeyError:
    """Return the error of an unknown key; `fault` is what is wrong with its certificate."""
    detail = describe(shown.key)
    if fault:
        detail += f"\nits certificate is not valid: {fault}"
    return HostKeyError(
        title,
        detail=detail,
        hint="nothing was sent; compare the fingerprint and add the key to known_hosts",
        host=policy.host,
    )


def changed(policy: HostPolicy, shown: ShownKey, line: KnownKey, more: str = "") -> HostKeyError:
    """Return the error of a key that is not the known one."""
    return HostKeyError(
        "HOST KEY CHANGED",
        detail=(
            "someone may be intercepting the connection, or the server was reinstalled\n"
            f"the server shows {describe(shown.key)}\n"
            f"known_hosts has {describe(line.blob)}\n"
            f"at {line.where}" + (f"\n{more}" if more else "")
        ),
        hint=f"if the change is right, remove the old key: {removal(policy, line)}",
        host=policy.host,
    )


def removal(policy: HostPolicy, line: KnownKey) -> str:
    """Return the command that removes the keys of a server from the file of `line`."""
    return f"ssh-keygen -R '{policy.name.lower()}' -f '{line.file}'"


def revoked(policy: HostPolicy, shown: ShownKey, line: KnownKey | None, where: str) -> HostKeyError:
    """Return the error of a revoked key, or of one whose authority is revoked."""
    certificate = shown.certificate
    if line and certificate and line.blob == certificate.authority != shown.key:
        what = f"the certificate's authority {describe(certificate.authority)}"
        title = "Host certificate's authority revoked"
    elif "authority" in where:
        what, title = "the certificate", "Host certificate's authority revoked"
    else:
        what, title = describe(shown.key), "Host key revoked"
    return HostKeyError(
        title,
        detail=f"{what} is revoked at {line.where if line else where}",
        hint="the key counts as stolen; ask whoever runs the server",
        host=policy.host,
    )


def swapped(policy: HostPolicy, pinned: bytes, shown: ShownKey) -> HostKeyError:
    """Return the error of a server that shows another key than the one that was accepted."""
    return HostKeyError(
        "The server showed another key after the question",
        detail=f"accepted {describe(pinned)}, then came {describe(shown.key)}",
        hint="someone may be intercepting the connection; nothing was sent",
        host=policy.host,
    )


def too_short(policy: HostPolicy, shown: ShownKey) -> HostKeyError:
    """Return the error of an RSA key with too few bits."""
    return HostKeyError(
        "Host key too short",
        detail=f"{describe(shown.key)} has fewer than {policy.rsa_bits} bits",
        hint="RequiredRSASize sets the limit",
        host=policy.host,
    )


def address_differs(policy: HostPolicy, shown: ShownKey, name: str, line: KnownKey) -> HostKeyError:
    """Return the error of a key that is not the one known for the server's address."""
    return HostKeyError(
        "The host key differs from the one of the address",
        detail=(
            f"the server shows {describe(shown.key)}\n"
            f"for the address {clean(name)} known_hosts has {describe(line.blob)}\n"
            f"at {line.where}"
        ),
        hint="CheckHostIP is on; if the address is right, remove its key: "
        f"ssh-keygen -R '{clean(name)}' -f '{line.file}'",
        host=policy.host,
    )
