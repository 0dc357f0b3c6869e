"""What one may not read, search or write, as a program against a server without a superuser."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
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


async def start(config: Path, *words: object, cwd: Path | None = None) -> Process:
    """Start ``sshdash`` with the rights of an owner."""
    command = [*no_superuser(), sys.executable, "-m", "sshdash", "-F", config, *words]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        start_new_session=True,
    )


async def finished(process: Process) -> Ended:
    """Return how a program ended."""
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


async def run(config: Path, *words: object, cwd: Path | None = None) -> Ended:
    """Run ``sshdash`` to its end."""
    return await finished(await start(config, *words, cwd=cwd))


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


@pytest.mark.parametrize("host", ["", "sshd:"])
async def test_what_may_not_be_renamed_is_not_copied_either(
    plain: RealSshd, tmp_path: Path, host: str
) -> None:
    place = plain.home / "place" if host else tmp_path / "place"
    place.mkdir()
    closed = place / "closed"
    (closed / "folder").mkdir(parents=True)
    (closed / "folder" / "inside").write_bytes(b"x")
    (closed / "file").write_bytes(b"y")
    (place / "old").write_bytes(b"old")
    closed.chmod(0o555)
    try:
        for words in (
            ("folder", "moved"),
            ("file", "moved"),
            ("file", "old"),
            ("file", "folder", "."),
        ):
            sources = [f"{host}{place}/closed/{one}" for one in words[:-1]]
            done = await run(plain.config_file, "mv", *sources, f"{host}{place}/{words[-1]}")
            assert done.status == 1
            assert done.errors.count("permission denied") == len(sources), done.errors
            assert sorted(os.listdir(place)) == ["closed", "old"]
    finally:
        closed.chmod(0o755)
    assert (closed / "folder" / "inside").read_bytes() == b"x"
    assert (place / "old").read_bytes() == b"old"


@pytest.mark.parametrize("up", [True, False])
async def test_a_file_that_cannot_be_replaced_is_written_into_where_that_is_asked(
    plain: RealSshd, tmp_path: Path, up: bool
) -> None:
    folder = (plain.home if up else tmp_path) / "closed"
    folder.mkdir()
    old, new = b"what was there, which is longer than a little", os.urandom(300_000)
    for name in ("shorter", "longer", "kept"):
        (folder / name).write_bytes(old)
        (folder / name).chmod(0o640)
    other = (tmp_path if up else plain.home) / "new"
    other.mkdir()
    (other / "shorter").write_bytes(b"little")
    (other / "longer").write_bytes(new)
    inode = (folder / "longer").stat().st_ino
    folder.chmod(0o555)
    ends = ("new/shorter", "new/longer", "sshd:closed")
    if not up:
        ends = ("sshd:new/shorter", "sshd:new/longer", "closed")
    done = await run(plain.config_file, "cp", *ends, cwd=tmp_path)
    assert done.status == 1
    assert done.errors.count("cp --inplace writes into the file itself") == 2, done.errors
    assert (folder / "longer").read_bytes() == old

    done = await run(plain.config_file, "cp", "--inplace", "--checksum", *ends, cwd=tmp_path)
    assert (done.status, done.errors) == (0, "")
    assert (folder / "shorter").read_bytes() == b"little"
    assert (folder / "longer").read_bytes() == new
    assert (folder / "kept").read_bytes() == old
    assert (folder / "longer").stat().st_ino == inode
    assert (folder / "longer").stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(folder)) == ["kept", "longer", "shorter"]

    (other / "another").write_bytes(b"x")
    more = ends[0].replace("shorter", "another")
    done = await run(plain.config_file, "cp", "--inplace", more, ends[-1], cwd=tmp_path)
    assert done.status == 1
    assert "permission denied" in done.errors
    assert "--inplace" not in done.errors, "there is nothing to write into"


async def test_what_is_cut_off_in_place_is_told_as_neither_old_nor_new(
    plain: RealSshd, tmp_path: Path
) -> None:
    folder = plain.home / "closed"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    (tmp_path / "file").write_bytes(bytes(3_000_000))
    words = "cp", "--inplace", "--json", "-l", "4000", "file", "sshd:closed"
    process = await start(plain.config_file, *words, cwd=tmp_path)
    assert process.stdout is not None
    told: dict[str, object] = {}
    while not told.get("bytes_done"):
        told = json.loads(await process.stdout.readline())
    process.send_signal(signal.SIGINT)
    ended = await finished(process)
    assert ended.status == 130
    assert (
        f"{tmp_path}/file: it was being written in place: what is there is neither" in ended.errors
    )
    assert (folder / "file").stat().st_size < 3_000_000


@pytest.mark.parametrize("again", [("--resume",), ()])
@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGINT])
async def test_what_was_cut_off_in_place_is_not_newer_whoever_ended_it(
    sshd: RealSshd, tmp_path: Path, ended: signal.Signals, again: tuple[str, ...]
) -> None:
    there, here = sshd.home / "file", tmp_path / "file"
    there.write_bytes(b"old")
    here.write_bytes(os.urandom(3_000_000))
    os.utime(here, (1_000_000_000, 1_000_000_000))
    words = "cp", "--inplace", "--json", "-l", "4000", "file", "sshd:"
    process = await start(sshd.config_file, *words, cwd=tmp_path)
    assert process.stdout is not None
    told: dict[str, object] = {}
    while not told.get("bytes_done"):
        told = json.loads(await process.stdout.readline())
    process.send_signal(ended)
    await finished(process)
    assert 3 < there.stat().st_size < 3_000_000
    newer = "cp", "--inplace", *again, "--on-conflict", "newer", "file", "sshd:"
    done = await run(sshd.config_file, *newer, cwd=tmp_path)
    assert (done.status, done.errors) == (0, "")
    assert there.read_bytes() == here.read_bytes()
    there.write_bytes(b"made since, and newer")
    done = await run(sshd.config_file, *newer, cwd=tmp_path)
    assert done.status == 0, "it was whole in between"
    assert there.read_bytes() == b"made since, and newer"


async def test_what_could_not_be_written_in_place_stays_newer(
    plain: RealSshd, tmp_path: Path
) -> None:
    there, here = plain.home / "file", tmp_path / "file"
    here.write_bytes(b"older")
    os.utime(here, (1_000_000_000, 1_000_000_000))
    there.write_bytes(b"newer, and may not be written")
    there.chmod(0o400)
    plain.home.chmod(0o555)
    words = "cp", "--inplace", "file", "sshd:"
    done = await run(plain.config_file, *words, cwd=tmp_path)
    assert done.status == 1
    there.chmod(0o600)
    newer = "cp", "--inplace", "--resume", "--on-conflict", "newer", "file", "sshd:"
    done = await run(plain.config_file, *newer, cwd=tmp_path)
    assert there.read_bytes() == b"newer, and may not be written", done.errors
