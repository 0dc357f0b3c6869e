"""Agents: where they are, what they may sign, and how they fail."""

import asyncio
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import AuthenticationError
from tests.live.auth_kit import (
    forget_file,
    keygen,
    new_key,
    public_line,
    remove,
    replace,
    running_agent,
    secrets,
    use,
)
from tests.live.connecting import connecting, until
from tests.servers.agents import FileKey, RealAgent, Script, ScriptedAgent
from tests.servers.sshd import RealSshd


@pytest.fixture
def agent() -> Iterator[RealAgent]:
    """Run OpenSSH's agent for one test."""
    with running_agent() as running:
        yield running


# -- where it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{path}", "$OTHER_AGENT", "${{OTHER_AGENT}}", "SSH_AUTH_SOCK"])
async def test_every_way_to_name_an_agent(
    sshd: RealSshd, agent: RealAgent, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    agent.add(sshd.identity)
    forget_file(sshd)
    name = "SSH_AUTH_SOCK" if form == "SSH_AUTH_SOCK" else "OTHER_AGENT"
    monkeypatch.setenv(name, str(agent.path))
    config = replace(sshd, IdentityAgent=form.format(path=agent.path))
    async with connecting(config) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_no_agent_where_the_configuration_says_none(
    sshd: RealSshd, agent: RealAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.add(sshd.identity)
    forget_file(sshd)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
    async with connecting(replace(sshd, IdentityAgent="none")) as client:
        with pytest.raises(AuthenticationError, match="tried publickey \\(no key\\)"):
            await client.manager.lease("sshd", "test")


async def test_each_host_may_have_an_agent_of_its_own(sshd: RealSshd, tmp_path: Path) -> None:
    first, second = new_key(tmp_path / "first"), new_key(tmp_path / "second")
    lines = (f'environment="WHO={key.name}" {public_line(key)}' for key in (first, second))
    sshd.authorized_keys.write_text("".join(lines))
    sshd.stop()
    sshd.options["permituserenvironment"] = "yes"
    sshd.start()
    forget_file(sshd)
    text = sshd.config_file.read_text().replace("    IdentityAgent none\n", "")
    with running_agent() as one, running_agent() as other:
        one.add(first)
        other.add(second)
        sshd.config_file.write_text(
            f"Host sshd\n    IdentityAgent {one.path}\nHost inner\n"
            f"    IdentityAgent {other.path}\n{text}"
        )
        async with connecting(sshd.config_file) as client:
            assert await client.run("sshd", "echo $WHO") == "first\n"
            assert await client.run("inner", "echo $WHO") == "second\n"


# -- keys for certain hosts -------------------------------------------------------------------


async def test_key_for_certain_hosts_signs_there_and_through_hops(
    sshd: RealSshd, agent: RealAgent
) -> None:
    """Row 29 of the catalogue: `ssh-add -h` with this host, as ssh's agent-restrict tests it."""
    place = f"[127.0.0.1]:{sshd.port}"
    agent.add(sshd.identity, options=("-h", place, "-H", str(sshd.known_hosts)))
    forget_file(sshd)
    async with connecting(replace(sshd, IdentityAgent=agent.path)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert await client.run("inner", "echo ok") == "ok\n"
        assert secrets(client) == []


async def test_key_for_hosts_of_an_authority_signs_there(sshd: RealSshd, agent: RealAgent) -> None:
    authority = new_key(sshd.folder / "authority")
    host = new_key(sshd.folder / "host")
    place = f"[127.0.0.1]:{sshd.port}"
    # The agent looks for the name with its port among the names of the certificate.
    keygen("-s", authority, "-I", "host", "-h", "-n", f"{place},127.0.0.1", f"{host}.pub")
    sshd.stop()
    sshd.options.update({"hostkey": str(host), "hostcertificate": f"{host}-cert.pub"})
    sshd.start()
    sshd.known_hosts.write_text(f"@cert-authority {place} {public_line(authority)}")
    agent.add(sshd.identity, options=("-h", place, "-H", str(sshd.known_hosts)))
    forget_file(sshd)
    async with connecting(replace(sshd, IdentityAgent=agent.path)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_key_for_another_user_does_not_sign(sshd: RealSshd, agent: RealAgent) -> None:
    place = f"somebody@[127.0.0.1]:{sshd.port}"
    agent.add(sshd.identity, options=("-h", place, "-H", str(sshd.known_hosts)))
    forget_file(sshd)
    async with connecting(replace(sshd, IdentityAgent=agent.path)) as client:
        with pytest.raises(AuthenticationError, match=r"refused to sign|bound to other"):
            await client.manager.lease("sshd", "test")


def other_server(sshd: RealSshd, agent: RealAgent) -> tuple[RealSshd, Path]:
    """Start a second server, and write what its client on the first one needs."""
    second = RealSshd()
    second.start()
    known = sshd.folder / "both"
    known.write_text(sshd.known_hosts.read_text() + second.known_hosts.read_text())
    second.authorized_keys.write_text(public_line(sshd.identity))
    return second, known


def onward(second: RealSshd, known: Path) -> str:
    """Return the command that goes on from the first server to the second."""
    words = ["ssh", "-F", "none", "-p", str(second.port), "-o", "BatchMode=yes"]
    words += ["-o", f"UserKnownHostsFile={known}", f"{second.user}@127.0.0.1", "echo onward"]
    return shlex.join(words) + " 2>&1"


@pytest.mark.parametrize("allowed", [True, False])
async def test_forwarded_agent_signs_only_along_the_allowed_path(
    sshd: RealSshd, agent: RealAgent, allowed: bool
) -> None:
    """The server that uses our agent is known to it, and where it goes from there as well."""
    second, known = other_server(sshd, agent)
    try:
        hop, far = f"[127.0.0.1]:{sshd.port}", f"[127.0.0.1]:{second.port}"
        path = ["-h", hop, *(["-h", f"{hop}>{far}"] if allowed else ["-h", far])]
        agent.add(sshd.identity, options=(*path, "-H", str(known)))
        forget_file(sshd)
        config = use(sshd, IdentityAgent=agent.path, ForwardAgent="yes")
        async with connecting(config) as client:
            said = await client.run("sshd", onward(second, known))
        assert ("onward" in said) is allowed
    finally:
        second.close()


async def test_agent_that_was_forwarded_to_here_signs_for_the_host_behind(
    sshd: RealSshd, agent: RealAgent, tmp_path: Path
) -> None:
    """Run on a bastion with an agent from elsewhere: the signature names the host (hostbound)."""
    second, known = other_server(sshd, agent)
    try:
        hop, far = f"[127.0.0.1]:{sshd.port}", f"[127.0.0.1]:{second.port}"
        agent.add(sshd.identity, options=("-h", hop, "-h", f"{hop}>{far}", "-H", str(known)))
        remove(second.identity)
        config = replace(second, IdentitiesOnly="no")
        place = tmp_path / "place"
        command = f"echo $SSH_AUTH_SOCK > {place}; exec sleep 60"
        words = ["ssh", "-F", str(sshd.config_file), "-o", f"IdentityAgent={agent.path}"]
        words += ["-o", "ForwardAgent=yes", "-o", "BatchMode=yes", "sshd", command]
        process = await asyncio.create_subprocess_exec(*words, stdin=subprocess.DEVNULL)
        try:
            await until(lambda: place.exists() and place.read_text().strip())
            use(second, IdentityAgent=place.read_text().strip())
            text = config.read_text().replace("    IdentityAgent none\n", "")
            config.write_text(text)
            async with connecting(config) as client:
                assert await client.run("sshd", "echo ok") == "ok\n"
            async with connecting(
                config, overrides=(("PubkeyAuthentication", "unbound"),)
            ) as client:
                with pytest.raises(AuthenticationError, match="agent refused to sign"):
                    await client.manager.lease("sshd", "test")
        finally:
            process.kill()
            await process.wait()
    finally:
        second.close()


# -- how it fails -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script(refuse=True), "the agent refused to sign"),
        (Script(leave=True), "the agent is gone"),
        (Script(garbage=True), "does not list its keys"),
    ],
)
async def test_agent_that_fails_is_named_and_a_key_on_disk_still_works(
    sshd: RealSshd, tmp_path: Path, script: Script, words: str
) -> None:
    other = new_key(tmp_path / "other")
    with sshd.authorized_keys.open("a") as file:
        file.write(public_line(other))
    held = FileKey(asyncssh.read_private_key(str(other)))
    async with ScriptedAgent(held, script=script) as scripted:
        config = replace(sshd, IdentityAgent=scripted.path, IdentitiesOnly="no")
        async with connecting(config) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"
            await client.manager.disconnect("sshd")
            remove(sshd.identity)
            with pytest.raises(AuthenticationError, match=words):
                await client.manager.lease("sshd", "test")


async def test_agent_that_knows_no_extensions_signs_all_the_same(sshd: RealSshd) -> None:
    held = FileKey(asyncssh.read_private_key(str(sshd.identity)))
    forget_file(sshd)
    async with (
        ScriptedAgent(held, script=Script(narrow=True)) as scripted,
        connecting(replace(sshd, IdentityAgent=scripted.path)) as client,
    ):
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_agent_that_ends_between_two_logins_is_named(
    sshd: RealSshd, agent: RealAgent
) -> None:
    agent.add(sshd.identity)
    forget_file(sshd)
    async with connecting(replace(sshd, IdentityAgent=agent.path)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        agent.close()
        assert await client.run("sshd", "echo still") == "still\n"
        await client.manager.disconnect("sshd")
        with pytest.raises(AuthenticationError, match="cannot be used"):
            await client.manager.lease("sshd", "test")


async def test_locked_agent_shows_no_keys(sshd: RealSshd, agent: RealAgent) -> None:
    agent.add(sshd.identity)
    forget_file(sshd)
    client_side = asyncssh.SSHAgentClient(str(agent.path))
    await client_side.lock("secret")
    client_side.close()
    async with connecting(replace(sshd, IdentityAgent=agent.path)) as client:
        with pytest.raises(AuthenticationError, match="tried publickey"):
            await client.manager.lease("sshd", "test")
