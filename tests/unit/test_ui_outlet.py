"""Drawing goes on, into nothing, when the terminal is gone."""

import io
import os
import pty

import pytest

from sshdash.ui.outlet import LastingWriter, hung_up


class Gone(io.StringIO):
    """A terminal that somebody closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


@pytest.mark.timeout(20)
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
