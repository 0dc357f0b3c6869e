"""The way in: an interrupt is obeyed quietly from the first moment."""

import gc

GARBAGE = (20_000, 20, 20)
"""After how many new objects garbage is looked for (gc.set_threshold). What is loaded at the start
and requests in flight are none, and looking through them takes a sixth of either's time.
"""

SCREEN_GARBAGE = (5_000, 2, 800)
"""The same where there is a screen: fewer at a time, and all of them as rarely. Meanwhile nothing
is drawn: with the above for 45 ms and more now and then on a busy machine, with this for 10.
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
