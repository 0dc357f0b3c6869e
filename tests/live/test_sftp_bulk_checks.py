"""What is looked at before files that went as a stream get their names: each check, by itself."""

from pathlib import Path
from typing import Any

import pytest

from sshdash.sftp.bulk import tree as trees
from sshdash.sftp.failures import ExistsError
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.states import TransferState
from tests.live.bulk_kit import UP_BY_SFTP, answering, around_unpacking, looks
from tests.live.bulk_kit import folders as folders
from tests.live.bulk_kit import told as told
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_bulk_crashes import around
from tests.servers.sshd import RealSshd


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("echo own >own", ":"),
        ("mkdir -p 'folder 0/below/0'", ":"),
        (":", "cd 'folder 0/below'; touch -r 7 time; : >7; touch -r time 7; rm time"),
        (":", "touch 'folder 0/below/7'"),
        (":", "rm 'folder 0/below/7' && ln -s 14 'folder 0/below/7'"),
        (":", "mv 'folder 0/below/7' 'folder 0/below/another'"),
        (":", "rmdir empty && : >empty"),
        (":", "rm 'folder 0/below/7'"),
        (":", ": >another"),
    ],
    ids=[
        "own",
        "in the way",
        "shorter",
        "touched",
        "a link",
        "another name",
        "no folder",
        "not there",
        "one more",
    ],
)
async def test_what_is_not_as_it_was_sent_does_not_get_its_name(
    folders: tuple[Path, Path],
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    first: str,
    then: str,
) -> None:
    source, target = folders
    (source / "empty").mkdir()
    commands = around_unpacking(tmp_path, first, then)
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert UP_BY_SFTP in told.text


async def test_nothing_goes_into_a_folder_that_somebody_else_made_meanwhile(
    sshd: RealSshd, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    theirs = target / "source" / "folder 3" / "below"
    make = LocalFilesystem.mkdir

    async def mkdir(self: LocalFilesystem, path: bytes, mode: int = 0o777) -> Any:
        await make(self, path, mode)
        if path == bytes(theirs):
            raise ExistsError("cannot make the directory", str(theirs), "it exists already")

    monkeypatch.setattr(trees, "LEAST", 1_000_000)
    monkeypatch.setattr(LocalFilesystem, "mkdir", mkdir)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.FAILED
    assert not list(theirs.iterdir())
    expected = {
        place: what
        for place, what in tree(source).items()
        if not place.startswith(b"folder 3/below/")
    }
    assert tree(target / "source") == expected


async def test_nobody_else_looks_into_a_folder_that_is_unpacked(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = folders
    commands = around_unpacking(tmp_path, f"stat -c %a . >{tmp_path}/seen")
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert (tmp_path / "seen").read_text() == "700\n"


@pytest.mark.parametrize("way", ["down", "up"])
async def test_what_has_arrived_stays_counted_while_it_gets_its_name(
    sshd: RealSshd, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    source, target = folders
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    counted: list[int] = []
    filesystem = LocalFilesystem if way == "down" else RemoteFilesystem
    async with files_on(sshd.config_file) as files:
        for moment in ("before", "after"):
            around(
                monkeypatch,
                filesystem,
                "rename",
                moment,
                lambda: counted.append(files.queue.snapshot(job).bytes_done),
            )
        job = files.submit(ends[0], [source], ends[1], target)
        done = await files.queue.wait(job)
    assert done.state is TransferState.DONE, done.errors
    before, after, *_ = counted
    assert done.bytes_done == done.bytes_total >= before >= done.bytes_total * 0.9
    assert after >= before
