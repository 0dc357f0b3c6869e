"""What systemd is told, also where it is behind with reading."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from sshdash.cli.readiness import Readiness
from sshdash.errors import FileError
from tests.patience import PATIENCE


async def test_what_there_was_no_room_for_is_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(tmp_path / "notify")
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other,
    ):
        systemd.bind(name)
        systemd.setblocking(False)
        other.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        telling = Readiness([])
        with contextlib.suppress(BlockingIOError):
            while True:
                other.sendto(b"WATCHDOG=1", name)
        telling.ready("1 of 2 forwards open", {})
        telling.status("2 of 2 forwards open")
        async with asyncio.timeout(PATIENCE):
            while (said := await loop.sock_recv(systemd, 4096)) == b"WATCHDOG=1":
                pass
        assert said.splitlines() == [b"READY=1", b"STATUS=2 of 2 forwards open"]
        telling.end()
        assert await loop.sock_recv(systemd, 4096) == b"STOPPING=1"


def test_a_folder_in_the_place_of_a_file_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="readiness"):
        Readiness([str(tmp_path)])


def test_a_file_that_cannot_be_written_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "ready"
    telling = Readiness([str(file)])
    file.mkdir()
    with pytest.raises(FileError) as caught:
        telling.ready("1 of 1 forwards open", {})
    assert caught.value.path == str(file)
    assert list(tmp_path.iterdir()) == [file]
