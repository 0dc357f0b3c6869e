"""Every mouse event in every mode and encoding: the bytes are those of xterm's ctlseqs."""

import itertools

import pytest

from sshdash.terminal.cells import CELL_PIXELS, PointerAction
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.pointer import Pointer

PRESS, RELEASE, MOVE = PointerAction
X10, NORMAL, BUTTON, ANY = 9, 1000, 1002, 1003
TRACKING = (X10, NORMAL, BUTTON, ANY)
DEFAULT, UTF8, SGR, URXVT, PIXELS = 0, 1005, 1006, 1015, 1016
ENCODINGS = (DEFAULT, UTF8, SGR, URXVT, PIXELS)
PLACES = ((0, 0), (3, 4), (94, 10), (95, 10), (222, 60), (223, 60), (299, 99))
COLUMNS, ROWS = 300, 100
MODIFIERS: list[tuple[bool, bool, bool]] = [
    (shift, ctrl, alt) for shift in (False, True) for ctrl in (False, True) for alt in (False, True)
]
EVENTS = [
    *((action, button) for action in (PRESS, RELEASE) for button in (1, 2, 3)),
    *((PRESS, button) for button in (4, 5, 6, 7)),
    *((MOVE, button) for button in (0, 1, 2, 3)),
]


def reported(tracking: int, action: PointerAction, button: int) -> bool:
    """Return whether the mode is told of the event."""
    if tracking == X10:
        return action is PRESS and button <= 3
    if action is MOVE:
        return tracking == ANY or (tracking == BUTTON and button > 0)
    return True


def by_ctlseqs(
    tracking: int,
    encoding: int,
    action: PointerAction,
    place: tuple[int, int],
    button: int,
    modifiers: tuple[bool, ...],
) -> bytes:
    """Return what ctlseqs has xterm send, empty where that is nothing."""
    if not reported(tracking, action, button):
        return b""
    released = action is RELEASE
    code = 3 if button == 0 else button - 1 if button <= 3 else 64 + button - 4
    if released and encoding not in (SGR, PIXELS):
        code = 3
    code += 32 * (action is MOVE)
    if tracking != X10:
        shift, ctrl, alt = modifiers
        code += 4 * shift + 8 * alt + 16 * ctrl
    x, y = place[0] + 1, place[1] + 1
    if encoding == SGR:
        return b"\x1b[<%d;%d;%d%c" % (code, x, y, b"Mm"[released])
    if encoding == PIXELS:
        wide, high = CELL_PIXELS
        x, y = int((place[0] + 0.5) * wide), int((place[1] + 0.5) * high)
        return b"\x1b[<%d;%d;%d%c" % (code, x, y, b"Mm"[released])
    if encoding == URXVT:
        return b"\x1b[%d;%d;%dM" % (code + 32, x, y)
    if encoding == UTF8:
        return b"\x1b[M" + "".join(map(chr, (code + 32, x + 32, y + 32))).encode()
    if max(x, y) > 223:
        return b""
    return b"\x1b[M" + bytes((code + 32, x + 32, y + 32))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("tracking", TRACKING)
def test_the_bytes_are_those_of_ctlseqs(tracking: int, encoding: int) -> None:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(b"\x1b[?%dh" % tracking + (b"\x1b[?%dh" % encoding if encoding else b""))
    pointer = Pointer(emulator)
    wrong = {}
    for (action, button), place, held in itertools.product(EVENTS, PLACES, MODIFIERS):
        shift, ctrl, alt = held
        sent = pointer.encode(action, *place, button, shift=shift, ctrl=ctrl, alt=alt)
        expected = by_ctlseqs(tracking, encoding, action, place, button, held)
        if sent != expected:
            wrong[action.value, button, place, held] = (sent, expected)
    assert wrong == {}


@pytest.mark.parametrize("tracking", TRACKING)
def test_a_mode_that_is_reset_is_told_nothing(tracking: int) -> None:
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[?%dh\x1b[?1006h\x1b[?%dl" % (tracking, tracking))
    assert Pointer(emulator).encode(PRESS, 1, 1, 1) == b""
    assert not emulator.modes.mouse_tracking


def test_the_last_encoding_that_was_set_is_used() -> None:
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[?1000h\x1b[?1006h\x1b[?1015h")
    assert Pointer(emulator).encode(PRESS, 1, 1, 1) == b"\x1b[32;2;2M"
    emulator.feed(b"\x1b[?1015l")
    assert Pointer(emulator).encode(PRESS, 1, 1, 1) == b"\x1b[M !\x22\x22"[:3] + b' ""'
