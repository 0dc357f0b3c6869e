"""The way in: an interrupt is obeyed quietly from the first moment."""


def main() -> int:
    """Run the command line and return its exit status, 130 where it was interrupted.

    What the command line needs takes a fifth of a second to load: a traceback is no answer to who
    changed their mind meanwhile.
    """
    try:
        from sshdash.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130
