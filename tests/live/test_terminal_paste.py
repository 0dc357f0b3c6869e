"""Pastes into a shell on a real server: asked about, whole, and never in the way."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from tests.live.shells import shell
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

LARGE = 10 * 1024 * 1024


@pytest.mark.alone
async def test_ten_megabytes_arrive_and_the_loop_turns_meanwhile(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as it:
        await it.type(f"PS1=; stty raw -echo; echo re''ady; head -c {LARGE} | cksum; stty sane")
        await it.shows("^ready")
        it.session.paste("0123456789abcdef" * (LARGE // 16))
        assert it.session.pasting is not None
        held = 0.0
        buffered = 0
        async with asyncio.timeout(PATIENCE):
            while it.session.pasting is not None:
                began = time.thread_time()
                await asyncio.sleep(0)
                held = max(held, time.thread_time() - began)
                channel = it.session._channel
                assert channel is not None
                assert channel._channel is not None
                buffered = max(buffered, channel._channel.get_write_buffer_size())
        await it.shows(rf"\d+ {LARGE}")
        assert buffered < 1024 * 1024
        assert held < 0.05


async def test_a_paste_is_stopped_and_what_is_typed_behind_it_is_kept(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as it:
        await it.type("PS1=; stty raw -echo; echo re''ady; sleep 1; head -c 100000000 | tail -c 6")
        await it.shows("^ready")
        it.session.paste("x" * LARGE)
        it.session.write(b"behind")
        assert it.session.pasting is not None
        it.session.pasting.stop()
        async with asyncio.timeout(PATIENCE):
            while it.session.pasting is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert it.session._typed_behind == b""


async def test_closing_in_a_paste_leaves_nothing(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as it:
        await it.type("sleep 100")
        it.session.paste("x" * LARGE)
        await asyncio.sleep(0)
        assert it.session.pasting is not None
    assert it.session.pasting is None


def test_lines_are_shown_before_they_are_run(sshd: RealSshd, home: Path) -> None:
    arguments = [sys.executable, "-m", "sshdash", "-F", str(sshd.config_file)]
    with Tty(arguments, 100, 30) as screen:
        screen.until("sshd")
        screen.press("\r")
        screen.until("sshd$")
        screen.settle()
        screen.press("bind 'set enable-bracketed-paste off'; echo un''asked\r")
        screen.until("unasked")
        screen.settle()
        screen.press("\x1b[200~echo one''two\necho \x1b]0;OWNED\x07three''four\n\x1b[201~")
        screen.until("Paste 2 lines?")
        screen.until("echo \\x1b]0;OWNED\\x07three''four")
        assert "onetwo" not in screen.text
        screen.press("\x1b")
        screen.holds(lambda: "Paste 2 lines?" not in screen.text, "the end of the question")
        screen.settle()
        assert "onetwo" not in screen.text
        screen.press("\x1b[200~echo one''two\necho three''four\n\x1b[201~")
        screen.until("Paste 2 lines?")
        screen.press("\r")
        screen.until("onetwo")
        screen.until("threefour")
        assert b"\x1b]0;OWNED" not in bytes(screen.sent)
