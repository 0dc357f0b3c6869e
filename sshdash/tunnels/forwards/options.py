"""What ssh_config says of all forwards of a host. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from socket import AF_UNSPEC, AddressFamily
from typing import TYPE_CHECKING, Self

from sshdash.config.families import socket_family
from sshdash.config.forward_fields import words
from sshdash.config.numbers import port_number
from sshdash.config.tokens import TokenError, expand
from sshdash.errors import UsageError
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.config.resolved import ResolvedHost

_ANY_PORT = "*"


class PermittedTargets:
    """PermitRemoteOpen: the targets that the clients of a remote SOCKS proxy may have.

    As with ssh, ``*`` stands for any host or any port, and no other pattern or address is looked
    into: a name permits that name, and not the address it has.
    """

    def __init__(self, words: Sequence[str] = ()) -> None:
        self._words = tuple(words)
        lower = [word.lower() for word in words]
        self._all = lower in ([], ["any"])
        self._pairs = [] if self._all or lower == ["none"] else [_pair(word) for word in words]

    def __repr__(self) -> str:
        """Return the words."""
        return f"<PermittedTargets [{' '.join(self._words) or 'any'}]>"

    def allows(self, host: str, port: int) -> bool:
        """Return whether a client may be connected to a target."""
        return self._all or any(
            permitted in ("*", host) and number in (None, port) for permitted, number in self._pairs
        )


def _pair(word: str) -> tuple[str, int | None]:
    """Return host and port of ``host:port``; None for any port."""
    if word.startswith("["):
        host, _, port = word[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = word.partition(":")
    return host, None if port == _ANY_PORT else port_number(port)


def with_tokens(spec: ForwardSpec, resolved: "ResolvedHost") -> ForwardSpec:
    """Return a forward that was typed for a host, with the tokens in its sockets' paths replaced.

    Those of the configuration have been replaced already. Raises UsageError.
    """
    if not spec.listen_path and not spec.target_path:
        return spec
    try:
        expanded = replace(
            spec,
            listen_path=expand(spec.listen_path, resolved.tokens),
            target_path=expand(spec.target_path, resolved.tokens),
        )
    except TokenError as error:
        raise UsageError("Bad forward", f"-{spec.kind.value} {spec}: {error}") from error
    return parse_forward(spec.kind, str(expanded))  # which looks at what the tokens have brought


def configured(resolved: "ResolvedHost") -> tuple[list[ForwardSpec], list[UsageError]]:
    """Return the forwards that ssh_config has for a host, and what is wrong with the others."""
    kinds = (
        (Kind.LOCAL, resolved.local_forwards),
        (Kind.REMOTE, resolved.remote_forwards),
        (Kind.DYNAMIC, resolved.dynamic_forwards),
    )
    specs: list[ForwardSpec] = []
    wrong: list[UsageError] = []
    for kind, text in ((kind, text) for kind, texts in kinds for text in texts):
        try:
            specs.append(parse_forward(kind, ":".join(words(text))))  # as ssh puts them together
        except UsageError as error:
            title = f"{kind.word} {clean(text)} is left out"
            wrong.append(UsageError(title, str(error)))
    return specs, wrong


@dataclass(frozen=True, slots=True)
class ForwardOptions:
    """How forwards listen, and where their clients may go."""

    gateway_ports: bool = False
    bind_mask: int = 0o177
    """StreamLocalBindMask: the permissions that a socket in the file system does not get."""
    bind_unlink: bool = False
    """StreamLocalBindUnlink: whether a socket that is there already is removed first."""
    permitted: PermittedTargets = field(default_factory=PermittedTargets)
    family: AddressFamily = AF_UNSPEC
    """AddressFamily: of the addresses listened on here, and of targets connected to from here."""

    @classmethod
    def of(cls, resolved: "ResolvedHost") -> Self:
        """Return what is set for a host."""
        return cls(
            resolved.flag("gatewayports"),
            int(resolved.get("streamlocalbindmask") or "177", 8),
            resolved.flag("streamlocalbindunlink"),
            PermittedTargets(resolved.get_all("permitremoteopen")),
            socket_family(resolved.get("addressfamily")),
        )
