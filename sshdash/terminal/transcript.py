"""What a terminal has shown, as a person would read it: lines without escape sequences. Pure.

A line is kept as its last state, so what was corrected while it was typed shows corrected, and a
progress bar shows its end. Programs that draw the whole screen are left out: they use the
alternate screen, and what they show is no text to read on.
"""

import codecs
import re
import unicodedata

ALTERNATE = "[a program took the whole screen]"
_LONGEST = 16_384
"""Characters of one line at most; what would not fit begins another."""
_TOKEN = re.compile(
    r"[^\x00-\x1f\x7f-\x9f]+"  # text
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_][^\x07\x18\x1a\x1b\x9c]*(?:\x07|\x9c|\x1b\\|[\x18\x1a])"  # a string
    r"|\x1b(?:[0-OQ-WYZ\\`-~]|[ -/]+[0-~])"  # other escapes
    r"|[\x00-\x1a\x1c-\x1f\x7f-\x9f]"  # controls
)
_LINES = re.compile(rf"(?:[^\x00-\x1f\x7f-\x9f]{{0,{_LONGEST - 1}}}\r*\n)+")
"""Whole lines of nothing but text, as most of a flood is."""
_STRING = re.compile(r"\x1b[\]PX^_][^\x07\x18\x1a\x1b\x9c]*\x1b?\Z")
_PARTIAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)?\Z")
_LONGEST_PARTIAL = 256
_HIDDEN = ("Cf", "Zl", "Zp", "Cs", "Co")
_ALTERNATE = re.compile(r"\x1b\[\?(?:47|1047|1049)([hl])\Z")
_CSI = re.compile(r"\x1b\[(\d*)(?:;[\d;]*)?([@PKCDG])\Z")


class Transcript:
    """Turns what a terminal is sent into lines."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        """The beginning of a sequence that is not complete."""
        self._in_string = False
        """Within a control string of which the beginning was thrown away."""
        self._line = ""
        self._column = 0
        self._alternate = False

    def feed(self, data: bytes) -> str:
        """Return the lines that `data` completed, each with a line feed."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        out: list[str] = []
        if self._in_string:
            text = self._skip_string(text)
        at = 0
        while at < len(text):
            if not (self._line or self._column or self._alternate) and (
                lines := _LINES.match(text, at)
            ):
                at = lines.end()
                out.append(_plain(lines.group()))
                continue
            found = _TOKEN.match(text, at)
            if found is None:
                if self._keep(text, at):
                    break
                at += 1  # an escape character that begins nothing
                continue
            at = found.end()
            self._take(found.group(), out)
        return "".join(out)

    def note(self, words: str) -> str:
        """Return a line of our own, after what the unfinished line shows."""
        return self.finish() + f"[{words}]\n"

    def finish(self) -> str:
        """Return the unfinished line, where there is any."""
        return self._end_line() if self._line else ""

    def _keep(self, text: str, at: int) -> bool:
        """Keep the beginning of a sequence for the next piece; return whether it is one."""
        if found := _STRING.match(text, at):
            rest = found.group()
            if len(rest) > _LONGEST_PARTIAL:
                # What is in it is not shown, however long it becomes.
                self._in_string = True
                rest = "\x1b" if rest.endswith("\x1b") else ""
            self._rest = rest
            return True
        found = _PARTIAL.match(text, at)
        if found and len(found.group()) <= _LONGEST_PARTIAL:
            self._rest = found.group()
            return True
        return False

    def _skip_string(self, text: str) -> str:
        end = re.search(r"\x07|\x9c|\x1b\\|[\x18\x1a]", text)
        if end is None:
            self._rest = "\x1b" if text.endswith("\x1b") else ""
            return ""
        self._in_string = False
        return text[end.end() :]

    def _take(self, token: str, out: list[str]) -> None:
        first = token[0]
        if first == "\x1b":
            self._escape(token, out)
        elif self._alternate:
            return
        elif first == "\n":
            out.append(self._end_line())
        elif first == "\r":
            self._column = 0
        elif first == "\b":
            self._column = max(0, self._column - 1)
        elif first == "\t":
            self._write(" " * (8 - self._column % 8), out)
        elif first >= " " and first != "\x7f" and not "\x80" <= first <= "\x9f":
            self._write(token, out)

    def _write(self, text: str, out: list[str]) -> None:
        if not text.isprintable():
            # What would reorder or hide the text around it.
            text = "".join(char for char in text if unicodedata.category(char) not in _HIDDEN)
        while text:
            piece, text = text[: _LONGEST - self._column], text[_LONGEST - self._column :]
            end = self._column + len(piece)
            before = self._line[: self._column].ljust(self._column)
            self._line = before + piece + self._line[end:]
            self._column = end
            if end >= _LONGEST:
                out.append(self._end_line())

    def _end_line(self) -> str:
        line = self._line.rstrip()
        self._line = ""
        self._column = 0
        return line + "\n"

    def _escape(self, token: str, out: list[str]) -> None:
        if switch := _ALTERNATE.match(token):
            alternate = switch.group(1) == "h"
            if alternate and not self._alternate:
                out.append(self.finish() + ALTERNATE + "\n")
            self._alternate = alternate
        elif not self._alternate and (edit := _CSI.match(token)):
            # ECMA-48: a missing number is 1, but 0 to EL.
            number = int(edit.group(1)[:6] or -1)
            self._edit(edit.group(2), number)

    def _edit(self, what: str, number: int) -> None:
        """Do what programs that edit a line do to it."""
        line, at, count = self._line, self._column, min(max(number, 1), _LONGEST)
        if what == "K":
            kept = {1: " " * min(at + 1, len(line)) + line[at + 1 :], 2: ""}
            self._line = kept.get(number, line[:at] if number < 1 else line)
        elif what == "P":
            self._line = line[:at] + line[at + count :]
        elif what == "@":
            self._line = (line[:at] + " " * count + line[at:])[:_LONGEST]
        elif what == "C":
            self._column = min(at + count, _LONGEST - 1)
        elif what == "D":
            self._column = max(0, at - count)
        else:
            self._column = min(count, _LONGEST) - 1


def _plain(lines: str) -> str:
    """Return whole lines as they show: without blanks at their ends, and without what hides."""
    if not lines.isascii():
        lines = "".join(
            char
            for char in lines
            if char in "\r\n" or char.isprintable() or unicodedata.category(char) not in _HIDDEN
        )
    return "\n".join([line.rstrip() for line in lines.split("\n")])
