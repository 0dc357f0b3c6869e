"""``sshdash sync`` as a program, against a real server: what it does to both trees."""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sshdash.paths import sync_dir
from tests.live.file_kit import fill_with_odd_names, tree, unfinished
from tests.live.test_cli_cp import Ended, arrived
from tests.live.test_sftp_faults import slow_line
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


async def start(config: Path, *words: object) -> asyncio.subprocess.Process:
    """Start ``sshdash sync``."""
    command = [sys.executable, "-m", "sshdash", "-F", config, "sync", *words]
    pipe = asyncio.subprocess.PIPE
    root = Path(__file__).parent.parent.parent
    return await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        env={**os.environ, "PYTHONPATH": str(root)},
        start_new_session=True,
    )


async def sync(config: Path, *words: object) -> Ended:
    """Run ``sshdash sync`` to its end."""
    process = await start(config, *words)
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a local tree: files, an empty folder, a link, odd names; wide enough for find."""
    folder = tmp_path / "here"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "odd").mkdir()
    fill_with_odd_names(folder / "odd")
    (folder / "src" / "deep" / "file").write_bytes(os.urandom(300_000))
    (folder / "src" / "main.py").write_bytes(b"print()")
    (folder / "src" / "link").symlink_to("main.py")
    (folder / "notes.txt").write_bytes(b"first")
    for number in range(3):
        (folder / f"part-{number}").mkdir()
        (folder / f"part-{number}" / "file").write_bytes(b"x" * number)
    return folder


async def test_a_tree_goes_up_and_down_and_is_then_in_step(
    sshd: RealSshd, here: Path, tmp_path: Path
) -> None:
    away = sshd.home / "away"
    dry = await sync(sshd.config_file, "-n", here, "sshd:away")
    assert (dry.status, away.exists()) == (0, False), "a dry run makes nothing"
    done = await sync(sshd.config_file, here, "sshd:away/")
    assert done.status == 0, done.errors
    assert tree(away) == tree(here)
    assert done.output == dry.output
    assert "new        src/deep/file\n" in done.output
    assert "new        odd/new\\nline\n" in done.output, "names are escaped, one a line"
    assert (away / "notes.txt").stat().st_mtime == int((here / "notes.txt").stat().st_mtime)

    again = await sync(sshd.config_file, f"{here}/", "sshd:away", "--delete")
    assert (again.status, again.output) == (0, ""), "all of it is alike now"
    assert f"the same: {len(tree(here))}" in again.errors

    back = tmp_path / "back"
    done = await sync(sshd.config_file, "sshd:away", back)
    assert done.status == 0, done.errors
    assert tree(back) == tree(here)
    assert unfinished(away) == unfinished(back) == []


def times(folder: Path) -> dict[str, int]:
    """Return the times of a folder and of all below it, those of links themselves too."""
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): int(path.lstat().st_mtime) for path in paths}


@pytest.mark.parametrize("ends", [False, True], ids=["refused", "cut off"])
async def test_a_time_that_cannot_be_set_is_told_with_the_rest(here: Path, ends: bool) -> None:
    class Timeless(asyncssh.SFTPServer):
        def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
            if path.endswith(b"/empty") and attrs.mtime is not None:
                if ends:
                    server.drop_connections()
                raise asyncssh.SFTPFailure("the clock is stuck")
            super().lsetstat(path, attrs)

        setstat = lsetstat

    async with LoopbackServer(Faults(sftp_server=Timeless)) as server:
        (server.home / "away" / "empty").mkdir(parents=True)
        os.utime(here / "empty", (10**9, 10**9))
        done = await sync(server.config_file, here, "loopback:/away")
        copied = tree(server.home / "away")
    assert done.status == (255 if ends else 1), done.errors
    assert copied == tree(here)
    assert "sshdash: to copy: " in done.errors
    if ends:
        assert "the connection was lost" in done.errors
    else:
        assert "sshdash: empty: cannot set the time: the server said only that" in done.errors


@pytest.mark.parametrize("way", ["up", "down", "no commands"])
async def test_folders_and_links_have_the_times_of_their_source(
    here: Path, tmp_path: Path, way: str
) -> None:
    options = {"forcecommand": "internal-sftp"} if way == "no commands" else {}
    async with RealSshd(**options) as server:
        one, other = here, server.home / "away"
        ends = (str(here), f"sshd:{other}")
        if way == "down":
            shutil.copytree(here, server.home / "from", symlinks=True)
            one, other = server.home / "from", tmp_path / "away"
            ends = (f"sshd:{one}", str(other))
        (one / "src" / "other link").symlink_to("nowhere")
        for number, path in enumerate(sorted([one, *one.rglob("*")], reverse=True)):
            os.utime(path, (10**9 + number,) * 2, follow_symlinks=False)
        done = await sync(server.config_file, "--delete", *ends)
        assert done.status == 0, done.errors
        assert times(other) == times(one)

        (other / "src" / "extra").write_bytes(b"")  # goes, which changes its folder's time
        os.utime(other / "src" / "link", (1, 1), follow_symlinks=False)
        os.utime(other / "empty", (1, 1))
        shutil.rmtree(other / "part-1")
        (one / "src" / "deep" / "more").write_bytes(b"")
        os.utime(one / "src" / "deep", (10**9 + 500,) * 2)
        dry = await sync(server.config_file, "-n", "--delete", *ends)
        assert (other / "empty").stat().st_mtime == 1, dry.errors
        done = await sync(server.config_file, "--delete", *ends)
        assert (done.status, tree(other)) == (0, tree(one)), done.errors
        assert times(other) == times(one)

        (other / "src" / "new").write_bytes(b"")
        before = times(other)
        done = await sync(server.config_file, "--both", *ends)
        assert done.status == 0, done.errors
        assert times(other) == before, "both ways, neither end is the one to go by"


async def test_a_server_that_runs_no_commands_is_listed_over_sftp(here: Path) -> None:
    async with RealSshd(forcecommand="internal-sftp") as server:
        away = server.home / "away"
        done = await sync(server.config_file, here, f"sshd:{away}")
        assert done.status == 0, done.errors
        (away / "extra").mkdir()
        done = await sync(server.config_file, "--delete", here, f"sshd:{away}")
        assert (done.status, done.output) == (0, "delete     extra/\n"), done.errors
        assert tree(away) == tree(here)


async def test_changes_are_copied_and_what_is_gone_is_deleted_only_where_asked(
    sshd: RealSshd, here: Path
) -> None:
    away = sshd.home / "away"
    await sync(sshd.config_file, here, "sshd:away")
    (here / "notes.txt").write_bytes(b"second, longer")
    (here / "src" / "main.py").unlink()
    (here / "src" / "deep" / "file").unlink()
    (here / "src" / "deep").rmdir()
    done = await sync(sshd.config_file, here, "sshd:away")
    assert (done.status, done.output) == (0, "changed    notes.txt\n")
    assert (away / "notes.txt").read_bytes() == b"second, longer"
    assert (away / "src" / "deep" / "file").exists()

    dry = await sync(sshd.config_file, "--dry-run", "--delete", here, "sshd:away")
    assert dry.output.split("\n")[:-1] == [
        "delete     src/deep/",
        "delete     src/deep/file",
        "delete     src/main.py",
    ]
    assert (away / "src" / "main.py").exists()
    done = await sync(sshd.config_file, "--delete", here, "sshd:away")
    assert done.status == 0, done.errors
    assert tree(away) == tree(here)


async def test_what_is_excluded_is_neither_copied_nor_deleted(sshd: RealSshd, here: Path) -> None:
    away = sshd.home / "away"
    (here / "build").mkdir()
    (here / "build" / "a.o").write_bytes(b"object")
    (here / "keep.log").write_bytes(b"keep")
    (here / "drop.log").write_bytes(b"drop")
    (away / "old" / "build").mkdir(parents=True)
    (away / "old" / "build" / "b.o").write_bytes(b"theirs")
    (away / "old" / "gone").write_bytes(b"gone")
    (here.parent / "ignore").write_text("# comment\nbuild/\n*.log\n")
    words = ("--exclude-from", here.parent / "ignore", "--include", "keep.log", "--delete")
    done = await sync(sshd.config_file, *words, here, "sshd:away")
    assert done.status == 1, "a folder that holds something excluded stays, and that is told"
    assert "left out   old/  (it holds what was left out" in done.output
    assert (away / "keep.log").exists()
    assert not (away / "drop.log").exists()
    assert not (away / "build").exists()
    assert (away / "old" / "build" / "b.o").read_bytes() == b"theirs"
    assert not (away / "old" / "gone").exists()
    done = await sync(sshd.config_file, *words, "--delete-excluded", here, "sshd:away")
    assert done.status == 0, done.errors
    assert not (away / "old").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_what_had_arrived_when_it_was_ended_is_not_sent_again(
    sshd: RealSshd, tmp_path: Path, number: signal.Signals
) -> None:
    away, here = sshd.home / "away", tmp_path / "target"
    away.mkdir()
    here.mkdir()
    data = os.urandom(30_000_000)
    (away / "big").write_bytes(data)
    (away / "other").write_bytes(data[:1000])
    async with slow_line(sshd, rate=10_000_000) as (proxy, config):
        process = await start(config, "--both", "sshd:away", here)
        async with asyncio.timeout(PATIENCE):
            while arrived(here) < 15_000_000:  # noqa: ASYNC110 (another program writes it)
                await asyncio.sleep(0.01)
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert (b"the same command goes on with it" in errors) is (number == signal.SIGINT)
        assert len(unfinished(here)) == 1
        proxy.rate = 0
        before = proxy.bytes_down
        done = await sync(config, "--both", "sshd:away", here)
        assert done.status == 0, done.errors
        assert proxy.bytes_down - before < len(data) - 3_000_000, "it began anew"
    assert tree(here) == tree(away)
    assert not os.listdir(Path(os.environ["XDG_STATE_HOME"]) / "sshdash" / "transfers")


async def test_both_ways_the_newer_wins_and_a_tie_is_left_alone(sshd: RealSshd, here: Path) -> None:
    away = sshd.home / "away"
    away.mkdir()
    (away / "theirs").write_bytes(b"theirs")
    for folder, name, content, time in (
        (here, "both", b"old", 1000),
        (away, "both", b"newer", 2000),
        (here, "tie", b"one", 3000),
        (away, "tie", b"three", 3000),
    ):
        (folder / name).write_bytes(content)
        os.utime(folder / name, (time, time))
    done = await sync(sshd.config_file, "--both", here, "sshd:away")
    assert done.status == 1
    assert "conflict   tie  (the same time and different sizes)" in done.output
    assert "changed ←  both\n" in done.output
    assert (here / "both").read_bytes() == (away / "both").read_bytes() == b"newer"
    assert ((here / "tie").read_bytes(), (away / "tie").read_bytes()) == (b"one", b"three")
    assert (here / "theirs").exists()
    assert (away / "src" / "main.py").exists()
    wrong = await sync(sshd.config_file, "--both", "--delete", here, "sshd:away")
    assert wrong.status == 2


async def test_both_ways_what_one_end_deleted_is_deleted_on_the_other(
    sshd: RealSshd, here: Path
) -> None:
    away = sshd.home / "away"
    first = await sync(sshd.config_file, "--both", here, "sshd:away")
    assert (first.status, tree(here)) == (0, tree(away)), first.errors
    (away / "notes.txt").unlink()
    (here / "src" / "deep" / "file").unlink()
    (here / "made").write_bytes(b"made")
    os.utime(away / "src" / "main.py", (5000, 5000))
    looked = await sync(sshd.config_file, "--both", "-n", here, "sshd:away")
    assert looked.status == 0
    assert "delete ←   notes.txt  (deleted on the right)" in looked.output
    done = await sync(sshd.config_file, "--both", here, "sshd:away")
    assert done.output == looked.output
    assert "delete →   src/deep/file  (deleted on the left)" in done.output
    assert "changed ←  src/main.py\n" in done.output, "the older time is the change"
    assert done.status == 0
    assert tree(here) == tree(away)
    assert not (here / "notes.txt").exists()
    assert not (away / "src" / "deep" / "file").exists()
    turned = await sync(sshd.config_file, "--both", "sshd:away", here)
    assert (turned.status, turned.output) == (0, "")


async def test_both_ways_a_folder_that_is_gone_or_empty_does_not_empty_the_other(
    sshd: RealSshd, here: Path
) -> None:
    away = sshd.home / "away"
    both = "--both", here, "sshd:away"
    assert (await sync(sshd.config_file, *both)).status == 0
    before = tree(here)
    away.rename(sshd.home / "moved")
    gone = await sync(sshd.config_file, *both)
    assert gone.status == 1
    assert "not there any more" in gone.errors
    away.mkdir()
    empty = await sync(sshd.config_file, *both)
    assert empty.status == 1
    assert "Too much would be deleted" in empty.errors
    assert "--resync" in empty.errors
    assert (tree(here), list(away.iterdir())) == (before, [])
    again = await sync(sshd.config_file, "--resync", *both)
    assert (again.status, tree(away)) == (0, before), again.errors
    for name in ("src", "odd", "part-0", "part-1", "part-2"):
        shutil.rmtree(away / name)
    meant = await sync(sshd.config_file, "--max-delete", "100", *both)
    assert (meant.status, tree(here)) == (0, tree(away)), meant.errors
    assert not (here / "src").exists()


async def test_both_ways_what_is_remembered_and_cannot_be_read_is_no_first_time(
    sshd: RealSshd, here: Path
) -> None:
    both = "--both", here, "sshd:away"
    assert (await sync(sshd.config_file, *both)).status == 0
    (file,) = sync_dir().iterdir()
    file.write_bytes(b"spoiled" * 1000)
    (here / "notes.txt").unlink()
    for words in (both, ("-n", *both)):
        refused = await sync(sshd.config_file, *words)
        assert (refused.status, refused.output) == (1, "")
        assert f"{file}: " in refused.errors
        assert "--resync begins anew and deletes nothing" in refused.errors
    assert file.read_bytes() == b"spoiled" * 1000
    assert (sshd.home / "away" / "notes.txt").exists()
    dry = await sync(sshd.config_file, "-n", "--resync", *both)
    assert (dry.status, dry.output) == (0, "new ←      notes.txt\n"), dry.errors
    assert file.read_bytes() == b"spoiled" * 1000, "a dry run changes nothing"
    anew = await sync(sshd.config_file, "--resync", *both)
    assert (anew.status, anew.output) == (0, dry.output), anew.errors
    assert file.with_suffix(".broken").read_bytes() == b"spoiled" * 1000
    (here / "notes.txt").unlink()
    after = await sync(sshd.config_file, *both)
    assert after.output == "delete →   notes.txt  (deleted on the left)\n", after.errors


async def test_checksums_find_what_size_and_time_hide(sshd: RealSshd, here: Path) -> None:
    away = sshd.home / "away"
    await sync(sshd.config_file, here, "sshd:away")
    when = (here / "notes.txt").stat()
    (away / "notes.txt").write_bytes(b"FIRST")
    os.utime(away / "notes.txt", ns=(when.st_mtime_ns, when.st_mtime_ns))
    os.utime(away / "src" / "main.py", (5, 5))
    done = await sync(sshd.config_file, "-n", here, "sshd:away")
    assert done.output == "changed    src/main.py\n"
    done = await sync(sshd.config_file, "--checksum", here, "sshd:away")
    assert done.output == "changed    notes.txt\n"
    assert (away / "notes.txt").read_bytes() == b"first"


async def test_what_is_told_can_be_read_by_programs(sshd: RealSshd, here: Path) -> None:
    os.mkfifo(here / "pipe")
    done = await sync(sshd.config_file, "--json", here, "sshd:away")
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert done.status == 1
    (left,) = (line for line in lines if line.get("act") == "left out")
    assert (left["path"], left["why"]) == ("pipe", "not a regular file (FIFO)")
    assert lines[-1]["event"] == "done"
    assert lines[-1]["left_out"] == 1
    assert lines[-1]["folders"] == 7


async def test_a_source_that_is_not_there_is_never_an_empty_one(
    sshd: RealSshd, here: Path, tmp_path: Path
) -> None:
    before = tree(here)
    done = await sync(sshd.config_file, "--delete", "sshd:no-such", here)
    assert done.status == 1
    assert "no such file" in done.errors
    done = await sync(sshd.config_file, "--delete", tmp_path / "none", here)
    assert done.status == 1
    done = await sync(sshd.config_file, here / "src", here)
    assert done.status == 2
    assert "inside the other" in done.errors
    assert tree(here) == before


class Watching:
    """``sshdash sync --watch --json`` as it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []

    async def until(self, **wanted: object) -> dict[str, Any]:
        """Return the next line that has these fields."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                fields = json.loads(line)
                self.told.append(fields)
                if wanted.items() <= fields.items():
                    return dict(fields)
        assert self.process.stderr
        raise AssertionError(f"it ended: {self.told} {(await self.process.stderr.read()).decode()}")

    async def end(self) -> int:
        """Interrupt it and return its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        await asyncio.wait_for(self.process.communicate(), PATIENCE)
        assert self.process.returncode is not None
        return self.process.returncode


