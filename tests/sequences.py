"""Random and mutated input for a terminal, by the grammar of control sequences. Seeded."""

import random
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).parent / "data"
KEPT = DATA / "sequences"
"""Inputs that once failed, each in a file; every one is tried again."""

_C0 = bytes(byte for byte in range(0x20) if byte != 0x1B)
_MARKERS = (b"", b"", b"", b"?", b"?", b">", b"<", b"=", b"!")
_INTERMEDIATES = (b"", b"", b"", b"", b"$", b" ", b"'", b"*", b"+", b'"', b"#", b"&x")
_NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 25, 38, 48, 58, 80, 255, 256, 65535, 65536, 2**31, 10**30)
_MODES = (
    *(1, 3, 4, 5, 6, 7, 8, 9, 12, 20, 25, 40, 45, 47, 66, 67, 69, 95, 1000, 1002, 1003, 1004),
    *(1005, 1006, 1007, 1015, 1016, 1034, 1035, 1036, 1039, 1045, 1047, 1048, 1049, 2004, 2026),
    *(2027, 2031, 2048, 5522, 9001),
)
_OSC = (0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 21, 22, 50, 52, 66, 99, 104, 110, 133, 777, 1337, 3008)
_ENDS = (b"\x07", b"\x1b\\", b"\x9c", b"\x18", b"")
_TEXTS = (
    b"plain text ", b"\r\n", "漢字かな".encode(), "👩\u200d👩\u200d👧👍🏽🇩🇪".encode(),
    "e\u0301\u0308\u0323".encode(), "\u200d\ufe0f\u202e\u200b".encode(),
    b"\xff\xfe\xc3\x28\xed\xa0\x80", b"\xf0\x9f\x91", b"\xe6\xbc", b"http://host/path?a=b",
    b"rgb:11/22/33", b"?", b";;;", b"A;k=v", b"aGVsbG8=", b"$q", b"+q544e",
)  # fmt: skip


