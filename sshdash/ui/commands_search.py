"""The commands that look back in a terminal: search, copy mode, prompts, export."""

from sshdash.ui.command import Command, Place

SEARCH_KEYS: tuple[tuple[str, str], ...] = (
    ("Enter ↑", "Go to the next match up"),
    ("shift+Enter ↓", "Go to the next match down"),
    ("alt+r", "Take it as a regular expression, or as text"),
    ("PgUp PgDn", "Look around"),
    ("Esc", "Go back; after Enter, stay at the match in copy mode"),
)
"""The keys of the search bar."""
COPY_MODE_KEYS: tuple[tuple[str, str], ...] = (
    ("h j k l w b e W B E", "Move by characters and words; a number before repeats"),
    ("0 ^ $ { }", "Go to the ends of the line, of the paragraph"),
    ("g G H M L", "Go to the first and the last row, to those in view"),
    ("f F t T", "Go to a character of the line, on it or before it; ; and , again"),
    ("%", "Go to the other half of a bracket"),
    ("ctrl+u d b f", "Go by half pages and pages"),
    ("/ ? n N", "Search down and up, again, the other way"),
    ("* #", "Search the word under the cursor, down and up"),
    ("ctrl+↑ ↓, [ ]", "Go to the prompt above or below"),
    ("v V ctrl+v", "Select characters, lines, a block"),
    ("o", "Go to the other end of what is selected"),
    ("y Enter", "Copy what is selected and leave"),
    ("Y", "Copy the line and leave"),
    ("Esc q", "Select nothing; leave"),
)
"""The keys of copy mode."""


def _terminal(name: str, title: str, words: str, prefix: str = "") -> Command:
    keys = (prefix,) if prefix else ()
    return Command(f"terminal.{name}", Place.TERMINAL, title, words, prefix=keys)


SEARCH_COMMANDS: tuple[Command, ...] = (
    _terminal(
        "search",
        "Search",
        "Search the scrollback: Enter and ↑ go up, ↓ down, alt+r takes a regular expression",
        "slash",
    ),
    _terminal(
        "copy_mode",
        "Copy mode",
        "Go about the scrollback with the keys of vi: v V ctrl+v select, y copies, q leaves",
        "left_square_bracket",
    ),
    _terminal("paste", "Paste", "Paste what sshdash copied last", "right_square_bracket"),
    _terminal(
        "previous_prompt",
        "Prompt above",
        "Go to the prompt above, where the shell marks them (OSC 133)",
        "P",
    ),
    _terminal("next_prompt", "Prompt below", "Go to the prompt below, or to the end", "N"),
    _terminal("copy_output", "Copy output", "Copy what the last command printed", "C"),
    _terminal("export", "Export", "Write all that the terminal keeps to a file", "E"),
)
