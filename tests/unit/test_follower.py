"""Following the files of a configuration: by one thread, or by none."""

import asyncio
import threading
from pathlib import Path

from sshdash.config.catalog import Catalog
from sshdash.follower import Follower
from tests.live.connecting import until


def threads() -> int:
    return sum(one.name == "configuration" for one in threading.enumerate())


def follower(file: Path, impossible: list[str]) -> Follower:
    catalog = Catalog((), files=(str(file),))
    return Follower(lambda: catalog, lambda: None, impossible.append)


async def test_two_that_begin_at_once_are_one(tmp_path: Path) -> None:
    following = follower(tmp_path / "config", [])
    await asyncio.gather(following.start(), following.start())
    await until(lambda: following.is_following)
    assert threads() == 1
    await following.stop()
    assert threads() == 0


async def test_what_ends_while_it_begins_has_ended(tmp_path: Path) -> None:
    following = follower(tmp_path / "config", [])
    starting = asyncio.create_task(following.start())
    await asyncio.sleep(0)
    await following.stop()
    await starting
    assert threads() == 0


async def test_a_folder_whose_path_the_library_cannot_take_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    folder = tmp_path / "\udcff"
    folder.mkdir()
    following = follower(folder / "config", told)
    await following.start()
    await until(lambda: told)
    assert "not UTF-8" in told[0]
    await following.stop()
