"""Shells on a real sshd: what they show, how they end, how they begin again."""

import asyncio
import operator
import time
from functools import partial

import pytest

from sshdash.errors import Cancelled, ConnectionLost, SSHDashError
from sshdash.events import ProgramReported
from sshdash.states import ConnectionState, SessionState
from sshdash.terminal.osc import ProgressState
from sshdash.terminal.session import ShellSession
from tests.live.connecting import connecting, until
from tests.live.shells import shell
from tests.patience import PATIENCE
from tests.servers.programs import require
from tests.servers.sshd import RealSshd


async def test_a_command_and_its_output(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("echo $((6*7))")
        await one.shows(r"^42$")
        assert one.session.state is SessionState.RUNNING
        assert one.leases == 1
        assert "running" in repr(one.session)


async def test_the_terminal_it_is_told_of(sshd: RealSshd) -> None:
    async with shell(sshd.config_file, columns=93, rows=17) as one:
        await one.type("stty size; echo $TERM; stty -a | tr ';' '\\n' | grep -e erase -e iutf8")
        await one.shows(r"^17 93$")
        await one.shows(r"^xterm-256color$")
        await one.shows(r"erase = \^\?")


async def test_bytes_that_are_not_text_do_no_harm(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("head -c 100000 /dev/urandom; printf '\\033c'; echo still here")
        await one.shows("^still here")


async def test_what_a_program_reports_of_itself(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        told: list[ProgramReported] = []
        one.client.bus.subscribe(
            lambda event: told.append(event) if isinstance(event, ProgramReported) else None
        )
        reports = one.session.reports
        await one.type(
            r"printf '\033]7;file://h/srv/%%20x\a\033]9;4;1;42\a\033]9;Done\a\033]52;c;aGk=\a'"
        )
        await until(lambda: bool(told))
        assert [(event.session, event.host) for event in told] == [(one.session.id, "sshd")]
        assert one.session.directory == "/srv/ x"
        assert reports.progress == (ProgressState.RUNNING, 42)
        assert [notice.title for notice in reports.take_notifications()] == ["Done"]
        wish = reports.take_clipboard()
        assert wish is not None
        assert wish.text == "hi"
        await one.type("exit")
        await one.ends()
        assert reports.progress is None
        assert one.session.directory == ""


async def test_exit_status(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("echo last words; exit 7")
        assert await one.ends() is SessionState.EXITED
        assert one.session.exit_text == "exit 7"
        assert "last words" in one.screen
        assert one.leases == 0
        assert one.client.manager.status("sshd").state is ConnectionState.CONNECTED
        one.session.write(b"to nobody")
        one.session.resize(50, 10)


async def test_exit_by_a_signal(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("kill -9 $$")
        assert await one.ends() is SessionState.EXITED
        assert one.session.exit_text == "signal KILL"


async def test_a_killed_connection_is_no_clean_exit(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("echo before the loss")
        await one.shows("^before the loss")
        assert sshd.kill_connections() == 1
        assert await one.ends() is SessionState.LOST
        assert one.session.exit_text.startswith("connection lost")
        assert "before the loss" in one.screen
        assert one.leases == 0


async def test_a_disconnected_host_is_no_clean_exit(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.shows(r"sshd\$")
        await one.client.manager.disconnect("sshd")
        assert await one.ends() is SessionState.LOST
        assert "disconnected" in one.session.exit_text


async def test_a_dead_line_is_no_clean_exit(sshd: RealSshd) -> None:
    dead = (("ServerAliveInterval", "1"), ("ServerAliveCountMax", "1"))
    async with shell(sshd.config_file, overrides=dead) as one:
        await one.shows(r"sshd\$")
        await asyncio.to_thread(sshd.suspend)
        try:
            assert await one.ends() is SessionState.LOST
        finally:
            await asyncio.to_thread(sshd.resume)


async def test_reopening_in_the_same_terminal(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("echo first life; printf '\\033[?1000;2004h\\033[?1h'; exit 3")
        await one.ends()
        await one.session.reopen(await one.client.manager.lease("sshd", "shell"))
        assert one.session.state is SessionState.RUNNING
        await one.type("echo second life")
        await one.shows("^second life")
        assert one.screen.index("first life") < one.screen.index("exit 3 ·")
        assert one.screen.index("exit 3 ·") < one.screen.index("second life")
        assert not one.session.emulator.modes.mouse_tracking
        assert one.states() == [
            SessionState.RUNNING,
            SessionState.EXITED,
            SessionState.OPENING,
            SessionState.RUNNING,
        ]


async def test_reopening_after_a_loss(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("printf '\\033[?1049h\\033[Hin an editor'")
        await one.shows("^in an editor")
        sshd.kill_connections()
        await one.ends()
        assert "in an editor" in one.screen
        await one.session.reopen(await one.client.manager.lease("sshd", "shell"))
        await one.type("echo back again")
        await one.shows("^back again")
        assert not one.session.emulator.modes.alternate_screen


async def test_reopening_twice_opens_one_shell(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("exit")
        await one.ends()
        first, second = [await one.client.manager.lease("sshd", "shell") for _ in range(2)]
        await asyncio.gather(one.session.reopen(first), one.session.reopen(second))
        assert one.session.state is SessionState.RUNNING
        assert one.leases == 1


async def test_a_tab_closed_while_its_shell_reopens(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("exit")
        await one.ends()
        lease = await one.client.manager.lease("sshd", "shell")
        ssh = lease.connection.ssh
        reopening = asyncio.create_task(one.session.reopen(lease))
        await asyncio.sleep(0)
        await one.session.close()
        with pytest.raises(Cancelled):
            await reopening
        await until(lambda: not ssh._channels)
        await one.session.reopen(await one.client.manager.lease("sshd", "shell"))
        assert one.leases == 0


async def test_the_last_size_of_a_storm_arrives(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.shows(r"sshd\$")
        for number in range(200):
            one.session.resize(20 + number, 5 + number % 40)
        one.session.resize(1, 1)
        one.session.resize(91, 19)
        await one.type("sleep 0.2; stty size")
        await one.shows(r"^19 91$")


async def test_ctrl_c_ends_a_flood_soon(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("yes sshdash is flooded")
        await one.shows("flooded\n.*flooded")
        await asyncio.sleep(0.3)
        one.session.write(b"\x03")
        await one.shows(r"sshd\$\s*$")
        await one.type("echo in control")
        await one.shows("^in control")


@pytest.mark.alone
async def test_a_flood_leaves_the_loop_free(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("yes sshdash is flooded")
        await one.shows("flooded\n.*flooded")
        lags = []
        for _ in range(60):
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)
        one.session.write(b"\x03")
        assert sorted(lags)[len(lags) // 2] < 0.1, "ten times what holds the loop up at most"
        await one.shows(r"sshd\$\s*$")


async def test_a_large_paste_arrives_whole(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("stty -echo raw; echo rea''dy; head -c 300000 | md5sum; stty sane echo")
        await one.shows("^ready")
        one.session.paste("0123456789" * 30_000)
        await one.shows("b9c683230a9e20ee0a15acf7f070f508")


async def test_a_remote_that_asks_without_reading_gets_no_more(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        asks = "stty -echo raw; head -c 8000000 /dev/zero | sed 's/\\x00/\\x1b[6n/g'"
        await one.type(f"{asks}; printf '\\033[2Jasked'; sleep 60")
        await one.shows("asked")
        assert one.session._channel is not None
        channel = one.session._channel._channel
        assert channel is not None
        assert channel.get_write_buffer_size() < 100_000


async def test_variables_that_the_configuration_names(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_SSHDASH", "sent")
    monkeypatch.setenv("LC_SECRET", "kept")
    overrides = (("SendEnv", "LC_* -LC_SECRET"), ("SetEnv", "LC_CHOSEN=set"))
    async with shell(sshd.config_file, overrides=overrides) as one:
        await one.type('echo "<$LC_SSHDASH|$LC_CHOSEN|$LC_SECRET>"')
        await one.shows(r"^<sent\|set\|")


async def test_a_command_instead_of_a_shell(sshd: RealSshd) -> None:
    async with shell(sshd.config_file, command="tty; echo done; exit 4") as one:
        assert await one.ends() is SessionState.EXITED
        assert one.session.exit_text == "exit 4"
        assert "/dev/pts/" in one.screen
    async with shell(sshd.config_file, overrides=(("RemoteCommand", "echo by config"),)) as one:
        await one.ends()
        assert "by config" in one.screen


async def test_closing_twice_and_while_running(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.shows(r"sshd\$")
        await one.session.close()
        assert one.session.state is SessionState.EXITED
        assert one.session.exit_text == "closed"
        assert one.leases == 0
        await one.session.close()


async def test_closing_in_a_flood(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("yes")
        await one.shows("y\ny\ny")
        async with asyncio.timeout(PATIENCE):
            await one.session.close()
        assert one.leases == 0


async def test_a_server_that_opens_no_session(sshd: RealSshd) -> None:
    server = RealSshd(MaxSessions="0")
    async with server, connecting(server.config_file) as client:
        lease = await client.manager.lease("sshd", "shell")
        with pytest.raises(SSHDashError) as raised:
            await ShellSession.open(lease, client.bus, columns=80, rows=24)
        assert raised.value.host == "sshd"
        assert not client.manager.status("sshd").leases.get("shell")


async def test_a_connection_that_is_gone_before_the_shell_opens(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        lease = await client.manager.lease("sshd", "shell")
        await client.manager.disconnect("sshd")
        with pytest.raises(ConnectionLost):
            await ShellSession.open(lease, client.bus, columns=80, rows=24)


async def test_an_opening_that_is_cancelled_leaves_nothing(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        for delay in (0, 0.001, 0.003, 0.01, 0.03, 0.1):
            lease = await client.manager.lease("sshd", "shell")
            ssh = lease.connection.ssh
            opening = asyncio.create_task(ShellSession.open(lease, client.bus, columns=80, rows=24))
            await asyncio.sleep(delay)
            if opening.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await opening
            else:
                await (await opening).close()
            assert not client.manager.status("sshd").leases.get("shell")
            await until(partial(operator.not_, ssh._channels))


async def test_a_title_from_the_remote(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        assert one.session.title == "sshd"
        await one.type("printf '\\033]0;build \\302\\233 [red]\\007'; echo ok")
        await one.shows("^ok")
        assert one.session.title == "build \\x9b [red]"
        await one.type("printf '\\033]0;\\007'; echo gone")
        await one.shows("^gone")
        assert one.session.title == "sshd"


async def test_an_editor_and_back(sshd: RealSshd) -> None:
    vim = require("vim")
    async with shell(sshd.config_file) as one:
        await one.type(f"{vim} -u NONE -N note.txt")
        await one.shows(r"^~$")
        assert one.session.emulator.modes.alternate_screen
        one.session.write(b"ihello from vim")
        await one.shows("^hello from vim")
        one.session.write(one.session.keyboard.encode("escape", "\x1b"))
        one.session.write(b":wq\r")
        await one.shows(r"sshd\$\s*$")
        assert not one.session.emulator.modes.alternate_screen
        assert (sshd.home / "note.txt").read_text() == "hello from vim\n"
