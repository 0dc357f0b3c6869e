"""The links in the viewport of an emulator: those of OSC 8, and addresses in plain text."""

from typing import Any

from sshdash.terminal.cells import Line
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import array, ffi, function, lib, new, sized
from sshdash.terminal.links import LONGEST, Link, find_addresses

_MOST = 200
"""Links that are listed."""


class ViewLinks:
    """Finds the links of one emulator, whenever it is asked: nothing is kept."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def __repr__(self) -> str:
        return f"<ViewLinks of {self._emulator}>"

    def at(self, column: int, row: int) -> Link | None:
        """Return the link in a cell of the viewport."""
        lines = self._emulator.view()
        if not 0 <= row < len(lines):
            return None
        if address := self._hidden(column, row):
            run = self._linked(lines[row], row, address, column)
            return run or Link(address, "", column, row)
        for start, end, link in self._plain(lines):
            if start <= (row, column) < end:
                return link
        return None

    def all(self) -> list[Link]:
        """Return every link in view, the lowest first; one of many places once."""
        lines = self._emulator.view()
        plain = [link for _, _, link in self._plain(lines)]
        found = [one for one in plain if not self._hidden(one.column, one.row)]
        for row, line in enumerate(lines):
            column = 0
            for run in line.runs:
                if run.style.link:
                    found += self._of_run(line, row, column, run.width)
                column += run.width
        once: dict[str, Link] = {}
        for link in sorted(found, key=lambda one: (-one.row, one.column)):
            once.setdefault(link.address, link)
        return list(once.values())[:_MOST]

    def _of_run(self, line: Line, row: int, first: int, width: int) -> list[Link]:
        links = []
        column = first
        while column < first + width:
            address = self._hidden(column, row)
            end = column + 1
            while end < first + width and self._hidden(end, row) == address:
                end += 1
            if address:
                links.append(Link(address, _text(line)[column:end].strip(), column, row))
            column = end
        return links

    def _linked(self, line: Line, row: int, address: str, column: int) -> Link | None:
        """Return the part of a link that lies in one row around a column."""
        links = self._of_run(line, row, 0, self._emulator.columns)
        for link in links:
            if link.address == address and link.column <= column <= link.column + len(link.text):
                return link
        return None

    def _plain(self, lines: list[Line]) -> list[tuple[tuple[int, int], tuple[int, int], Link]]:
        """Return the addresses in the text with where they begin and end, over wrapped rows."""
        found = []
        columns = self._emulator.columns
        row = 0
        while row < len(lines):
            last = row
            while last + 1 < len(lines) and self._wraps(last):
                last += 1
            text = "".join(_text(line).ljust(columns)[:columns] for line in lines[row : last + 1])
            for start, end, address in find_addresses(text):
                place = divmod(start, columns)
                link = Link(address, address, place[1], row + place[0])
                after = divmod(end - 1, columns)
                found.append(((row + place[0], place[1]), (row + after[0], after[1] + 1), link))
            row = last + 1
        return found

    def _hidden(self, column: int, row: int) -> str:
        """Return the address that OSC 8 gave a cell, empty for none."""
        ref = self._ref(column, row)
        if ref is None:
            return ""
        length = new("size_t")
        lib.ghostty_grid_ref_hyperlink_uri(ref, ffi.NULL, 0, length)
        if not length[0] or length[0] > 4 * LONGEST + 4:
            return ""
        buffer = array("uint8_t", length[0])
        got = lib.ghostty_grid_ref_hyperlink_uri(ref, buffer, length[0], length)
        if got != lib.GHOSTTY_SUCCESS:
            return ""
        return bytes(ffi.buffer(buffer, length[0])).decode("utf-8", "replace")

    def _wraps(self, row: int) -> bool:
        """Return whether the text of a row goes on in the next."""
        ref = self._ref(0, row)
        packed, wrapped = new("uint64_t"), new("bool")
        return bool(
            ref is not None
            and lib.ghostty_grid_ref_row(ref, packed) == lib.GHOSTTY_SUCCESS
            and lib.ghostty_row_get(packed[0], lib.GHOSTTY_ROW_DATA_WRAP, wrapped)
            == lib.GHOSTTY_SUCCESS
            and wrapped[0]
        )

    def _ref(self, column: int, row: int) -> Any:
        point = new("GhosttyPointS")
        point.tag = lib.GHOSTTY_POINT_TAG_VIEWPORT
        point.value.x, point.value.y = column, row
        ref = sized("GhosttyGridRef")
        grid_ref = function("ghostty_terminal_grid_ref")
        found = grid_ref(self._emulator.handle, point[0], ref) == lib.GHOSTTY_SUCCESS
        return ref if found else None


def _text(line: Line) -> str:
    """Return a row with one character for each column: what takes several stands for itself."""
    cells = []
    for run in line.runs:
        if run.parts:
            cells += [part[:1] or "\u2060" for part in run.parts]
        else:
            cells += run.text.ljust(run.width)[: run.width]
    return "".join(cells)
