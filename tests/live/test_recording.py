"""Recordings of shells on a real sshd: what is in them, and what never is."""

import asyncio
import errno
import json
import os
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sshdash.events import RecordingEnded, RecordingsRemoved, RecordingStarted, WarningRaised
from sshdash.paths import recordings_dir
from sshdash.settings import Settings
from sshdash.states import SessionState
from sshdash.terminal import recording as module
from sshdash.terminal.playback import Playback, open_recording
from sshdash.terminal.recording import Recorder
from sshdash.terminal.recording_files import RecordingFile
from sshdash.terminal.serial import LineEnding
from sshdash.terminal.session import ShellSession
from tests.live.connecting import connecting, until
from tests.live.shells import Shell
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

SECRET = "correct-horse-battery"


@asynccontextmanager
async def recorded(sshd: RealSshd, **settings: Any) -> AsyncIterator[tuple[Shell, Recorder]]:
    """Open a shell that is recorded from its beginning."""
    chosen = Settings(record=("ss*",), **settings)
    async with connecting(sshd.config_file) as client:
        recorder = Recorder(recordings_dir(), chosen, client.bus)
        lease = await client.manager.lease("sshd", "shell")
        session = await ShellSession.open(lease, client.bus, columns=80, rows=24, recorder=recorder)
        try:
            yield Shell(session, client, "sshd"), recorder
        finally:
            await session.close()
            await recorder.close()


def files(suffix: str = "*") -> list[Path]:
    return sorted(recordings_dir().glob(f"*/*.{suffix}"))


