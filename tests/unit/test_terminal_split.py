"""However the bytes are cut, whatever they are: the same screen, never an exception."""

from hypothesis import example, given
from hypothesis import strategies as st

from sshdash.terminal.cells import Line
from sshdash.terminal.emulator import Emulator

FIXTURES = (
    b"plain text\r\nand more\r\n",
    b"\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mrgb\x1b[38;5;99mx\x1b[m",
    "wide 漢字 emoji 👍🏽 e\u0301 \u0928\u093f".encode(),
    b"\x1b[2J\x1b[3;5Hplaced\x1b[1;1H\x1b[K\x1b[5;1H\x1b[7mstatus\x1b[m",
    b"\x1b]0;a title\x07\x1b]2;another\x1b\\\x1b]8;;http://host/\x1b\\link\x1b]8;;\x1b\\",
    b"\x1b[?1049h\x1b[2;3ra\nb\nc\nd\x1b[r\x1b[?1049lback",
    b"\x1bP$qm\x1b\\\x1b_Gq\x1b\\\x1b[6n\x1b[c\x07done",
    b"\xff\xc3\x28\xe6\xbc\x1b[31mcut\xf0\x9f\x91",
    "\x1b(0lqqk\x1b(B│\t│\x1b[4hins\x1b[4l\x1b[3b".encode(),
)


def seen(pieces: list[bytes]) -> tuple[dict[int, Line], object, object, bytes]:
    emulator = Emulator(24, 6)
    for piece in pieces:
        emulator.feed(piece)
    damage = emulator.take_damage()
    return damage.lines, emulator.cursor, emulator.take_title(), emulator.take_replies()


def test_every_fixture_cut_at_every_byte() -> None:
    for fixture in FIXTURES:
        whole = seen([fixture])
        for cut in range(1, len(fixture)):
            assert seen([fixture[:cut], fixture[cut:]]) == whole, (fixture, cut)


@given(st.lists(st.sampled_from(FIXTURES), min_size=1, max_size=4), st.data())
def test_several_cut_anywhere(fixtures: list[bytes], data: st.DataObject) -> None:
    text = b"".join(fixtures)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert seen(pieces) == seen([text])


SEQUENCES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(
        lambda numbers, final: b"\x1b[" + b";".join(b"%d" % n for n in numbers) + bytes([final]),
        st.lists(st.integers(0, 2**31), max_size=5),
        st.integers(0x40, 0x7E),
    ),
    st.builds(
        lambda mode, on: b"\x1b[?%d%c" % (mode, b"h"[0] if on else b"l"[0]),
        st.sampled_from([1, 3, 6, 7, 25, 47, 66, 69, 1000, 1004, 1047, 1049, 2004, 2026, 2027]),
        st.booleans(),
    ),
    st.builds(lambda body: b"\x1b]" + body + b"\x07", st.binary(max_size=30)),
    st.builds(lambda body: b"\x1bP" + body + b"\x1b\\", st.binary(max_size=30)),
    st.sampled_from(
        [b"\x1bc", b"\x1b#8", b"\x1bM", b"\x1bD", b"\r\n", b"\t", b"\x0e", b"\x1b7\x1b8"]
    ),
)
STEPS = st.lists(
    st.one_of(SEQUENCES, st.tuples(st.integers(1, 60), st.integers(1, 20))), max_size=25
)


@given(STEPS)
@example([b"\x1b[2000000000b", (1, 1), b"\xe6\xbc\xa2", (60, 20)])
@example(["漢".encode() * 30, (1, 3), (3, 1), (60, 20)])
def test_any_bytes_and_sizes_leave_a_whole_screen(steps: list[bytes | tuple[int, int]]) -> None:
    emulator = Emulator(10, 4, scrollback=50)
    for step in steps:
        if isinstance(step, tuple):
            emulator.resize(*step)
        else:
            emulator.feed(step)
        emulator.scroll_by(-1)
        for y, line in emulator.take_damage().lines.items():
            assert 0 <= y < emulator.rows
            assert sum(run.width for run in line.runs) == emulator.columns
            assert all(
                (len(run.parts) in (0, run.width) and run.text.isprintable()) or run.parts
                for run in line.runs
            )
        cursor = emulator.cursor
        assert 0 <= cursor.x < emulator.columns
        assert 0 <= cursor.y < emulator.rows
        emulator.take_title()
        assert len(emulator.take_replies()) <= 4096
        assert emulator.modes is not None


def test_what_never_ends_does_not_grow() -> None:
    emulator = Emulator(80, 24)
    for introducer in (b"\x1b]0;", b"\x1b]52;c;", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1b["):
        emulator.feed(introducer)
        for _ in range(64):
            emulator.feed(b"A;1" * 5000)
        emulator.feed(b"\x18")
    emulator.feed(b"\x1b[2J\x1b[Hin step again")
    assert emulator.screen_text()[0] == "in step again"
