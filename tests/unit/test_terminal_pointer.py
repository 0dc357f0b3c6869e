"""Which bytes the mouse becomes, in every tracking mode and format."""

import pytest

from sshdash.terminal.cells import PointerAction
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.pointer import Pointer

PRESS, RELEASE, MOVE = PointerAction


def pointer(*modes: int) -> Pointer:
    emulator = Emulator(80, 24)
    for mode in modes:
        emulator.feed(b"\x1b[?%dh" % mode)
    return Pointer(emulator)


def test_nothing_is_sent_unasked() -> None:
    quiet = pointer()
    assert quiet.encode(PRESS, 3, 4, 1) == b""
    assert quiet.encode(MOVE, 3, 4, 0) == b""
    assert quiet.encode(PRESS, 3, 4, 4) == b""


@pytest.mark.parametrize(
    ("mode", "press", "drag", "release", "move", "wheel"),
    [
        (9, b"\x1b[<0;4;5M", b"", b"", b"", b""),
        (1000, b"\x1b[<0;4;5M", b"", b"\x1b[<0;5;5m", b"", b"\x1b[<64;1;1M"),
        (1002, b"\x1b[<0;4;5M", b"\x1b[<32;5;5M", b"\x1b[<0;5;5m", b"", b"\x1b[<64;1;1M"),
        (
            1003,
            b"\x1b[<0;4;5M",
            b"\x1b[<32;5;5M",
            b"\x1b[<0;5;5m",
            b"\x1b[<35;6;6M",
            b"\x1b[<64;1;1M",
        ),
    ],
)
def test_tracking_modes(
    mode: int, press: bytes, drag: bytes, release: bytes, move: bytes, wheel: bytes
) -> None:
    mouse = pointer(mode, 1006)
    assert mouse.encode(PRESS, 3, 4, 1) == press
    assert mouse.encode(MOVE, 4, 4, 1) == drag
    assert mouse.encode(RELEASE, 4, 4, 1) == release
    assert mouse.encode(MOVE, 5, 5, 0) == move
    assert mouse.encode(PRESS, 0, 0, 4) == wheel


@pytest.mark.parametrize(
    ("formats", "sent"),
    [((), b"\x1b[M $%"), ((1006,), b"\x1b[<0;4;5M"), ((1015,), b"\x1b[32;4;5M")],
)
def test_formats(formats: tuple[int, ...], sent: bytes) -> None:
    assert pointer(1000, *formats).encode(PRESS, 3, 4, 1) == sent


def test_buttons_and_modifiers() -> None:
    mouse = pointer(1000, 1006)
    assert mouse.encode(PRESS, 0, 0, 2) == b"\x1b[<1;1;1M"
    assert mouse.encode(PRESS, 0, 0, 3, ctrl=True) == b"\x1b[<18;1;1M"
    assert mouse.encode(PRESS, 79, 23, 5, alt=True) == b"\x1b[<73;80;24M"
