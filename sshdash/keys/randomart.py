"""The picture of a key that ssh-keygen draws (VisualHostKey), to compare keys at a glance.

A walker starts in the middle of a field and makes four diagonal moves for each byte of the
fingerprint; a place looks darker the more often it was visited. The walk is described in
"The drunken bishop: An analysis of the OpenSSH fingerprint visualization algorithm".
"""

import hashlib

from sshdash.keys.blob import key_bits, type_name

_WIDTH, _HEIGHT = 17, 9
_SHADES = " .o+=*BOX@%&#/^"
_START, _END = "S", "E"


def randomart(blob: bytes) -> str:
    """Return the picture of a public key: eleven lines of nineteen characters."""
    start = end = (_WIDTH // 2, _HEIGHT // 2)
    visits = dict.fromkeys(((x, y) for y in range(_HEIGHT) for x in range(_WIDTH)), 0)
    for byte in hashlib.sha256(blob).digest():
        for shift in (0, 2, 4, 6):
            end = _move(end, byte >> shift)
            visits[end] += 1
    drawn = {place: _SHADES[min(count, len(_SHADES) - 1)] for place, count in visits.items()}
    drawn |= {start: _START, end: _END}
    rows = ["".join(drawn[x, y] for x in range(_WIDTH)) for y in range(_HEIGHT)]
    return "\n".join((_border(_title(blob)), *(f"|{row}|" for row in rows), _border("[SHA256]")))


def _move(place: tuple[int, int], bits: int) -> tuple[int, int]:
    """Return the next place: bit 0 moves right, bit 1 down; walls stop a move."""
    x = place[0] + (1 if bits & 1 else -1)
    y = place[1] + (1 if bits & 2 else -1)
    return min(max(x, 0), _WIDTH - 1), min(max(y, 0), _HEIGHT - 1)


def _title(blob: bytes) -> str:
    name = type_name(blob)
    whole = f"[{name} {key_bits(blob)}]"
    return whole[: _WIDTH - 1] if len(whole) <= _WIDTH else f"[{name}]"[: _WIDTH - 1]


def _border(title: str) -> str:
    left = (_WIDTH - len(title)) // 2
    return f"+{'-' * left}{title}{'-' * (_WIDTH - left - len(title))}+"