def events(path: Path) -> list[list[Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def shown(path: Path) -> str:
    return "".join(text for _, code, text in events(path) if code == "o")


async def test_a_shell_is_recorded_with_its_resizes_and_its_exit(sshd: RealSshd) -> None:
    async with recorded(sshd, record_format="both") as (one, _):
        await one.type("echo $((6*7))")
        await one.shows(r"^42$")
        one.session.resize(100, 30)
        await one.type("stty size; exit 3")
        assert await one.ends() is SessionState.EXITED
        await until(lambda: one.client.told(RecordingEnded))
    (cast,), (text,) = files("cast"), files("txt")
    header = json.loads(cast.read_text().splitlines()[0])
    assert header["version"] == 3
    assert header["term"] == {"cols": 80, "rows": 24, "type": "xterm-256color"}
    assert [text for _, code, text in events(cast) if code == "r"] == ["100x30"]
    assert events(cast)[-1][1:] == ["x", "3"]
    assert "42" in shown(cast)
    lines = text.read_text().splitlines()
    assert {"42", "30 100", "[exit 3]"} <= set(lines)
    assert "\x1b" not in text.read_text()
    (started,), (ended,) = one.client.told(RecordingStarted), one.client.told(RecordingEnded)
    assert set(started.paths) == set(ended.paths) == {str(cast), str(text)}
    assert not ended.reason


async def test_files_and_folders_are_for_their_owner_alone(sshd: RealSshd) -> None:
    before = os.umask(0)
    try:
        async with recorded(sshd) as (one, _):
            await until(lambda: one.client.told(RecordingStarted))
    finally:
        os.umask(before)
    (file,) = files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(recordings_dir().stat().st_mode) == 0o700


@pytest.mark.parametrize("by", ["typing", "pasting"])
async def test_a_password_is_in_no_recording(
    sshd: RealSshd, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded(sshd, record_format="both") as (one, _):
        await one.type("read -s -p 'Password: ' it; echo; echo got ${#it}")
        await one.shows(r"^Password:$")
        if by == "typing":
            for character in SECRET + "\r":
                one.session.write(character.encode())
        else:
            one.session.paste(SECRET)
            one.session.write(b"\r")
        await one.shows(rf"^got {len(SECRET)}$")
        await one.type("exit")
        await one.ends()
        await until(lambda: one.client.told(RecordingEnded))
    assert len(files()) == 2
    for file in files():
        assert f"got {len(SECRET)}" in file.read_text()
        assert SECRET not in file.read_text()
        assert SECRET[:6] not in file.read_text()
    assert SECRET not in caplog.text


async def test_what_is_typed_is_only_there_as_the_remote_echoes_it(sshd: RealSshd) -> None:
    async with recorded(sshd) as (one, _):
        await one.type("stty -echo; echo quiet")
        await one.shows("^quiet")
        one.session.write(b"echo unseen-$((1+1))\r")
        await one.shows("^unseen-2")
        await until(lambda: files() and "unseen-2" in shown(files()[0]))
    assert "unseen-$" not in files()[0].read_text()


async def test_nothing_is_recorded_that_was_not_asked_for(sshd: RealSshd) -> None:
    async with recorded(sshd) as (one, recorder):
        assert recorder.wants("sshd")
        assert recorder.wants("me@ssx")
        assert not recorder.wants("other")
        one.session.record(False)
        await until(lambda: one.client.told(RecordingEnded))
        await one.type("echo after the end")
        await one.shows("^after the end")
        one.session.record(True)
        await one.type("echo once more")
        await one.shows("^once more")
        one.session.record(True)  # it is already
    first, second = files()
    assert "after the end" not in first.read_text() + second.read_text()
    assert "once more" in shown(second)


async def test_a_recording_begun_in_a_program_begins_with_what_it_has_drawn(
    sshd: RealSshd,
) -> None:
    async with recorded(sshd, record_format="both") as (one, _):
        one.session.record(False)
        await until(lambda: one.client.told(RecordingEnded))
        await one.type("echo before; tput smcup; tput cup 4 2; tput setaf 2; echo drawn; read it")
        await one.shows("^  drawn")
        seen, place = one.session.emulator.view(), one.session.emulator.position
        one.session.record(True)
        await until(lambda: len(files("cast")) == 2)
        await until(lambda: "drawn" in shown(files("cast")[1]))
        with open_recording(files("cast")[1]) as cast:
            played = Playback(*cast)
        played.go_to(played.events[0].at)
        assert played.emulator.view() == seen
        assert played.emulator.position == place
        assert played.emulator.modes.alternate_screen
        assert "before" not in shown(files("cast")[1])
        assert "drawn" not in files("txt")[1].read_text()


async def test_a_shell_that_is_opened_again_is_recorded_again(sshd: RealSshd) -> None:
    async with recorded(sshd) as (one, _):
        await one.type("exit 3")
        await one.ends()
        await one.session.reopen(await one.client.manager.lease("sshd", "shell"))
        await one.type("echo second life")
        await one.shows("^second life")
    assert [("second life" in shown(file)) for file in files()] == [False, True]


async def test_a_long_recording_goes_on_in_another_file(sshd: RealSshd) -> None:
    async with recorded(sshd, record_file_mb=1) as (one, _):
        await one.type("yes 0123456789 | head -c 3000000; echo; echo all of it")
        await one.shows("^all of it")
        await one.type("exit")
        await one.ends()
        await until(lambda: one.client.told(RecordingEnded))
        (ended,) = one.client.told(RecordingEnded)
    assert len(ended.paths) > 1
    assert {Path(path) for path in ended.paths} == set(files("cast"))
    assert all(json.loads(file.read_text().splitlines()[0])["version"] == 3 for file in files())
    whole = "".join(shown(Path(path)) for path in ended.paths)
    assert whole.count("0123456789\r\n") >= 272_000
    assert "all of it" in whole


def full(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk be full once a file has so many bytes."""
    write = os.write

    def limited(descriptor: int, data: bytes) -> int:
        if threading.current_thread().name.startswith("recording"):
            room = after - os.fstat(descriptor).st_size
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[:room]
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", limited)


async def test_a_full_disk_ends_the_recording_and_not_the_session(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(monkeypatch, after=5_000)
    async with recorded(sshd) as (one, recorder):
        await one.type("seq 1 5000; echo still here")
        await one.shows("^still here")
        await until(lambda: one.client.told(RecordingEnded))
        await one.type("echo and on")
        await one.shows("^and on")
        (warning,) = one.client.told(WarningRaised)
        assert "No space left" in warning.detail
        assert one.session.recording is None or one.session.recording.is_over
        assert "0 running" in repr(recorder)
    (file,) = files()
    assert file.read_text().endswith("\n")
    assert events(file), "what was written before stays whole"


@pytest.mark.parametrize("obstacle", ["a file", "a link", "read-only"])
async def test_where_nothing_can_be_written_the_session_goes_on(
    sshd: RealSshd, obstacle: str, tmp_path: Path
) -> None:
    root = recordings_dir()
    root.parent.mkdir(parents=True)
    if obstacle == "a file":
        root.write_text("not a folder")
    elif obstacle == "a link":
        root.mkdir(mode=0o700)
        (root / "sshd").symlink_to(tmp_path)
    else:
        if os.getuid() == 0:
            pytest.skip("root may write everywhere")
        root.mkdir(mode=0o500)
    async with recorded(sshd) as (one, _):
        await one.type("echo all the same")
        await one.shows("^all the same")
        await until(lambda: one.client.told(WarningRaised))
        (ended,) = one.client.told(RecordingEnded)
        assert ended.reason
        assert not ended.paths
    assert not os.listdir(tmp_path)


async def test_what_a_slow_disk_misses_is_told(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 20_000)
    held = threading.Event()
    write = RecordingFile.write

    def slow(self: RecordingFile, text: str) -> None:
        assert held.wait(PATIENCE)
        write(self, text)

    monkeypatch.setattr(RecordingFile, "write", slow)
    async with recorded(sshd) as (one, _):
        await one.type("seq 1 20000; echo done")
        await one.shows("^done")
        assert one.session.recording is not None
        assert one.session.recording._size <= 20_000
        held.set()
        await until(lambda: not one.session.recording or not one.session.recording._waiting)
        await one.type("exit")
        await one.ends()
        await until(lambda: one.client.told(RecordingEnded))
    (file,) = files()
    marks = [text for _, code, text in events(file) if code == "m"]
    assert all("were not recorded" in text for text in marks)
    lost = sum(int(text.partition(" ")[0].replace(",", "")) for text in marks)
    assert lost > 50_000
    assert events(file)[-1][1] == "x"


async def test_old_recordings_go_as_the_settings_ask(sshd: RealSshd) -> None:
    folder = recordings_dir() / "web-1"
    folder.mkdir(parents=True)
    old, new, other = (
        folder / "2020-01-01T000000.cast",
        folder / "2026-01-01T000000_2_part3.txt",
        folder / "notes.txt",
    )
    for file in (old, new, other):
        file.write_bytes(b"x" * 600_000)
    os.utime(old, (1e9, 1e9))
    os.utime(other, (1e9, 1e9))
    async with recorded(sshd, record_days=3650) as (one, _):
        await until(lambda: one.client.told(RecordingStarted))
        (removed,) = one.client.told(RecordingsRemoved)
        assert removed.paths == (str(old),)
    assert new.exists()
    assert other.exists()
    old.write_bytes(b"x" * 600_000)
    os.utime(new, (1e9, 1e9))
    async with recorded(sshd, record_total_mb=1) as (one, _):
        await until(lambda: one.client.told(RecordingsRemoved))
    assert old.exists()
    assert not new.exists()


async def test_a_recording_never_holds_the_loop(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may hang for good: the shell does not notice, nor does the end wait for ever."""
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    held = threading.Event()
    monkeypatch.setattr(RecordingFile, "write", lambda self, text: held.wait(20) and None)
    async with recorded(sshd) as (one, _):
        await one.type("echo alive")
        await one.shows("^alive")
    held.set()
    await asyncio.sleep(0)


async def test_an_echo_of_this_side_is_shown_and_not_recorded(sshd: RealSshd) -> None:
    async with recorded(sshd) as (one, _):
        await one.type("stty -echo -icrnl; echo go; head -c 6 | od -An -tx1; echo over")
        await one.shows("^go$")
        one.session.serial.local_echo = True
        one.session.serial.ending = LineEnding.CRLF
        one.session.write(b"local\r")
        await one.shows("^local$")
        await one.shows("^ 6c 6f 63 61 6c 0d$")
        one.session.send_break()
        await one.shows("^over")
    assert "local\\r\\n" not in files()[0].read_text()