async def test_a_watched_folder_is_uploaded_as_it_changes(sshd: RealSshd, here: Path) -> None:
    away = sshd.home / "away"
    config, words = sshd.config_file, ("--delete", "--exclude", "*.tmp", here, "sshd:away")
    watching = Watching(await start(config, "--watch", "--json", *words))
    try:
        await watching.until(event="watch", state="up to date")
        assert tree(away) == tree(here)

        (here / "fresh").mkdir()
        (here / "fresh" / "file").write_bytes(b"fresh")
        (here / "scratch.tmp").write_bytes(b"not this")
        (here / "src" / "main.py").write_bytes(b"print(2), longer")
        (here / "notes.txt").unlink()
        expected = {*tree(here)} - {b"scratch.tmp"}
        while {*tree(away)} != expected or (away / "src" / "main.py").stat().st_size != 16:
            await watching.until(event="watch", state="up to date")
        assert (away / "fresh" / "file").read_bytes() == b"fresh"

        assert await asyncio.to_thread(sshd.kill_connections)
        (here / "after").write_bytes(b"written while it was away")
        while not (away / "after").exists():
            await watching.until(event="watch", state="up to date")
    finally:
        ended = await watching.end()
    assert ended == 130
    assert unfinished(away) == []


async def test_only_a_folder_here_can_be_watched(sshd: RealSshd, here: Path) -> None:
    done = await sync(sshd.config_file, "--watch", "sshd:x", here)
    assert done.status == 2
    done = await sync(sshd.config_file, "--watch", "--both", here, "sshd:x")
    assert done.status == 2


