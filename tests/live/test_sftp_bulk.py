"""Very many small files in one stream of tar, and by SFTP where that is not as expected."""

import asyncio
import hashlib
import logging
import os
import random
import shlex
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sshdash.prompts import ConflictChoice
from sshdash.sftp import walk
from sshdash.sftp.beneath import unconfined
from sshdash.sftp.bulk import download, nursery, staging, stream, upload
from sshdash.sftp.bulk import tree as trees
from sshdash.sftp.directories import Directories
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.partial import remove_parts
from sshdash.states import TransferState
from tests.live.file_kit import files_on, fill_with_odd_names, tree, unfinished
from tests.live.test_cli_cp import cp, start
from tests.live.test_sftp_cuts import check_names
from tests.live.test_sftp_faults import SFTP_SERVERS, slow_line, until_some_arrived
from tests.live.test_sftp_faults import small_disk as small_disk
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

MANY = 540
"""Small files: enough for a stream."""
MORE = 600
"""As many more that one tar is not asked for all of them."""
CUTS = 6
BY_SFTP = "small files go by SFTP"
IN_BULK = "small files came in one stream"
UP_BY_SFTP = "a folder of small files goes by SFTP"
WENT_IN_BULK = "small files went in one stream"


def furnish(folder: Path, files: int = MANY) -> None:
    """Make folders of small files, with odd names, modes and times."""
    for number in range(files):
        path = folder / f"folder {number % 7}" / "below" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1 + number * 13 % 3000))
        path.chmod(0o400 | number % 0o400)
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    (folder / "odd").mkdir()
    fill_with_odd_names(folder / "odd")


def files_below(folder: Path) -> list[Path]:
    """Return the regular files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def looks(folder: Path) -> dict[str, tuple[int, int]]:
    """Return modes and times of everything below a folder but links, which have none of theirs."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, int(path.lstat().st_mtime))
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a source with very many files and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    furnish(source)
    return source, target


