"""The classes of service that IPQoS names (RFC 2474, RFC 8622)."""

NONE = 0x7FFFFFFF
"""What OpenSSH keeps for ``none``: the system's own class."""
CLASSES: dict[str, int] = {
    "none": NONE,
    **{f"af{c}{d}": c * 32 + d * 8 for c in range(1, 5) for d in range(1, 4)},
    **{f"cs{c}": c * 32 for c in range(8)},
    "ef": 0xB8,
    "le": 0x04,
    "lowdelay": 0x10,
    "throughput": 0x08,
    "reliability": 0x04,
}


def class_value(name: str) -> int | None:
    """Return the value of a class as the configuration spells it, None for the system's own."""
    value = CLASSES[name] if name in CLASSES else int(name, 0)
    return None if value == NONE else value
