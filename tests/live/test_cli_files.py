"""``sshdash ls``, ``du``, ``rm`` and ``mkdir`` as programs, on a host and here."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.live.file_kit import fill_with_odd_names
from tests.live.test_cli_cp import Ended
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty


async def sshdash(config: Path, *words: object, cwd: Path | None = None) -> Ended:
    """Run a command to its end."""
    root = Path(__file__).parent.parent.parent
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sshdash", "-F", str(config), *map(str, words)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(root)},
        start_new_session=True,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode("latin-1"), errors.decode())


async def test_ls_lists_names_as_they_may_be_shown_and_as_they_are(sshd: RealSshd) -> None:
    odd = sshd.home / "odd"
    odd.mkdir()
    fill_with_odd_names(odd)
    done = await sshdash(sshd.config_file, "ls", "-a", "sshd:odd")
    assert (done.status, done.errors) == (0, "")
    assert done.output.count("\n") == len(list(odd.iterdir()))
    assert "\x1b" not in done.output
    assert "new\\nline\n" in done.output
    done = await sshdash(sshd.config_file, "ls", "-a", "-0", "sshd:odd")
    names = done.output.encode("latin-1").split(b"\0")
    assert names[:-1] == sorted(os.listdir(bytes(odd)))
    done = await sshdash(sshd.config_file, "ls", "-a", "--json", "sshd:odd")
    told = [json.loads(line) for line in done.output.splitlines()]
    found = {
        bytes.fromhex(one["name_hex"]) if "name_hex" in one else one["name"].encode()
        for one in told
    }
    assert found == set(os.listdir(bytes(odd)))


async def test_ls_tells_what_ls_tells(sshd: RealSshd) -> None:
    folder = sshd.home / "web"
    folder.mkdir()
    (folder / "file").write_bytes(b"12345")
    (folder / "file").chmod(0o640)
    (folder / ".hidden").touch()
    (folder / "link").symlink_to("file")
    (sshd.home / "way").symlink_to("web")
    done = await sshdash(sshd.config_file, "ls", "-l", "sshd:web")
    rows = done.output.splitlines()
    assert len(rows) == 2
    assert rows[0].startswith("-rw-r-----")
    assert rows[0].split()[3] == "5"
    assert rows[1].endswith("link -> file")
    done = await sshdash(sshd.config_file, "ls", "sshd:way")
    assert done.output == "file\nlink\n", "a link to a directory is looked into"
    for word in ("sshd:web/file/", "sshd:web/file/.", f"{folder}/link/"):
        done = await sshdash(sshd.config_file, "ls", word)
        assert (done.status, done.output) == (1, "")
        assert "not a directory" in done.errors
    done = await sshdash(sshd.config_file, "ls", "-d", "sshd:w*", "sshd:none")
    assert done.status == 1
    assert done.output.splitlines() == [f"sshd:{sshd.home}/way", f"sshd:{sshd.home}/web"]
    assert "no such file" in done.errors
    done = await sshdash(sshd.config_file, "ls", "--json", "-d", "sshd:way")
    told = json.loads(done.output)
    assert (told["kind"], told["target"], told["target_kind"]) == ("symlink", "web", "directory")


async def test_ls_sorts_and_names_as_ls_does(sshd: RealSshd, tmp_path: Path) -> None:
    for place in (sshd.home / "web", tmp_path):
        (place / "empty").mkdir(parents=True)
        for name, size, when in (("a", 1, 30), ("b", 3, 10), ("c", 2, 20)):
            (place / name).write_bytes(b"x" * size)
            os.utime(place / name, (when, when))
        os.utime(place / "empty", (40, 40))
    for words, listed in (
        (("-1", "sshd:web"), "a b c empty"),
        (("-t", "sshd:web"), "empty a c b"),
        (("-tr", "sshd:web"), "b c a empty"),
        (("-rS", "-A", "sshd:web/?"), "sshd:{0}/a sshd:{0}/c sshd:{0}/b"),
        ((), "a b c empty"),
        (("-d",), "."),
        (("-d", ".", "a", "empty/.."), ". a empty/.."),
        (("b", "a", "empty", "sshd:web/empty"), "a b  empty:  sshd:web/empty:"),
    ):
        done = await sshdash(sshd.config_file, "ls", *words, cwd=tmp_path)
        assert (done.status, done.errors) == (0, ""), words
        assert done.output.rstrip("\n").split("\n") == listed.format(sshd.home / "web").split(" ")


async def test_du_sums_here_and_what_a_link_with_a_slash_leads_to(
    sshd: RealSshd, tmp_path: Path
) -> None:
    for place in (sshd.home, tmp_path):
        (place / "tree" / "below").mkdir(parents=True)
        (place / "tree" / "below" / "file").write_bytes(b"12345")
        (place / "link").symlink_to("tree")
    for words, summed in (
        (("-d1", "sshd:link/"), "5\tsshd:link/below\n5\tsshd:link/\n"),
        (("sshd:link",), "0\tsshd:link\n"),
        (("-d", "1"), "5\t./tree\n5\t.\n"),
    ):
        done = await sshdash(sshd.config_file, "du", *words, cwd=tmp_path)
        assert (done.status, done.output, done.errors) == (0, summed, "")
    done = await sshdash(sshd.config_file, "du", "sshd:tree/below/file/")
    assert (done.status, "not a directory" in done.errors) == (1, True)


async def test_du_sums_a_deep_tree(sshd: RealSshd) -> None:
    deep = sshd.home / "tree" / "a" / "b" / "c"
    deep.mkdir(parents=True)
    for number in range(40):
        (deep / str(number)).mkdir()
        (deep / str(number) / "file").write_bytes(b"x" * 10)
    (sshd.home / "tree" / "own").write_bytes(b"y" * 7)
    (sshd.home / "tree" / "up").symlink_to("/")
    done = await sshdash(sshd.config_file, "du", "sshd:tree")
    assert (done.status, done.output) == (0, "407\tsshd:tree\n")
    done = await sshdash(sshd.config_file, "du", "--json", "-d", "2", "sshd:tree")
    told = {one["name"]: one for one in map(json.loads, done.output.splitlines())}
    assert list(told) == ["sshd:tree/a/b", "sshd:tree/a", "sshd:tree"]
    assert told["sshd:tree"]["folders"] == 44
    assert told["sshd:tree"]["files"] == 42
    assert told["sshd:tree/a"]["size"] == 400
    done = await sshdash(sshd.config_file, "du", sshd.home / "tree" / "own", "sshd:gone")
    assert done.status == 1
    assert done.output == f"7\t{sshd.home}/tree/own\n"
    assert "sshd:" in done.errors


async def test_rm_removes_trees_and_links_only(sshd: RealSshd, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    tree = sshd.home / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "file").touch()
    (tree / "link").symlink_to(outside)
    (sshd.home / "named").symlink_to(outside)
    done = await sshdash(sshd.config_file, "rm", "sshd:tree")
    assert done.status == 1
    assert "directory" in done.errors
    done = await sshdash(sshd.config_file, "rm", "-r", "sshd:tree", "sshd:tree/below", "sshd:named")
    assert (done.status, done.output, done.errors) == (0, "", "")
    assert not tree.exists()
    assert not (sshd.home / "named").is_symlink()
    assert (outside / "kept").read_bytes() == b"kept"
    assert (await sshdash(sshd.config_file, "rm", "sshd:tree")).status == 1
    assert (await sshdash(sshd.config_file, "rm", "-f", "sshd:tree")).status == 0
    assert (await sshdash(sshd.config_file, "rm", "-f")).status == 0, "an empty list of a script"
    assert (await sshdash(sshd.config_file, "rm")).status == 2
    # What a slash is behind is a folder, or not what was meant.
    (sshd.home / "named").symlink_to(outside)
    (sshd.home / "file").touch()
    for words in (("sshd:named/",), ("-r", "sshd:named/"), ("sshd:file/",), ("-r", "sshd:file/")):
        done = await sshdash(sshd.config_file, "rm", *words)
        assert (done.status, "not a directory" in done.errors) == (1, True), done.errors
    assert (sshd.home / "named").is_symlink()
    assert (sshd.home / "file").exists()


@pytest.mark.parametrize("word", ["sshd:/", "sshd:", "sshd:x/..", "sshd:.", "sshd:~", "sshd:alias"])
async def test_rm_refuses_the_root_and_the_home(sshd: RealSshd, word: str) -> None:
    (sshd.home / "x").mkdir()
    (sshd.home / "x" / "kept").touch()
    if word == "sshd:alias":  # the folder that holds the home, by another way
        (sshd.home / "way").symlink_to(sshd.home.parent)
        word = "sshd:way/home"
    done = await sshdash(sshd.config_file, "rm", "-r", word)
    assert done.status == 1
    assert "refused to remove" in done.errors
    assert (sshd.home / "x" / "kept").exists()


async def test_rm_asks_once_after_counting(sshd: RealSshd) -> None:
    tree = sshd.home / "tree"
    tree.mkdir()
    for number in range(3):
        (tree / str(number)).write_bytes(b"x" * 100)
    command = [sys.executable, "-m", "sshdash", "-F", str(sshd.config_file)]
    for answer, stays, end in (("n", True, "nothing was removed"), ("y", False, "the end")):
        words = " ".join([*command, "rm", "-r", "-I", "sshd:tree"])
        with Tty(["sh", "-c", f"{words}; echo the end"]) as terminal:
            await asyncio.to_thread(terminal.until, "Remove 3 files and 1 folder (300 B)?")
            await asyncio.to_thread(terminal.until, "[y/N]")
            terminal.press(f"{answer}\r")
            await asyncio.to_thread(terminal.until, end)
        assert tree.exists() is stays


async def test_mkdir_makes_what_is_missing(sshd: RealSshd, tmp_path: Path) -> None:
    done = await sshdash(sshd.config_file, "mkdir", "sshd:a/b/c")
    assert done.status == 1
    assert "no such file" in done.errors
    assert "-p makes the directories above too" in done.errors
    done = await sshdash(
        sshd.config_file, "mkdir", "-p", "-m", "700", "sshd:a/b/c", "here/x", cwd=tmp_path
    )
    assert (done.status, done.errors) == (0, "")
    assert (sshd.home / "a" / "b" / "c").is_dir()
    assert (tmp_path / "here" / "x").stat().st_mode & 0o777 == 0o700
    (sshd.home / "file").touch()
    done = await sshdash(sshd.config_file, "mkdir", "-p", "sshd:file/x")
    assert done.status == 1
    assert f"{sshd.home}/file is no directory" in done.errors
    done = await sshdash(sshd.config_file, "mkdir", "sshd:a")
    assert done.status == 1
    assert "exists already" in done.errors
