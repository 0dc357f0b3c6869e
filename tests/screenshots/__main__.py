"""``make screenshots``: drive the cockpit against the demo fleet and draw every screen of it.

Each scene is written as SVG in both themes; `PICTURES` also as PNG, for the README.
``python -m tests.screenshots files help`` draws only these; without names, `tests.recording`
records a reconnect too.
"""

import asyncio
import sys

import pytest

from tests.screenshots import files, hosts, terminals, tunnels
from tests.screenshots.stage import FOLDER, SCENES, THEMES, draw

AREAS = (hosts, terminals, files, tunnels)
"""What registers the scenes."""


async def _main(names: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    unknown = set(names) - set(SCENES)
    if unknown:
        print(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
        return 2
    failed = 0
    for name in names or SCENES:
        for theme in THEMES:
            try:
                await draw(name, theme)
                print(f"screenshots/{name}-{theme}.svg")
            except (TimeoutError, LookupError) as error:
                failed += 1
                print(f"{name} ({theme}): {error}", file=sys.stderr)
    if not names:
        failed += await _record()
    return 1 if failed else 0


async def _record() -> int:
    """Record the outages that everything outlives; return how much of that failed."""
    from tests.recording import record

    try:
        await record()
    except (TimeoutError, AssertionError, pytest.skip.Exception) as error:
        print(f"reconnect.cast: {error}", file=sys.stderr)
        return 1
    print("screenshots/reconnect.cast")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1:])))
