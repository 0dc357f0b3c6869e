"""``sshdash cp`` with ``-``: a file to standard output, standard input to a file."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.file_kit import unfinished
from tests.live.test_cli_cp import Ended, cp, start
from tests.live.test_sftp_faults import slow_line
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

DATA = os.urandom(3_500_000)


def shell(server: RealSshd, line: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a line of shell in which ``CP`` is ``sshdash cp``."""
    command = f"{sys.executable} -m sshdash -F {server.config_file} cp"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line.replace("CP", command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("size", "checksum"), [(0, ""), (300_000, "--checksum "), (len(DATA), "--checksum ")]
)
def test_bytes_go_in_and_out_as_they_are(sshd: RealSshd, size: int, checksum: str) -> None:
    (sshd.home / "in").write_bytes(DATA[:size])
    done = shell(sshd, f"CP {checksum}sshd:in - | CP {checksum}- sshd:out")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert (sshd.home / "out").read_bytes() == DATA[:size]
    assert not unfinished(sshd.home)


def test_a_kernels_file_is_poured_to_its_end(sshd: RealSshd) -> None:
    done = shell(sshd, "CP sshd:/proc/version -")
    assert (done.returncode, done.stdout) == (0, Path("/proc/version").read_bytes()), done.stderr


def test_of_a_file_that_grows_what_it_was_is_poured_and_that_is_told(sshd: RealSshd) -> None:
    grown = sshd.home / "log"
    grown.write_bytes(DATA)
    line = f"CP -l 4MB/s sshd:log - | (head -c 1000000; echo more >> {grown}; cat)"
    done = shell(sshd, line)
    assert (done.returncode, done.stdout == DATA) == (1, True), done.stderr
    assert b"it grew meanwhile: these are its first 3,500,000 bytes" in done.stderr


def test_a_device_and_a_fifo_are_written_into(sshd: RealSshd, tmp_path: Path) -> None:
    (sshd.home / "in").write_bytes(DATA)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    line = f"CP --checksum sshd:in {fifo} & cat {fifo}; wait $! && CP -p sshd:in /dev/null"
    done = shell(sshd, line)
    assert (done.returncode, done.stdout == DATA) == (0, True), done.stderr
    assert fifo.is_fifo()
    assert Path("/dev/null").is_char_device()
    assert os.listdir(tmp_path) == ["fifo"]


def test_who_stops_reading_a_fifo_is_told_of_and_full_devices_too(
    sshd: RealSshd, tmp_path: Path
) -> None:
    (sshd.home / "in").write_bytes(DATA)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = shell(sshd, f"CP sshd:in {fifo} & head -c 10 {fifo} >/dev/null; wait $!")
    assert (done.returncode, b"roken pipe" in done.stderr) == (1, True), done.stderr
    done = shell(sshd, "CP sshd:in /dev/full")
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert fifo.is_fifo()


def test_a_new_file_has_the_umask_and_an_old_one_its_mode(sshd: RealSshd) -> None:
    (sshd.home / "old").write_bytes(b"x")
    (sshd.home / "old").chmod(0o640)
    done = shell(sshd, "for name in old new; do echo y | CP - sshd:$name || exit 1; done")
    assert done.returncode == 0, done.stderr
    modes = [(sshd.home / name).stat().st_mode & 0o777 for name in ("old", "new")]
    assert modes[0] == 0o640
    assert modes[1] & 0o111 == 0
    assert modes[1] & 0o600 == 0o600


def test_nothing_is_told_where_the_reader_leaves(sshd: RealSshd) -> None:
    (sshd.home / "in").write_bytes(DATA)
    done = shell(sshd, "CP sshd:in - | head -c 10; echo ${PIPESTATUS[0]} >&2")
    assert done.stdout == DATA[:10]
    assert done.stderr == b"141\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sshd:fifo -", "FIFO"),
        ("'sshd:*.txt' -", "names 2"),
        ("- -", "One file"),
        ("- sshd:folder", "A name is needed"),
        ("- sshd:none/x", "no such file"),
        ("--on-conflict newer - sshd:x", "for files"),
        ("--resume sshd:a.txt -", "for files"),
        ("sshd:a.txt - >/dev/full", "No space left"),
        ("- sshd:x <.", "s a directory"),
    ],
)
def test_what_cannot_be_is_said(sshd: RealSshd, words: str, said: str) -> None:
    (sshd.home / "folder").mkdir()
    os.mkfifo(sshd.home / "fifo")
    for name in ("a.txt", "b.txt"):
        (sshd.home / name).write_bytes(b"x")
    before = sorted(os.listdir(sshd.home))
    done = shell(sshd, f"CP {words}")
    assert done.returncode in (1, 2)
    assert said.lower() in done.stderr.decode().lower()
    assert b"Traceback" not in done.stderr
    assert sorted(os.listdir(sshd.home)) == before