class Sequences:
    """An endless supply of input, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._corpus = corpus()
        self._kinds: tuple[Callable[[], bytes], ...] = (
            self._text,
            self._control,
            self._csi,
            self._csi,
            self._csi,
            self._mode,
            self._sgr,
            self._osc,
            self._string,
            self._escape,
            self._mutant,
            self._mutant,
        )

    def __repr__(self) -> str:
        return f"<Sequences [{len(self._corpus)} to mutate]>"

    def one(self) -> bytes:
        """Return the next sequence."""
        return self._random.choice(self._kinds)()

    def many(self, count: int) -> bytes:
        """Return the next `count` sequences, one after the other."""
        return b"".join(self.one() for _ in range(count))

    def _text(self) -> bytes:
        choose = self._random
        text = choose.choice(_TEXTS)
        return text * choose.choice((1, 1, 1, 2, 30)) if choose.random() < 0.9 else _noise(choose)

    def _control(self) -> bytes:
        return bytes([self._random.choice(_C0)]) * self._random.choice((1, 1, 3, 50))

    def _number(self) -> bytes:
        choose = self._random
        if choose.random() < 0.2:
            return b""
        return b"%d" % (choose.choice(_NUMBERS) if choose.random() < 0.5 else choose.randrange(200))

    def _csi(self) -> bytes:
        choose = self._random
        count = choose.choice((0, 1, 1, 2, 2, 3, 5, 17, 40))
        separator = choose.choice((b";", b";", b";", b":"))
        parameters = separator.join(self._number() for _ in range(count))
        final = bytes([choose.randrange(0x40, 0x7F)])
        ahead, after = choose.choice(_MARKERS), choose.choice(_INTERMEDIATES)
        return b"\x1b[" + ahead + parameters + after + final

    def _mode(self) -> bytes:
        choose = self._random
        modes = b";".join(b"%d" % choose.choice(_MODES) for _ in range(choose.choice((1, 1, 3))))
        return b"\x1b[%b%b%c" % (choose.choice((b"?", b"?", b"")), modes, choose.choice(b"hlhlsr"))

    def _sgr(self) -> bytes:
        choose = self._random
        parts = choose.choices(
            (b"1", b"4:3", b"7", b"38;5;99", b"48;2;1;2;3", b"58:2::9:9:9", b"38;2", b"0", b"31"),
            k=choose.randrange(1, 6),
        )
        red, green = choose.randrange(256), choose.randrange(256)
        return b"\x1b[%b;38;2;%d;%d;0m" % (b";".join(parts), red, green)

    def _osc(self) -> bytes:
        choose = self._random
        body = b";".join(choose.choices(_TEXTS, k=choose.randrange(4)))
        number = choose.choice(_OSC) if choose.random() < 0.9 else choose.randrange(10**6)
        return b"\x1b]%d;%b%b" % (number, body, choose.choice(_ENDS))

    def _string(self) -> bytes:
        choose = self._random
        opener = choose.choice((b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1b_G", b"\x1bP1$r"))
        return opener + b"".join(choose.choices(_TEXTS, k=2)) + choose.choice(_ENDS)

    def _escape(self) -> bytes:
        choose = self._random
        between = choose.choice((b"", b"", b"#", b"(", b")", b"%", b" "))
        return b"\x1b" + between + bytes([choose.randrange(0x30, 0x7F)])

    def _mutant(self) -> bytes:
        """Return a piece of the corpus with bytes changed, left out, repeated or put in."""
        choose = self._random
        source = choose.choice(self._corpus)
        start = choose.randrange(len(source))
        piece = bytearray(source[start : start + choose.randrange(1, 200)])
        for _ in range(choose.randrange(4)):
            at = choose.randrange(len(piece) + 1)
            how = choose.randrange(3)
            if how == 0:
                piece[at : at + 1] = bytes([choose.randrange(256)])
            elif how == 1:
                del piece[at : at + choose.randrange(8)]
            else:
                piece[at:at] = bytes(piece[at : at + 8]) * choose.randrange(1, 20)
        return bytes(piece)


def _noise(choose: random.Random) -> bytes:
    return choose.randbytes(choose.randrange(1, 60))


def kept() -> list[bytes]:
    """Return the inputs that failed once."""
    return [file.read_bytes() for file in sorted(KEPT.glob("*.bin"))]


def corpus() -> list[bytes]:
    """Return what is mutated: recorded output of programs, what failed once, known attacks."""
    files = [file for file in DATA.rglob("*") if file.suffix in (".bin", ".bytes")]
    recorded = [file.read_bytes() for file in sorted(files)]
    return [content for content in recorded if content] + list(ATTACKS.values())


ATTACKS: dict[str, bytes] = {
    "repeat": b"a\x1b[2000000000b" * 3,
    "far away": b"\x1b[99999;99999Hx\x1b[99999G\x1b[99999d",
    "many lines": b"\x1b[99999L\x1b[99999M\x1b[99999S\x1b[99999T\x1b[99999@\x1b[99999P\x1b[99999X",
    "columns": b"\x1b[?40h\x1b[?3h132\x1b[?3l80",
    "parameters": b"\x1b[" + b";" * 2000 + b"m",
    "combining": b"e" + "\u0301".encode() * 500,
    "unterminated": b"\x1b]0;" + b"x" * 500,
    "screens": b"\x1b[?1049h\x1b[2;3ra\nb\nc\x1b[?47l\x1b[?1047h\x1b[r\x1b[?1049l",
    "margins": b"\x1b[?69h\x1b[3;7s\x1b[2;4rtext over the edge\n\n\n\x1b[99S\x1b[?69l",
    "reset": b"\x1b[31mred\x1bc\x1b[!pplain\x1b#8",
    "wide at the edge": b"\x1b[999G" + "漢漢".encode() + b"\b\x1b[@\x1b[P\x1b[D\x1b[X",
    "rectangles": b"\x1b[2;2;5;9$z\x1b[65;1;1;9;9$x\x1b[1;1;5;5;1;2;2;1$v\x1b[1;1;9;9;7$r",
    "links": b"\x1b]8;id=1;http://host/\x07one\x1b]8;;\x07\x1b]8;id=1;file:///x\x07two\x1b]8;;\x07",
    "prompts": b"\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n\x1b]133;C\x07out\r\n\x1b]133;D;0\x07",
    "graphics": b"\x1b_Gf=24,s=9,v=9,a=T;AAAA\x1b\\\x1bPq#0;2;0;0;0#0~~@@vv$-\x1b\\",
    "keys": b"\x1b[>31u\x1b[>4;2m\x1b[<9u\x1b[?u\x1b[=5;1u\x1b[>4m",
    "queries": b"\x1b[c\x1b[>c\x1b[6n\x1b[?6n\x1b[18t\x1b[?2026$p\x1bP$qm\x1b\\\x1bP+q544e\x1b\\",
    "tabs": b"\x1bH\x1b[3g\x1b[99999I\x1b[99999Z\x1b[?5W\t\tx",
    "soft resets": b"a\x1b[!p" * 20,
    "saved": b"\x1b7\x1b[99;99H\x1b8\x1b[s\x1b[?1048h\x1b[?1048l\x1b[u",
}
"""What tries to be expensive or confusing, by what it does."""
