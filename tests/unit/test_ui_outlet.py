"""Drawing goes on, into nothing, when the terminal is gone."""

import io
import os
import pty

import pytest
from textual._ansi_sequences import SYNC_END, SYNC_START

from sshdash.ui.outlet import LastingWriter, hung_up


class Gone(io.StringIO):
    """A terminal that somebody closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


@pytest.mark.timeout(240)
def test_nobody_waits_for_a_terminal_that_is_gone() -> None:
    writer = LastingWriter(Gone())
    writer.start()
    for _ in range(200):
        writer.write("a frame")
    writer.stop()
    assert not writer.is_alive()


def test_a_terminal_that_is_gone_is_told_from_one_that_is_quiet() -> None:
    ours, theirs = pty.openpty()
    try:
        assert not hung_up(theirs)
        os.write(ours, b"x")
        assert not hung_up(theirs)
        os.close(ours)
        ours = -1
        assert hung_up(theirs)
    finally:
        for descriptor in (ours, theirs):
            if descriptor >= 0:
                os.close(descriptor)


def test_everything_arrives_while_it_is_there() -> None:
    there = io.StringIO()
    writer = LastingWriter(there)
    writer.start()
    for number in range(200):
        writer.write(f"{number},")
    writer.stop()
    assert there.getvalue() == "".join(f"{number}," for number in range(200))


class Pieces(io.StringIO):
    """A terminal that notes what it was given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []

    def write(self, text: str) -> int:
        self.given.append(text)
        return len(text)


def test_a_frame_is_written_at_once() -> None:
    there = Pieces()
    writer = LastingWriter(there)
    writer.start()
    for text in ("a", SYNC_START, "frame", ", all of it", SYNC_END, "b"):
        writer.write(text)
    writer.stop()
    assert there.given == ["a", f"{SYNC_START}frame, all of it{SYNC_END}", "b"]


def test_a_frame_that_never_ended_is_not_lost() -> None:
    there = Pieces()
    writer = LastingWriter(there)
    writer.start()
    writer.write(SYNC_START)
    writer.write("half a frame")
    writer.stop()
    assert "".join(there.given) == f"{SYNC_START}half a frame"
