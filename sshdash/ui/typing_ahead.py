"""Keys that are typed faster than the screen follows: each waits for what the last one did.

A terminal hands over many keys at once where they were typed in haste, pasted or held up by the
network. A command gives the focus away, or opens a screen, some turns of the loop later: what
was typed behind it would be taken for commands of the place it was typed in before.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from textual import events
from textual._time import get_time
from textual.app import App
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.screen import Screen

_LONGEST = 0.5
"""Seconds that a key waits for the one before at most."""
_LONGEST_WAY = 3.0
"""Seconds more where a tab is about to get the focus: on a busy machine it takes its time, and
the letters of a command line must not become commands of the list they were typed over."""
_LONGEST_WORK = 0.25
"""Seconds of them for what a command began and what may yet ask something."""
HASTE = 0.3
"""Seconds between two keys that are typed as one word: what was typed for a dialog or a field
that did not come, because its command was refused or took too long, must not run as commands."""
_MOVES = frozenset(["up", "down", "left", "right", "home", "end", "pageup", "pagedown"]) | {
    "tab",
    "shift+tab",
    "escape",
    "ctrl+c",
}
"""Keys that change nothing, and those by which people get out of what they do not understand."""
_QUIET = 4
"""Rounds through the queues without news: a key becomes a message becomes another message."""

Typed = events.Key | events.Paste


class TypingAhead:
    """Holds keys back and gives them, in order, each one when the last has had its effect.

    `give` hands a key to the screen; `moving` tells whether the focus may go elsewhere, `due`
    whether it certainly does, `rest` that nobody waits for it any longer. `commands` tells
    whether a key runs commands where the focus is, `dropped` that one did not, as it was typed in
    one go with a command that was refused.
    """

    def __init__(
        self,
        app: App[None],
        give: Callable[[Typed], Awaitable[None]],
        *,
        moving: Callable[[], bool],
        due: Callable[[], bool],
        rest: Callable[[], None],
        commands: Callable[[Typed], bool],
        dropped: Callable[[], None],
    ) -> None:
        self.app = app
        self._give = give
        self._moving = moving
        self._due = due
        self._rest = rest
        self._commands = commands
        self._dropped = dropped
        self._refused: float | None = None
        """When a command was refused, or a key dropped that was typed in one go with it."""
        self._told = False
        self._held: deque[Typed] = deque()
        self._settling: asyncio.Task[None] | None = None
        self._seen: Screen[object] | None = None
        """The screen on top that has had its focus."""

    def __repr__(self) -> str:
        return f"<TypingAhead [{len(self._held)}] settling={self._settling is not None}>"

    @property
    def busy(self) -> bool:
        """Return whether a key has not had its effect yet."""
        return self._settling is not None

    async def take(self, event: Typed) -> None:
        """Give a key now, or once those before it are done."""
        if self.busy:
            self._held.append(event)
        elif not self._is_stray(event):
            await self._begin(event)

    async def take_back(self, event: Typed) -> None:
        """Give a key again, before all others: it was meant for another place."""
        if self.busy:
            self._held.appendleft(event)
        else:
            await self._begin(event)

    def refuse(self) -> None:
        """Drop what is typed in one go with the last key: its command was refused."""
        self._refused = get_time()
        self._told = False

    def _is_stray(self, event: Typed) -> bool:
        """Return whether a key was meant for what did not come; tell of the first of them."""
        if self._refused is None:
            return False
        if event.time - self._refused > HASTE or not self._commands(event):
            self._refused = None
            return False
        if isinstance(event, events.Key) and event.key in _MOVES:
            return False
        self._refused = max(self._refused, event.time)
        if not self._told:
            self._told = True
            self._dropped()
        return True

    def end(self) -> None:
        """Give nothing any more."""
        self._held.clear()
        if self._settling is not None:
            self._settling.cancel()

    async def _begin(self, event: Typed) -> None:
        target = self.app.focused or self.app.screen
        before = self._place()
        self._settling = asyncio.create_task(self._settle(target, before))
        await self._give(event)

    async def _next(self) -> None:
        self._settling = None
        while self._held:
            event = self._held.popleft()
            if not self._is_stray(event):
                await self._begin(event)
                break

    async def _settle(self, target: DOMNode, before: object) -> None:
        began = asyncio.get_running_loop().time()
        for patience in (_LONGEST, _LONGEST_WAY):
            try:
                async with asyncio.timeout(patience):
                    await self._until_quiet(target, before, began + _LONGEST_WORK)
                break
            except TimeoutError:
                if not self._due():
                    break  # whatever it waits for, keys must go on
        else:
            self.refuse()  # what was typed for it must not become commands of where we still are
        self._rest()
        if self.app.is_running:
            self._seen = self.app.screen
            self.app.call_later(self._next)

    async def _until_quiet(self, target: DOMNode, before: object, patience: float) -> None:
        now = asyncio.get_running_loop().time
        quiet = 0
        while quiet < _QUIET and self.app.is_running:
            await self._round(target)
            here = self._place()
            working = self._due() or (self._moving() and now() < patience)
            if here != before or working or self._opening():
                quiet, before = 0, here
                await _passed(self.app.screen, after_refresh=True)
            else:
                quiet += 1

    async def _round(self, target: DOMNode) -> None:
        """Wait until all that is in the queues from `target` up to the app was dealt with."""
        for node in (*target.ancestors_with_self, self.app):
            await _passed(node)

    def _place(self) -> object:
        return (self.app.screen, self.app.focused)

    def _opening(self) -> bool:
        """Return whether the screen on top is new and has not had its focus."""
        screen = self.app.screen
        if screen is self._seen:
            return False
        return not screen.is_mounted or bool(screen.focused is None and screen.focus_chain)


async def _passed(node: MessagePump, after_refresh: bool = False) -> None:
    """Wait until a node has dealt with its messages, and drawn where asked; not if it is gone."""
    done = asyncio.Event()
    queue = node.call_after_refresh if after_refresh else node.call_later
    if not queue(partial(done.set)):
        await asyncio.sleep(0)  # or nothing else would run while somebody waits for what is gone
        return
    try:
        async with asyncio.timeout(_LONGEST / 5):
            await done.wait()
    except TimeoutError:
        pass  # it has ended meanwhile, or is waiting for something else itself
