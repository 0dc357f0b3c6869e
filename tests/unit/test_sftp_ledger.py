"""What a running job knows of itself."""

import asyncio

import pytest

from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.walk import Source


async def test_many_folders_are_noted_in_turns_with_everybody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 1.0

    def passing() -> float:
        nonlocal clock
        clock += 0.001
        return clock

    monkeypatch.setattr("sshdash.sftp.turns.monotonic", passing)
    ledger = Ledger()
    ledger.notes = []
    names = [b"%03d" % number for number in range(100)]
    folders = [Source(b"/" + name, name, Entry(name, Kind.DIRECTORY)) for name in names]
    most = seen = 0

    def look() -> None:
        nonlocal most, seen
        noted = len(ledger.notes or ())
        most, seen = max(most, noted - seen), noted
        if noted < len(folders):
            asyncio.get_running_loop().call_soon(look)

    look()
    await ledger.make(folders)
    assert [note.place for note in ledger.notes] == names
    assert most <= 4, "one turn of the loop is not for all of them"
