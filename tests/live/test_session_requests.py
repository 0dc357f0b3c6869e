"""A tab gives a host the session that ssh would: terminal or none, command, subsystem, nothing."""

import asyncio

import pytest

from sshdash.errors import SessionError
from sshdash.states import SessionState
from tests.live.shells import shell
from tests.servers.sshd import RealSshd

Options = tuple[tuple[str, str], ...]


async def test_no_terminal_where_requesttty_says_no(sshd: RealSshd) -> None:
    async with shell(sshd.config_file, overrides=(("RequestTTY", "no"),)) as one:
        one.session.write(b"ttyy\x7f\r")
        await one.shows(r"^not a tty$")
        assert one.screen.splitlines()[0].rstrip() == "tty"
        one.session.write(b"echo one; echo two\r")
        await one.shows(r"^one$")
        await one.shows(r"^two$")
        one.session.write(b"\x04")
        await one.ends()
        assert one.session.exit_text == "exit 0"


async def test_ctrl_c_ends_a_session_without_a_terminal(sshd: RealSshd) -> None:
    options = (("RemoteCommand", "echo ready; sleep 60"), ("RequestTTY", "no"))
    async with shell(sshd.config_file, overrides=options) as one:
        await one.shows("^ready")
        one.session.write(b"\x03")
        await one.ends()
        assert one.session.exit_text == "interrupted"
        assert one.leases == 0


@pytest.mark.parametrize(
    ("tty", "terminal"), [("auto", False), ("no", False), ("yes", True), ("force", True)]
)
async def test_a_remote_command_has_a_terminal_where_ssh_gives_it_one(
    sshd: RealSshd, tty: str, terminal: bool
) -> None:
    command = "test -t 0 && echo terminal || echo none; echo for %r; cat"
    options = (("RemoteCommand", command), ("RequestTTY", tty))
    async with shell(sshd.config_file, overrides=options) as one:
        await one.shows(r"^terminal$" if terminal else r"^none$")
        await one.shows(rf"^for {sshd.user}$")


async def test_a_command_of_ours_goes_before_the_remote_command(sshd: RealSshd) -> None:
    options = (("RemoteCommand", "echo theirs"),)
    async with shell(sshd.config_file, command="tty; cat", overrides=options) as one:
        await one.shows(r"^/dev/")
        assert "theirs" not in one.screen


async def test_no_session_where_sessiontype_says_none(sshd: RealSshd) -> None:
    with pytest.raises(SessionError, match="no session") as caught:
        async with shell(sshd.config_file, overrides=(("SessionType", "none"),)):
            pass
    assert "SessionType none" in caught.value.detail


async def test_a_subsystem() -> None:
    server = RealSshd(subsystem="/bin/cat")
    await asyncio.to_thread(server.start)
    config = server.config_file.read_text()
    server.config_file.write_text(f"SessionType subsystem\nRemoteCommand sftp\n{config}")
    try:
        async with shell(server.config_file) as one:
            one.session.write(b"says\r")
            await one.shows(r"^says\s+says$")
            await asyncio.to_thread(server.wait_for, "subsystem .sftp. for")
    finally:
        await asyncio.to_thread(server.close)


async def test_no_input_where_stdinnull_says_so(sshd: RealSshd) -> None:
    options = (("StdinNull", "yes"), ("RemoteCommand", "cat; echo empty"))
    async with shell(sshd.config_file, overrides=options) as one:
        await one.shows("^empty")
        await one.ends()


async def test_the_environment_and_the_terminal_of_setenv(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_SENT", "sent")
    monkeypatch.setenv("LC_KEPT", "kept")
    server = RealSshd(acceptenv=["LC_*", "MINE"])
    await asyncio.to_thread(server.start)
    config = server.config_file.read_text()
    server.config_file.write_text(
        f"SendEnv LC_* LC_NOT\nSendEnv -LC_KEPT\nSetEnv MINE=a=b TERM=vt100\n{config}"
    )
    try:
        async with shell(server.config_file) as one:
            await one.type("echo $LC_SENT $LC_KEPT $MINE $TERM.")
            # A pattern is taken back as it was written: LC_* still sends LC_KEPT.
            await one.shows(r"^sent kept a=b vt100\.$")
    finally:
        await asyncio.to_thread(server.close)


async def test_the_escape_character_ends_a_session_that_hangs(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("echo started; sleep 60")
        await one.shows("^started")
        one.session.write(b"~")
        one.session.write(b"?")
        await one.shows(r"^ ~\. +- end this session")
        sshd.suspend()
        one.session.paste("\r~.")
        one.session.write(b"\r")
        one.session.write(b"~.")
        assert await one.ends()
        assert one.session.exit_text == "closed"
        sshd.resume()


async def test_no_escape_character_where_escapechar_says_none(sshd: RealSshd) -> None:
    async with shell(sshd.config_file, overrides=(("EscapeChar", "none"),)) as one:
        await one.type("echo reading; cat")
        await one.shows("^reading")
        one.session.write(b"~.\r")
        await one.shows(r"~\.\s+~\.")
        assert one.session.state is SessionState.RUNNING


async def test_the_escape_character_changes_keys(sshd: RealSshd) -> None:
    server = RealSshd(loglevel="DEBUG1")
    await asyncio.to_thread(server.start)
    try:
        async with shell(server.config_file, overrides=(("EscapeChar", "%"),)) as one:
            await one.shows(r"sshd\$\s*$")
            one.session.write(b"%R")
            await one.type("echo on")
            await one.shows("^on$")
        assert server.log.count("SSH2_MSG_NEWKEYS received") == 2
    finally:
        await asyncio.to_thread(server.close)


@pytest.mark.parametrize(
    ("overrides", "colours"),
    [((), "truecolor"), ((("SetEnv", "COLORTERM=mine"),), "mine")],
)
async def test_programs_learn_that_there_are_all_colours(overrides: Options, colours: str) -> None:
    async with (
        RealSshd(acceptenv="COLORTERM LANG") as server,
        shell(server.config_file, overrides=overrides) as one,
    ):
        await one.type("echo [$COLORTERM] [$TERM] [$LANG]")
        await one.shows(rf"^\[{colours}\] \[xterm-256color\] \[\]")


async def test_a_server_that_does_not_take_the_colours_opens_a_shell_all_the_same(
    sshd: RealSshd,
) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("echo [$COLORTERM]")
        await one.shows(r"^\[\]")


async def test_a_session_without_a_terminal_says_nothing_of_colours() -> None:
    options = (("RequestTTY", "no"),)
    async with (
        RealSshd(acceptenv="COLORTERM") as server,
        shell(server.config_file, overrides=options) as one,
    ):
        one.session.write(b"echo [$COLORTERM]\r")
        await one.shows(r"^\[\]")
