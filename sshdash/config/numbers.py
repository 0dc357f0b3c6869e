"""Numbers, ports, times and sizes as ssh_config(5) writes them."""

import re

_INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+\Z")
_TIMES = re.compile(r"([0-9]+)([smhdwSMHDW]?)")
_TIME = re.compile(r"(?:[0-9]+[smhdwSMHDW])*(?:[0-9]+)?\Z")
_SCALED = re.compile(r"\s*([+-]?)([0-9]*)(?:\.([0-9]*))?([BKMGTPEbkmgtpe]?)\Z")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SCALES = "bkmgtpe"
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
    total = sum(_whole(count) * _UNITS[unit.lower()] for count, unit in _TIMES.findall(text))
    return total if total <= INT_MAX else None


def scaled(text: str) -> int | None:
    """Return a size such as ``1G`` or ``1.5m`` in bytes, None where it is not one."""
    found = _SCALED.match(text)
    if not found:
        return None
    factor = 1024 ** _SCALES.index(found[4].lower()) if found[4] else 1
    whole = _whole(found[2] or "0") * factor
    fraction = (found[3] or "")[:_MOST_DIGITS]
    if fraction:
        whole += int(fraction) * factor // 10 ** len(fraction)
    number = -whole if found[1] == "-" else whole
    return number if abs(number) < 2**63 else None
