"""Numbers, ports, times and sizes as ssh_config(5) writes them."""

import re

_INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+\Z")
_TIMES = re.compile(r"([+-]?)([0-9]+)([smhdwSMHDW]?)")
_TIME = re.compile(r"(?:[ \t\n\v\f\r]*[+-]?[0-9]+[smhdwSMHDW])*(?:[ \t\n\v\f\r]*[+-]?[0-9]+)?\Z")
_SCALED = re.compile(
    r"[ \t\n\v\f\r]*([+-]?)([0-9]*)(?:\.([0-9]*))?(?:\Z|([BKMGTPEbkmgtpe])(?![A-Za-z0-9]))"
)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SCALES = "bkmgtpe"
_LONG_MAX = 2**63 - 1
_SIZE_DIGITS = 21
_FRACTION_DIGITS = 19
_MOST_DIGITS = 30
_BEYOND = 10**_MOST_DIGITS
INT_MAX = 2**31 - 1


def integer(text: str, low: int, high: int) -> int | None:
    """Return a decimal number within bounds, None for anything else."""
    if not _INTEGER.match(text):
        return None
    number = _whole(text.strip())
    return number if low <= number <= high else None


def _whole(digits: str) -> int:
    """Return a number, or one beyond all bounds in the place of a longer one."""
    sign = "-" if digits.startswith("-") else ""
    digits = digits.lstrip("+-").lstrip("0")
    return int(f"{sign}{digits or '0'}") if len(digits) <= _MOST_DIGITS else int(f"{sign}{_BEYOND}")


def port_number(text: str) -> int:
    """Return a port, given as a number or a service's name; -1 where it is neither."""
    number = integer(text, 0, 65535)
    if number is not None:
        return number
    if not text or text[0] in "+-" or text[0].isdigit():
        return -1
    from socket import getservbyname

    try:
        return getservbyname(text, "tcp")
    except (OSError, ValueError):
        return -1


def seconds(text: str) -> int | None:
    """Return a time such as ``90``, ``5m`` or ``1h30m`` in seconds, None where it is not one."""
    if not text or not _TIME.match(text):
        return None
    total = 0
    for sign, count, unit in _TIMES.findall(text):
        part = _whole(count) * _UNITS[unit.lower()]
        if sign == "-" and part:
            return None
        total += part
    return total if total <= INT_MAX else None


def scaled(text: str) -> int | None:
    """Return a size such as ``1G`` or ``1.5m`` in bytes, None where it is not one.

    Counts in 64 bits, as OpenSSH does: what overflows is refused, and fractions lose digits.
    """
    found = _SCALED.match(text)
    if not found:
        return None
    factor = 1024 ** _SCALES.index(found[4].lower()) if found[4] else 1
    digits, fraction = found[2], (found[3] or "")[:_FRACTION_DIGITS]
    if len(digits) >= _SIZE_DIGITS:
        return None
    whole, part = int(digits or 0), int(fraction or 0)
    if whole > _LONG_MAX // factor or part > _LONG_MAX:
        return None
    places = len(fraction)
    while part >= _LONG_MAX // factor:
        part //= 10
        places -= 1
    if found[4]:
        whole = whole * factor + part * factor // 10 ** max(places, 0)
    return -whole if found[1] == "-" else whole
