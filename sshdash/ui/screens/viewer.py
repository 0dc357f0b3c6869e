"""The beginning of a file, to read."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sshdash.ui.format import count_text, size_text
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.untrusted import clean

LINE_LIMIT = 4_000
"""Characters of one line that are shown."""
_SAMPLE = 8_192
_DUMP_ROW = 16


class Lines(RowList):
    """Numbered lines; left and right scroll along them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"viewer--number", "viewer--text"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "shift(-16)", "Left", show=False),
        Binding("right,l", "shift(16)", "Right", show=False),
        Binding("space", "page(1)", "Page down", show=False),
        Binding("b", "page(-1)", "Page up", show=False),
    ]

    def __init__(self, lines: list[str], numbered: bool) -> None:
        super().__init__()
        self.lines = lines
        self._digits = len(str(len(lines))) if numbered else 0
        self._shift = 0
        self._longest = max(map(len, lines), default=0)

    def item_count(self) -> int:
        """Return how many lines there are."""
        return len(self.lines)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the number and the text of a line."""
        number = f" {line + 1:>{self._digits}}  " if self._digits else " "
        text = self.lines[line][self._shift :]
        return [(number, self.look("viewer--number")), (text, self.look("viewer--text"))]

    def action_shift(self, delta: int) -> None:
        """Scroll along the lines."""
        self._shift = max(0, min(self._shift + delta, max(self._longest - 20, 0)))
        self.refresh()


class ViewerScreen(ModalScreen[None]):
    """Text with line numbers, or a hex dump where it is not text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,v,f3,enter", "close", "Close", show=False),
    ]

    def __init__(self, title: str, head: bytes, size: int) -> None:
        super().__init__()
        self._title = title
        self._head = head
        self._bytes = size

    def compose(self) -> ComposeResult:
        """Lay out the frame around the lines."""
        binary = is_binary(self._head)
        lines = dump_lines(self._head) if binary else text_lines(self._head)
        with Vertical(classes="viewer") as frame:
            frame.border_title = Content(f" {self._title} ")
            frame.border_subtitle = Content(f" {self._words(binary, len(lines))}  Esc closes ")
            if lines:
                yield Lines(lines, numbered=not binary)
            else:
                yield Static("The file is empty", classes="viewer-empty", markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _words(self, binary: bool, lines: int) -> str:
        kind = "not text" if binary else count_text(lines, "line")
        if len(self._head) < self._bytes:
            return f"{kind}, the first {size_text(len(self._head))} of {size_text(self._bytes)}"
        return f"{kind}, {size_text(len(self._head))}"


def is_binary(head: bytes) -> bool:
    """Return whether `head` is not meant to be read: NUL bytes, or mostly unprintable."""
    sample = head[:_SAMPLE]
    if b"\0" in sample:
        return True
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)
    return odd * 10 > len(sample)


def text_lines(head: bytes) -> list[str]:
    """Return the lines of a text, each cleaned, tabs as spaces."""
    text = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    rows = text.removesuffix("\n").split("\n") if text else []
    return [clean(row.expandtabs(8), LINE_LIMIT) for row in rows]


def dump_lines(head: bytes) -> list[str]:
    """Return offset, hexadecimal and printable characters, as ``hexdump -C`` does."""
    lines = []
    for start in range(0, len(head), _DUMP_ROW):
        row = head[start : start + _DUMP_ROW]
        halves = row[:8].hex(" "), row[8:].hex(" ")
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:08x}  {halves[0]:<23}  {halves[1]:<23}  {shown}")
    return lines
