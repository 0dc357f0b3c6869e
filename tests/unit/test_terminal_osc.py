"""What programs tell by OSC: taken as data, cleaned, bounded, and never acted on by itself."""

import base64
import socket

import pytest

from sshdash.terminal.allowance import Allowance
from sshdash.terminal.effects import Effects
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.osc import (
    CLIPBOARD_LIMIT,
    Directory,
    Notification,
    OscScanner,
    Progress,
    ProgressState,
    parse_directory,
)


def told(data: bytes) -> Effects:
    emulator = Emulator(20, 5)
    emulator.feed(data)
    return emulator.effects


@pytest.mark.parametrize(
    ("uri", "directory"),
    [
        (b"file://web-1/home/me", Directory("web-1", "/home/me")),
        (b"file:///srv", Directory("", "/srv")),
        (b"file://WEB-1.example/a%20b/%C3%A9", Directory("web-1.example", "/a b/é")),
        (b"file://h/100%", Directory("h", "/100%")),
        (b"/home/me", None),
        (b"http://h/x", None),
        (b"file://h", None),
        (b"file://$(id)/x", None),
        (b"file://a b/x", None),
        (b"file://user@h/x", None),
        (b"file://[::1]/x", None),
        (b"file://h/a%0ab", None),
        (b"file://h/a%1b[2J", None),
        (b"file://h/a%ff", None),
        ("file://h/a\u202eb".encode(), None),
        (b"file://h/" + b"a" * 5000, None),
        (b"", None),
    ],
)
def test_a_folder_is_a_file_address_that_can_be_shown(
    uri: bytes, directory: Directory | None
) -> None:
    assert parse_directory(uri) == directory


def test_the_folder_of_the_shell_is_known_and_its_host_is_never_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("looked up"))
    monkeypatch.setattr(socket, "gethostbyname", lambda *_: pytest.fail("looked up"))
    effects = told(b"\x1b]7;file://secret.attacker.example/tmp\x07")
    assert effects.told
    assert effects.directory == Directory("secret.attacker.example", "/tmp")
    assert told(b"\x1b]7;file://h/x\x07\x1b]7;\x07").directory is None


@pytest.mark.parametrize(
    ("data", "notification"),
    [
        (b"\x1b]9;build done\x07", Notification("build done")),
        (b"\x1b]777;notify;Build;done; really\x07", Notification("Build", "done; really")),
        (b"\x1b]99;;Hello\x1b\\", Notification("Hello")),
        (b"\x1b]99;e=1;SGVsbG8\x1b\\", Notification("Hello")),
        (
            b"\x1b]99;i=1:d=0;He\x1b\\text\x1b]99;i=1:d=0;llo\x1b\\\x1b]99;i=1:p=body;there\x1b\\",
            Notification("Hello", "there"),
        ),
        (b"\x1b]99;p=body;only a body\x07", Notification("only a body")),
        (b"\x1b]9;[red]a\x1b\\", Notification("[red]a")),
        ("\x1b]9;a\u202eb\x9bc\x07".encode(), Notification("a\\u202eb\\x9bc")),
        (b"\x1b]99;e=1;YRtbMko=\x1b\\", Notification("a\\x1b[2J")),
        (b"\x1b]9;  \x07", None),
        (b"\x1b]99;i=1:p=?;\x1b\\", None),
        (b"\x1b]99;e=1;!!!\x1b\\", None),
        (b"\x1b]99;i=1:d=0;never finished\x1b\\", None),
        (b"\x1b]99;;cut short\x1b[m", None),
        (b"\x1b]99;;cut short\x18", None),
        (b"\x1b]999;;other\x07", None),
    ],
)
def test_notifications(data: bytes, notification: Notification | None) -> None:
    wanted = [notification] if notification else []
    assert list(told(data).notifications) == wanted
    emulator = Emulator(20, 5)
    for byte in data:
        emulator.feed(bytes([byte]))
    assert list(emulator.effects.notifications) == wanted


def test_a_notification_is_short_and_a_flood_of_them_is_not_told() -> None:
    (one,) = told(b"\x1b]777;notify;" + b"t" * 500 + b";" + b"b" * 1500 + b"\x07").notifications
    assert len(one.title) <= 80
    assert len(one.body) <= 240
    assert len(told(b"\x1b]9;again\x07" * 10_000).notifications) <= 4
    assert len(told(b"\x1b]99;;again\x07" * 10_000).notifications) <= 4


