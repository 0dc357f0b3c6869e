"""What terminals paste when files are dropped on them: paths, quoted or not, or file URLs. Pure."""

import shlex
from contextlib import suppress
from urllib.parse import unquote_to_bytes, urlsplit

_LONGEST = 200_000
"""More characters than these are no list of files."""
Paths = tuple[bytes, ...]


def readings_of(text: str) -> list[Paths]:
    """Return what a pasted text may name, the likelier reading first: absolute paths only.

    A line may be one path with spaces in it, or several words as a shell reads them; only a look
    at the file system can tell.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or len(text) > _LONGEST or "\0" in text:
        return []
    readings = [_paths(lines)]
    with suppress(ValueError):  # an open quote: no words of a shell
        readings.append(_paths([word for line in lines for word in shlex.split(line)]))
    return list(dict.fromkeys(reading for reading in readings if reading))


def _paths(words: list[str]) -> Paths:
    """Return the paths that the words are, none where one of them is not an absolute path."""
    paths = [_path(word) for word in words]
    return tuple(dict.fromkeys(paths)) if all(paths) else ()


def _path(word: str) -> bytes:
    if word.startswith("file://"):
        url = urlsplit(word)
        return unquote_to_bytes(url.path) if url.netloc in ("", "localhost") else b""
    return word.encode("utf-8", "surrogateescape") if word.startswith("/") else b""
