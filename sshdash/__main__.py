"""Run sshdash as ``python -m sshdash``."""

import sys

from sshdash.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
