"""A range of rows that is marked by moving its end. Pure."""

from sshdash.sftp.browser import UP, Browser

_STEPS = 1_000
"""Rows by which the end moves one by one; for more all marks are made anew, 10^5 in some ms."""


class MarkRange:
    """Marks from where the cursor is; what was marked before stays so when the range shrinks."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._first = self._last = browser.cursor
        self._before = frozenset(browser.marks)

    def stretch(self, row: int) -> None:
        """Mark from the first row to this one."""
        last, self._last = self._last, row
        if abs(row - last) > _STEPS:
            self._browser.marks = set(self._before)
            self._browser.mark_range(self._first, row)
            return
        low, high = sorted((self._first, row))
        for at in range(min(last, row), max(last, row) + 1):
            entry = self._browser.row(at)
            if entry is None or entry is UP:
                continue
            if low <= at <= high:
                self._browser.marks.add(entry.name)
            elif entry.name not in self._before:
                self._browser.marks.discard(entry.name)
