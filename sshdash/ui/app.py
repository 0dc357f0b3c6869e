"""The application: one workspace over one backend, and the dialogs that answer its questions."""

import asyncio
import importlib
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.paths import styles_dir
from sshdash.prompts import Prompter
from sshdash.settings import Settings
from sshdash.ui.bridge import Bridge
from sshdash.ui.command import Command
from sshdash.ui.commands import COMMANDS
from sshdash.ui.desktop_clipboard import DesktopClipboard
from sshdash.ui.early_typing import EarlyTyping
from sshdash.ui.general_actions import GeneralActions
from sshdash.ui.hosting_cursor import HostingCursor
from sshdash.ui.keymap import Keymap, key_text
from sshdash.ui.messages import EventArrived, QuestionAsked
from sshdash.ui.outlet import hung_up, outlive_terminal
from sshdash.ui.questions import Questions
from sshdash.ui.screens.workspace import Workspace
from sshdash.ui.straight_keys import StraightKeysApp
from sshdash.ui.theme import DARK, THEMES, own_variables
from sshdash.ui.typing_ahead import Typed, TypingAhead
from sshdash.ui.widgets.terminal_keys import keep_alt_keys
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.screens.prefix import PrefixScreen

log = logging.getLogger(__name__)

MakeBackend = Callable[[Settings, Prompter, ConfigSource], Backend]

_LOOK = 1.0
"""Seconds between two looks whether the terminal is still there."""
_FIRST_STYLES = ("base", "workspace", "hosts")
"""The style sheets of the first frame; the others follow it."""


