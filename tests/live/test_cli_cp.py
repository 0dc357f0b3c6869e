"""``sshdash cp`` as a program: exit status, what it tells, and what it leaves behind."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import asyncssh
import pytest

from tests.live.bulk_kit import files_below
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_faults import slow_line
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int
    output: str
    errors: str


async def start(
    config: Path,
    *words: object,
    cwd: Path | None = None,
    stdin: int = asyncio.subprocess.DEVNULL,
    command: str = "cp",
) -> asyncio.subprocess.Process:
    """Start ``sshdash cp``, or another command."""
    line = [sys.executable, "-m", "sshdash", "-F", config, command, *words]
    pipe = asyncio.subprocess.PIPE
    root = Path(__file__).parent.parent.parent
    return await asyncio.create_subprocess_exec(
        *map(str, line),
        stdin=stdin,
        stdout=pipe,
        stderr=pipe,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(root)},
        start_new_session=True,
    )


async def cp(config: Path, *words: object, cwd: Path | None = None) -> Ended:
    """Run ``sshdash cp`` to its end."""
    process = await start(config, *words, cwd=cwd)
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with something in it."""
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_bytes(os.urandom(5000))
    (folder / "a:b").write_bytes(b"colon")
    return folder


async def test_a_tree_goes_up_across_and_down(sshd: RealSshd, source: Path, tmp_path: Path) -> None:
    done = await cp(sshd.config_file, "-r", "-p", source, "sshd:up")
    assert (done.status, done.output, done.errors) == (0, "", "")
    assert tree(sshd.home / "up") == tree(source)
    done = await cp(sshd.config_file, "-r", "sshd:up", "inner:~/across")
    assert done.status == 0, done.errors
    assert tree(sshd.home / "across") == tree(source)
    (tmp_path / "into").mkdir()
    done = await cp(sshd.config_file, "-r", "sshd:across", "into", cwd=tmp_path)
    assert done.status == 0, done.errors
    assert tree(tmp_path / "into" / "across") == tree(source)


