"""``make soak``: tunnels under faults for ten minutes, or ``python -m tests.soak SECONDS [SEED]``.

Ends with 1 where a byte was wrong, a tunnel did not come back, or anything was left over.
"""

import asyncio
import logging
import os
import secrets
import sys
import tempfile

from tests.soak.run import Soak

TUNNELS = 50


def main(arguments: list[str]) -> int:
    seconds = float(arguments[0]) if arguments else float(os.environ.get("SECONDS", "600"))
    seed = int(arguments[1]) if len(arguments) > 1 else secrets.randbelow(1 << 32)
    logging.disable(logging.WARNING)  # what is cut says so, hundreds of times
    print(f"{TUNNELS} tunnels for {seconds:.0f} s, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sshdash-soak-") as home:
        os.environ["HOME"] = home
        os.environ.pop("SSH_AUTH_SOCK", None)
        for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            os.environ[variable] = f"{home}/{variable.lower()}"
        report = asyncio.run(Soak(seed, TUNNELS).run(seconds))
    print(report)
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