async def test_what_cannot_be_synced_is_named(sshd: RealSshd, here: Path) -> None:
    done = await sync(sshd.config_file, "sshd:nowhere", here)
    assert done.status == 1
    assert f"sshd:{sshd.home}/nowhere: cannot stat" in done.errors
    done = await sync(sshd.config_file, here / "notes.txt", "sshd:x")
    assert done.status == 1
    assert f"{here}/notes.txt: not a directory" in done.errors


async def test_a_folder_inside_the_other_is_refused_by_whatever_name(
    sshd: RealSshd, here: Path
) -> None:
    (sshd.home / "away" / "sub").mkdir(parents=True)
    (sshd.home / "link").symlink_to("away/sub")
    (here.parent / "link").symlink_to(here / "src")
    config = here.parent / "config"
    alias = sshd.config_file.read_text().replace("Host sshd inner\n", "Host sshd inner alias\n", 1)
    config.write_text(alias)
    config.chmod(0o600)
    for source, target in (
        ("sshd:away", "alias:away/sub"),
        ("alias:away/sub", "sshd:away"),
        ("sshd:away", "alias:link"),
        ("sshd:away", "alias:away/sub/new"),
        ("sshd:away", f"{sshd.user}@sshd:{sshd.home}/away"),
        (here, here.parent / "link"),
        (here.parent / "link", here),
    ):
        done = await sync(config, "--delete", source, target)
        assert done.status == 2, (source, target, done.errors)
        assert "One folder is inside the other" in done.errors
    done = await sync(config, "sshd:away", "alias:other")
    assert done.status == 0, done.errors
