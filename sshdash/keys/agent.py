"""The SSH agent: which keys it holds. It alone ever touches their private halves."""

import asyncssh


class AgentUnavailable(Exception):
    """The agent's socket is gone, refused, or does not speak the protocol."""


async def open_agent(path: str) -> asyncssh.SSHAgentClient:
    """Return a client of the agent at `path`; raises AgentUnavailable."""
    client = asyncssh.SSHAgentClient(path)
    try:
        await client.connect()
    except OSError as error:
        raise AgentUnavailable(error.strerror or str(error)) from None
    return client
