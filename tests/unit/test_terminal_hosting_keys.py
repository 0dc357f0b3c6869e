"""From the terminal we are in, through Textual, to the remote: the same keys, however told."""

import pytest
from textual import events

from sshdash.ui.widgets.terminal_keys import TypedKeysParser
from tests.key_table import load
from tests.unit.test_terminal_key_table import DEVIATIONS, TWINS, by_the_protocol, keyboard

TEXTUAL_FLAGS = 25
"""What Textual asks of a terminal that speaks the kitty keyboard protocol."""
NORMAL = load("normal")


def through(typed: bytes) -> bytes:
    """Return what the remote gets, in no mode, when the hosting terminal sends `typed`."""
    parser = TypedKeysParser()
    messages = list(parser.feed(typed.decode()))
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0  # the delay of an Escape is over
        messages += parser.tick()
    sending = keyboard(b"")
    keys = [message for message in messages if isinstance(message, events.Key)]
    return b"".join(sending.encode(event.key, event.character) for event in keys)


@pytest.mark.parametrize("mode", ["normal", "application_cursor"])
def test_what_xterm_sends_arrives(mode: str) -> None:
    arrived = {key: through(sent) for key, sent in load(mode).items()}
    assert {key: sent for key, sent in arrived.items() if sent != NORMAL[key]} == {}


def test_what_the_kitty_protocol_sends_arrives_as_xterm_sends_it() -> None:
    expected = NORMAL | DEVIATIONS
    arrived = {
        key: through(by_the_protocol(key, TEXTUAL_FLAGS)) for key in NORMAL if key not in TWINS
    }
    assert {key: sent for key, sent in arrived.items() if sent != expected[key]} == {}


def test_the_keypad_arrives_as_what_it_doubles() -> None:
    assert through(b"\x1bOp\x1bOk\x1bOM\x1b[57400;;49u\x1b[57414u") == b"0+\r1\r"


@pytest.mark.parametrize("place", [b"\x1b[2;3R", b"\x1b[1;9R", b"\x1b[1;1R"])
def test_the_place_of_a_cursor_is_no_key(place: bytes) -> None:
    assert through(place) == b""
