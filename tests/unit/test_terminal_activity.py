"""What is noticed of a session that nobody looks at."""

import pytest

from sshdash.terminal.activity import QUIET, Activity, Finished
from sshdash.ui.desktop import notification

C, D = b"\x1b]133;C\x07", b"\x1b]133;D;3\x1b\\"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_semantic_prompts_tell_when_a_command_ends(clock: Clock, size: int) -> None:
    one = Activity(clock)

    def send(data: bytes) -> None:
        for at in range(0, len(data), size):
            one.output(data[at : at + size])

    one.typed(b"make\r")
    send(b"make\r\n" + C)
    clock.now += 12
    send(b"building\r\n")
    clock.now += QUIET + 1
    assert one.take_finished(10) is None, "silent, but the shell has not told of its end"
    send(D + b"$ ")
    assert one.take_finished(10) == Finished(12 + QUIET + 1, 3)
    assert one.take_finished(10) is None


def test_a_short_command_is_not_told_of(clock: Clock) -> None:
    one = Activity(clock)
    one.output(C)
    clock.now += 9
    one.output(D)
    assert one.take_finished(10) is None
    clock.now += 60
    one.output(D)
    assert one.take_finished(10) is None, "an end without a beginning"


def test_without_prompts_it_is_activity_and_then_silence(clock: Clock) -> None:
    one = Activity(clock)
    one.typed(b"sleep 60; echo done\r")
    one.output(b"\r\n")
    clock.now += 30
    assert one.take_finished(10) is None, "silent from the beginning, so still at work"
    clock.now += 30
    one.output(b"done\r\n$ ")
    assert one.take_finished(10) is None
    clock.now += QUIET
    assert one.take_finished(10) == Finished(60)
    one.output(b"and more")
    clock.now += 100
    assert one.take_finished(10) is None, "told once for each Enter"


def test_output_that_nobody_asked_for_is_no_command(clock: Clock) -> None:
    one = Activity(clock)
    one.output(b"welcome")
    clock.now += 100
    one.output(b"broadcast message")
    clock.now += 100
    assert one.take_finished(10) is None
    assert one.size == 24


def test_what_is_not_a_mark_takes_no_memory(clock: Clock) -> None:
    one = Activity(clock)
    for _ in range(100):
        one.output(b"\x1b]133;" + b"x" * 10_000 + b"\x1b[31m" * 100)
    assert len(one._tail) < 16


def test_a_notification_is_one_sequence_whatever_is_in_it() -> None:
    for words in ("4;1;50", "\x07\x1b]52;c;aGk=\x07", "a\u202eb\n\x9c", "x" * 1000):
        text = notification(words)
        assert text.startswith("\x1b]9;sshdash: ")
        assert text.endswith("\x07")
        inside = text[4:-1]
        assert inside.isprintable()
        assert ";" not in inside
        assert len(inside) < 140


def test_silence_is_taken_once_for_every_time_that_it_is(clock: Clock) -> None:
    one = Activity(clock)
    one.output(b"x")
    clock.now += 60
    assert not one.take_silence(10), "nobody waits for it"
    one.watch_silence(True)
    assert not one.take_silence(10), "it begins when it is waited for"
    clock.now += 10
    assert one.take_silence(10)
    assert not one.take_silence(10)
    clock.now += 60
    assert not one.take_silence(10)
    one.output(b"x")
    clock.now += 9
    assert not one.take_silence(10)
    clock.now += 1
    assert one.take_silence(10)
    one.watch_silence(False)
    one.output(b"x")
    clock.now += 60
    assert not one.take_silence(10)
