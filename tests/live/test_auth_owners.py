"""Agents and their owners: tokens to touch, keys to confirm, keys to add."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sshdash.errors import AuthenticationError, Cancelled
from sshdash.prompts import ConfirmQuestion, NoticeQuestion
from tests.live.auth_kit import (
    authorized,
    forget_file,
    keygen,
    public_line,
    replace,
    running_agent,
    use,
)
from tests.live.connecting import connecting, pass_time
from tests.patience import PATIENCE
from tests.servers.agents import FileKey, RealAgent, Script, ScriptedAgent, TokenKey
from tests.servers.sshd import RealSshd


@pytest.fixture
def agent() -> Iterator[RealAgent]:
    """Run OpenSSH's agent for one test."""
    with running_agent() as running:
        yield running


# -- tokens -----------------------------------------------------------------------------------


class Watcher:
    """Notes what it is asked; notices stay until they are taken away, or are given up."""

    def __init__(self, give_up: bool = False) -> None:
        self.asked: list[object] = []
        self.shown = asyncio.Event()
        self.withdrawn = asyncio.Event()
        self.give_up = give_up

    async def ask(self, question: Any) -> Any:
        self.asked.append(question)
        if not isinstance(question, NoticeQuestion):
            return None
        self.shown.set()
        if self.give_up:
            return True
        try:
            await asyncio.Event().wait()
        finally:
            self.withdrawn.set()


async def test_a_token_asks_to_be_touched_until_it_was(sshd: RealSshd) -> None:
    token = TokenKey()
    sshd.authorized_keys.write_text(authorized(token.blob, token.type))
    forget_file(sshd)
    watcher = Watcher()
    script = Script(signing=asyncio.Event())
    async with ScriptedAgent(token, script=script) as scripted:
        config = use(sshd, IdentityAgent=scripted.path, ConnectTimeout=f"{PATIENCE:.0f}")
        async with connecting(config, prompter=watcher) as client:
            running = asyncio.create_task(client.run("sshd", "echo ok"))
            async with asyncio.timeout(PATIENCE):
                await watcher.shown.wait()
            await pass_time(1.5 * PATIENCE)  # longer than ConnectTimeout: people take their time
            async with asyncio.timeout(PATIENCE):
                assert not watcher.withdrawn.is_set()
                assert script.signing
                script.signing.set()
                await watcher.withdrawn.wait()
            assert await running == "ok\n"
        (notice,) = watcher.asked
        assert isinstance(notice, NoticeQuestion)
        assert notice.title == "Touch your key: scripted key"
        assert "ED25519-SK" in notice.detail
        assert scripted.bindings


async def test_a_touch_can_be_given_up(sshd: RealSshd) -> None:
    token = TokenKey()
    sshd.authorized_keys.write_text(authorized(token.blob, token.type))
    forget_file(sshd)
    watcher = Watcher(give_up=True)
    async with ScriptedAgent(token, script=Script(signing=asyncio.Event())) as scripted:
        config = replace(sshd, IdentityAgent=scripted.path)
        async with connecting(config, prompter=watcher) as client:
            with pytest.raises(Cancelled):
                await client.manager.lease("sshd", "test")


async def test_an_agent_that_takes_its_time_is_told_of(sshd: RealSshd) -> None:
    """A key that is to be confirmed, or a PKCS#11 token: only the agent knows that it asks."""
    key = asyncssh.read_private_key(str(sshd.identity))
    forget_file(sshd)
    watcher = Watcher()
    script = Script(signing=asyncio.Event())
    async with ScriptedAgent(FileKey(key), script=script) as scripted:
        async with connecting(
            replace(sshd, IdentityAgent=scripted.path), prompter=watcher
        ) as client:
            running = asyncio.create_task(client.run("sshd", "echo ok"))
            async with asyncio.timeout(PATIENCE):
                await watcher.shown.wait()
            assert script.signing
            script.signing.set()
            assert await running == "ok\n"
        (notice,) = watcher.asked
        assert isinstance(notice, NoticeQuestion)
        assert "confirm" in notice.detail


@pytest.mark.parametrize("agrees", [True, False])
async def test_key_that_the_agent_asks_about_waits_for_its_owner(
    sshd: RealSshd, tmp_path: Path, agrees: bool
) -> None:
    """As `ssh-add -c` has it: the agent asks with a program of its own."""
    go = tmp_path / "go"
    os.mkfifo(go)
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\nread answer < {go}\n[ $answer = yes ]\n")
    askpass.chmod(0o700)
    watcher = Watcher()
    with running_agent(SSH_ASKPASS=str(askpass), DISPLAY=":0") as agent:
        agent.add(sshd.identity, options=("-c",))
        forget_file(sshd)
        async with connecting(replace(sshd, IdentityAgent=agent.path), prompter=watcher) as client:
            running = asyncio.create_task(client.run("sshd", "echo ok"))
            async with asyncio.timeout(PATIENCE):
                await watcher.shown.wait()
            await asyncio.to_thread(go.write_text, "yes\n" if agrees else "no\n")
            if agrees:
                assert await running == "ok\n"
            else:
                with pytest.raises(AuthenticationError, match="the agent refused to sign"):
                    await running
            assert watcher.withdrawn.is_set()


async def test_token_key_on_disk_says_that_it_wants_an_agent(sshd: RealSshd) -> None:
    token = TokenKey()
    path = sshd.folder / "id_sk"
    path.with_name("id_sk.pub").write_text(authorized(token.blob, token.type))
    path.write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    path.chmod(0o600)
    async with connecting(replace(sshd, IdentityFile=path)) as client:
        with pytest.raises(AuthenticationError, match="FIDO key; use it through an agent"):
            await client.manager.lease("sshd", "test")


# -- AddKeysToAgent ---------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["yes", "1h", "confirm", "confirm 1h"])
async def test_opened_key_goes_to_the_agent(sshd: RealSshd, agent: RealAgent, choice: str) -> None:
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", "open sesame", "-a", "4")
    config = use(sshd, IdentityAgent=agent.path, AddKeysToAgent=choice)
    async with connecting(config, ("open sesame",)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert public_line(sshd.identity).split()[1] in agent.listing
    if "confirm" not in choice:
        async with connecting(config) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"
            assert client.prompter.asked == []
    else:
        # The agent asks by a program that is not there, so it refuses.
        async with connecting(config) as client:
            with pytest.raises(AuthenticationError, match="the agent refused to sign"):
                await client.manager.lease("sshd", "test")


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_key_is_added_where_the_person_agrees(
    sshd: RealSshd, agent: RealAgent, agrees: bool
) -> None:
    config = use(sshd, IdentityAgent=agent.path, AddKeysToAgent="ask")
    async with connecting(config, agrees) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        await client.manager.disconnect("sshd")
        assert await client.run("sshd", "echo ok") == "ok\n"
        (question,) = client.prompter.asked
        assert isinstance(question, ConfirmQuestion)
        assert str(sshd.identity) in question.title
    assert ("ssh-ed25519" in agent.listing) is agrees


async def test_no_key_goes_to_the_agent_by_itself(sshd: RealSshd, agent: RealAgent) -> None:
    async with connecting(replace(sshd, IdentityAgent=agent.path)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
    assert "ssh-ed25519" not in agent.listing
