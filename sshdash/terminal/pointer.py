"""From the mouse to the bytes a program expects for it, in the tracking mode it has asked for."""

from sshdash.terminal.cells import CELL_PIXELS, PointerAction
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import array, call, ffi, lib, new, owned, sized

_ACTIONS = {
    PointerAction.PRESS: lib.GHOSTTY_MOUSE_ACTION_PRESS,
    PointerAction.RELEASE: lib.GHOSTTY_MOUSE_ACTION_RELEASE,
    PointerAction.MOVE: lib.GHOSTTY_MOUSE_ACTION_MOTION,
}
_BUTTONS = {
    1: lib.GHOSTTY_MOUSE_BUTTON_LEFT,
    2: lib.GHOSTTY_MOUSE_BUTTON_MIDDLE,
    3: lib.GHOSTTY_MOUSE_BUTTON_RIGHT,
    4: lib.GHOSTTY_MOUSE_BUTTON_FOUR,  # wheel up
    5: lib.GHOSTTY_MOUSE_BUTTON_FIVE,  # wheel down
    6: lib.GHOSTTY_MOUSE_BUTTON_SIX,  # wheel left
    7: lib.GHOSTTY_MOUSE_BUTTON_SEVEN,  # wheel right
}


class Pointer:
    """Encodes mouse events for one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._encoder = owned(
            "GhosttyMouseEncoder",
            lambda box: lib.ghostty_mouse_encoder_new(ffi.NULL, box),
            lib.ghostty_mouse_encoder_free,
        )
        self._event = owned(
            "GhosttyMouseEvent",
            lambda box: lib.ghostty_mouse_event_new(ffi.NULL, box),
            lib.ghostty_mouse_event_free,
        )
        self._buffer = array("char", 64)
        self._length = new("size_t")

    def encode(
        self,
        action: PointerAction,
        column: int,
        row: int,
        button: int = 0,
        *,
        shift: bool = False,
        ctrl: bool = False,
        alt: bool = False,
    ) -> bytes:
        """Return the bytes for `action` at a cell, empty where the program did not ask for it.

        `button` counts as X does: 1 left, 2 middle, 3 right, 4 to 7 the wheel; 0 is none.
        """
        self._adopt_modes(held=button != 0 and action is not PointerAction.RELEASE)
        event = self._event
        lib.ghostty_mouse_event_set_action(event, _ACTIONS[action])
        if button in _BUTTONS:
            lib.ghostty_mouse_event_set_button(event, _BUTTONS[button])
        else:
            lib.ghostty_mouse_event_clear_button(event)
        lib.ghostty_mouse_event_set_mods(event, shift | ctrl << 1 | alt << 2)
        width, height = CELL_PIXELS
        where = new("GhosttyMousePosition")
        where.x, where.y = (column + 0.5) * width, (row + 0.5) * height
        lib.ghostty_mouse_event_set_position(event, where[0])
        call(
            lib.ghostty_mouse_encoder_encode(
                self._encoder, event, self._buffer, len(self._buffer), self._length
            ),
            "mouse",
        )
        return bytes(ffi.buffer(self._buffer, self._length[0]))

    def _adopt_modes(self, held: bool) -> None:
        lib.ghostty_mouse_encoder_setopt_from_terminal(self._encoder, self._emulator.handle)
        size = sized("GhosttyMouseEncoderSize")
        size.cell_width, size.cell_height = CELL_PIXELS
        size.screen_width = self._emulator.columns * CELL_PIXELS[0]
        size.screen_height = self._emulator.rows * CELL_PIXELS[1]
        set_option = lib.ghostty_mouse_encoder_setopt
        set_option(self._encoder, lib.GHOSTTY_MOUSE_ENCODER_OPT_SIZE, size)
        pressed = new("bool", held)
        set_option(self._encoder, lib.GHOSTTY_MOUSE_ENCODER_OPT_ANY_BUTTON_PRESSED, pressed)
