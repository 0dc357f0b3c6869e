"""Spares the SSH library a search for liboqs where there is none.

It looks for it whenever it is imported, and the way there is (`ctypes.util.find_library`) runs
ldconfig, a compiler and a linker, twice: half as long as all the rest of its import.
"""

import ctypes.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CACHE = Path("/etc/ld.so.cache")
"""Where the dynamic linker looks before its own folders."""
_FOLDERS = ("LD_LIBRARY_PATH", "LIBRARY_PATH")
"""Variables that name further ones."""
_NAMES = ("oqs", "liboqs")


@contextmanager
def unsearched() -> Iterator[None]:
    """Let the SSH library be imported without that search, where its end is known."""
    if not _is_missing():
        yield
        return
    search = ctypes.util.find_library

    def find_library(name: str) -> str | None:
        return None if name in _NAMES else search(name)

    ctypes.util.find_library = find_library
    try:
        yield
    finally:
        ctypes.util.find_library = search


def _is_missing() -> bool:
    """Return whether the dynamic linker knows of no such library."""
    if sys.platform != "linux" or any(map(os.environ.get, _FOLDERS)):
        return False
    try:
        return b"liboqs" not in _CACHE.read_bytes()
    except OSError:
        return False