@pytest.mark.parametrize(
    ("policy", "files"),
    [
        ("skip", {"x": b"old"}),
        ("overwrite", {"x": b"new\n"}),
        ("keep-both", {"x": b"old", "x (2)": b"new\n"}),
    ],
)
def test_what_exists_is_treated_as_asked(
    sshd: RealSshd, policy: str, files: dict[str, bytes]
) -> None:
    (sshd.home / "to").mkdir()
    (sshd.home / "to" / "x").write_bytes(b"old")
    done = shell(sshd, f"echo new | CP --on-conflict {policy} - sshd:to/x")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in (sshd.home / "to").iterdir()} == files


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_before_the_end_of_input_leaves_the_old_file(
    sshd: RealSshd, number: signal.Signals
) -> None:
    (sshd.home / "to").mkdir()
    (sshd.home / "to" / "x").write_bytes(b"old")
    process = await start(sshd.config_file, "-", "sshd:to/x", stdin=asyncio.subprocess.PIPE)
    assert process.stdin
    process.stdin.write(DATA)
    async with asyncio.timeout(PATIENCE):
        while not unfinished(sshd.home):  # noqa: ASYNC110 (another program makes it)
            await asyncio.sleep(0.01)
    process.send_signal(number)
    errors = await asyncio.wait_for(_errors(process), PATIENCE)
    assert process.returncode == 128 + number, errors
    assert b"Traceback" not in errors
    assert [(path.name, path.read_bytes()) for path in (sshd.home / "to").iterdir()] == [
        ("x", b"old")
    ]


async def test_a_signal_while_it_is_written_in_place_is_told(sshd: RealSshd) -> None:
    (sshd.home / "x").write_bytes(b"old")
    words = "--inplace", "-", "sshd:x"
    process = await start(sshd.config_file, *words, stdin=asyncio.subprocess.PIPE)
    assert process.stdin
    process.stdin.write(DATA)
    async with asyncio.timeout(PATIENCE):
        while (sshd.home / "x").stat().st_size < 4:  # noqa: ASYNC110 (another program writes it)
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = await asyncio.wait_for(_errors(process), PATIENCE)
    assert process.returncode == 130, errors
    assert b"sshd:x: it was being written in place: what is there is neither" in errors


async def _errors(process: asyncio.subprocess.Process) -> bytes:
    """Return what is said, with the input left open."""
    assert process.stderr
    text = await process.stderr.read()
    await process.wait()
    assert process.stdin
    process.stdin.close()
    return text


async def test_a_slow_reader_holds_up_the_reading(sshd: RealSshd) -> None:
    (sshd.home / "in").write_bytes(os.urandom(60_000_000))
    async with slow_line(sshd, rate=100_000_000) as (proxy, config):
        process = await start(config, "sshd:in", "-")
        assert process.stdout
        first = await process.stdout.readexactly(1000)
        quiet = 0
        last = -1
        async with asyncio.timeout(PATIENCE):
            while quiet < 10:  # it reads ahead, then it stops
                await asyncio.sleep(0.05)
                quiet = quiet + 1 if proxy.bytes_down == last else 0
                last = proxy.bytes_down
        assert last < 40_000_000
        rest = await process.stdout.read()
        assert first + rest == (sshd.home / "in").read_bytes()
        assert await process.wait() == 0


async def test_a_lost_connection_is_told(sshd: RealSshd) -> None:
    (sshd.home / "in").write_bytes(os.urandom(40_000_000))
    async with slow_line(sshd, rate=10_000_000) as (_, config):
        process = await start(config, "sshd:in", "-")
        assert process.stdout
        await process.stdout.readexactly(1000)
        sshd.kill_connections()
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 255, errors
    assert b"lost" in errors


async def test_a_file_of_that_name_is_meant_with_its_folder(sshd: RealSshd, tmp_path: Path) -> None:
    (tmp_path / "-").write_bytes(b"a file")
    done: Ended = await cp(sshd.config_file, "./-", "sshd:there", cwd=tmp_path)
    assert done.status == 0, done.errors
    assert (sshd.home / "there").read_bytes() == b"a file"
