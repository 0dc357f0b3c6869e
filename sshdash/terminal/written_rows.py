"""Reads many rows at once, from the escape sequences that the library writes for them.

To ask for the style of each cell that has another one takes a few microseconds a cell, and a
screen may have thousands. The library writes a whole screen as text and SGR sequences in a
fraction of a millisecond. Rows whose characters could be disputed (wide, combined, unsafe) are
not read this way: see `rows`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, overload

from sshdash.terminal.cells import PLAIN, CellStyle, Colour, Row, Run, Underline
from sshdash.terminal.ghostty import array, call, ffi, function, lib, new, sized

WORTH_IT = 4
"""From so many rows on this is quicker than cell by cell."""
_MOST_CELLS = 100_000
"""Of larger screens the text could take too much memory."""
_STYLE_LIMIT = 16_384
_RESET = b"\x1b[0m"
_BLINK = b"\x1b[5m"
_DENSE = 1_500
"""Bytes of a row from which on it is dense: a picture, not text."""
_INDIRECT = (b"\x1b[38;5;", b"\x1b[48;5;", b"\x1b[58;", b"\x1b[4:")
"""What is not shown as it is: colours of the palette, and underlines that few terminals know."""
_GROUP = re.compile(r"((?:\x1b\[[0-9:;]*m)+)")
_LAST_GROUP = re.compile(rb"(?:\x1b\[[0-9:;]*m)+")
"""What stands before cells of another style: all of it, beginning with a reset."""
_PARAMETERS = re.compile(r"\x1b\[([0-9:;]*)m")
_UNDISPUTED = re.compile("[\r\n -~\u00a1-\u00ac\u00ae-\u024f\u2500-\u259f\u2800-\u28ff]*\\Z")
"""Characters that are safe and one column wide to everybody: Latin, frames, blocks, Braille.
Besides them, what the library writes between rows: no cell holds a control character."""
_FLAGS = {
    "1": "bold",
    "2": "dim",
    "3": "italic",
    "5": "blink",
    "7": "reverse",
    "8": "conceal",
    "9": "strike",
    "53": "overline",
}


class WrittenRows:
    """The rows of one terminal's viewport, as the library writes them."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._buffer = array("uint8_t", 16 * 1024)
        self._length = new("size_t")
        self._styles: dict[str, CellStyle] = {}

    def read(self, first: int, last: int, columns: int) -> dict[int, Row]:
        """Return the rows `first` to `last` by their place, but for disputed and blank ones.

        A row without text is written as nothing, whatever its background. What was never
        written on the right is left out.
        """
        rows = last - first + 1
        if rows * columns > _MOST_CELLS:
            return {}
        chosen = self._chosen(first, last, columns)
        written = self._written(chosen, lib.GHOSTTY_FORMATTER_FORMAT_VT)
        if len(written) > rows * _DENSE // 2:
            # To search for one byte is many times quicker than for two.
            parts = written.split(b"\n")
            texts = _text(self._written(chosen, lib.GHOSTTY_FORMATTER_FORMAT_PLAIN)).split("\n")
            if len(parts) == len(texts):
                read = self._dense_rows(parts, texts)
                return {place: row for place, row in enumerate(read, first) if row}
        read = self._rows(_text(written))
        return {place: row for place, row in enumerate(read, first) if row}

    def _dense_rows(self, parts: list[bytes], texts: list[str]) -> Iterator[Row]:
        """Take rows apart that are hardly looked at run by run; a disputed row is an empty one."""
        group = b""
        for part, text in zip(parts, texts, strict=True):
            row = part.removesuffix(b"\r")
            whole = row if row.startswith(_RESET) else group + row
            if not _UNDISPUTED.match(text):
                yield ()
            elif len(row) <= _DENSE:
                yield from self._rows(_text(whole))
            elif _is_painted(whole):
                yield WrittenRow(whole, len(text), self._rows, painted=True)
            elif any(sign in whole for sign in _INDIRECT):
                yield from self._rows(_text(whole))
            else:
                yield WrittenRow(whole, len(text), self._rows)
            if (at := row.rfind(_RESET)) >= 0:
                found = _LAST_GROUP.match(row, at)
                group = found[0] if found else b""

    def _rows(self, written: str) -> Iterator[Row]:
        """Take what was written apart; a disputed row is an empty one."""
        pieces = _GROUP.split(written)
        doubtful = not _UNDISPUTED.match("".join(pieces[::2]))
        style = PLAIN
        row: list[Run] = []
        disputed = False
        # Every other piece is text, each between two changes of the style.
        for text, group in zip(pieces[::2], chain(pieces[1::2], ("",)), strict=True):
            while "\n" in text:
                part, _, text = text.partition("\r\n")
                if part:
                    row.append(Run(part, len(part), style))
                    disputed = disputed or (doubtful and not _UNDISPUTED.match(part))
                yield () if disputed else tuple(row)
                row = []
                disputed = False
            if text:
                row.append(Run(text, len(text), style))
                disputed = disputed or (doubtful and not _UNDISPUTED.match(text))
            if group:
                style = self._styles.get(group) or self._style(group)
        yield () if disputed else tuple(row)

    def _chosen(self, first: int, last: int, columns: int) -> Any:
        chosen = sized("GhosttySelection")
        chosen.start = self._ref(0, first)
        chosen.end = self._ref(columns - 1, last)
        return chosen

    def _written(self, chosen: Any, form: int) -> bytes:
        options = sized("GhosttyFormatterTerminalOptions")
        options.emit = form
        options.unwrap = options.trim = False
        options.selection = chosen
        box = new("GhosttyFormatter")
        create = lib.ghostty_formatter_terminal_new
        call(create(ffi.NULL, box, self._terminal, options[0]), "formatter")
        try:
            write = lib.ghostty_formatter_format_buf
            result = write(box[0], self._buffer, len(self._buffer), self._length)
            if result == lib.GHOSTTY_OUT_OF_SPACE:
                self._buffer = array("uint8_t", self._length[0] * 2)
                result = write(box[0], self._buffer, len(self._buffer), self._length)
            call(result, "format")
        finally:
            lib.ghostty_formatter_free(box[0])
        return bytes(ffi.buffer(self._buffer, self._length[0]))

    def _ref(self, column: int, row: int) -> Any:
        point = new("GhosttyPointS")
        point.tag = lib.GHOSTTY_POINT_TAG_VIEWPORT
        point.value.x, point.value.y = column, row
        ref = sized("GhosttyGridRef")
        call(function("ghostty_terminal_grid_ref")(self._terminal, point[0], ref), "cell")
        return ref[0]

    def _style(self, group: str) -> CellStyle:
        if len(self._styles) >= _STYLE_LIMIT:
            self._styles.clear()
        style = self._styles[group] = style_of(group)
        return style


