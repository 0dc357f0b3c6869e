"""Keeps a row as wide as the emulator made it.

The emulator, the library that lays out the screen and the terminal that shows it may disagree on
the width of a character or of a sequence of them. The emulator is right, for its cells are what
the remote counts in: whatever would come out wider or narrower is replaced. What joins characters
to one (emoji sequences, variation selectors, skin tones) is left out unless the hosting terminal is
known to draw `clusters`, for others differ: some would draw one picture of two columns where others
draw three pictures of six. It is left out, too, where the emulator itself counts the parts, as it
does for programs that have not asked for clusters (mode 2027): they count so as well.
"""

import re
from functools import lru_cache

from rich.cells import cell_len

from sshdash.terminal.cells import Run

_STAND_IN = {1: "·", 2: "··"}
_FIRST_INDICATOR = 0x1F1E6
"""The first of the 26 characters that flags are pairs of (regional indicators)."""
_JOINING = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


def fitting(run: Run, clusters: bool = False) -> list[str]:
    """Return the texts that draw `run` in exactly its width."""
    if cell_len(run.text) == run.width and not _JOINING.search(run.text):
        return [run.text]
    followers = (*run.parts[1:], " ")
    texts = [
        _part(text, 1 if follower else 2, clusters) if text else ""
        for text, follower in zip(run.parts, followers, strict=True)
    ]
    if not run.parts[0]:  # the half of a wide character whose other half is gone
        texts[0] = " "
    return texts


@lru_cache(4096)
def _part(text: str, width: int, clusters: bool) -> str:
    """Return what draws one cell (or a wide one) in `width` columns."""
    if clusters and cell_len(text) == width and not _reaches_out(text):
        return text
    if len(text) == 1 and (letter := ord(text) - _FIRST_INDICATOR) in range(26):
        # Half of a flag: terminals differ on its width, and would join it with the other half.
        text = chr(ord("A") + letter)
    certain = _JOINING.split(text, maxsplit=1)[0]
    for attempt in (certain, certain[:1], certain[:1] + " "):
        if cell_len(attempt) == width:
            return attempt
    return _STAND_IN[width]


def _reaches_out(text: str) -> bool:
    """Return whether a cell would be joined with the one before or behind it."""
    return text.endswith("\u200d") or _JOINING.match(text) is not None
