"""The way in: an interrupt is obeyed quietly from the first moment."""

import gc

GARBAGE = (20_000, 20, 20)
"""After how many new objects garbage is looked for (gc.set_threshold). What is loaded at the start
and requests in flight are none, and looking through them takes a sixth of either's time.
"""

SCREEN_GARBAGE = (5_000, 2, 80)
"""The same where there is a screen, which nothing is drawn on meanwhile: fewer at a time. All are
looked through where a million more are there than before, so that no garbage is kept for long.
"""


def main() -> int:
    """Run the command line and return its exit status, 130 where it was interrupted.

    What the command line needs takes a fifth of a second to load: a traceback is no answer to who
    changed their mind meanwhile.
    """
    gc.set_threshold(*GARBAGE)
    try:
        from sshdash.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130