class WrittenRow(Sequence[Run]):
    """A row of many styles, none of whose colours is one of the palette.

    To take it apart into runs is left until somebody looks at them: it can be shown as it is.
    """

    def __init__(
        self,
        written: bytes,
        width: int,
        read: Callable[[str], Iterator[Row]],
        *,
        painted: bool = False,
    ) -> None:
        self.width = width
        """Columns that it fills."""
        self._written = written
        self._read = read
        self._painted = painted
        self._missing = 0
        self._runs: Row | None = None

    def __repr__(self) -> str:
        return f"<WrittenRow [{self.width} columns]>"

    def __bool__(self) -> bool:
        return self.width > 0

    @property
    def runs(self) -> Row:
        """Return the runs, taken apart once."""
        if self._runs is None:
            blanks = b"%b%*b" % (_RESET, self._missing, b"") if self._missing else b""
            self._runs = next(self._read(_text(self._written + blanks)))
        return self._runs

    @property
    def blinks(self) -> bool:
        """Return whether any of it blinks."""
        return not self._painted and _BLINK in self._written

    def shown(self, plain: bytes) -> str:
        """Return the text with its SGR sequences, and `plain` wherever those take back a style."""
        written = self._written if self._painted else self._written.replace(_RESET, plain)
        blanks = b"%b%*b" % (plain, self._missing, b"")
        return _text(b"".join((plain, written, blanks, _RESET)))

    def padded(self, missing: int) -> "WrittenRow":
        """Return it with so many blank columns more."""
        row = WrittenRow(self._written, self.width + missing, self._read, painted=self._painted)
        row._missing = missing
        return row

    @overload
    def __getitem__(self, at: int) -> Run: ...
    @overload
    def __getitem__(self, at: slice) -> Row: ...
    def __getitem__(self, at: int | slice) -> Run | Row:
        return self.runs[at]

    def __len__(self) -> int:
        return len(self.runs)


def _is_painted(written: bytes) -> bool:
    """Return whether each style is a reset, one colour of text and one behind it, in full.

    There are as many of both colours, and nothing else but a reset for each two and one at the
    end: a style has one of each at most.
    """
    colours = written.count(b"\x1b[38;2;")
    sequences = 3 * colours + written.endswith(_RESET)
    return written.count(b"\x1b[48;2;") == colours and written.count(b"\x1b") == sequences


def _text(written: bytes) -> str:
    return written.decode("utf-8", "replace")


def style_of(group: str) -> CellStyle:
    """Return what a group of SGR sequences, each of one attribute, means after a reset."""
    values: dict[str, Any] = {}
    for parameters in _PARAMETERS.findall(group):
        name = _FLAGS.get(parameters)
        if name:
            values[name] = True
        elif parameters == "0":
            values.clear()
        elif parameters.startswith("38;"):
            values["foreground"] = _colour(parameters)
        elif parameters.startswith("48;"):
            values["background"] = _colour(parameters)
        elif parameters == "4" or parameters.startswith("4:"):
            values["underline"] = Underline(int(parameters[2:] or 1))
        elif parameters.startswith("58;"):
            values["underline_colour"] = _colour(parameters)
    return CellStyle(**values)


def _colour(parameters: str) -> Colour:
    """Return the colour of 38;5;N or 38;2;R;G;B, or the same for 48 and 58."""
    kind, *parts = map(int, parameters.split(";")[1:])
    return parts[0] if kind == 5 else (parts[0], parts[1], parts[2])
