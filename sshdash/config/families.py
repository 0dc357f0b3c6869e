"""AddressFamily as the system has it. Pure."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import AddressFamily


def socket_family(name: str | None) -> "AddressFamily":
    """Return the family that a value of AddressFamily leaves, AF_UNSPEC for any."""
    import socket  # not for who only lists hosts

    families = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
    return families.get((name or "any").lower(), socket.AF_UNSPEC)
