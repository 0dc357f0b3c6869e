"""Run sshdash as ``python -m sshdash``."""

import sys

from sshdash.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
