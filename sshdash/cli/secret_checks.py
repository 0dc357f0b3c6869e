"""What ``sshdash doctor`` says of agents and of the system's keyring."""

import asyncio
import os
from typing import TYPE_CHECKING

from sshdash.cli.checks import Check, Mark
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.keys.agent import AgentKey

_PATIENCE = 3.0
_SHOWN = 6


async def agent_check() -> Check:
    """Say whether the agent of the environment answers, and which keys it has."""
    from sshdash.keys.agent import AgentUnavailable, open_agent

    path = os.environ.get("SSH_AUTH_SOCK", "")
    start = 'run: eval "$(ssh-agent)" && ssh-add'
    if not path:
        return Check("agent", Mark.WARN, "SSH_AUTH_SOCK is not set", start)
    try:
        async with asyncio.timeout(_PATIENCE):
            agent = await open_agent(path)
            try:
                keys = await agent.get_keys()
            finally:
                agent.close()
    except TimeoutError:
        return Check("agent", Mark.WARN, f"the agent at {path} does not answer", start)
    except AgentUnavailable as error:
        return Check("agent", Mark.WARN, f"no agent answers at {path}: {error}", start)
    if not keys:
        return Check("agent", Mark.WARN, f"no keys in the agent at {path}", "run: ssh-add")
    names = ", ".join(_name(key) for key in keys[:_SHOWN])
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return Check("agent", Mark.OK, f"{len(keys)} keys: {names}{more}")


def _name(key: "AgentKey") -> str:
    from sshdash.keys.blob import type_name

    return f"{clean(type_name(key.blob), 40)} {clean(key.comment or b'(no comment)', 60)}"


async def keyring_check() -> Check:
    """Say whether passwords and passphrases can be saved."""
    from sshdash.keys.saved import SavedSecrets

    saved = SavedSecrets()
    if await saved.is_usable():
        return Check("keyring", Mark.OK, f"{saved.name}: what you choose to save goes there")
    return Check("keyring", Mark.OK, f"{saved.problem}; secrets are asked for each time")
