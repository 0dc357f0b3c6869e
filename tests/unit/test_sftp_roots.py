"""What was asked for, as sources: very many of them."""

import asyncio
from collections import Counter

import pytest

from sshdash.sftp import roots, turns
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.mover import Mover
from sshdash.sftp.names import folded
from sshdash.sftp.roots import Roots


async def test_very_many_marked_names_are_told_apart_in_turns_with_everybody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(10**9))
    turn = 0
    looked: Counter[int] = Counter()

    def count() -> None:
        nonlocal turn
        turn += 1
        asyncio.get_running_loop().call_soon(count)

    def fold(name: bytes) -> str:
        looked[turn] += 1
        return folded(name)

    async def exists(self: LocalFilesystem, path: bytes) -> None:
        return None

    async def lstat(self: LocalFilesystem, path: bytes) -> Entry:
        return Entry(path, Kind.FILE)

    monkeypatch.setattr(turns, "monotonic", lambda: next(clock) / 1000)
    monkeypatch.setattr(roots, "folded", fold)
    monkeypatch.setattr(LocalFilesystem, "exists", exists)
    monkeypatch.setattr(LocalFilesystem, "lstat", lstat)
    files, ledger = LocalFilesystem(), Ledger()
    paths = tuple(b"/from/%d" % number for number in range(2_000))
    request = CopyRequest("", paths, "sshd", b"/to", follow=False)
    mover = Mover(files, files, b"/to", ledger, wanted=False)
    found = Roots(request, files, files, ledger, mover, str)
    try:
        await found.look(b"/to")
        asyncio.get_running_loop().call_soon(count)
        assert len(await found.found()) == len(paths)
    finally:
        await files.close()
    assert looked.total() == len(paths)
    assert max(looked.values()) < 100, "nobody else had a turn"
