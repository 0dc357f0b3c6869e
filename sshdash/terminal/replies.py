"""What a terminal may answer to the programs that run in it.

A reply is typed into the remote as if by the person, so a program (or a file shown with ``cat``)
that could choose its text could run commands. Only the shapes below pass: numbers between fixed
characters, and capabilities out of a fixed list. Titles, clipboard and names are never answered.
"""

import re
import time
from collections.abc import Callable

from sshdash.terminal.allowance import Allowance

_CAPABILITIES = frozenset(
    """
    TN name Co colors RGB Tc Su Smulx Setulc Se Ss Sync XT BD BE PS PE bce ccc am xenl it cup
    civis cnorm smcup rmcup sitm ritm smxx rmxx setrgbf setrgbb fe fd XM xm kmous kbs kcbt kcub1
    kcud1 kcuf1 kcuu1 kdch1 kend khome kich1 knp kpp kf1 kf2 kf3 kf4 kf5 kf6 kf7 kf8 kf9 kf10 kf11
    kf12
    """.split()  # noqa: SIM905 - a list of them would fill a page
)
"""What XTGETTCAP is answered about: what editors ask for. The values are the emulation's own."""
_NAMES = "|".join(name.encode().hex().upper() for name in sorted(_CAPABILITIES)).encode()
_COLOUR = rb"rgb:[0-9a-f]{4}/[0-9a-f]{4}/[0-9a-f]{4}(?:\x07|\x1b\\)"
_ALLOWED = re.compile(
    rb"\x1b\[(?:"
    rb"[?>=]?[0-9;]*c"  # device attributes
    rb"|[?]?[0-9;]*[nR]"  # device status, cursor position, colour scheme
    rb"|(?:4|6|8|48)(?:;[0-9]+)+t"  # sizes in pixels and cells
    rb"|[?]?[0-9]+;[0-4]\$y"  # whether a mode is set
    rb"|[?][0-9]+u"  # keyboard protocol flags
    rb")\Z"
    rb"|(?:\x1b\](?:1[0-2]|4;[0-9]{1,3});" + _COLOUR + rb")+\Z"  # colours (OSC 4, 10, 11, 12)
    rb"|\x1bP(?:"
    rb"1\$r(?:[0-9;:]+m|[0-9]+;[0-9]+[rs]|[0-6] q)"  # settings (DECRQSS): SGR, margins, cursor
    rb"|0\$r"  # a setting that is not told
    rb"|1\+r(?:" + _NAMES + rb")(?:=[0-9A-F]*)?"  # capabilities (XTGETTCAP)
    rb"|!\|00000000"  # the unit's number (DA3): everybody's
    rb"|>\|libghostty"  # the name of the emulation (XTVERSION)
    rb")\x1b\\\Z"
)
_LONGEST = 512
PER_SECOND = 16 * 1024
"""Bytes of answers a second, in the long run: a measurement of each glyph by its width fits."""


class Replies:
    """Collects the terminal's answers until they are sent; what would be too much is dropped.

    There is room for `limit` bytes at once, and it comes back at PER_SECOND by `clock`, which
    counts seconds: what is asked for without end is answered at no more than that.
    """

    def __init__(self, limit: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._allowance = Allowance(limit, PER_SECOND, clock)
        self._pending = bytearray()

    def __repr__(self) -> str:
        return f"<Replies [{len(self._pending)} bytes pending]>"

    def add(self, reply: bytes) -> None:
        """Keep `reply` if it has an allowed shape and there is room for it."""
        if len(reply) > _LONGEST or len(self._pending) + len(reply) > self._limit:
            return
        if _ALLOWED.match(reply) and self._allowance.take(len(reply)):
            self._pending += reply

    def take(self) -> bytes:
        """Return what is to be sent, and forget it."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken
