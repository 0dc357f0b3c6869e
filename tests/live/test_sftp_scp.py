"""Copies to and from servers without SFTP: OpenSSH's scp behind a real sshd, and hostile ones."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.errors import SessionError
from sshdash.events import WarningRaised
from sshdash.prompts import ConflictAnswer, ConflictChoice, ScriptedPrompter
from sshdash.settings import Settings
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.sftp.scp_host import ScpHost
from sshdash.states import TransferState
from tests.live.connecting import until
from tests.live.file_kit import ODD_NAMES, tree, unfinished
from tests.live.test_cli_files import sshdash
from tests.servers.sshd import RealSshd

ONLY_SCP = (
    'case $SSH_ORIGINAL_COMMAND in scp*) exec sh -c "$SSH_ORIGINAL_COMMAND";; *) exit 1;; esac'
)

CHOICES = [ConflictChoice.OVERWRITE, ConflictChoice.SKIP, ConflictChoice.RENAME]


@pytest.fixture
def bare() -> Iterator[RealSshd]:
    """Return a server without SFTP."""
    server = RealSshd(subsystem="")
    server.start()
    yield server
    server.close()


@pytest.fixture
def only_scp() -> Iterator[RealSshd]:
    """Return a server that runs scp and nothing else."""
    server = RealSshd(subsystem="")
    script = server.folder / "only_scp"
    script.write_text(f"#!/bin/sh\ncd {server.home}\n{ONLY_SCP}\n")
    script.chmod(0o755)
    server.options["forcecommand"] = str(script)
    server.start()
    yield server
    server.close()


@asynccontextmanager
async def backend_on(server: RealSshd, *answers: object) -> AsyncIterator[Backend]:
    """Run a backend; questions get these answers in order."""
    source = ConfigSource.standard(str(server.config_file))
    settings = Settings(audit=False, reconnect=False)
    async with Backend(settings, ScriptedPrompter(list(answers)), source) as backend:
        await backend.load(terminals=False)
        yield backend
        for status in backend.connections.statuses():
            assert not status.leases.get("files"), status


async def copy(
    backend: Backend, source: str, paths: list[Path], target: str, folder: Path, **values: object
) -> TransferSnapshot:
    """Copy and return how it ended."""
    settings = {"conflict": ConflictChoice.OVERWRITE, **values}
    names = tuple(map(bytes, paths))
    request = CopyRequest(source, names, target, bytes(folder), **settings)  # type: ignore[arg-type]
    await backend.load(terminals=False)
    return await backend.transfers.wait(backend.transfers.submit(request))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a tree with odd names, sizes and modes, and no links."""
    folder = tmp_path / "from" / "it's $(a) `tree`"
    folder.mkdir(parents=True)
    for number, name in enumerate(ODD_NAMES):
        # OpenSSH's scp writes names with a line break in a form of its own.
        if b"\n" not in name and len(name) < 200:
            Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(os.urandom(number * 7))
    for size in (0, 1, 262_144, 262_145, 1 << 20, 3_000_001):
        (folder / f"size-{size}").write_bytes(os.urandom(size))
    (folder / "deep" / "empty").mkdir(parents=True)
    (folder / "deep" / "script").write_bytes(b"x")
    (folder / "deep" / "script").chmod(0o750)
    os.utime(folder / "deep" / "script", (10**9, 10**9))
    os.utime(folder / "deep", (10**9, 10**9))
    return folder


@pytest.mark.parametrize("server", ["bare", "only_scp"])
@pytest.mark.parametrize("up", [True, False])
async def test_a_tree_arrives_whole(
    request: pytest.FixtureRequest, server: str, source: Path, tmp_path: Path, up: bool
) -> None:
    sshd: RealSshd = request.getfixturevalue(server)
    target = tmp_path / "to ' here"
    target.mkdir()
    ends = ("", "sshd") if up else ("sshd", "")
    async with backend_on(sshd) as backend:
        done = await copy(backend, ends[0], [source], ends[1], target)
    assert done.state is TransferState.DONE, (done.reason, done.errors)
    copied = target / source.name
    assert tree(copied) == tree(source)
    assert done.files_done == len([one for one in tree(source).values() if one != "directory"])
    assert done.bytes_done == done.bytes_total > 4_000_000
    for place in ("deep/script", "deep"):
        now, was = (copied / place).stat(), (source / place).stat()
        assert (now.st_mode, int(now.st_mtime)) == (was.st_mode, int(was.st_mtime))
    assert not unfinished(target)


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("choice", CHOICES)
async def test_conflicts_are_asked(
    bare: RealSshd, tmp_path: Path, up: bool, choice: ConflictChoice
) -> None:
    here, there = tmp_path / "from", tmp_path / "to"
    for folder, content in ((here, b"new content"), (there, b"old")):
        (folder / "tree").mkdir(parents=True)
        (folder / "tree" / "file").write_bytes(content)
    (here / "tree" / "more").write_bytes(b"more")
    ends = ("", "sshd") if up else ("sshd", "")
    async with backend_on(bare, ConflictAnswer(choice)) as backend:
        done = await copy(backend, ends[0], [here / "tree"], ends[1], there, conflict=None)
    assert done.state is TransferState.DONE, (done.reason, done.errors)
    found = {path.name: path.read_bytes() for path in (there / "tree").iterdir()}
    expected = {
        ConflictChoice.OVERWRITE: {"file": b"new content"},
        ConflictChoice.SKIP: {"file": b"old"},
        ConflictChoice.RENAME: {"file": b"old", "file (2)": b"new content"},
    }
    assert found == {"more": b"more", **expected[choice]}


