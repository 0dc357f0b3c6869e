"""What is searched for: plain words or a regular expression, and how long one may take.

Python's regular expressions can take longer than anybody lives, and hold the interpreter
meanwhile. A timer of the process interrupts one that takes too long: the engine looks for signals
as it goes.
"""

import gc
import re
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sshdash.errors import SSHDashError

LONGEST = 1000
"""Characters that may be searched for."""
_COMPILE_SECONDS = 0.02
_SHORTEST = 0.0005
_ESCAPED = re.compile(r"\\.", re.DOTALL)


class PatternError(SSHDashError):
    """What was typed is not a regular expression."""


class TooSlow(Exception):
    """A regular expression took longer than it may."""


def compile_pattern(text: str, *, regex: bool) -> re.Pattern[str]:
    """Return what finds `text`; case counts where it has a capital letter. Raises PatternError."""
    letters = _ESCAPED.sub("", text) if regex else text
    flags = re.NOFLAG if letters != letters.lower() else re.IGNORECASE
    if len(text) > LONGEST:
        raise PatternError("too long")
    try:
        with interrupted_after(_COMPILE_SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what later versions of Python may read anew
            return re.compile(text if regex else re.escape(text), flags)
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise PatternError(f"{error.msg}{where}") from error
    except (OverflowError, RecursionError, MemoryError, TooSlow) as error:
        raise PatternError("too large an expression") from error


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block once it has computed for so long; in the main thread only.

    No garbage is collected meanwhile: what is raised in a finalizer is heard by nobody.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True
    end = time.thread_time() + seconds

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        left = end - time.thread_time()
        if armed and left > 0:  # the timer goes on while other threads and programs compute
            signal.setitimer(signal.ITIMER_REAL, max(left, _SHORTEST))
        elif armed:
            raise TooSlow

    collects = gc.isenabled()
    gc.disable()
    before = signal.signal(signal.SIGALRM, interrupt)
    # Of the timers of a process only this one is finer than the ticks of the kernel.
    began = time.monotonic()
    due, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if due:  # somebody else's
            left = max(due - (time.monotonic() - began), _SHORTEST)
            signal.setitimer(signal.ITIMER_REAL, left, interval)
        if collects:
            gc.enable()