async def test_folders_that_were_there_get_mode_and_time_with_p(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    for folder, mode in ((source / "deep", 0o775), (source, 0o770)):
        os.chmod(folder, mode)
        os.utime(folder, (1_000_000_000, 1_000_000_000))
    there, here = sshd.home / "up" / "source", tmp_path / "down" / "source"
    for copy, words in ((there, (source, "sshd:up")), (here, ("sshd:up/source", "down"))):
        (copy / "deep").mkdir(parents=True)
        for folder in (copy, copy / "deep"):
            os.chmod(folder, 0o700)
        done = await cp(sshd.config_file, "-r", *words, cwd=tmp_path)
        assert (done.status, done.errors) == (0, "")
        assert (copy / "deep").stat().st_mode & 0o7777 == 0o700
        done = await cp(sshd.config_file, "-r", "-p", *words, cwd=tmp_path)
        assert (done.status, done.errors) == (0, "")
        for folder, mode in ((copy, 0o770), (copy / "deep", 0o775)):
            assert folder.stat().st_mode & 0o7777 == mode
            assert folder.stat().st_mtime == 1_000_000_000


@pytest.mark.parametrize("kept", [True, False])
async def test_links_have_times_of_their_own(
    sshd: RealSshd, source: Path, tmp_path: Path, kept: bool
) -> None:
    link = source / "link"
    link.symlink_to("nowhere")
    os.utime(link, (10**9, 10**9), follow_symlinks=False)
    words = ("-r", "-p") if kept else ("-r",)
    for turn in "new", "there":
        assert (await cp(sshd.config_file, *words, source, "sshd:")).status == 0
        assert (await cp(sshd.config_file, *words, "sshd:source", tmp_path / "down")).status == 0
        assert ((sshd.home / "source" / "link").lstat().st_mtime == 10**9) is kept
        assert ((tmp_path / "down" / "link").lstat().st_mtime == 10**9) is kept
        shutil.move(tmp_path / "down", tmp_path / f"{turn} before")


async def test_targets_are_taken_as_scp_takes_them(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    done = await cp(sshd.config_file, "./a:b", "sshd:", cwd=source)
    assert done.status == 0, done.errors
    assert (sshd.home / "a:b").read_bytes() == b"colon"
    done = await cp(sshd.config_file, "sshd:a:b", "new name", cwd=tmp_path)
    assert (tmp_path / "new name").read_bytes() == b"colon"
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to("there")
    done = await cp(sshd.config_file, "sshd:a:b", "link", cwd=tmp_path)
    assert (tmp_path / "there").read_bytes() == b"colon", "a named link is written through"
    assert (tmp_path / "link").is_symlink()
    for ends in (("./a:b", "sshd:leads"), ("sshd:a:b", str(tmp_path / "leads"))):
        folder = sshd.home if ends[1] == "sshd:leads" else tmp_path
        (folder / "leads").symlink_to("to a link")
        (folder / "to a link").symlink_to("to nothing")
        done = await cp(sshd.config_file, *ends, cwd=source)
        assert (done.status, done.errors) == (0, "")
        assert (folder / "leads").is_symlink(), "one that leads nowhere is, too"
        assert (folder / "to nothing").read_bytes() == b"colon"
    done = await cp(sshd.config_file, "-r", source / ".", "sshd:dot", cwd=tmp_path)
    assert done.status == 0, done.errors
    done = await cp(sshd.config_file, "-r", source, "sshd:slash/", cwd=tmp_path)
    assert (done.status, tree(sshd.home / "slash")) == (0, tree(source)), "a slash names a folder"
    done = await cp(sshd.config_file, "-r", "./a:b", "sshd:file/", cwd=source)
    assert (done.status, (sshd.home / "file").exists()) == (2, False), done.errors
    (sshd.home / "contents").mkdir()
    done = await cp(sshd.config_file, "-r", f"{source}/.", "sshd:contents", cwd=tmp_path)
    assert tree(sshd.home / "contents") == tree(source)


async def test_names_mean_what_they_mean_to_scp(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    (source / "deep" / "link").symlink_to("file")
    (source / "shortcut").symlink_to("deep/file")
    (source / "tree").symlink_to("deep")
    config = sshd.config_file
    # A link that is named is followed; one below a named directory is copied as a link.
    done = await cp(config, "shortcut", "sshd:", cwd=source)
    assert (done.status, done.errors) == (0, "")
    assert (sshd.home / "shortcut").read_bytes() == (source / "deep" / "file").read_bytes()
    assert not (sshd.home / "shortcut").is_symlink()
    for name, made in (("tree", "tree/link"), ("deep/.", "link")):
        done = await cp(config, "-r", name, "sshd:", cwd=source)
        assert (done.status, done.errors) == (0, "")
        assert (sshd.home / made).readlink() == Path("file")
    # Nobody but sshdash could expand a pattern on the host.
    for name in ("one.log", "two.log", "[odd].txt"):
        (sshd.home / name).write_text(name)
    (tmp_path / "here").mkdir()
    done = await cp(config, "sshd:*.log", "sshd:[odd].txt", "here", cwd=tmp_path)
    assert (done.status, done.errors) == (0, "")
    assert sorted(os.listdir(tmp_path / "here")) == ["[odd].txt", "one.log", "two.log"]
    done = await cp(config, "sshd:*.log", "here/one file", cwd=tmp_path)
    assert "must be a directory" in done.errors
    # A file is no directory, whatever slash or dot says so.
    for words in (("a:b/",), ("deep/.",), ("sshd:",), ("sshd:one.log/",)):
        local = [f"./{word}" if word[0] == "a" else word for word in words]
        done = await cp(config, *local, tmp_path / "here", cwd=source)
        assert done.status == 1, words
    assert sorted(os.listdir(tmp_path / "here")) == ["[odd].txt", "one.log", "two.log"]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("word", [".", "deep/..", "../source/."])
async def test_a_folder_named_by_dots_is_what_is_in_it(
    sshd: RealSshd, source: Path, tmp_path: Path, word: str, there: bool
) -> None:
    shutil.copytree(source, sshd.home / "source")
    target = "into" if there else "sshd:into"
    (tmp_path if there else sshd.home).joinpath("into").mkdir()
    named = f"sshd:source/{word}" if there else f"{source}/{word}"
    done = await cp(sshd.config_file, "-r", named, target, cwd=tmp_path)
    assert (done.status, done.errors) == (0, "")
    assert tree((tmp_path if there else sshd.home) / "into") == tree(source)


def copied_by_cp(source: Path, folder: Path, filled: bool) -> None:
    """Have cp copy what is in a folder with a mode and time of its own, and make other targets."""
    if not filled:
        shutil.rmtree(source)
        source.mkdir()
    source.chmod(0o751)
    os.utime(source, (1_000_000_000, 1_000_000_000))
    (folder / "link").symlink_to("source")
    for name in ("theirs", "ours", "kept"):
        (folder / name).mkdir(mode=0o700)
    subprocess.run(["cp", "-rp", f"{source}/.", folder / "theirs"], check=True)


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize("ends", [("", ""), ("", "sshd:"), ("sshd:", "")])
async def test_what_is_in_a_folder_gives_its_mode_and_time_to_the_target_as_with_cp(
    sshd: RealSshd, source: Path, tmp_path: Path, ends: tuple[str, str], filled: bool
) -> None:
    copied_by_cp(source, tmp_path, filled)
    for words in (f"{source}/.", f"{tmp_path}/link/."):
        (tmp_path / "ours").chmod(0o700)
        done = await cp(sshd.config_file, "-rp", f"{ends[0]}{words}", f"{ends[1]}{tmp_path}/ours")
        assert (done.status, done.errors) == (0, "")
        ours, theirs = (tmp_path / name for name in ("ours", "theirs"))
        assert tree(ours) == tree(theirs)
        assert ours.stat().st_mode == theirs.stat().st_mode
        assert ours.stat().st_mtime == theirs.stat().st_mtime
    await cp(sshd.config_file, "-r", f"{ends[0]}{source}/.", f"{ends[1]}{tmp_path}/kept")
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "kept").stat().st_mtime > 1_000_000_000


async def test_sources_of_one_name_do_not_overwrite_each_other(
    sshd: RealSshd, source: Path
) -> None:
    (source / "deep" / "a:b").write_bytes(b"other")
    done = await cp(sshd.config_file, "./a:b", "./a:b", "sshd:", cwd=source)
    assert (done.status, done.errors) == (0, ""), "named twice is copied once"
    done = await cp(sshd.config_file, "./a:b", "deep/a:b", "sshd:", cwd=source)
    assert done.status == 1
    assert f"{source}/deep/a:b: another source of the same name" in done.errors
    assert (sshd.home / "a:b").read_bytes() == b"colon"


@pytest.mark.parametrize("way", ["up", "down", "here"])
async def test_folders_of_one_name_are_merged_as_by_cp(
    sshd: RealSshd, tmp_path: Path, way: str
) -> None:
    ours = sshd.home / "ours" if way == "down" else tmp_path / "ours"
    for name, files in {"one": ("x/a", "x/both", "x/in/1"), "two": ("x/b", "x/in/2")}.items():
        for file in files:
            path = ours / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} {file}")
    source, theirs = ("sshd:ours", tmp_path) if way == "down" else (ours, sshd.home)
    target = theirs / "into" if way != "here" else tmp_path / "into"
    (tmp_path / "expected").mkdir()
    target.mkdir()
    words = (f"{source}/one/x", f"{source}/two/x", "sshd:into" if way == "up" else target)
    done = await cp(sshd.config_file, "-r", *words)
    assert (done.status, done.errors) == (0, "")
    sources = ours / "one/x", ours / "two/x"
    await (await asyncio.create_subprocess_exec("cp", "-r", *sources, tmp_path / "expected")).wait()
    assert tree(target) == tree(tmp_path / "expected")
    (ours / "two" / "x" / "both").write_text("the other")
    shutil.rmtree(target / "x")
    done = await cp(sshd.config_file, "-r", *words)
    assert done.status == 1, "what cp would overwrite in silence"
    assert f"{ours}/two/x/both: another source of the same name" in done.errors
    assert tree(target) == tree(tmp_path / "expected")
    assert f"{ours}/two/x: another source" in (await start_mv(sshd.config_file, *words)), (
        "nothing could be left behind in a folder that is gone"
    )
    assert (ours / "two" / "x" / "both").exists()


async def start_mv(config: Path, *words: object) -> str:
    """Run ``sshdash mv`` and return what it tells."""
    process = await start(config, *words, command="mv")
    return (await asyncio.wait_for(process.communicate(), 60))[1].decode()


async def test_a_missing_target_folder_is_named(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    done = await cp(sshd.config_file, "./a:b", "sshd:no/name", cwd=source)
    assert done.status == 1
    assert f"sshd:{sshd.home}/no: cannot stat: no such file" in done.errors
    assert ".part" not in done.errors
    done = await cp(sshd.config_file, "sshd:.bashrc", "no/such/name", cwd=tmp_path)
    assert re.search(rf"{tmp_path}/no/such: cannot (stat|resolve): no such file", done.errors)


async def test_the_status_is_zero_only_where_everything_is_there(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    cases = (
        ((source, "sshd:x"), "a directory, which only -r copies"),
        ((source / "none", "sshd:x"), "no such file"),
        (("sshd:none", tmp_path), "no such file"),
        (("sshd:none", tmp_path / "no" / "such"), "no such file"),
        ((source / "a:b", f"{source}/deep/file/", "sshd:x"), ""),
        (("nowhere.invalid:x", tmp_path), "nowhere.invalid"),
    )
    for words, text in cases:
        done = await cp(sshd.config_file, *words)
        assert done.status in (1, 2, 255), (words, done)
        assert text in done.errors
        assert "Traceback" not in done.errors
        assert done.output == ""
    done = await cp(sshd.config_file, "only-one")
    assert done.status == 2
    assert "at least one source" in done.errors


async def test_existing_files_are_treated_as_asked(sshd: RealSshd, source: Path) -> None:
    file = source / "a:b"
    for policy, content in (
        ("skip", {"a:b": b"old"}),
        ("rename", {"a:b": b"old", "a:b (2)": b"colon"}),
        ("overwrite", {"a:b": b"colon", "a:b (2)": b"colon"}),
    ):
        (sshd.home / "in").mkdir(exist_ok=True)
        if policy == "skip":
            (sshd.home / "in" / "a:b").write_bytes(b"old")
        done = await cp(sshd.config_file, "--on-conflict", policy, file, "sshd:in")
        assert done.status == 0, done.errors
        found = {path.name: path.read_bytes() for path in (sshd.home / "in").iterdir()}
        assert found == content
    done = await cp(sshd.config_file, "--on-conflict", "ask", file, "sshd:in")
    assert done.status == 1, "nobody there to ask: the copy is cancelled"


async def test_json_lines_tell_states_failures_and_the_end(sshd: RealSshd, source: Path) -> None:
    os.mkfifo(source / "fifo")
    done = await cp(sshd.config_file, "--json", "-r", source, "sshd:out")
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert done.status == 1
    states = [line["state"] for line in lines if line["event"] == "state"]
    assert states == ["queued", "scanning", "copying", "done"]
    (omitted,) = (line for line in lines if line["event"] == "left_out")
    assert omitted["path"].endswith("fifo")
    assert lines[-1]["event"] == "done"
    assert not lines[-1]["ok"]
    assert (lines[-1]["files"], lines[-1]["bytes"]) == (2, 5005)
    assert (lines[-1]["failed"], lines[-1]["left_out"]) == (0, 1)


async def test_what_is_left_out_is_told_and_makes_the_status_non_zero(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    os.mkfifo(source / "fifo")
    (source / "passwd").symlink_to("/etc/passwd")
    done = await cp(sshd.config_file, "-r", f"sshd:{source}", tmp_path / "copy")
    assert done.status == 1
    assert sorted(done.errors.splitlines()) == [
        f"sshdash: sshd:{source}/fifo: left out: not a regular file (FIFO)",
        f"sshdash: sshd:{source}/passwd: left out: "
        "the link leads out of the copied folder, to /etc/passwd",
    ]
    assert (tmp_path / "copy" / "deep" / "file").exists()


def arrived(target: Path) -> int:
    """Return the bytes in temporary files."""
    return sum(map(os.path.getsize, target.glob(".*.part")))


async def interrupted(config: Path, target: Path, number: signal.Signals) -> tuple[int, str]:
    """Begin a copy of ``sshd:big`` and interrupt it when some has arrived; return how it ended."""
    process = await start(config, "-p", "sshd:big", target)
    async with asyncio.timeout(PATIENCE):
        while arrived(target) < 15_000_000:  # noqa: ASYNC110 (another program writes it)
            await asyncio.sleep(0.01)
    process.send_signal(number)
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return process.returncode, errors.decode()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
async def test_a_signal_leaves_what_arrived_and_says_how_to_go_on(
    sshd: RealSshd, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    data = os.urandom(30_000_000)
    (sshd.home / "big").write_bytes(data)
    target = tmp_path / "target"
    target.mkdir()
    (target / "big").write_bytes(b"old")
    async with slow_line(sshd, rate=10_000_000) as (proxy, config):
        found, errors = await interrupted(config, target, number)
        assert found == status, errors
        assert "Traceback" not in errors
        assert (target / "big").read_bytes() == b"old"
        assert len(unfinished(target)) == 1
        command = errors.partition("to go on: sshdash ")[2].split()
        assert command == ["-F", str(config), "cp", "--resume", "-p", "sshd:big", str(target)]
        proxy.rate = 0
        before = proxy.bytes_down
        done = await cp(config, "--resume", "-p", "sshd:big", target)
        assert done.status == 0, done.errors
        assert proxy.bytes_down - before < len(data) - 3_000_000, "it began anew"
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {"big": data}
    assert not list((Path(os.environ["XDG_STATE_HOME"]) / "sshdash" / "transfers").iterdir())


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("up", [True, False])
async def test_a_tree_under_a_new_name_goes_on_under_that_name(
    sshd: RealSshd, tmp_path: Path, up: bool, number: signal.Signals, slash: str
) -> None:
    source = tmp_path / "tree" if up else sshd.home / "tree"
    copy = sshd.home / "new" if up else tmp_path / "new"
    (source / "below").mkdir(parents=True)
    (source / "below" / "small").write_bytes(b"small")
    (source / "big").write_bytes(os.urandom(30_000_000))
    words = ["-r", source, f"sshd:new{slash}"] if up else ["-r", "sshd:tree", f"{copy}{slash}"]
    async with slow_line(sshd, rate=10_000_000) as (proxy, config):
        process = await start(config, *words)
        async with asyncio.timeout(PATIENCE):
            while not copy.exists() or arrived(copy) < 15_000_000:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), PATIENCE)
        proxy.rate = 0
        before = proxy.bytes_up + proxy.bytes_down
        done = await cp(config, "--resume", *words)
        assert (done.status, done.errors) == (0, "")
        assert proxy.bytes_up + proxy.bytes_down - before < 27_000_000, "it began anew"
        assert tree(copy) == tree(source)
        # With nothing left to go on with, a folder that is there is copied into, as by scp.
        done = await cp(config, "--resume", *words)
        assert done.status == 0, done.errors
        assert "nothing was left to resume" in done.errors
    assert tree(copy / "tree") == tree(source)


@pytest.mark.parametrize("up", [True, False])
async def test_a_tree_of_which_only_folders_are_there_goes_on_under_its_name(
    sshd: RealSshd, tmp_path: Path, up: bool
) -> None:
    source = tmp_path / "tree" if up else sshd.home / "tree"
    copy = sshd.home / "new" if up else tmp_path / "new"
    (source / "below").mkdir(parents=True)
    (source / "big").write_bytes(os.urandom(3_000_000))
    words = ["-r", source, "sshd:new"] if up else ["-r", "sshd:tree", copy]
    async with slow_line(sshd, rate=20_000) as (proxy, config):
        process = await start(config, *words)
        async with asyncio.timeout(PATIENCE):
            while not copy.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert b"to go on: sshdash " in errors
        proxy.rate = 0
        done = await cp(config, "--resume", *words)
    assert (done.status, done.errors) == (0, "")
    assert tree(copy) == tree(source)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_without_resume_it_begins_anew_and_removes_what_was_left(
    sshd: RealSshd, tmp_path: Path, number: signal.Signals
) -> None:
    data = os.urandom(30_000_000)
    (sshd.home / "big").write_bytes(data)
    target = tmp_path / "target"
    target.mkdir()
    async with slow_line(sshd, rate=10_000_000) as (proxy, config):
        await interrupted(config, target, number)
        assert unfinished(target)
        proxy.rate = 0
        before = proxy.bytes_down
        done = await cp(config, "-p", "sshd:big", target)
        assert done.status == 0, done.errors
        assert proxy.bytes_down - before > len(data)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {"big": data}


async def test_a_copy_that_was_killed_goes_on_unless_the_source_changed(
    sshd: RealSshd, tmp_path: Path
) -> None:
    (sshd.home / "big").write_bytes(os.urandom(30_000_000))
    target = tmp_path / "target"
    target.mkdir()
    async with slow_line(sshd, rate=10_000_000) as (proxy, config):
        await interrupted(config, target, signal.SIGKILL)
        proxy.rate = 0
        data = os.urandom(31_000_000)
        (sshd.home / "big").write_bytes(data)
        done = await cp(config, "--resume", "-p", "sshd:big", target)
    assert done.status == 0, done.errors
    assert "/big: started over: the source has changed meanwhile" in done.errors
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {"big": data}


class Killing(asyncssh.SFTPServer):
    """Kills a client once, before it hears that a step of a replacement was done."""

    step = ""
    killed: ClassVar[list[asyncio.subprocess.Process]] = []

    def _done(self, what: str) -> None:
        if what == self.step and len(self.killed) == 1:
            self.killed.append(self.killed[0])
            self.killed[0].kill()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, and kill."""
        super().rename(oldpath, newpath)
        self._done("aside" if newpath.endswith(b".old") else "in place")

    def remove(self, path: bytes) -> None:
        """Remove, and kill."""
        super().remove(path)
        self._done("removed")


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> type[Killing]:
    """Return a server without posix-rename@openssh.com."""
    from asyncssh.sftp import SFTPServerHandler

    monkeypatch.setattr(SFTPServerHandler, "_extensions", [])
    monkeypatch.setattr(Killing, "killed", [])
    return Killing


@pytest.mark.parametrize("step", ["aside", "in place", "removed"])
@pytest.mark.parametrize("again", ["resume", "anew", "other"])
async def test_a_replacement_in_steps_that_was_killed_is_put_right(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killing: type[Killing],
    step: str,
    again: str,
) -> None:
    monkeypatch.setattr(killing, "step", step)
    killed = killing.killed
    source = tmp_path / "file"
    source.write_bytes(os.urandom(300_000))
    async with LoopbackServer(Faults(sftp_server=killing)) as server:
        (server.home / "file").write_bytes(b"old")
        words: tuple[object, ...] = ("-q", source, "loopback:")
        killed.append(await start(server.config_file, *words))
        await asyncio.wait_for(killed[0].communicate(), 60)
        assert killed[0].returncode == -signal.SIGKILL
        assert (server.home / "file").exists() is (step != "aside")
        if again == "other":  # whoever made one meanwhile loses neither it nor the old one
            monkeypatch.setattr(killing, "step", "")
            (server.home / "file").write_bytes(b"made since")
            words = *words, "--on-conflict", "skip"
        if again == "resume":
            words = *words, "--resume"
        done = await cp(server.config_file, *words)
        assert done.status == 0, done.errors
        found = {path.name: path.read_bytes() for path in server.home.iterdir()}
        assert found.pop("file") == (b"made since" if again == "other" else source.read_bytes())
        left = [b"old"] if again == "other" and step == "aside" else []
        assert [*found.values()] == left, "the old file is removed once there is a new one"


@pytest.mark.parametrize("step", ["aside", "in place", "removed"])
@pytest.mark.parametrize("again", ["resume", "anew", "other"])
async def test_a_move_in_steps_that_was_killed_is_put_right(
    monkeypatch: pytest.MonkeyPatch, killing: type[Killing], step: str, again: str
) -> None:
    monkeypatch.setattr(killing, "step", step)
    async with LoopbackServer(Faults(sftp_server=killing)) as server:
        (server.home / "to").mkdir()
        (server.home / "to" / "file").write_bytes(b"old")
        (server.home / "file").write_bytes(b"new")
        words: tuple[object, ...] = ("-q", "loopback:file", "loopback:to")
        killing.killed.append(await start(server.config_file, *words, command="mv"))
        await asyncio.wait_for(killing.killed[0].communicate(), 60)
        assert killing.killed[0].returncode == -signal.SIGKILL
        found = {path.name[-4:]: path.read_bytes() for path in (server.home / "to").iterdir()}
        assert (found.get(".old"), found.get("file")) == {
            "aside": (b"old", None), "in place": (b"old", b"new"), "removed": (None, b"new"),
        }[step]  # fmt: skip
        if again == "other":  # whoever made one meanwhile does not lose it
            (server.home / "to" / "file").write_bytes(b"made since")
            words = *words, "--on-conflict", "skip"
        if again == "resume":
            words = *words, "--resume"
        process = await start(server.config_file, *words, command="mv")
        await asyncio.wait_for(process.communicate(), 60)
        found = {path.name: path.read_bytes() for path in (server.home / "to").iterdir()}
        assert found == {"file": b"made since" if again == "other" else b"new"}
        assert (server.home / "file").exists() is (again == "other" and step == "aside")


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("options", [("-r",), ("-r", "-p")], ids=["-r", "-rp"])
async def test_new_folders_here_keep_the_group_that_their_folder_hands_on(
    sshd: RealSshd, tmp_path: Path, options: tuple[str, ...], bulk: bool
) -> None:
    source = sshd.home / "source"
    for name in ("new", "there/below"):
        (source / name).mkdir(parents=True)
        for number in range(600 if bulk else 2):
            (source / name / f"{number}").write_bytes(b"x")
    for place, by_merging in ((tmp_path / "whole", False), (tmp_path / "merged", True)):
        folder = place / "source" / "there"
        folder.mkdir(parents=True)
        if not by_merging:
            shutil.rmtree(place / "source")
        handing = folder if by_merging else place
        handing.chmod(0o2775)
        (handing / "made by mkdir").mkdir()
        by_mkdir = (handing / "made by mkdir").stat().st_mode & 0o2000
        done = await cp(sshd.config_file, *options, "sshd:source", place)
        assert (done.status, done.errors) == (0, "")
        kept = (folder / "below").stat().st_mode & 0o2000
        assert kept == by_mkdir
        assert (place / "source" / "new").stat().st_mode & 0o2000 == (0 if by_merging else kept)


SAVES = """
import asyncio, sys
from functools import partial
from pathlib import Path
from sshdash.sftp.saving import save
from tests.live.file_kit import files_on

async def main():
    async with files_on(Path(sys.argv[1]), kept=Path(sys.argv[2])) as files:
        await files.queue.restore()
        remote = await files.open("loopback")
        guarding = partial(files.queue.guarding, "loopback")
        await save(remote, b"/file", b"edited", await remote.lstat(b"/file"), guarding=guarding)

asyncio.run(main())
"""


@pytest.mark.parametrize("step", ["aside", "in place", "removed"])
async def test_what_an_edit_was_to_replace_is_put_right_by_who_comes_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killing: type[Killing], step: str
) -> None:
    monkeypatch.setattr(killing, "step", step)
    root = Path(__file__).parent.parent.parent
    async with LoopbackServer(Faults(sftp_server=killing)) as server:
        (server.home / "file").write_bytes(b"old")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SAVES, server.config_file, tmp_path),
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        killing.killed.append(process)
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        assert (server.home / "file").exists() is (step != "aside")
        async with files_on(server.config_file, kept=tmp_path) as files:
            await files.queue.restore()
        found = {path.name: path.read_bytes() for path in server.home.iterdir()}
    assert found == {"file": b"old" if step == "aside" else b"edited"}


async def test_resume_where_nothing_was_left_says_so_and_copies(
    sshd: RealSshd, source: Path, tmp_path: Path
) -> None:
    done = await cp(sshd.config_file, "-r", "--resume", source, f"sshd:{tmp_path}/copy")
    assert done.status == 0
    assert "nothing was left to resume" in done.errors
    assert tree(tmp_path / "copy") == tree(source)


async def test_a_limit_is_kept_and_one_that_is_unclear_refused(
    sshd: RealSshd, tmp_path: Path
) -> None:
    (sshd.home / "some").write_bytes(os.urandom(600_000))
    begin = asyncio.get_running_loop().time()
    done = await cp(sshd.config_file, "-l", "400kB/s", "sshd:some", tmp_path)
    assert done.status == 0, done.errors
    assert asyncio.get_running_loop().time() - begin > 600_000 / 400_000 * 0.9
    unclear = await cp(sshd.config_file, "-l", "2M", "sshd:some", tmp_path)
    assert unclear.status != 0
    assert "Kbit/s, as in scp" in unclear.errors


async def test_a_connection_lost_on_the_way_is_told_as_ssh_tells_it(
    sshd: RealSshd, tmp_path: Path
) -> None:
    (sshd.home / "big").write_bytes(os.urandom(40_000_000))
    async with slow_line(sshd, rate=10_000_000) as (_, config):
        process = await start(config, "sshd:big", tmp_path)
        async with asyncio.timeout(PATIENCE):
            while not unfinished(tmp_path):  # noqa: ASYNC110 (another program makes it)
                await asyncio.sleep(0.01)
        sshd.kill_connections()
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 255, errors
    assert b"lost" in errors


async def test_extended_attributes_are_kept_here_and_refused_elsewhere(
    sshd: RealSshd, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    try:
        os.setxattr(tmp_path / "file", "user.origin", b"https://example.org")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    (tmp_path / "to").mkdir()
    done = await cp(sshd.config_file, "--xattrs", tmp_path / "file", tmp_path / "to")
    assert done.status == 0, done.errors
    assert os.getxattr(tmp_path / "to" / "file", "user.origin") == b"https://example.org"
    done = await cp(sshd.config_file, "--xattrs", tmp_path / "file", "sshd:")
    assert done.status == 2
    assert "SFTP carries no extended attributes" in done.errors


@pytest.mark.parametrize("way", ["up", "here"])
async def test_a_slash_behind_a_new_folders_name_is_no_matter(
    sshd: RealSshd, source: Path, tmp_path: Path, way: str
) -> None:
    """As for cp, scp and mv; a file is never put under a name that says it is a folder."""
    place, prefix = (sshd.home, "sshd:") if way == "up" else (tmp_path, "./")
    done = await cp(sshd.config_file, "-r", source, f"{prefix}fresh/", cwd=tmp_path)
    assert (done.status, done.errors) == (0, "")
    assert tree(place / "fresh") == tree(source)
    done = await cp(sshd.config_file, "-r", source / "deep" / "file", f"{prefix}no/", cwd=tmp_path)
    assert (done.status, "no such directory" in done.errors) == (2, True)
    (place / "dangling").symlink_to("nowhere")
    done = await cp(sshd.config_file, "-r", source, f"{prefix}dangling/", cwd=tmp_path)
    assert (done.status, "no such directory" in done.errors) == (2, True)


@pytest.mark.parametrize("way", ["up", "here"])
async def test_a_named_link_to_nothing_is_written_through_wherever_it_leads(
    sshd: RealSshd, source: Path, tmp_path: Path, way: str
) -> None:
    folder, prefix = (sshd.home, "sshd:") if way == "up" else (tmp_path, f"{tmp_path}/")
    (folder / "far" / "deep").mkdir(parents=True)
    (folder / "near").symlink_to("far/deep")
    for name, leads in (("whole", f"{folder}/far/absolute"), ("near/above", "../relative")):
        (folder / name).symlink_to(leads)
        done = await cp(sshd.config_file, source / "deep" / "file", f"{prefix}{name}")
        assert (done.status, done.errors) == (0, "")
        assert (folder / name).is_symlink()
    names = sorted(path.name for path in (folder / "far").iterdir())
    assert names == ["absolute", "deep", "relative"]


@pytest.mark.parametrize("way", ["up", "down", "here"])
async def test_a_folder_that_is_named_twice_is_copied_once(
    sshd: RealSshd, source: Path, tmp_path: Path, way: str
) -> None:
    here = source if way != "down" else sshd.home / "source"
    if way == "down":
        shutil.copytree(source, here)
    place, target = (sshd.home, "sshd:") if way == "up" else (tmp_path, f"{tmp_path}/")
    (place / "into").mkdir()
    named = "sshd:source" if way == "down" else str(source)
    done = await cp(sshd.config_file, "-r", named, f"{named}/", f"{target}into")
    assert (done.status, done.errors) == (0, "")
    assert tree(place / "into" / "source") == tree(here)


async def test_a_link_that_goes_round_replaces_a_file_like_any_other(
    sshd: RealSshd, tmp_path: Path
) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / "round").symlink_to("round")
    (tmp_path / "other" / "round").write_bytes(b"old")
    over = ("-r", "--on-conflict", "overwrite")
    done = await cp(sshd.config_file, *over, f"{tmp_path}/one/.", tmp_path / "other")
    assert (done.status, done.errors) == (0, "")
    assert (tmp_path / "other" / "round").readlink() == Path("round")


async def test_both_are_kept_beside_folders_that_are_merged(sshd: RealSshd, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "folder" / name).write_text(name)
        for place in ("file", "folder/there"):
            (tmp_path / name / place).write_text(name)
    target = sshd.home / "into"
    (target / "folder").mkdir(parents=True)
    (target / "folder" / "there").write_text("old")
    named = [tmp_path / name / what for what in ("folder", "file") for name in ("one", "two")]
    done = await cp(sshd.config_file, "-r", "--on-conflict", "keep-both", *named, "sshd:into")
    assert (done.status, done.errors) == (0, "")
    found = {str(path.relative_to(target)): path.read_text() for path in files_below(target)}
    assert found == {
        "file": "one",
        "file (2)": "two",
        "folder/one": "one",
        "folder/two": "two",
        "folder/there": "old",
        "folder/there (2)": "one",
        "folder/there (3)": "two",
    }


@pytest.mark.parametrize("old", [True, False], ids=["beside an old one", "all new"])
@pytest.mark.parametrize("up", [True, False])
async def test_both_are_kept_of_new_files_in_folders_that_are_merged(
    sshd: RealSshd, tmp_path: Path, up: bool, old: bool
) -> None:
    sources, target = (tmp_path, sshd.home / "to") if up else (sshd.home, tmp_path / "to")
    for name in ("one", "two", "three"):
        (sources / name / "d" / "deep").mkdir(parents=True)
        (sources / name / "d" / "deep" / "f.txt").write_text(name)
        (sources / name / "d" / "same").mkdir()
        (sources / name / "d" / "same" / "link").symlink_to(name)
    (sources / "one" / "d" / "deep" / "f (2).txt").write_text("one's second")
    (sources / "two" / "d" / "x").mkdir()
    (sources / "three" / "d" / "x").write_text("a file in the place of a folder")
    target.mkdir()
    if old:
        (target / "d").mkdir()
    ends = ("", "sshd:") if up else ("sshd:", "")
    named = [f"{ends[0]}{sources / name / 'd'}" for name in ("one", "two", "three")]
    done = await cp(
        sshd.config_file, "-r", "--on-conflict", "keep-both", *named, f"{ends[1]}{target}"
    )
    assert done.status == 1
    assert done.errors.count("sshdash: ") == 1
    assert "the target is a directory" in done.errors
    found = {str(path.relative_to(target)): path.read_text() for path in files_below(target)}
    links = {
        name: os.readlink(target / "d" / "same" / name)
        for name in os.listdir(target / "d" / "same")
    }
    assert sorted(links.values()) == ["one", "three", "two"]
    assert set(links) == {"link", "link (2)", "link (3)"}
    assert {name: text for name, text in found.items() if name.startswith("d/deep")} == {
        "d/deep/f.txt": "one",
        "d/deep/f (2).txt": "one's second",
        "d/deep/f (3).txt": "two",
        "d/deep/f (4).txt": "three",
    }
