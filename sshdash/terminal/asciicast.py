"""asciicast, the file format of terminal recordings: written as version 3, read as 2 and 3. Pure.

Source: https://docs.asciinema.org/manual/asciicast/v3/ and v2. A file is a header, then an array
for each event: in version 3 the time is seconds since the event before, in version 2 since the
beginning.
"""

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sshdash.errors import UsageError
from sshdash.untrusted import clean

LONGEST_LINE = 16 * 1024 * 1024
"""Characters of a line at most; an event of ours is far shorter."""
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_LARGEST = 10_000
"""Columns or rows of a terminal at most."""
_LONGEST_PAUSE = 10.0 * 365 * 86_400


class Code(Enum):
    """What an event is, by the letter that stands for it."""

    OUTPUT = "o"
    INPUT = "i"
    MARK = "m"
    RESIZE = "r"
    EXIT = "x"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a recording."""

    columns: int
    rows: int
    timestamp: int = 0
    """When it began, in seconds since 1970; 0 where nobody knows."""
    term: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class CastEvent:
    """Something that happened `at` seconds after the beginning."""

    at: float
    code: Code
    text: str

    @property
    def size(self) -> tuple[int, int]:
        """Return the columns and rows that a resize tells of."""
        columns, _, rows = self.text.partition("x")
        return int(columns), int(rows)


class CastEncoder:
    """Makes the lines of a recording's files. Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._told = 0.0
        """The time of the last event, as the rounded intervals written so far add up to."""
        # A character may come in two pieces, and what is no character must not end the recording.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def begin(self, header: Header, at: float) -> str:
        """Return the header's line of a file that begins at a time."""
        self._told = at
        term: dict[str, Any] = {"cols": header.columns, "rows": header.rows}
        if header.term:
            term["type"] = header.term
        line: dict[str, Any] = {"version": 3, "term": term}
        if header.timestamp:
            line["timestamp"] = header.timestamp
        if header.title:
            line["title"] = header.title
        return _line(line)

    def output(self, at: float, data: bytes) -> str:
        """Return the line for what the remote sent; empty while a character is not complete."""
        text = self._decoder.decode(data)
        return self._event(at, Code.OUTPUT, text) if text else ""

    def resize(self, at: float, columns: int, rows: int) -> str:
        """Return the line for another size of the terminal."""
        return self._event(at, Code.RESIZE, f"{columns}x{rows}")

    def mark(self, at: float, label: str) -> str:
        """Return the line of a marker, at which players can stop."""
        return self._event(at, Code.MARK, label)

    def end(self, at: float, status: int | None) -> str:
        """Return the lines that end a recording, with the exit status where there is one."""
        rest = self._decoder.decode(b"", final=True)
        last = self._event(at, Code.OUTPUT, rest) if rest else ""
        return last if status is None else last + self._event(at, Code.EXIT, str(status))

    def _event(self, at: float, code: Code, text: str) -> str:
        interval = round(max(0.0, at - self._told), 3)
        self._told += interval  # so that what was rounded off does not add up
        return _line([interval, code.value, text])


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")) + "\n"


def read_header(line: str, name: str) -> tuple[Header, int]:
    """Return the header on the first line of `name`, and its version.

    Raises UsageError, naming the line, for what is neither version 2 nor 3.
    """
    value = _parse(line, name, 1)
    if not isinstance(value, dict):
        raise _wrong(name, 1, "an object is expected: the header of an asciicast")
    version = value.get("version")
    if version not in (2, 3) or isinstance(version, bool):
        raise _wrong(name, 1, f"version {clean(str(version), 20)} is neither 2 nor 3")
    term = value.get("term") if version == 3 else None
    if version == 3 and not isinstance(term, dict):
        raise _wrong(name, 1, "term is missing")
    size: dict[str, Any] = term if isinstance(term, dict) else value
    names = ("cols", "rows") if version == 3 else ("width", "height")
    columns, rows = (_dimension(size.get(one), name, one) for one in names)
    timestamp: Any = value.get("timestamp")
    title = value.get("title")
    header = Header(
        columns,
        rows,
        int(timestamp) if _is_number(timestamp) and abs(timestamp) < 1e12 else 0,
        title=clean(title, 200) if isinstance(title, str) else "",
    )
    return header, version


def read_events(lines: Iterable[str], name: str, version: int) -> Iterator[CastEvent]:
    """Return the events of the lines after the header, with the time since the beginning.

    Blank lines and comments (``#``) are passed over, as are codes that are not known, which the
    format asks of its readers. Raises UsageError, naming the line.
    """
    at = 0.0
    for number, line in enumerate(lines, 2):
        if len(line) > LONGEST_LINE:
            raise _wrong(name, number, "the line is too long")
        if not line.strip() or line.startswith("#"):
            continue
        time, code, text = _event(_parse(line, name, number), name, number)
        at = at + time if version == 3 else max(at, time)
        try:
            known = Code(code)
        except ValueError:
            continue
        event = CastEvent(at, known, text)
        if known is Code.RESIZE:
            _check_size(text, name, number)
        yield event


def _event(value: Any, name: str, number: int) -> tuple[float, str, str]:
    if not isinstance(value, list) or len(value) != 3:
        raise _wrong(name, number, "an event is a time, a code and a text")
    time, code, text = value
    if not _is_number(time) or not 0 <= time <= _LONGEST_PAUSE:
        raise _wrong(name, number, "the time is not a number of seconds")
    if not isinstance(code, str) or not isinstance(text, str):
        raise _wrong(name, number, "code and text have to be strings")
    return float(time), code, text


def _check_size(text: str, name: str, number: int) -> None:
    found = _SIZE.fullmatch(text)
    if not found or not all(0 < int(part) <= _LARGEST for part in found.groups()):
        raise _wrong(name, number, "a resize is COLUMNSxROWS")


def _dimension(value: Any, name: str, which: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST:
        raise _wrong(name, 1, f"{which} is not a number from 1 to {_LARGEST}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _parse(line: str, name: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "not JSON"
        raise _wrong(name, number, f"not JSON: {what}") from None


def _wrong(name: str, number: int, what: str) -> UsageError:
    return UsageError("Not a recording that can be played", f"{clean(name)}:{number}: {what}")
