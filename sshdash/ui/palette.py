"""What the palette, the help and the prefix menu list, made from the table of commands."""

from collections.abc import Callable, Iterable

from sshdash.ui.command import Command, Place
from sshdash.ui.commands import COMMANDS, commands_of
from sshdash.ui.commands_search import COPY_MODE_KEYS, SEARCH_KEYS
from sshdash.ui.file_keys import SYNC_KEYS, SYNC_TITLE, VIEW_KEYS, VIEW_TITLE
from sshdash.ui.keymap import Keymap, key_text
from sshdash.ui.screens.help import HelpSection
from sshdash.ui.screens.picker import Choice

WhyNot = Callable[[Command], str]

_PLACE_ORDER = tuple(Place)
_PREFIX_ORDER = (
    "tab.go",
    "tab.next",
    "tab.previous",
    "view.hosts",
    "view.switcher",
    "host.files",
    "host.tunnels",
    "host.shell",
    "pane.split_right",
    "pane.split_down",
    "pane.next",
    "pane.close",
    "terminal.search",
    "terminal.copy_mode",
    "view.zoom",
    "view.sidebar",
    "view.palette",
    "view.help",
    "broadcast.choose",
)
"""What the prefix menu shows first; the rest follows in the order of the table."""


def palette_choices(keymap: Keymap, place: Place, why_not: WhyNot) -> list[Choice]:
    """Return every command with its key, those of the place first; others say why not."""
    listed = [command for command in COMMANDS.values() if command.palette]
    listed.sort(key=lambda one: (one.place is not place, _PLACE_ORDER.index(one.place)))
    return [
        Choice(
            command.id,
            _palette_title(command),
            note=reason or command.help,
            key=keymap.text(command),
            enabled=not reason,
        )
        for command in listed
        for reason in (why_not(command),)
    ]


def _palette_title(command: Command) -> str:
    if command.place is Place.ANYWHERE:
        return command.title
    return f"{command.place.value}: {command.title}"


def prefix_keys(keymap: Keymap) -> list[tuple[str, str]]:
    """Return what may follow the prefix: keys and titles."""
    first = [COMMANDS[one] for one in _PREFIX_ORDER]
    rest = [one for one in COMMANDS.values() if one not in first]
    return [
        (keymap.prefix_key_text(one), one.title)
        for one in (*first, *rest)
        if keymap.prefix_keys(one)
    ]


def help_sections(keymap: Keymap, place: Place) -> list[HelpSection]:
    """Return the help of a place: its keys, those valid anywhere, those after the prefix."""
    prefix = key_text(keymap.prefix)
    sections = []
    if place is Place.TERMINAL:
        note = f"Every key goes to the remote, except {prefix}. {prefix} {prefix} sends it too."
        sections.append(HelpSection(place.value, (), note))
    elif rows := _rows(keymap, commands_of(place)):
        sections.append(HelpSection(place.value, (*_MOVING, *rows)))
    if place is not Place.TERMINAL:
        general = _rows(keymap, commands_of(Place.ANYWHERE))
        sections.append(
            HelpSection(Place.ANYWHERE.value, (*general, ("Tab", "Go between hosts and tab")))
        )
    here = commands_of(place) if place is Place.TERMINAL else []
    if here:
        sections.append(HelpSection(f"After {prefix}, in a terminal", _chords(keymap, here)))
    others = [one for one in COMMANDS.values() if one not in here]
    sections.append(HelpSection(f"After {prefix}", _chords(keymap, others), "From anywhere"))
    if place is Place.FILES:
        sections.insert(1, HelpSection(VIEW_TITLE, VIEW_KEYS))
        sections.insert(2, HelpSection(SYNC_TITLE, SYNC_KEYS))
    if place is Place.TERMINAL:
        sections.append(HelpSection("Search", SEARCH_KEYS))
        sections.append(HelpSection("Copy mode", COPY_MODE_KEYS))
    return sections


_MOVING = (("j k ↓ ↑", "Move"), ("Esc", "Back"))


def _chords(keymap: Keymap, commands: Iterable[Command]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (keymap.prefix_key_text(one), one.help) for one in commands if keymap.prefix_keys(one)
    )


def _rows(keymap: Keymap, commands: Iterable[Command]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (" ".join(map(key_text, keymap.keys(one))), one.help)
        for one in commands
        if keymap.keys(one)
    )
