"""What is pasted is never typed, however it arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from sshdash.ui.widgets.terminal_keys import TypedKeysParser
from sshdash.ui.widgets.terminal_pastes import END, START, Pastes

LONG = "\x1b]0;a title that is longer than any key is, far longer\x07tq\r\n"
PASTES = [
    "text",
    "two\nlines\r\n",
    LONG,
    "\x1b[A\x1b[B\x1bOP\x1b",
    START,
    f"a{START}b",
    "\x1b[201",
    "\x1b[20\x1b[2",
    "\x9b201~",
    "漢字 \x1b[<0;1;1M",
    "",
]


def parsed(pieces: list[str]) -> list[tuple[str, str | None]]:
    """Return the keys and pastes in what is read piece by piece."""
    parser = TypedKeysParser()
    found: list[tuple[str, str | None]] = []
    for piece in pieces:
        for message in parser.feed(piece):
            if isinstance(message, events.Paste):
                found.append(("paste", message.text))
            elif isinstance(message, events.Key):
                found.append((message.key, message.character))
    return found


@pytest.mark.parametrize("pasted", PASTES)
def test_a_paste_is_one_wherever_it_is_cut(pasted: str) -> None:
    data = f"a{START}{pasted}{END}b"
    expected = [("a", "a"), ("paste", pasted), ("b", "b")]
    assert parsed([data]) == expected
    assert parsed(list(data)) == expected
    for cut in range(1, len(data)):
        assert parsed([data[:cut], data[cut:]]) == expected, data[:cut]


@given(st.lists(st.sampled_from([*PASTES, "x" * 5000]), max_size=4), st.data())
def test_pastes_follow_each_other(pastes: list[str], data: st.DataObject) -> None:
    pastes = [text for text in pastes if END not in text]
    whole = "k".join(f"{START}{text}{END}" for text in pastes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    found: list[str] = []
    reader = Pastes()
    for piece in pieces:
        found += [text for is_paste, text in reader.split(piece) if is_paste]
    assert found == pastes


def test_keys_around_pastes_are_still_keys() -> None:
    assert parsed([f"\x1b[A{START}x{END}\x1b[B\x1b[2~"]) == [
        ("up", None),
        ("paste", "x"),
        ("down", None),
        ("insert", None),
    ]


def test_ten_megabytes_are_one_paste() -> None:
    block = "0123456789abcde\n" * 256
    pieces = [START, *[block] * 2560, END]
    [(kind, text)] = parsed(pieces)
    assert kind == "paste"
    assert text == block * 2560
