"""What each side offers in a key exchange, and on what they cannot agree (RFC 4253, 7.1)."""

from collections.abc import Sequence

from msgspec import Struct

_HEAD = 1 + 16
"""The type of the packet and its cookie, before the first list."""


class Offers(Struct, frozen=True):
    """The lists of one SSH_MSG_KEXINIT, in its order, the languages left out."""

    kex: tuple[str, ...]
    host_key: tuple[str, ...]
    cipher_up: tuple[str, ...]
    cipher_down: tuple[str, ...]
    mac_up: tuple[str, ...]
    mac_down: tuple[str, ...]
    compression_up: tuple[str, ...]
    compression_down: tuple[str, ...]


class Disagreement(Struct, frozen=True):
    """A kind of algorithm of which nothing is in common."""

    kind: str
    keyword: str
    """What of ssh_config(5) decides our side, as it is written there."""
    ours: tuple[str, ...]
    theirs: tuple[str, ...]

    @property
    def option(self) -> str:
        """Return the keyword as the configuration's tables have it."""
        return self.keyword.lower()


_KINDS: dict[str, tuple[str, str]] = {
    "kex": ("key exchange algorithm", "KexAlgorithms"),
    "host_key": ("host key algorithm", "HostKeyAlgorithms"),
    "cipher_up": ("cipher", "Ciphers"),
    "cipher_down": ("cipher", "Ciphers"),
    "mac_up": ("MAC", "MACs"),
    "mac_down": ("MAC", "MACs"),
    "compression_up": ("compression", "Compression"),
    "compression_down": ("compression", "Compression"),
}
_NO_ALGORITHMS = ("ext-info-", "kex-strict-")
"""Starts of names that only say what a side is able to do."""
_OWN_MAC = ("chacha20-poly1305", "gcm@openssh.com")
"""Parts of the names of ciphers that need no MAC."""


def read_offers(payload: bytes) -> Offers | None:
    """Return what an SSH_MSG_KEXINIT offers, None for one that is cut off or empty."""
    lists: list[tuple[str, ...]] = []
    at = _HEAD
    for _ in Offers.__struct_fields__:
        size = int.from_bytes(payload[at : at + 4], "big")
        end = at + 4 + size
        if at + 4 > len(payload) or end > len(payload):
            return None
        text = payload[at + 4 : end].decode("ascii", "backslashreplace")
        names = [name for name in text.split(",") if name]
        lists.append(tuple(name for name in names if not name.startswith(_NO_ALGORITHMS)))
        at = end
    return Offers(*lists)


def disagreement(ours: Offers, theirs: Offers) -> Disagreement | None:
    """Return the first kind of algorithm that has none in common, in the order of negotiation."""
    for name in Offers.__struct_fields__:
        mine: tuple[str, ...] = getattr(ours, name)
        other: tuple[str, ...] = getattr(theirs, name)
        if name.startswith("mac") and _needs_no_mac(ours, theirs, name[4:]):
            continue
        if first_common(mine, other) is None:
            kind, keyword = _KINDS[name]
            return Disagreement(kind, keyword, mine, other)
    return None


def first_common(ours: Sequence[str], theirs: Sequence[str]) -> str | None:
    """Return what is chosen of two lists: the client's first that the server knows too."""
    return next((name for name in ours if name in theirs), None)


def _needs_no_mac(ours: Offers, theirs: Offers, way: str) -> bool:
    cipher = first_common(getattr(ours, f"cipher_{way}"), getattr(theirs, f"cipher_{way}"))
    return cipher is not None and any(part in cipher for part in _OWN_MAC)