@pytest.fixture(params=["new", "there"])
def either(folders: tuple[Path, Path], request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """Return them with the folders of the source new to the target, or there and without files."""
    source, target = folders
    if request.param == "there":
        shutil.copytree(source, target / "source", ignore=_no_folders)
    return folders


def _no_folders(above: str, names: list[str]) -> list[str]:
    found = [Path(above, name) for name in names]
    return [path.name for path in found if path.is_symlink() or not path.is_dir()]


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return what is told of the way files go."""
    caplog.set_level(logging.DEBUG, "sshdash.sftp.bulk")
    return caplog


@asynccontextmanager
async def answering(commands: str, tmp_path: Path, **options: str) -> AsyncIterator[RealSshd]:
    """Run a server that has SFTP, and for commands only what a shell script makes of `$asked`."""
    program = next((one for one in SFTP_SERVERS if one.exists()), None)
    if program is None:
        pytest.skip("this system has no sftp-server program")
    script = tmp_path / "forced"
    script.write_text(
        "asked=$SSH_ORIGINAL_COMMAND\ncase $asked in\n"
        f"{program}) exec {program};;\nesac\ncd {shlex.quote(str(tmp_path))} || exit\n{commands}\n"
    )
    forced = f"/bin/sh {script}"
    async with RealSshd(subsystem=str(program), ForceCommand=forced, **options) as server:
        yield server


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
    monkeypatch.setattr(walk, "_MANY_FOLDERS", MANY)
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
    shutil.copytree(source / "more", target / "source" / "more", ignore=_no_folders)
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


# -- up


async def test_a_tree_goes_up_whole_and_mostly_in_bulk(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    (source / "large").write_bytes(os.urandom(300_000))
    (source / "link").symlink_to("large")
    (source / "empty" / "deeper").mkdir(parents=True)
    (source / "empty").chmod(0o3750)
    (source / "read-only").mkdir()
    (source / "read-only" / "file").write_bytes(b"x")
    (source / "read-only").chmod(0o555)
    os.utime(source / "empty", (1_100_000_000, 1_100_000_000))
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    (source / "empty").chmod(0o1750)  # never setgid
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]
    assert WENT_IN_BULK in told.text
    assert UP_BY_SFTP not in told.text
    assert done.files_done == done.files_total
    assert done.bytes_done == sum(
        path.stat().st_size
        for path in source.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


@pytest.mark.parametrize(
    "commands",
    [
        "echo Welcome to this host",
        "exit 0",
        "printf 'ready to unpack'; cat >/dev/null",
        "cat",
        'echo a word first; eval "$asked"',
        'eval "$asked" | head -c 2000',
        'head -c 200000 | eval "$asked"',
        'eval "$asked"; kill -9 $$',
        'eval "$asked"; echo and more',
        'echo own >"$(echo target/.*.part)/own"; eval "$asked"',
        'mkdir -p "$(echo target/.*.part)/folder 0/below/0"; eval "$asked"',
        'mkdir bin; printf "#!/bin/sh\\necho bsdtar 3.6\\n" >bin/tar; chmod +x bin/tar\n'
        'PATH=$PWD/bin:$PATH; eval "$asked"',
        'mkdir bin; printf "#!/bin/sh\\nexit 1\\n" >bin/find; chmod +x bin/find\n'
        'PATH=$PWD/bin:$PATH; eval "$asked"',
    ],
)
async def test_a_host_that_does_something_else_gets_all_by_sftp(
    folders: tuple[Path, Path],
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    commands: str,
) -> None:
    source, target = folders
    monkeypatch.setattr(stream, "FIRST", 1.0)
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)
    assert os.listdir(target) == ["source"]
    assert UP_BY_SFTP in told.text


async def test_what_changes_before_it_is_read_is_sent_as_it_is_then(
    folders: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    changes = "cd source/folder*0/below; echo changed >0; rm 7; chmod 0 14; touch 21; cd ../../.."
    async with (
        answering(f'{changes}; eval "$asked"', tmp_path) as server,
        files_on(server.config_file) as files,
    ):
        done = await files.copy("", [source], "sshd", target)
    (error,) = done.errors
    assert error.path.endswith("folder 0/below/7")
    assert tree(target / "source") == tree(source)
    touched = "folder 0/below/21"
    assert looks(target / "source")[touched] == looks(source)[touched]
    assert WENT_IN_BULK in told.text


async def test_a_folder_that_appears_at_the_target_is_left_alone(
    folders: tuple[Path, Path], tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    commands = 'mkdir target/source; echo mine >target/source/mine; eval "$asked"'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.errors
    assert tree(target / "source").keys() == {b"mine"}
    assert os.listdir(target) == ["source"]
    assert UP_BY_SFTP in told.text


@pytest.mark.parametrize("fault", ["cancel", "kill", "cut"])
async def test_an_upload_that_is_interrupted_leaves_nothing_a_retry_does_not_remove(
    sshd: RealSshd, folders: tuple[Path, Path], fault: str
) -> None:
    source, target = folders
    async with slow_line(sshd, rate=2_000_000) as (proxy, config), files_on(config) as files:
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, 300_000)
        {"cancel": lambda: files.queue.cancel(job), "kill": sshd.kill_connections}.get(
            fault, proxy.cut
        )()
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is not TransferState.DONE
        assert not (target / "source").exists()
        left = os.listdir(target)
        assert len(left) == (fault != "cancel")
        assert all(name.startswith(".source.sshdash-") for name in left)
        files.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            done = await files.queue.wait(job)
        assert done.state is TransferState.DONE, done
        assert os.listdir(target) == ["source"]
        assert tree(target / "source") == tree(source)
        assert looks(target / "source") == looks(source)


async def test_what_is_still_unpacked_after_a_cancel_is_removed_too(
    sshd: RealSshd, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    unpacking = [True] * 3

    async def remove(filesystem: Filesystem, parts: set[bytes]) -> None:
        if unpacking:
            unpacking.pop()  # a folder that something appeared in meanwhile stays
        else:
            await remove_parts(filesystem, parts)

    monkeypatch.setattr(staging, "remove_parts", remove)
    async with slow_line(sshd, rate=2_000_000) as (_, config), files_on(config) as files:
        job = files.submit("", [source], "sshd", target)
        await until_some_arrived(files, job, 100_000)
        files.queue.cancel(job)
        await files.queue.wait(job)
    assert os.listdir(target) == []


async def test_a_full_remote_disk_is_called_that_and_what_fits_is_whole(
    sshd: RealSshd, folders: tuple[Path, Path], small_disk: Path
) -> None:
    source, _ = folders
    (source / "more").mkdir()
    furnish(source / "more", MORE)
    async with files_on(sshd.config_file, True) as files:
        done = await files.copy("", [source], "sshd", small_disk)
    assert done.errors
    assert all("disk full" in error.reason for error in done.errors)
    assert not unfinished(small_disk)
    assert tree(small_disk / "source").items() <= tree(source).items()


@pytest.mark.parametrize("resume", [(), ("--resume",)], ids=["anew", "resumed"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_cp_that_was_killed_leaves_nothing_behind_once_it_is_run_again(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    way: str,
    number: signal.Signals,
    resume: tuple[str, ...],
) -> None:
    source, target = folders
    ends = (f"sshd:{source}", target) if way == "down" else (source, f"sshd:{target}")
    async with slow_line(sshd, rate=1_000_000) as (proxy, config):
        process = await start(config, "-r", "-p", *ends)
        async with asyncio.timeout(PATIENCE):
            while len(unfinished(target)) < 200:  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode
        proxy.rate = 0
        done = await cp(config, "-r", "-p", *resume, *ends)
    assert done.status == 0, done.errors
    assert os.listdir(target) == ["source"]
    assert tree(target / "source") == tree(source)
    assert looks(target / "source") == looks(source)


@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("way", ["down", "up"])
async def test_copies_are_as_those_by_sftp(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    preserve: bool,
) -> None:
    source, target = folders
    other = target.with_name("other")
    other.mkdir()
    for folder in (target, other):
        folder.chmod(0o2775)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends[0], [source], ends[1], target, preserve=preserve)
        assert done.state is TransferState.DONE, done.errors
        for module in (download, trees, upload):
            monkeypatch.setattr(module, "LEAST", 1_000_000)
        done = await files.copy(ends[0], [source], ends[1], other, preserve=preserve)
        assert done.state is TransferState.DONE, done.errors
    bulk, single = looks(target), looks(other)
    assert bulk.keys() == single.keys()
    for path, (mode, seconds) in bulk.items():
        assert mode == single[path][0], path
        assert seconds == single[path][1] or (not preserve and single[path][1] - seconds < 60), path


@pytest.mark.parametrize("reset", [False, True], ids=["cut", "reset"])
@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_tree_arrives_whole_over_a_connection_that_is_cut_at_random(
    sshd: RealSshd, folders: tuple[Path, Path], tmp_path: Path, way: str, reset: bool
) -> None:
    source, above = folders
    dice, cuts = random.Random(f"{way}, {reset}"), 0
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with (
        slow_line(sshd) as (proxy, config),
        files_on(config, kept=tmp_path / "kept") as files,
    ):
        while cuts < CUTS:
            target = above / f"after {cuts}"
            target.mkdir()
            choice = ConflictChoice.OVERWRITE
            proxy.cut_after(dice.randrange(5_000, 1_500_000), reset)
            job = files.submit(ends[0], [source], ends[1], target, conflict=choice)
            while (end := await files.queue.wait(job)).state is not TransferState.DONE:
                assert end.cut_off, end
                check_names(source, target / "source", set())
                cuts += 1
                assert cuts < 4 * CUTS, "it gets nowhere"
                proxy.cut_after(dice.randrange(5_000, 1_500_000), reset)
                files.queue.retry(job)
            assert os.listdir(target) == ["source"]
            assert tree(target / "source") == tree(source)
            assert looks(target / "source") == looks(source)
            shutil.rmtree(target)


@pytest.mark.parametrize(
    "values", [{"verify": True}, {"move": True}, {"owner": True}], ids=lambda one: next(iter(one))
)
@pytest.mark.parametrize("way", ["down", "up"])
async def test_what_tar_cannot_do_goes_by_sftp(
    sshd: RealSshd,
    folders: tuple[Path, Path],
    told: pytest.LogCaptureFixture,
    way: str,
    values: dict[str, bool],
) -> None:
    source, target = folders
    there = tree(source)
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        done = await files.copy(ends[0], [source], ends[1], target, **values)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == there
    assert "in one stream" not in told.text


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_copy_with_a_limit_goes_by_sftp(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture, way: str
) -> None:
    source, target = folders
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with files_on(sshd.config_file) as files:
        files.queue.limit(20_000_000)
        done = await files.copy(ends[0], [source], ends[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert "in one stream" not in told.text


async def test_only_what_replaces_nothing_comes_in_bulk(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    old = target / "source" / "folder 1" / "below"
    old.mkdir(parents=True)
    for number in (1, 8):
        (old / f"{number}").write_bytes(b"old")
    furnish(source / "odd", MORE)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("sshd", [source], "", target, conflict=ConflictChoice.SKIP)
    assert done.state is TransferState.DONE, done.errors
    assert done.skipped == 2
    expected = tree(source)
    for number in (1, 8):
        expected[b"folder 1/below/%d" % number] = hashlib.sha256(b"old").hexdigest()
    assert tree(target / "source") == expected
    assert IN_BULK in told.text


@pytest.mark.parametrize("way", ["down", "up"])
async def test_a_host_that_allows_sftp_alone_is_not_waited_for(
    folders: tuple[Path, Path], told: pytest.LogCaptureFixture, way: str
) -> None:
    source, target = folders
    ends = ("sshd", "") if way == "down" else ("", "sshd")
    async with (
        RealSshd(ForceCommand="internal-sftp") as server,
        files_on(server.config_file) as files,
    ):
        done = await files.copy(ends[0], [source], ends[1], target)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target / "source") == tree(source)
    assert "by SFTP" in told.text
    assert "too long" not in told.text


async def test_a_group_that_a_folder_hands_on_is_that_of_what_goes_into_it(
    sshd: RealSshd, folders: tuple[Path, Path], told: pytest.LogCaptureFixture
) -> None:
    source, target = folders
    groups = [4321] if not os.geteuid() else [one for one in os.getgroups() if one != os.getegid()]
    if not groups:
        pytest.skip("whoever runs this is in no second group")
    os.chown(target, -1, groups[0])
    target.chmod(0o2775)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", [source], "sshd", target)
    assert done.state is TransferState.DONE, done.errors
    assert WENT_IN_BULK in told.text
    others = [path for path in target.rglob("*") if path.lstat().st_gid != groups[0]]
    assert not others
    assert looks(target / "source") == looks(source)


async def test_a_stream_for_few_files_takes_no_session_from_the_rest_of_the_copy(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    for path in files_below(source)[10:]:
        path.unlink()
    make = Directories.make

    async def make_then(*arguments: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "ended").exists():  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        await make(*arguments)

    monkeypatch.setattr(Directories, "make", make_then)
    commands = 'eval "$asked"; echo "$?" >ended'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        done = await files.copy("sshd", [source], "", target)
    assert done.state is TransferState.DONE, done.reason
    assert tree(target / "source") == tree(source)


async def test_a_stream_that_is_ready_as_the_copy_is_cancelled_is_let_go(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    wanted = asyncio.Event()
    start, shield = stream.Stream.start, asyncio.shield

    async def start_then(*arguments: Any, **values: Any) -> Any:
        started = await start(*arguments, **values)
        await wanted.wait()
        asyncio.get_running_loop().call_soon(files.queue.cancel, job)
        return started

    def want(work: Any) -> Any:
        wanted.set()
        return shield(work)

    commands = 'eval "$asked"; echo "$?" >ended'
    async with answering(commands, tmp_path) as server, files_on(server.config_file) as files:
        others = await files.open("sshd")  # the connection stays
        with monkeypatch.context() as patch:
            patch.setattr(stream.Stream, "start", start_then)
            patch.setattr(asyncio, "shield", want)
            job = files.submit("sshd", [source], "", target)
            done = await files.queue.wait(job)
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "ended").exists():  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        await others.close()
    assert done.state is TransferState.CANCELLED
    assert not os.listdir(target)


async def test_a_folder_that_is_put_in_the_place_of_ours_gets_nothing(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folders[1]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    made = nursery.Nursery(bytes(target / "ours"))
    with pytest.raises(PermissionError):
        made.make([b"below"], 0o700, unconfined)
    made.close()
    assert os.listdir(target) == ["ours"]
    assert not os.listdir(target / "ours")
