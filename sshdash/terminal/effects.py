"""What the emulation calls back with while it reads: answers, and what a program tells or wants.

It is collected here, bounded, until the emulator is asked for it. A callback must not raise, for
there is nobody to catch it, nor refer to the emulator, which it outlives.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from sshdash.terminal.allowance import Allowance
from sshdash.terminal.cells import CELL_PIXELS
from sshdash.terminal.ghostty import call, callback, ffi, lib, new
from sshdash.terminal.osc import (
    CLIPBOARD_LIMIT,
    ClipboardWrite,
    Directory,
    KittyNotifications,
    Notification,
    Progress,
    ProgressState,
    parse_directory,
)
from sshdash.terminal.replies import Replies

_NOTIFICATIONS = 4
"""As many may be told at once; more in a short time are left out."""
_NOTIFICATIONS_PER_SECOND = 0.5
_TEXT = 4096
"""Bytes of a title, body or address that are looked at."""
_STATES = {
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_SET: ProgressState.RUNNING,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_ERROR: ProgressState.FAILED,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_INDETERMINATE: ProgressState.UNKNOWN,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_PAUSE: ProgressState.PAUSED,
}


class Effects:
    """The callbacks of one terminal and what they have collected."""

    def __init__(self, state: Any) -> None:
        self.replies = Replies()
        self.bell = False
        self.bells = 0
        """How often the bell rang in all, whoever took it."""
        self.title_changed = False
        self.size = (0, 0)
        self.dark = True
        """Whether the colours are light on dark, for programs that ask."""
        self.told = False
        """Whether any of the following has changed since somebody looked."""
        self.directory: Directory | None = None
        self.progress: Progress | None = None
        self.clipboard: ClipboardWrite | None = None
        self.notifications: deque[Notification] = deque(maxlen=_NOTIFICATIONS)
        self.hold = 0
        """The number of the frame the program is in the middle of (mode 2026), 0 for none."""
        self.kept_frame = False
        """Whether the render state holds a whole frame that was not drawn yet."""
        self._holds = 0
        self._state = state
        self._allowed = Allowance(_NOTIFICATIONS, _NOTIFICATIONS_PER_SECOND)
        self._kitty = KittyNotifications()

    def install(self, terminal: Any) -> list[Any]:
        """Register the callbacks; the list returned keeps them alive."""
        callbacks: list[tuple[int, str, Callable[..., Any]]] = [
            (lib.GHOSTTY_TERMINAL_OPT_WRITE_PTY, "WritePty", self._reply),
            (lib.GHOSTTY_TERMINAL_OPT_BELL, "Bell", self._bell),
            (lib.GHOSTTY_TERMINAL_OPT_TITLE_CHANGED, "TitleChanged", self._title),
            (lib.GHOSTTY_TERMINAL_OPT_SIZE, "Size", self._size),
            (lib.GHOSTTY_TERMINAL_OPT_COLOR_SCHEME, "ColorScheme", self._scheme),
            (lib.GHOSTTY_TERMINAL_OPT_DEVICE_ATTRIBUTES, "DeviceAttributes", self._attributes),
            (lib.GHOSTTY_TERMINAL_OPT_PWD_CHANGED, "PwdChanged", self._directory),
            (lib.GHOSTTY_TERMINAL_OPT_DESKTOP_NOTIFICATION, "DesktopNotification", self._notify),
            (lib.GHOSTTY_TERMINAL_OPT_PROGRESS_REPORT, "ProgressReport", self._progress),
            (lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_WRITE, "ClipboardWrite", self._clipboard),
            (lib.GHOSTTY_TERMINAL_OPT_RENDER_HOLD, "RenderHold", self._hold),
        ]
        kept = []
        for option, name, python in callbacks:
            kept.append(callback(f"GhosttyTerminal{name}Fn", python))
            call(lib.ghostty_terminal_set(terminal, option, kept[-1]), name)
        # What is somewhat too large is told about; what comes in many pieces is not even kept.
        most = new("size_t", CLIPBOARD_LIMIT * 4)
        option = lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_WRITE_MAX_BYTES
        call(lib.ghostty_terminal_set(terminal, option, most), "clipboard")
        return kept

    def scan(self, data: bytes) -> None:
        """Look in what was fed for what the library reads and says nothing about (OSC 99)."""
        for notification in self._kitty.feed(data):
            self._tell(notification)

    def forget(self) -> None:
        """Forget what the program that ended has told."""
        self.replies.take()
        self.directory = self.progress = self.clipboard = None
        self.notifications.clear()

    def _tell(self, notification: Notification | None) -> None:
        if notification is not None and self._allowed.take():
            self.notifications.append(notification)
            self.told = True

    # -- called by the library

    def _reply(self, _terminal: Any, _data: Any, content: Any, length: int) -> None:
        self.replies.add(bytes(ffi.buffer(content, length)))

    def _bell(self, _terminal: Any, _data: Any) -> None:
        self.bell = True
        self.bells += 1

    def _title(self, _terminal: Any, _data: Any) -> None:
        self.title_changed = True

    def _size(self, _terminal: Any, _data: Any, out: Any) -> bool:
        out.columns, out.rows = self.size
        out.cell_width, out.cell_height = CELL_PIXELS
        return True

    def _scheme(self, _terminal: Any, _data: Any, out: Any) -> bool:
        out[0] = lib.GHOSTTY_COLOR_SCHEME_DARK if self.dark else lib.GHOSTTY_COLOR_SCHEME_LIGHT
        return True

    def _attributes(self, _terminal: Any, _data: Any, out: Any) -> bool:
        # A VT220 with ANSI colour: what xterm-256color promises and no more.
        out.primary.conformance_level = 62
        out.primary.features[0] = 22
        out.primary.num_features = 1
        out.secondary.device_type = 1
        out.secondary.firmware_version = 10
        out.secondary.rom_cartridge = 0
        out.tertiary.unit_id = 0
        return True

    def _directory(self, terminal: Any, _data: Any) -> None:
        address = new("GhosttyString")
        lib.ghostty_terminal_get(terminal, lib.GHOSTTY_TERMINAL_DATA_PWD, address)
        self.directory = parse_directory(_bytes(address[0]))
        self.told = True

    def _notify(self, _terminal: Any, _data: Any, told: Any) -> None:
        self._tell(Notification.of(_bytes(told.title), _bytes(told.body)))

    def _progress(self, _terminal: Any, _data: Any, told: Any) -> None:
        state = _STATES.get(told.state)
        percent = told.progress if 0 <= told.progress <= 100 else None
        progress = Progress(state, percent) if state is not None else None
        self.told = self.told or progress != self.progress
        self.progress = progress

    def _clipboard(self, _terminal: Any, _data: Any, wanted: Any) -> None:
        for index in range(min(wanted.contents_len, 8)):
            content = wanted.contents[index]
            if _bytes(content.mime).startswith(b"text/plain"):
                size = content.data.len
                kept = ffi.buffer(content.data.ptr, size) if size <= CLIPBOARD_LIMIT else b""
                self.clipboard = ClipboardWrite.of(bytes(kept), size)
                self.told = True
                return

    def _hold(self, terminal: Any, _data: Any, held: bool) -> None:
        self._holds += bool(held)
        self.hold = self._holds if held else 0
        if held and not self.kept_frame:
            # Every row is as the last whole frame left it; what is drawn next begins now.
            lib.ghostty_render_state_update(self._state, terminal)
            self.kept_frame = True


def _bytes(text: Any) -> bytes:
    return bytes(ffi.buffer(text.ptr, min(text.len, _TEXT))) if text.len else b""
