"""Which keys the line at the bottom offers, by the place where the person is."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sshdash.ui.command import Command, Place
from sshdash.ui.commands import COMMANDS, commands_of, footer_of
from sshdash.ui.keymap import Keymap
from sshdash.ui.widgets.status_bar import KeyHint

_IN_TERMINAL = (
    "view.hosts",
    "view.switcher",
    "host.files",
    "host.tunnels",
    "pane.split_right",
    "pane.close",
)
_FILTER = (
    KeyHint("Enter", "Shell", "host.open"),
    KeyHint("↓ ↑", "Move"),
    KeyHint("Esc", "All hosts", "view.hosts"),
)


def footer_hints(
    keymap: Keymap,
    place: Place,
    offered: frozenset[str] | None = None,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list[KeyHint], list[KeyHint]]:
    """Return the keys of a place, most useful first, and those that are always shown.

    `offered` has the ids of the only commands that make sense, where not all of the place do;
    `titles` are those of commands that do something else than usual.
    """
    help_, palette = COMMANDS["view.help"], COMMANDS["view.palette"]
    if place is Place.TERMINAL:
        chords = [_chord(keymap, COMMANDS[one]) for one in _IN_TERMINAL]
        return chords, [_chord(keymap, help_)]
    commands = footer_of(place)
    if offered is not None:
        commands = [one for one in commands_of(place) if one.id in offered]
        commands.sort(key=lambda one: (not one.footer, one.footer))
    hints = [_key(keymap, one, titles.get(one.id, one.title)) for one in commands]
    return hints, [_key(keymap, one, one.title) for one in (palette, help_)]


def field_hints(keys: Iterable[tuple[str, str]]) -> tuple[list[KeyHint], list[KeyHint]]:
    """Return the keys of a field that are none of its letters."""
    return [KeyHint(*one) for one in keys], []


def filter_hints() -> tuple[list[KeyHint], list[KeyHint]]:
    """Return the keys that are none of the filter's letters."""
    return list(_FILTER), []


def _key(keymap: Keymap, command: Command, title: str) -> KeyHint:
    return KeyHint(keymap.text(command), title, command.id)


def _chord(keymap: Keymap, command: Command) -> KeyHint:
    return KeyHint(keymap.prefix_text(command), command.title, command.id)