async def test_many_small_files_take_few_round_trips(
    bare: RealSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "from", tmp_path / "to"
    there.mkdir()
    for folder in ("one", "two"):
        (here / folder).mkdir(parents=True)
        for number in range(150):
            (here / folder / f"{number}").write_bytes(b"%d" % number)
    asked: list[int] = []
    ask = ScpHost._ask_all

    async def counted(self: ScpHost, words: Any) -> list[bytes]:
        asked.append(len(words))
        return await ask(self, words)

    monkeypatch.setattr(ScpHost, "_ask_all", counted)
    async with backend_on(bare) as backend:
        done = await copy(backend, "", [here], "sshd", there)
    assert done.state is TransferState.DONE, (done.reason, done.errors)
    assert tree(there / "from") == tree(here)
    assert sum(asked) > 600
    assert len(asked) < 30


async def test_browsing_says_what_can_be_done(bare: RealSshd) -> None:
    async with backend_on(bare) as backend:
        with pytest.raises(SessionError, match="has no SFTP"):
            await backend.filesystem("sshd")


async def test_what_cannot_be_copied_is_told_and_the_rest_goes_on(
    bare: RealSshd, tmp_path: Path
) -> None:
    here, there = tmp_path / "from", tmp_path / "to"
    there.mkdir()
    (here / "folder").mkdir(parents=True)
    (here / "file").write_bytes(b"file")
    (here / "link").symlink_to("file")
    (there / "file").mkdir()
    (there / "folder").write_bytes(b"in the way")
    async with backend_on(bare) as backend:
        up = await copy(backend, "", [here / "file", here / "link"], "sshd", there)
        assert [error.reason for error in up.errors] == ["the target is a directory"]
        assert [omitted.path for omitted in up.left_out] == [str(here / "link")]
        down = await copy(backend, "sshd", [here / "gone", here / "folder"], "", there)
        assert len(down.errors) == 2
        assert "No such file" in down.errors[0].reason
        assert "is not a directory" in down.errors[1].reason
        moved = await copy(backend, "sshd", [here / "file"], "", there, move=True)
        assert "needs SFTP" in moved.reason
        both = await copy(backend, "sshd", [here / "file"], "inner", there)
        assert "needs SFTP" in both.reason
    assert (there / "folder").read_bytes() == b"in the way"
    assert list((there / "file").iterdir()) == []


@pytest.mark.parametrize("up", [True, False])
async def test_a_cancelled_copy_leaves_the_old_file(
    bare: RealSshd, tmp_path: Path, up: bool
) -> None:
    here, there = tmp_path / "from", tmp_path / "to"
    for folder in (here, there):
        folder.mkdir()
    (here / "file").write_bytes(os.urandom(64 << 20))
    (there / "file").write_bytes(b"old")
    ends = ("", "sshd") if up else ("sshd", "")
    async with backend_on(bare) as backend:
        await backend.load(terminals=False)
        request = CopyRequest(
            ends[0],
            (bytes(here / "file"),),
            ends[1],
            bytes(there),
            conflict=ConflictChoice.OVERWRITE,
        )
        job = backend.transfers.submit(request)
        await until(lambda: backend.transfers.snapshot(job).bytes_done > 1 << 20)
        backend.transfers.cancel(job)
        done = await backend.transfers.wait(job)
    assert done.state is TransferState.CANCELLED
    assert (there / "file").read_bytes() == b"old"
    assert not unfinished(there)


async def test_cp_takes_the_other_way_by_itself_and_says_so(
    bare: RealSshd, source: Path, tmp_path: Path
) -> None:
    done = await sshdash(bare.config_file, "cp", "-r", source, "sshd:new")
    assert done.status == 0, done.errors
    assert "has no SFTP, so files are copied by scp" in done.errors
    assert tree(bare.home / "new") == tree(source)
    done = await sshdash(bare.config_file, "cp", "-r", "sshd:new/deep", ".", cwd=tmp_path)
    assert done.status == 0, done.errors
    assert tree(tmp_path / "deep") == tree(source / "deep")
    done = await sshdash(bare.config_file, "ls", "sshd:new")
    assert done.status == 1
    assert "has no SFTP" in done.errors


@pytest.mark.parametrize("server", ["bare", "only_scp"])
async def test_a_folder_gets_a_new_name_with_a_slash_and_a_file_does_not(
    request: pytest.FixtureRequest, server: str, source: Path, tmp_path: Path
) -> None:
    sshd: RealSshd = request.getfixturevalue(server)
    shutil.copytree(source, sshd.home / "dir")
    (sshd.home / "file").write_bytes(b"file")
    for number, named in enumerate(("dir", "dir/")):
        done = await sshdash(
            sshd.config_file, "cp", "-r", f"sshd:{named}", f"./new{number}/", cwd=tmp_path
        )
        assert done.status == 0, done.errors
        assert tree(tmp_path / f"new{number}") == tree(source)
    for recursive in ((), ("-r",)):
        words = ("cp", *recursive, "sshd:file", "./none/")
        done = await sshdash(sshd.config_file, *words, cwd=tmp_path)
        assert done.status in (1, 2), done.errors
        assert "irectory" in done.errors
        assert not (tmp_path / "none").exists()
    if server == "bare":
        done = await sshdash(sshd.config_file, "cp", "-r", source, "sshd:there/")
        assert done.status == 0, done.errors
        assert tree(sshd.home / "there") == tree(source)


async def test_a_server_that_runs_only_scp_is_written_in_place(
    only_scp: RealSshd, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"new")
    (only_scp.home / "file").write_bytes(b"old")
    warnings: list[WarningRaised] = []
    async with backend_on(only_scp) as backend:
        await backend.load(terminals=False)
        backend.events.subscribe(
            lambda event: warnings.append(event) if isinstance(event, WarningRaised) else None
        )
        asked = await copy(backend, "", [tmp_path / "file"], "sshd", only_scp.home, conflict=None)
        assert "Nobody can tell" in asked.reason
        done = await copy(backend, "", [tmp_path / "file"], "sshd", only_scp.home)
    assert done.state is TransferState.DONE, (done.reason, done.errors)
    assert (only_scp.home / "file").read_bytes() == b"new"
    assert "in their place" in warnings[0].detail
    done_by = await sshdash(only_scp.config_file, "cp", tmp_path / "file", "sshd:other")
    assert done_by.status == 0, done_by.errors
    assert (only_scp.home / "other").read_bytes() == b"new"


HOSTILE = {
    "another name on top": (b"C0644 4 .bashrc\n", b"evil\0", {"wanted": b"evil"}),
    "a path": (b"C0644 4 ../../evil\n", b"evil\0", {}),
    "a directory above": (b"D0755 0 ..\n", b"C0644 4 evil\nevil\0E\n", {}),
    "more than one": (b"C0644 4 wanted\n", b"good\0C0644 4 second\nevil\0", {"wanted": b"good"}),
    "a directory where a file was asked for": (b"D0755 0 wanted\n", b"C0644 4 a\nevil\0E\n", {}),
    "an end of nothing": (b"E\n", b"", {}),
    "text": (b"Welcome!\n", b"", {}),
    "less than told": (b"C0644 4000 wanted\n", b"short", {}),
    "an enormous size": (b"C0644 9223372036854775807 wanted\n", b"short", {}),
    "a failure at the end": (b"C0644 4 wanted\n", b"evil\x01scp: read error\n", {}),
    "a line without an end": (b"C" * 20_000, b"", {}),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_nothing_is_taken_that_was_not_asked_for(tmp_path: Path, name: str) -> None:
    first, second, expected = HOSTILE[name]
    wanted = [b"deep/to/" + name.encode() for name in expected]
    server = RealSshd(subsystem="")
    (server.folder / "payload").write_bytes(first + second)
    script = server.folder / "scp_server"
    script.write_text(
        "#!/bin/sh\n"
        # It stays for whatever is answered, but not for long.
        f"case $SSH_ORIGINAL_COMMAND in scp*) cat {server.folder}/payload; "
        "timeout 1 cat >&2;; esac\n"
    )
    script.chmod(0o755)
    server.options["forcecommand"] = str(script)
    target = tmp_path / "deep" / "to"
    target.mkdir(parents=True)
    async with server, backend_on(server) as backend:
        done = await copy(backend, "sshd", [Path("/srv/wanted")], "", target, recursive=False)
    found = {path.name: path.read_bytes() for path in target.iterdir()}
    assert found == expected
    assert sorted(tree(tmp_path)) == sorted([b"deep", b"deep/to", *wanted])
    if expected != {"wanted": b"evil"}:
        assert done.state is TransferState.FAILED, done
