"""What one may not read, search or write, as a program against a server without a superuser."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.test_cli_cp import Ended
from tests.servers.programs import no_superuser, require
from tests.servers.sshd import RealSshd


@pytest.fixture
async def plain() -> AsyncIterator[RealSshd]:
    """Return a server whose files are served with the rights of their owner."""
    words = [*no_superuser(), require("sftp-server")]
    async with RealSshd(subsystem=" ".join(words)) as server:
        yield server


async def run(config: Path, *words: object, cwd: Path | None = None) -> Ended:
    """Run ``sshdash`` to its end with the rights of an owner."""
    command = [*no_superuser(), sys.executable, "-m", "sshdash", "-F", config, *words]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        start_new_session=True,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


def furnish(folder: Path) -> Path:
    """Make a folder with one in it that may be read and not searched, and one without anything."""
    (folder / "unsearched").mkdir(parents=True)
    (folder / "unsearched" / "file").write_bytes(b"x")
    (folder / "empty").mkdir()
    (folder / "file").write_bytes(b"y")
    (folder / "unsearched").chmod(0o400)
    return folder


async def test_a_folder_that_may_be_read_and_not_searched_is_never_taken_for_an_empty_one(
    plain: RealSshd, tmp_path: Path
) -> None:
    furnish(plain.home / "away")
    furnish(tmp_path / "here")
    for source, target, copy in (
        ("sshd:away", "down", tmp_path / "down"),
        ("here", "sshd:up", plain.home / "up"),
    ):
        done = await run(plain.config_file, "cp", "-r", source, target, cwd=tmp_path)
        assert done.status == 1
        assert "/unsearched: " in done.errors
        assert "empty" not in done.errors
        assert (copy / "file").read_bytes() == b"y", "the rest is copied"
        assert (copy / "empty").is_dir()
    done = await run(plain.config_file, "ls", "sshd:away/unsearched")
    assert (done.status, done.output) == (1, "")
    assert "it may be read and not searched" in done.errors
    done = await run(plain.config_file, "ls", "sshd:away/empty")
    assert (done.status, done.output, done.errors) == (0, "", "")


async def test_a_folder_that_may_not_be_searched_empties_no_other(
    plain: RealSshd, tmp_path: Path
) -> None:
    furnish(plain.home / "away")
    (tmp_path / "here" / "unsearched").mkdir(parents=True)
    (tmp_path / "here" / "unsearched" / "file").write_bytes(b"x")
    words = "sync", "--delete", "sshd:away", tmp_path / "here"
    done = await run(plain.config_file, *words)
    assert done.status == 1
    assert "unsearched" in done.output + done.errors
    assert (tmp_path / "here" / "unsearched" / "file").exists()
