"""The commands of a terminal: prefix keys only, for every other key is the remote's."""

from sshdash.ui.command import Command, Place

TERMINAL_COMMANDS: tuple[Command, ...] = (
    Command(
        "terminal.scroll_up",
        Place.TERMINAL,
        "Scroll back",
        "Go a page back in what the terminal has shown; Shift+PgUp and the wheel do it too",
        prefix=("pageup",),
    ),
    Command(
        "terminal.scroll_down",
        Place.TERMINAL,
        "Scroll on",
        "Go a page forward again; typing goes to the end at once",
        prefix=("pagedown",),
    ),
    Command(
        "terminal.copy",
        Place.TERMINAL,
        "Copy text",
        "Copy what is selected in the terminal, or all that it shows",
        prefix=("Y",),
    ),
    Command(
        "terminal.record",
        Place.TERMINAL,
        "Record",
        "Record what the shell shows, or stop; never what is typed",
        prefix=("R",),
    ),
    Command(
        "terminal.snippet",
        Place.TERMINAL,
        "Snippets",
        "Insert or run a command that you have given a name",
        prefix=("S",),
    ),
    Command(
        "terminal.local_echo",
        Place.TERMINAL,
        "Local echo",
        "Show what is typed on this side too, for consoles that do not",
    ),
    Command(
        "terminal.line_ending",
        Place.TERMINAL,
        "Line ending",
        "Let Enter send CR, LF or CRLF, in turn",
    ),
    Command(
        "terminal.break",
        Place.TERMINAL,
        "Send break",
        "Send a break, which serial consoles take for attention",
    ),
    Command(
        "terminal.silence",
        Place.TERMINAL,
        "Tell when silent",
        "Tell whenever no output has come here for a while, or not any more",
        prefix=("M",),
    ),
    Command(
        "terminal.links",
        Place.TERMINAL,
        "Links",
        "List the links in view, to open or copy one; ctrl+click on a link does it too",
        prefix=("u",),
    ),
)