def test_the_scanner_keeps_no_more_than_its_limit() -> None:
    scanner = OscScanner(b"99", limit=100)
    assert list(scanner.feed(b"\x1b]99;" + b"x" * 50)) == []
    for _ in range(1000):
        assert list(scanner.feed(b"x" * 1000)) == []
    assert scanner._content is not None
    assert len(scanner._content) <= 101
    assert list(scanner.feed(b"\x07\x1b]99;short\x07")) == [b"short"]


@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\"])
def test_the_scanner_finds_strings_however_the_stream_is_cut(end: bytes) -> None:
    data = b"a\x1b]9\x1b]99;one" + end + b"\x1b\x1b]99;two" + end + b"\x1b]99;\x1b]99;three" + end
    for cut in range(len(data)):
        for second in (cut, min(cut + 1, len(data)), len(data)):
            scanner = OscScanner(b"99")
            pieces = (data[:cut], data[cut:second], data[second:])
            found = [one for piece in pieces for one in scanner.feed(piece)]
            assert found == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("data", "progress"),
    [
        (b"\x1b]9;4;1;50\x07", Progress(ProgressState.RUNNING, 50)),
        (b"\x1b]9;4;1;4000\x07", Progress(ProgressState.RUNNING, 100)),
        (b"\x1b]9;4;2\x07", Progress(ProgressState.FAILED)),
        (b"\x1b]9;4;3\x07", Progress(ProgressState.UNKNOWN)),
        (b"\x1b]9;4;4;10\x07", Progress(ProgressState.PAUSED, 10)),
        (b"\x1b]9;4;1;50\x07\x1b]9;4;0\x07", None),
    ],
)
def test_progress(data: bytes, progress: Progress | None) -> None:
    assert told(data).progress == progress
    assert not told(data).notifications


def wish(text: bytes, target: bytes = b"c") -> bytes:
    return b"\x1b]52;%s;%s\x07" % (target, base64.b64encode(text))


def test_a_program_may_want_text_on_the_clipboard() -> None:
    clipboard = told(wish("héllo\r\n\tworld".encode())).clipboard
    assert clipboard is not None
    assert clipboard.text == "héllo\n\tworld"
    assert told(wish(b"primary", b"p")).clipboard is not None
    assert told(b"\x1b]1337;Copy=:aGk=\x07").clipboard is not None


def test_controls_do_not_get_on_the_clipboard() -> None:
    clipboard = told(wish(b"a\x1b[201~\rid\r\x00\x03" + "\u009b".encode())).clipboard
    assert clipboard is not None
    assert clipboard.text == "a[201~id"


def test_what_is_too_large_for_the_clipboard_is_not_kept() -> None:
    large = told(wish(b"x" * (CLIPBOARD_LIMIT + 1))).clipboard
    assert large is not None
    assert (large.text, large.size) == ("", CLIPBOARD_LIMIT + 1)
    assert told(wish(b"x" * CLIPBOARD_LIMIT)).clipboard == ("x" * CLIPBOARD_LIMIT, CLIPBOARD_LIMIT)
    huge = told(wish(b"x" * (CLIPBOARD_LIMIT * 200))).clipboard
    assert huge is None or not huge.text


@pytest.mark.parametrize("data", [b"\x1b]52;c;?\x07", b"\x1b]52;c;!!\x07", b"\x1b]52;c;\x07"])
def test_a_clipboard_is_neither_read_nor_emptied(data: bytes) -> None:
    emulator = Emulator(20, 5)
    emulator.feed(data)
    assert emulator.effects.clipboard is None
    assert emulator.take_replies() == b""


def test_what_a_program_told_ends_with_it() -> None:
    emulator = Emulator(20, 5)
    emulator.feed(b"\x1b]9;4;1;50\x07\x1b]9;hi\x07\x1b]7;file://h/x\x07" + wish(b"x"))
    emulator.forget_program()
    effects = emulator.effects
    assert (effects.progress, effects.directory, effects.clipboard) == (None, None, None)
    assert not effects.notifications


def test_an_allowance_comes_back_with_time() -> None:
    now = [0.0]
    allowance = Allowance(2, 0.5, lambda: now[0])
    assert [allowance.take() for _ in range(3)] == [True, True, False]
    now[0] = 2.0
    assert [allowance.take() for _ in range(2)] == [True, False]
    now[0] = 1000.0
    assert [allowance.take() for _ in range(3)] == [True, True, False]
