"""Keys that reach a terminal at once, where nothing stands in line before them.

Textual hands a key from queue to queue: to a task, to the app, to the widget with the focus. At
each it waits for a turn of the event loop, and in a flood a turn has milliseconds of work.
"""

import asyncio
import sys
from collections.abc import Callable
from contextvars import copy_context

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget

SWITCH_SECONDS = 0.001
"""How long the threads that read and write the terminal may wait for the interpreter."""


class StraightKeysApp(App[None], inherit_bindings=False):
    """An app that gives a key straight to the widget with the focus, where nothing forbids it.

    The widget has a method `take_key` that returns whether it took the key. A key that is not
    taken goes Textual's way, and so does everything behind it until that has been dealt with.
    """

    _dealing = 0
    """How many messages the app is in the middle of."""

    def takes_straight(self, event: events.Key) -> bool:
        """Return whether a key is for the widget with the focus, and for nobody before it."""
        return True

    def take_input(self, message: Message) -> None:
        """Take a message of the driver, in the order in which they were read."""
        if not isinstance(message, events.Key) or not self._went_straight(message):
            self.post_message(message)

    def _went_straight(self, event: events.Key) -> bool:
        if self._dealing or _has_messages(self) or not self._is_mounted or not self.app_focus:
            return False
        take = getattr(self.focused, "take_key", None)
        if take is None or self.screen.maximized is not None or not self.takes_straight(event):
            return False
        try:
            self.screen._clear_tooltip()
            return bool(take(event))
        except Exception as error:  # noqa: BLE001 - as Textual does
            self._handle_exception(error)
            return True

    async def _dispatch_message(self, message: Message) -> None:
        self._dealing += 1
        try:
            await super()._dispatch_message(message)
        finally:
            self._dealing -= 1

    def _build_driver(
        self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None
    ) -> Driver:
        """Have the driver's thread call us, where it would make a task that posts a message.

        All of its messages come this way: none may overtake another.
        """
        driver = super()._build_driver(headless, inline, mouse, size)
        loop, context = asyncio.get_running_loop(), copy_context()

        def send(message: Message) -> None:
            loop.call_soon_threadsafe(self.take_input, message, context=context)

        driver.send_message = send  # type: ignore[method-assign]
        sys.setswitchinterval(SWITCH_SECONDS)
        return driver


def take_straight(widget: Widget, on_key: Callable[[events.Key], None], event: events.Key) -> bool:
    """Give a key to a widget's `on_key`, unless something that came before waits in its queue.

    Returns whether the key was meant for the widget, which stops it then.
    """
    if _has_messages(widget) or not widget.has_focus:
        return False
    with widget._context():
        on_key(event)
    return event._stop_propagation


def _has_messages(pump: MessagePump) -> bool:
    """Return whether messages wait for a widget or an app, or it takes none any more."""
    waiting = pump._pending_message is not None or not pump._message_queue.empty()
    return waiting or pump._closing or pump._closed
