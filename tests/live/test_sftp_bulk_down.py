"""Very many small files that come in one stream of tar, and by SFTP where that will not do."""

import asyncio
import os
import shlex
import shutil
from pathlib import Path

import pytest

from sshdash.sftp import looks as ahead
from sshdash.sftp.bulk import stream
from sshdash.states import TransferState
from tests.live.bulk_kit import (
    BY_SFTP,
    IN_BULK,
    MANY,
    MORE,
    answering,
    files_below,
    furnish,
    looks,
    no_folders,
)
from tests.live.bulk_kit import either as either
from tests.live.bulk_kit import folders as folders
from tests.live.bulk_kit import told as told
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_faults import slow_line, until_some_arrived
from tests.live.test_sftp_faults import small_disk as small_disk
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd


async def test_a_tree_comes_down_whole_and_mostly_in_bulk(
    sshd: RealSshd, either: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = either
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert IN_BULK in told.text
    assert BY_SFTP not in told.text
    assert done.files_done == done.files_total == sum(map(Path.is_file, source.rglob("*")))
    assert done.bytes_done == sum(
        path.stat().st_size for path in source.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    "commands",
    [
        "echo Welcome to this host",
        "exit 0",
        "echo no commands here >&2; exit 1",
        'echo a word first; eval "$asked"',
        'eval "$asked" | head -c 200000',
        'eval "$asked" | head -c 200000; kill -9 $$',
        'eval "$asked"; echo and more',
        "cat /dev/zero",
        "cat /dev/urandom",
        "tar -cf - --format=ustar source",
        "tar -cf - --format=posix -C source .",
        'mkdir bin; printf "#!/bin/sh\\necho bsdtar 3.6\\n" >bin/tar; chmod +x bin/tar\n'
        'PATH=$PWD/bin:$PATH; eval "$asked"',
    ],
)
async def test_a_host_that_does_something_else_costs_nothing_but_time(
    either: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture, commands: str
) -> None:
    source, target = either
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert not unfinished(target)
    assert BY_SFTP in told.text


async def test_a_command_that_hangs_is_given_up(
    either: tuple[Path, Path],
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = either
    monkeypatch.setattr(stream, "FIRST", 0.2)
    hangs = "exec tail -f /dev/null"
    async with answering(hangs, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert "nothing came" in told.text


async def test_no_other_connection_is_made_where_there_is_no_room_for_a_command(
    either: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    source, target = either
    async with RealSshd(MaxSessions="1") as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
        assert server.log.count("Accepted publickey") == 1
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert BY_SFTP in told.text


@pytest.mark.parametrize(
    ("meanwhile", "left"),
    [
        ("touch 'source/folder 0/below/0'", ""),
        ("echo changed >'source/folder 0/below/0'", ""),
        ("rm 'source/folder 0/below/0'", "0/below/0"),
    ],
)
async def test_what_changes_after_the_listing_is_copied_or_reported_as_ever(
    either: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
    left: str,
) -> None:
    source, target = either
    # Else the command would be there before the listing.
    monkeypatch.setattr(ahead, "_MANY_FOLDERS", MANY)
    commands = f'mkdir once && {{ {meanwhile}; }}; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    missing = [error.path for error in done.errors]
    assert len(missing) == bool(left)
    there, here = tree(source), tree(target / "source")
    if left:
        assert missing[0].endswith(left)
        assert b"folder 0/below/0" not in here
    else:
        changed = "folder 0/below/0"
        assert looks(target / "source")[changed] == looks(source)[changed]
    assert here == there
    assert not unfinished(target)


@pytest.mark.parametrize("either", ["there"], indirect=True)
async def test_a_file_that_is_written_while_it_is_read_goes_by_sftp(
    either: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    source, target = either
    (source / "more").mkdir()
    furnish(source / "more", MORE)
    shutil.copytree(source / "more", target / "source" / "more", ignore=no_folders)
    # The word of tar that a file changed is its status alone.
    commands = 'mkdir once && { eval "$asked"; exit 1; }; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert "go by SFTP: status 1" in told.text
    assert IN_BULK in told.text, "others are not meant"


async def test_a_new_folder_with_a_file_that_is_written_meanwhile_comes_in_parts(
    folders: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    commands = 'mkdir once && { eval "$asked"; exit 1; }; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert os.listdir(target) == ["source"]
    assert "in parts: status 1" in told.text
    assert IN_BULK in told.text, "the host is good at it"


async def test_a_folder_that_appears_here_is_left_alone(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = folders
    place = shlex.quote(str(target / "source"))
    commands = f'mkdir {place} && echo mine >{place}/odd; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.errors
    assert tree(target / "source").keys() == {b"odd"}
    assert (target / "source" / "odd").read_bytes() == b"mine\n"
    assert os.listdir(target) == ["source"]


async def test_a_stream_that_was_opened_for_few_files_is_let_go(
    folders: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    for path in files_below(source)[10:]:
        path.unlink()
    commands = 'echo begun >begun; eval "$asked"; echo "$?" >ended'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "ended").exists():  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert (tmp_path / "begun").exists()
    assert IN_BULK not in told.text


async def test_pseudo_files_that_claim_a_page_are_not_filled_up_with_zeros(
    sshd: RealSshd, tmp_path: Path
) -> None:
    folder = Path("/sys/devices/virtual")
    if sum(path.stat().st_size == 4096 for path in files_below(folder)) < MANY:
        pytest.skip("this system has too few of them")
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [folder], "", tmp_path)
    assert done.files_done > MANY
    copied = files_below(tmp_path / "virtual")
    assert not [path for path in copied if b"\0" * 100 in path.read_bytes()]


@pytest.mark.parametrize("either", ["there"], indirect=True)
async def test_nothing_that_appears_at_the_target_is_overwritten(
    either: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = either
    place = shlex.quote(str(target / "source" / "folder 3" / "below"))
    commands = f'while ! echo mine >{place}/3; do sleep 0.01; done 2>/dev/null; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    (error,) = done.errors
    assert "it was not overwritten" in error.reason
    assert (target / "source" / "folder 3" / "below" / "3").read_bytes() == b"mine\n"
    assert not unfinished(target)


@pytest.mark.parametrize("either", ["there"], indirect=True)
async def test_a_link_in_the_place_of_a_folder_leads_nothing_out(
    either: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = either
    outside = tmp_path / "outside"
    outside.mkdir()
    place = shlex.quote(str(target / "source" / "folder 3"))
    commands = (
        f"while ! mv {place}/below {place}/aside; do sleep 0.01; done 2>/dev/null\n"
        f'ln -s {shlex.quote(str(outside))} {place}/below; eval "$asked"'
    )
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.errors_total >= len(list((source / "folder 3" / "below").iterdir()))
    assert not list(outside.iterdir())


@pytest.mark.parametrize("fault", ["cancel", "kill", "cut"])
async def test_an_interrupted_copy_leaves_nothing_half_and_a_retry_finishes(
    sshd: RealSshd, either: tuple[Path, Path], fault: str
) -> None:
    source, target = either
    async with slow_line(sshd, rate=2_000_000) as (proxy, config), files_on(config) as files:
        job = files.submit("sshd", [source], "", target)
        await until_some_arrived(files, job, 300_000)
        {"cancel": lambda: files.queue.cancel(job), "kill": sshd.kill_connections}.get(
            fault, proxy.cut
        )()
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is not TransferState.DONE
        assert not unfinished(target)
        there = tree(source)
        assert tree(target / "source").items() <= there.items()
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.DONE, done
        assert tree(target / "source") == there
        assert looks(target / "source") == looks(source)


async def test_a_full_disk_is_called_that_and_what_fits_is_whole(
    sshd: RealSshd, either: tuple[Path, Path], small_disk: Path
) -> None:
    source, _ = either
    (source / "more").mkdir()
    furnish(source / "more", MORE)
    async with files_on(sshd.config_file, True) as files:
        done = await files.copy("sshd", [source], "", small_disk)
    assert done.errors
    assert all("disk full" in error.reason for error in done.errors)
    assert not unfinished(small_disk)
    assert tree(small_disk / "source").items() <= tree(source).items()
