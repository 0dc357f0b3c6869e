"""Checksums of both ends, however a host can tell them."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sshdash.sftp.filesystem import Digest
from sshdash.sftp.sync_sums import digests
from sshdash.states import TransferState
from tests.live.file_kit import files_on, tree, unfinished
from tests.live.test_sftp_faults import loopback
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

LARGE = 1_500_000
NAME = b'it\'s a "name" $(touch gone)\n\\ `x` \xff.bin'


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a folder with a large and a small file, and an empty one."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for name, size in ((NAME, LARGE), (b"small", 100), (b"empty", 0)):
        with open(os.path.join(bytes(source), name), "wb") as file:
            file.write(os.urandom(size))
    return source, target


@pytest.mark.parametrize(
    ("source_end", "target_end"), [("sshd", ""), ("", "sshd"), ("sshd", "inner")]
)
async def test_a_command_there_hashes_whatever_the_name(
    sshd: RealSshd, folders: tuple[Path, Path], source_end: str, target_end: str
) -> None:
    source, target = folders
    async with files_on(sshd.config_file) as files:
        done = await files.copy(source_end, list(source.iterdir()), target_end, target, verify=True)
    assert done.state is TransferState.DONE, done.errors
    assert tree(target) == tree(source)
    assert done.verified == 2  # there is nothing to compare in an empty one
    for end in (source_end, target_end):
        assert not end or f"sha256sum on {end}" in done.verified_by
    assert not (sshd.home / "gone").exists()


async def test_where_only_sftp_is_allowed_the_file_is_read_back(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    source, target = folders
    sshd.options["forcecommand"] = "internal-sftp"
    await asyncio.to_thread(sshd.restart)
    async with files_on(sshd.config_file) as files, asyncio.timeout(PATIENCE):
        done = await files.copy("", list(source.iterdir()), "sshd", target, verify=True)
    assert done.state is TransferState.DONE, done.errors
    assert (done.verified, done.verified_by) == (2, ("here", "reading it back on sshd"))


async def test_a_command_that_is_wrong_is_not_believed(
    sshd: RealSshd, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = folders
    (tmp_path / "bin").mkdir()
    liar = tmp_path / "bin" / "sha256sum"
    liar.write_text(f"#!/bin/sh\necho {'0' * 64} -\n")
    liar.chmod(0o755)
    sshd.options["setenv"] = f"HOME={sshd.home} PATH={tmp_path / 'bin'}:/usr/bin:/bin"
    await asyncio.to_thread(sshd.restart)
    async with files_on(sshd.config_file) as files:
        done = await files.copy("", list(source.iterdir()), "sshd", target, verify=True)
    assert done.state is TransferState.DONE, done.errors
    assert "reading it back on sshd" in done.verified_by


class Spoiling(asyncssh.SFTPServer):
    """Writes one byte of each file wrongly."""

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        if offset == 0 and data:
            data = bytes((data[0] ^ 1,)) + data[1:]
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]


async def test_what_arrives_spoiled_gets_no_name(folders: tuple[Path, Path]) -> None:
    source, _ = folders
    async with loopback(Spoiling) as files:
        (files.home / "small").write_bytes(b"old")
        done = await files.copy("", list(source.iterdir()), "loopback", Path("/"), verify=True)
        assert done.state is TransferState.FAILED
        assert done.verified == 0
        assert len(done.errors) == 2
        assert all("checksums differ" in error.reason for error in done.errors)
        assert all("loopback" in error.reason for error in done.errors)
        assert (files.home / "small").read_bytes() == b"old"
        assert {path.name for path in files.home.iterdir()} == {"small", "empty"}
        assert not unfinished(files.home)


class Answer:
    """What a server that knows check-file answers."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def encode(self, version: int) -> bytes:
        return self._body


def _string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _answer(title: bytes, path: str, known: bool) -> Answer:
    """Return the SHA-256 of a file, or what nobody asked for."""
    content = Path(path).read_bytes()
    if known:
        return Answer(title + _string(b"sha256") + hashlib.sha256(content).digest())
    return Answer(title + _string(b"md5") + bytes(16))


@pytest.mark.parametrize("title", [b"", _string(b"check-file")], ids=["later draft", "first draft"])
@pytest.mark.parametrize("known", [True, False], ids=["sha256", "only md5"])
async def test_a_server_that_knows_check_file_is_asked(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, title: bytes, known: bool
) -> None:
    from asyncssh.sftp import SFTPServerHandler

    async def check(self: Any, packet: Any) -> Answer:
        path, names = packet.get_string(), packet.get_string()
        assert names == b"sha256"
        assert packet.get_remaining_payload() == bytes(20)  # from the start, all of it, one hash
        return _answer(title, os.fsdecode(self._server.map_path(path)), known)

    name = b"check-file-name"
    monkeypatch.setattr(
        SFTPServerHandler, "_extensions", [*SFTPServerHandler._extensions, (name, b"1")]
    )
    monkeypatch.setitem(SFTPServerHandler._packet_handlers, name, check)
    monkeypatch.setitem(SFTPServerHandler._return_types, name, 201)
    source, _ = folders
    async with loopback(asyncssh.SFTPServer) as files:
        done = await files.copy("", list(source.iterdir()), "loopback", Path("/"), verify=True)
        assert done.state is TransferState.DONE, done.errors
        by = "check-file" if known else "reading it back"
        assert (done.verified, done.verified_by) == (2, ("here", f"{by} on loopback"))


async def test_one_file_that_cannot_be_read_leaves_the_command_to_the_others(
    sshd: RealSshd, folders: tuple[Path, Path]
) -> None:
    large, missing = os.path.join(bytes(folders[0]), NAME), bytes(folders[0] / "missing")
    async with files_on(sshd.config_file) as files:
        filesystem = await files.open("sshd")
        try:
            found = await digests(filesystem, {missing: LARGE})
            assert found == {}
            found = await digests(filesystem, {large: LARGE})
        finally:
            await filesystem.close()
    content = await asyncio.to_thread(Path(os.fsdecode(large)).read_bytes)
    assert found == {large: Digest(hashlib.sha256(content).digest(), "sha256sum")}
