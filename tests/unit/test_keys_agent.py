"""The agent protocol: what is asked, and that no answer of an agent does any harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.keys.agent import (
    Agent,
    AgentRefused,
    AgentUnavailable,
    SessionBinding,
    bound_socket,
    open_agent,
)
from sshdash.keys.wire import string
from tests.patience import PATIENCE
from tests.servers.agents import FileKey, Script, ScriptedAgent, TokenKey

BINDING = SessionBinding(b"host key", b"session", b"signature")


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[Agent, list[bytes]]]:
    """Run an agent that gives these bytes, one after each request, and then leaves."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                asked.append(await reader.readexactly(4))
                asked.append(await reader.readexactly(int.from_bytes(asked.pop(), "big")))
                writer.write(answer)
        except (EOFError, OSError):
            pass
        finally:
            writer.close()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "agent"
        async with await asyncio.start_unix_server(serve, str(path)):
            agent = await open_agent(str(path))
            try:
                yield agent, asked
            finally:
                agent.close()


@given(st.lists(st.binary(max_size=300), min_size=2, max_size=2))
def test_no_answer_does_more_than_make_it_unavailable(answers: list[bytes]) -> None:
    async def ask() -> None:
        async with answering(*map(string, answers)) as (agent, _):
            for request in (agent.get_keys(), agent.sign(b"blob", b"data", b"ssh-ed25519")):
                try:
                    async with asyncio.timeout(PATIENCE):
                        await request
                except (AgentUnavailable, AgentRefused):
                    pass

    asyncio.run(ask())


@pytest.mark.parametrize("size", [0, 300_000, 0xFFFFFFFF])
async def test_an_answer_of_an_impossible_size_is_not_waited_for(size: int) -> None:
    async with answering(size.to_bytes(4, "big")) as (agent, _):
        with pytest.raises(AgentUnavailable, match="does not speak"):
            await agent.get_keys()


async def test_a_list_that_claims_more_than_it_holds_is_refused() -> None:
    for count in (2, 3_000, 0xFFFFFFFF):
        keys = string(string(b"ssh-ed25519")) + string(b"name")
        async with answering(string(b"\x0c" + count.to_bytes(4, "big") + keys)) as (agent, _):
            with pytest.raises(AgentUnavailable, match="damaged"):
                await agent.get_keys()


async def test_a_signature_by_another_algorithm_is_no_signature() -> None:
    signature = string(b"ssh-rsa") + string(b"weak")
    async with answering(string(b"\x0e" + string(signature))) as (agent, _):
        with pytest.raises(AgentRefused, match="ssh-rsa"):
            await agent.sign(b"blob", b"data", b"rsa-sha2-512")


async def test_what_is_added_carries_its_limits() -> None:
    for lifetime, confirm, limits in (
        (0, False, b""),
        (3600, False, b"\x01\x00\x00\x0e\x10"),
        (0, True, b"\x02"),
        (60, True, b"\x01\x00\x00\x00\x3c\x02"),
    ):
        async with answering(string(b"\x06")) as (agent, asked):
            await agent.add(b"private", b"name", lifetime, confirm)
        assert asked == [bytes([25 if limits else 17]) + b"private" + string(b"name") + limits]
    async with answering(string(b"\x05")) as (agent, _):
        with pytest.raises(AgentRefused):
            await agent.add(b"private", b"name")


async def test_binding_names_host_session_and_proof() -> None:
    expected = b"\x1b" + b"".join(
        map(string, (b"session-bind@openssh.com", b"host key", b"session", b"signature"))
    )
    for answer, taken in ((b"\x06", True), (b"\x05", False), (b"\x1c", False)):
        async with answering(string(answer)) as (agent, asked):
            assert await agent.bind(BINDING) is taken
        assert asked == [expected + b"\x00"]


async def test_a_forwarded_socket_is_bound_before_anybody_else_uses_it() -> None:
    key = FileKey(asyncssh.generate_private_key("ssh-ed25519"))
    async with ScriptedAgent(key) as agent:
        sock = await bound_socket(str(agent.path), BINDING)
        sock.close()
        assert [request[-1] for request in agent.bindings] == [1]
        (await bound_socket(str(agent.path), None)).close()
    with pytest.raises(AgentUnavailable):
        await bound_socket(str(agent.path), BINDING)


async def test_one_request_at_a_time_and_none_after_a_cancelled_one() -> None:
    key = TokenKey()
    script = Script(signing=asyncio.Event())
    async with ScriptedAgent(key, script=script) as server:
        agent = await open_agent(str(server.path))
        signing = asyncio.create_task(agent.sign(key.blob, b"data", key.type.encode()))
        async with asyncio.timeout(PATIENCE):
            await server.reached.wait()
        signing.cancel()
        await asyncio.gather(signing, return_exceptions=True)
        with pytest.raises(AgentUnavailable):
            await agent.get_keys()


@pytest.mark.parametrize("path", ["", "/no/such/agent", "a\0b", "x" * 300])
async def test_a_path_that_leads_nowhere(path: str) -> None:
    with pytest.raises(AgentUnavailable):
        await open_agent(path)
    with pytest.raises(AgentUnavailable):
        await bound_socket(path, None)
