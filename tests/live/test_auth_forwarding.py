"""ForwardAgent: off unless the configuration says so, and then it is seen."""

from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from sshdash.events import WarningRaised
from sshdash.sftp.wire import Wire
from tests.live.auth_kit import new_key, replace, running_agent, use
from tests.live.connecting import connecting
from tests.servers.agents import RealAgent
from tests.servers.loopback import LoopbackServer
from tests.servers.sshd import RealSshd

LIST = "ssh-add -l 2>&1; echo"


@pytest.fixture
def agent(sshd: RealSshd) -> Iterator[RealAgent]:
    """Run an agent with the key that logs in, for the host of the test."""
    with running_agent() as running:
        running.add(sshd.identity)
        replace(sshd, IdentityAgent=running.path)
        yield running


async def test_no_agent_is_forwarded_by_itself(sshd: RealSshd, agent: RealAgent) -> None:
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo -n $SSH_AUTH_SOCK") == ""
        lease = await client.manager.lease("sshd", "test")
        assert not client.manager.status("sshd").agent_forwarded
        lease.release()


@pytest.mark.parametrize("form", ["yes", "{path}", "$CHOSEN", "${{CHOSEN}}"])
async def test_the_agent_of_choice_is_forwarded_and_marked(
    sshd: RealSshd, agent: RealAgent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    other = new_key(tmp_path / "other", "ecdsa")
    with running_agent() as chosen:
        chosen.add(other)
        monkeypatch.setenv("CHOSEN", str(chosen.path))
        config = use(sshd, ForwardAgent=form.format(path=chosen.path))
        async with connecting(config) as client:
            lease = await client.manager.lease("sshd", "test")
            said = await client.run("sshd", LIST)
            assert ("ED25519" if form == "yes" else "ECDSA") in said
            assert said.count("SHA256:") == 1
            assert client.manager.status("sshd").agent_forwarded
            lease.release()


@pytest.mark.parametrize("form", ["yes", "/no/such/socket", "$NO_SUCH_VARIABLE"])
async def test_an_agent_that_is_not_there_is_told_of(sshd: RealSshd, form: str) -> None:
    async with connecting(use(sshd, ForwardAgent=form)) as client:
        assert await client.run("sshd", "echo -n $SSH_AUTH_SOCK") == ""
        (warning,) = client.told(WarningRaised)
        assert warning.title == "Agent not forwarded"
        assert form in warning.detail


async def test_no_agent_is_forwarded_to_a_server_that_is_not_trusted(
    sshd: RealSshd, agent: RealAgent
) -> None:
    """With StrictHostKeyChecking no, a changed key is let in without what it could steal."""
    stranger = new_key(sshd.folder / "stranger")
    name = f"[127.0.0.1]:{sshd.port}"
    line = stranger.with_name("stranger.pub").read_text()
    sshd.known_hosts.write_text(f"{name} {line}")
    config = use(sshd, ForwardAgent="yes", StrictHostKeyChecking="no")
    async with connecting(config) as client:
        lease = await client.manager.lease("sshd", "test")
        assert await client.run("sshd", "echo -n $SSH_AUTH_SOCK") == ""
        assert not client.manager.status("sshd").agent_forwarded
        lease.release()


async def test_a_server_cannot_open_what_is_not_forwarded(sshd: RealSshd, agent: RealAgent) -> None:
    """The agent's end breaks off, and the connection goes on."""
    config = use(sshd, ForwardAgent="yes")
    async with connecting(config) as client:
        lease = await client.manager.lease("sshd", "test")
        assert "ED25519" in await client.run("sshd", LIST)
        agent.close()
        assert "SHA256" not in await client.run("sshd", LIST)
        assert await client.run("sshd", "echo ok") == "ok\n"
        lease.release()


async def test_a_session_for_files_gets_no_agent() -> None:
    """As with sftp(1): what is not a shell or a command has no use for it."""
    with running_agent() as agent:
        async with LoopbackServer() as server:
            agent.add(server.identity)
            config = use(server, ForwardAgent=agent.path)
            async with (
                connecting(config) as client,
                await client.manager.lease("loopback", "files") as lease,
            ):
                (connection,) = server.connections
                wire = await Wire.open(lease.connection.ssh)
                await wire.greet()
                assert connection.get_agent_path() is None
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.create_agent_channel().open(asyncssh.SSHUNIXSession)
                wire.close()
                await client.run("loopback", "true")
                assert connection.get_agent_path() is not None
