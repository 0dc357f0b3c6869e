"""The commands that look back in a terminal: search, copy mode, prompts, export."""

from sshdash.ui.command import Command, Place


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
