"""Between the network and the emulator: bounded, and never long at a time.

A remote can send faster than anyone can read. What arrives is kept here, fed in slices until the
time allowed for one turn of the event loop is used up, and the sender is paused while too much is
waiting. So timers, keys and other connections get their turn during any flood.

What nobody looks at is fed in larger pieces: at once after a rest and where the program asks
something, else a few times a second.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable

from sshdash.terminal.guards import repeats
from sshdash.terminal.sight import Sight

TURN_SECONDS = 0.003
BRIEF_SECONDS = 0.0005
"""The same where somebody waits for something else."""
UNSEEN_SECONDS = 0.1
"""Between two turns of what nobody looks at."""
UNSEEN_BYTES = 48 * 1024
"""As much of it is fed at once, in the turn that brings it: a turn more costs as much again."""
UNSEEN_SLICE = 64 * 1024
"""Bytes of a slice of it, while they cost little: to begin one costs as much as 8 KiB of text."""
HIGH_WATER = 128 * 1024
LOW_WATER = 32 * 1024
_SLICE = 16 * 1024
_SMALLEST_SLICE = 256
_SLOW_SLICE = 0.002
_MOST_SEQUENCES = 512
"""Control sequences in a slice: each may cost as much as a thousand characters."""
_A_REPEAT = 32
"""Sequences that one which repeats a character counts for."""
_ASKS = re.compile(rb"(?:[\x05\x07]|\x1b(?:[Z\\]|\[[0-9;?>=$]*[cnpqtux]))\Z")
"""How output ends that may ask something: a program that does waits for the answer. Or a bell."""
_LAST = frozenset(b"\x05\x07Z\\cnpqtux")
_LONGEST_QUESTION = 48


class Intake:
    """Feeds what `add` was given to `feed`, calling `progressed` once per turn that fed any."""

    def __init__(
        self,
        feed: Callable[[bytes], None],
        progressed: Callable[[], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
        gives_way: Callable[[], bool] = lambda: False,
    ) -> None:
        self._feed = feed
        self._progressed = progressed
        self._pause = pause
        self._resume = resume
        self._gives_way = gives_way
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._slice = _SLICE
        self._sparse = _SLICE
        """Bytes that held few sequences the last time."""
        self._turn: asyncio.Handle | None = None
        self._sight = Sight()
        self._fed_at = 0.0
        """When it had fed everything last, by the loop's clock."""
        self._paused = False
        self._idle = asyncio.Event()
        self._idle.set()

    def __repr__(self) -> str:
        return f"<Intake [{self._size} bytes waiting{', paused' if self._paused else ''}]>"

    @property
    def waiting(self) -> bytes:
        """Return what was not fed yet."""
        return b"".join(self._waiting)

    def follow(self, sight: Sight) -> None:
        """Hurry only while somebody looks."""
        self._sight = sight

    def add(self, data: bytes) -> None:
        """Keep `data` for the next turn."""
        self._waiting.append(data)
        self._size += len(data)
        if not self._paused and self._size > HIGH_WATER:
            self._paused = True
            self._pause()
        if not self._sight.seen and self._size >= UNSEEN_BYTES:
            self._cancel_turn()
            self._idle.clear()
            self._feed_for(BRIEF_SECONDS)
        elif self._turn is None:
            self._idle.clear()
            if self._sight.seen or self._is_due(data):
                self._turn = self._loop.call_soon(self._work)
            else:
                self._turn = self._loop.call_at(self._fed_at + UNSEEN_SECONDS, self._work)
        elif not self._sight.seen and self._is_due(data):
            self.hurry()

    def _is_due(self, data: bytes) -> bool:
        """Return whether somebody may wait for what is not looked at; `data` is the last of it."""
        return data[-1] in _LAST and _ASKS.search(data[-_LONGEST_QUESTION:]) is not None

    def hurry(self) -> None:
        """Feed what is waiting in the next turn of the loop."""
        if isinstance(self._turn, asyncio.TimerHandle):
            self._turn.cancel()
            self._turn = self._loop.call_soon(self._work)

    async def drained(self) -> None:
        """Have everything fed, and wait for it."""
        self.hurry()
        await self._idle.wait()

    def stop(self) -> None:
        """Forget what is waiting."""
        self._cancel_turn()
        self._waiting.clear()
        self._size = 0
        self._idle.set()

    def _cancel_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _work(self) -> None:
        self._turn = None
        self._feed_for(BRIEF_SECONDS if self._gives_way() else TURN_SECONDS)

    def _feed_for(self, allowed: float) -> None:
        """Feed for so many seconds; what is left has another turn."""
        started = now = time.perf_counter()
        while self._size and now - started < allowed:
            self._feed(self._next_slice())
            before, now = now, time.perf_counter()
            self._adapt(now - before)
        if self._paused and self._size <= LOW_WATER:
            self._paused = False
            self._resume()
        if not self._size:
            self._fed_at = self._loop.time()
            self._idle.set()
        elif self._turn is None:
            self._turn = self._loop.call_soon(self._work)
        self._progressed()

    def _adapt(self, took: float) -> None:
        """Make slices small where they are slow: some sequences cost far more than text."""
        if took > _SLOW_SLICE:
            self._slice = max(_SMALLEST_SLICE, self._slice // 4)
        elif self._slice < _SLICE:
            self._slice = min(_SLICE, self._slice * 2)

    def _next_slice(self) -> bytes:
        """Return up to one slice, joining small pieces and cutting large ones."""
        pieces = []
        room = min(self._slice, self._sparse)
        if not self._sight.seen and room == _SLICE:
            room = UNSEEN_SLICE
        while room and self._waiting:
            piece = self._waiting.popleft()
            if len(piece) > room:
                self._waiting.appendleft(piece[room:])
                piece = piece[:room]
            pieces.append(piece)
            room -= len(piece)
        joined = self._few_sequences(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self._size -= len(joined)
        return joined

    def _few_sequences(self, piece: bytes) -> bytes:
        """Return as much of `piece` as costs little even at its worst; the rest waits again."""
        length = len(piece)
        while (cost := _cost(piece[:length])) > _MOST_SEQUENCES and length > _SMALLEST_SLICE:
            length = max(_SMALLEST_SLICE, length * _MOST_SEQUENCES * 7 // (cost * 8))
        if length < len(piece):
            self._waiting.appendleft(piece[length:])
            self._sparse = min(_SLICE, length)
        elif self._sparse < _SLICE:
            more = self._sparse if cost * 2 < _MOST_SEQUENCES else self._sparse // 8
            self._sparse = min(_SLICE, self._sparse + more)
        return piece[:length]


def _cost(piece: bytes) -> int:
    """Return how many sequences `piece` counts for."""
    # To count takes many times longer than to find that there is none.
    sequences = piece.count(b"\x1b") if b"\x1b" in piece else 0
    return sequences + _A_REPEAT * repeats(piece)