class SSHDashApp(StraightKeysApp, inherit_bindings=False):
    """The cockpit on a screen.

    `host` gets a shell at once; `badge` stands beside the name, such as ``demo``; `once_loaded` is
    called when everything that hosts need is loaded.
    """

    TITLE = "sshdash"
    # Textual's own palette and its keys would take ctrl+p and ctrl+q from the remote.
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        settings: Settings,
        source: ConfigSource,
        host: str | None = None,
        badge: str = "",
        make_backend: MakeBackend = Backend,
        once_loaded: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.keymap_of = Keymap(settings.keymap, settings.prefix)
        super().__init__(css_path=[styles_dir() / f"{name}.tcss" for name in _FIRST_STYLES])
        keep_alt_keys(self.driver_class)
        outlive_terminal(self.driver_class)
        self.bridge = Bridge(self.post_message)
        self.backend = make_backend(settings, self.bridge, source)
        self.workspace = Workspace(self.backend, self.bridge, self.keymap_of, badge)
        self.workspace.controllers.append(GeneralActions(self))
        self._first_host = host
        self._early = None if host is None else EarlyTyping()
        """What is typed for the shell of the first host before its tab has the focus."""
        self._once_loaded = once_loaded
        self._questions = Questions(self)
        self._ahead = TypingAhead(
            self,
            self._give,
            moving=self._is_moving,
            due=lambda: self.workspace.cockpit.focus_is_due,
            rest=self.workspace.cockpit.rest,
            commands=self._runs_commands,
            dropped=self._tell_dropped,
        )
        self.workspace.cockpit.refused = self._ahead.refuse
        self._cursor = HostingCursor(self)
        self._desktop_clipboard = DesktopClipboard()
        self._stack = AsyncExitStack()
        for theme in THEMES:
            self.register_theme(theme)
        self._begin_with_theme(settings.theme)
        self.set_keymap(self.keymap_of.overrides)
        self._bindings.bind(settings.prefix, "prefix", show=False, priority=True)

    def _begin_with_theme(self, name: str) -> None:
        """Choose the theme before the style sheets are parsed: they are not parsed twice then."""
        known = name in self.available_themes
        self.set_reactive(App.theme, name if known else DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())
        dark = self.current_theme.dark
        self.set_class(dark, "-dark-mode", update=False)
        self.set_class(not dark, "-light-mode", update=False)

    def get_default_screen(self) -> Screen[None]:
        """Return the workspace."""
        return self.workspace

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our variables for themes that are not ours."""
        return own_variables(self.current_theme)

    def _fatal_error(self) -> None:
        """End with one line, where Textual would show a traceback with every variable's value.

        What was typed or what a server sent may be among those; the log has a traceback without.
        """
        error = sys.exc_info()[1]
        log.critical("the screen failed", exc_info=error)
        self._cursor.hide()
        said = clean(f"{type(error).__name__}: {error}")
        self.panic(Text(f"sshdash: the screen failed: {said}\n  → the log has the details"))

    async def on_mount(self) -> None:
        """Draw the first frame, then bring in what speaks SSH."""
        self._stack.callback(self.backend.events.subscribe(self.bridge.tell))
        self._stack.push_async_exit(self.backend)
        self._stack.push_async_callback(self._desktop_clipboard.stop)
        self._stack.push_async_callback(self.workspace.following.stop)
        self._stack.push_async_callback(self.workspace.layouts.stop)
        self._stack.push_async_callback(self.workspace.panels.stop)
        self._leave_on_signals()
        self.workspace.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.app_suspend_signal.subscribe(self.workspace, lambda _: self._cursor.hide())
        if self.settings.theme not in self.available_themes:
            self.workspace.cockpit.tell(
                "Settings", f"there is no theme {self.settings.theme!r}", severity="warning"
            )
        self.workspace.cockpit.start(self._load(), aside=True)

    def _leave_on_signals(self) -> None:
        """Leave as with the quit command when told to end, so that the terminal is restored."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, None, 128 + number)
            self._stack.callback(loop.remove_signal_handler, number)
        if sys.__stdin__ is not None and not self.is_headless:
            self.set_interval(_LOOK, self._leave_if_hung_up, name="terminal")

    def _leave_if_hung_up(self) -> None:
        """Leave where the terminal went away without a signal."""
        if sys.__stdin__ is not None and hung_up(sys.__stdin__.fileno()):
            self.exit(None, 128 + signal.SIGHUP)

    async def _load(self) -> None:
        await asyncio.to_thread(importlib.import_module, "sshdash.ui.dialogs")
        await self._read_styles()
        if self._first_host is not None:
            tab = self.workspace.shells.open(self._first_host)
            if self._early is not None:
                tab.panel.typed = self._early
        await self.backend.load()
        self._tell_interrupted(await self.backend.transfers.restore())
        self.workspace.refresh_soon()
        await self.workspace.following.start()
        self.workspace.panels.begin_tunnels()
        if self.settings.restore and self._first_host is None:
            await self.workspace.layouts.restore()
            await self.workspace.panels.restore_files()
        if self._once_loaded:
            self._once_loaded()

    def _tell_interrupted(self, copies: Sequence[str]) -> None:
        key = self.keymap_of.prefix_text(COMMANDS["view.transfers"])
        self.workspace.panels.tell_interrupted(len(copies), key)

    async def _read_styles(self) -> None:
        """Read the style sheets of what is not in sight yet, one at a time.

        Whoever was quicker has a dialog or a tab open that was drawn without its own.
        """
        for file in sorted(styles_dir().glob("*.tcss")):
            if file.stem not in _FIRST_STYLES:
                self.stylesheet.read(file)
                self.stylesheet.parse()
                await asyncio.sleep(0)
        if self.screen is not self.workspace or self.workspace.cockpit.tabs:
            self.refresh_css(animate=False)

    async def on_unmount(self) -> None:
        """End everything once the screen is gone."""
        self._ahead.end()
        self.bridge.close()
        await self._stack.aclose()

    def exit(self, *arguments: Any, **named: Any) -> None:
        """Leave; the cursor is given back as it was, while there is a screen to do so."""
        super().exit(*arguments, **named)
        self._cursor.hide()

    # Facts and questions

    def on_event_arrived(self, message: EventArrived) -> None:
        """Pass a fact to the workspace."""
        self.workspace.on_event_told(message.event)

    def on_question_asked(self, message: QuestionAsked) -> None:
        """Put the next question on the screen."""
        self._questions.ask_next()

    def post_display_hook(self) -> None:
        """Have the cursor of the hosting terminal where a terminal of ours wants a bar."""
        here = self._running and not self._exit and self.screen is self.workspace
        self._cursor.show(getattr(self.focused, "bar", None) if here else None)

    # Commands

    def action_command(self, command_id: str, key: str = "") -> None:
        """Run a command of the table, or say why it cannot be run here."""
        command = COMMANDS[command_id]
        reason = self.why_not(command)
        if reason:
            self.workspace.cockpit.tell(command.title, reason, severity="information")
            self._ahead.refuse()
            return
        run = getattr(self.workspace.owner_of(command), command.action)
        result = run(key) if key and command_id == "tab.go" else run()
        if result is not None:
            self.workspace.cockpit.start(result)

    def why_not(self, command: Command) -> str:
        """Return why a command cannot be run now, empty where it can."""
        owner = self.workspace.owner_of(command)
        if owner is None:
            return f"Only in: {command.place.value.lower()}"
        ask = getattr(owner, "why_not", None)
        return "" if ask is None else str(ask(command.id))

    async def on_event(self, event: events.Event) -> None:
        """Give each key when what the one before it did has come about.

        A terminal takes its keys at once: none but the prefix leads away from it. What is typed
        into lists that nobody can see does nothing.
        """
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._early is not None and not self._is_prefix(event) and self._is_too_early():
            self._questions.typed()
            self._early.keep(event)
        elif self._goes_to_remote(event) and not self._ahead.busy:
            self._questions.typed()
            await super().on_event(event)
        elif self._goes_to_remote(event) or self._is_prefix(event) or not self._is_out_of_sight:
            await self._ahead.take(event)

    async def _give(self, event: Typed) -> None:
        """Give a key whose turn it is, where it was meant to go."""
        if not self._is_prefix(event) and self._questions.take_typed_on(event):
            return
        if self._questions.set_aside(event):
            await self._ahead.take_back(event)
            return
        self._questions.note(event)
        await super().on_event(event)

    def takes_straight(self, event: events.Key) -> bool:
        """Return whether a key is for the terminal with the focus, and nothing waits before it."""
        waiting = self._early is not None or self._ahead.busy or self.screen is not self.workspace
        if waiting or not self._goes_to_remote(event):
            return False
        self._questions.typed()
        return True

    def _is_too_early(self) -> bool:
        """Return whether the tab of the first host has not had the focus yet."""
        early = self.screen is self.workspace and not hasattr(self.focused, "takes_every_key")
        if not early:
            self._early = None
        return early

    def _is_moving(self) -> bool:
        return self.workspace.cockpit.is_moving and self.screen is self.workspace

    def _runs_commands(self, event: events.Event) -> bool:
        """Return whether a key may run a command here: nothing is being typed, nothing asked."""
        if self._goes_to_remote(event) or self._is_prefix(event):
            return False
        return self.screen is self.workspace and not isinstance(self.focused, Input)

    def _tell_dropped(self) -> None:
        self.workspace.cockpit.tell(
            "Keys were dropped", "they were typed in one go with a command that came to nothing"
        )

    def _goes_to_remote(self, event: events.Event) -> bool:
        takes_all = getattr(self.focused, "takes_every_key", False)
        return takes_all and not self._is_prefix(event)

    def _is_prefix(self, event: events.Event) -> bool:
        return isinstance(event, events.Key) and event.key == self.settings.prefix

    @property
    def _is_out_of_sight(self) -> bool:
        """Whether the workspace has given way to the word that the terminal is too small."""
        return self.screen is self.workspace and self.workspace.layout_of.too_small

    def copy_to_clipboard(self, text: str) -> None:
        """Put `text` on the clipboard; what no UTF-8 stands for becomes a question mark."""
        text = text.encode("utf-8", "replace").decode()
        super().copy_to_clipboard(text)
        if not self.is_headless:
            self._desktop_clipboard.put(text)

    def action_prefix(self) -> None:
        """Wait for the key of a command; the prefix itself goes to the terminal."""
        from sshdash.ui.dialogs import prefix_line
        from sshdash.ui.screens.prefix import PrefixScreen

        if isinstance(self.screen, PrefixScreen):
            self.screen.press_prefix(self.settings.prefix)
        elif self.screen is self.workspace:
            self.push_screen(prefix_line(self.keymap_of), self._run_chord)

    def _run_chord(self, key: str | None) -> None:
        if key is None:
            return
        if key == self.settings.prefix:
            self._send_prefix()
        elif command := self.keymap_of.after_prefix(key):
            # The prefix line has to be gone before a command opens another screen.
            self.call_later(self.action_command, command.id, key)
        else:
            chord = f"{key_text(self.settings.prefix)} {key_text(key)}"
            self.workspace.cockpit.tell(f"{chord} is not a command")
            self._ahead.refuse()

    def on_prefix_screen_repeated(self, message: "PrefixScreen.Repeated") -> None:
        """Run the command of a key that may follow again."""
        if command := self.keymap_of.after_prefix(message.key):
            self.action_command(command.id)

    async def on_prefix_screen_passed(self, message: "PrefixScreen.Passed") -> None:
        """Give the key to what is beneath."""
        key = message.key
        await self._ahead.take_back(events.Key(key.key, key.character))

    def _send_prefix(self) -> None:
        self.workspace.shells.send_key(self.settings.prefix)
