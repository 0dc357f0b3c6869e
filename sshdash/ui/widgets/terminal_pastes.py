"""Bracketed pastes in what the hosting terminal sends, kept whole.

Textual looks for keys inside a paste too: an escape sequence in the pasted text that it does not
know is typed, key by key, as if by the person, ends of lines, the prefix and all.
"""

from collections.abc import Iterator

START, END = "\x1b[200~", "\x1b[201~"


class Pastes:
    """Tells pasted text from what is typed, however the input is cut."""

    def __init__(self) -> None:
        self._begun = ""
        """The beginning of a start marker that was passed on as typed."""
        self._pasted: list[str] | None = None
        """What was pasted so far; None outside of pastes."""
        self._tail = ""
        """The last of it, where an end marker may have begun."""

    def split(self, data: str) -> Iterator[tuple[bool, str]]:
        """Return the parts of `data`, and of each whether it is a paste, which then is whole."""
        while data:
            if self._pasted is None:
                typed, data = self._outside(data)
                if typed:
                    yield False, typed
            else:
                text, data = self._inside(self._pasted, data)
                if text is not None:
                    yield True, text

    def _outside(self, data: str) -> tuple[str, str]:
        """Return what is typed and what is left."""
        passed = len(self._begun)
        seen = self._begun + data
        start = seen.find(START)
        if start < 0:
            lengths = range(min(len(seen), len(START) - 1), 0, -1)
            self._begun = next((START[:n] for n in lengths if seen.endswith(START[:n])), "")
            return data, ""
        self._begun, self._pasted = "", []
        # Of a marker that was passed on in part, the rest is too; and an end, for an empty paste.
        typed = seen[passed:start] if start >= passed else seen[passed : start + len(START)] + END
        return typed, seen[start + len(START) :]

    def _inside(self, pasted: list[str], data: str) -> tuple[str | None, str]:
        """Return the paste, if it ends here, and what is left."""
        seen = self._tail + data
        end = seen.find(END)
        if end < 0:
            pasted.append(data)
            self._tail = seen[-len(END) + 1 :]
            return None, ""
        after = end + len(END) - len(self._tail)
        text = "".join([*pasted, data[:after]]).removesuffix(END)
        self._pasted, self._tail = None, ""
        return text, data[after:]
