"""What this machine's processor can do."""

import functools
import sys
from pathlib import Path

_PROCESSOR = Path("/proc/cpuinfo")
_LISTS = ("flags", "features")
"""How the list of abilities is called: on x86, on ARM and on s390."""


@functools.cache
def has_aes_instructions() -> bool:
    """Return whether AES is done by the processor, as far as the system says so."""
    if sys.platform == "darwin":
        return True  # every Mac that runs a supported macOS
    try:
        return abilities_have_aes(_PROCESSOR.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return False


def abilities_have_aes(processors: str) -> bool:
    """Return whether the text of ``/proc/cpuinfo`` names AES for its first processor."""
    for line in processors.splitlines():
        name, _, abilities = line.partition(":")
        if name.strip().lower() in _LISTS:
            return "aes" in abilities.split()
    return False
