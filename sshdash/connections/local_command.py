"""LocalCommand: what runs on this machine after a login, where PermitLocalCommand allows it."""

import asyncio
import os
import tempfile

from sshdash import processes
from sshdash.config.resolver import ResolvedHost
from sshdash.config.tokens import TokenError, expand
from sshdash.errors import SSHConfigError
from sshdash.untrusted import clean_lines

_MOST_OUTPUT = 8192
_TOKENS = "CLdhijklnpru"
_NO_TUNNEL = "NONE"
"""What the token %T stands for: there is never a tunnel device."""


def local_command(resolved: ResolvedHost) -> str:
    """Return the command to run after the login, "" for none; raises SSHConfigError."""
    command = resolved.get("localcommand") or ""
    if not command or not resolved.flag("permitlocalcommand"):
        return ""
    tokens = {key: _token(resolved, key) for key in _TOKENS}
    try:
        return expand(command, {**tokens, "T": _NO_TUNNEL})
    except TokenError as error:
        origin = resolved.origins["localcommand"][0]
        detail = f"LocalCommand: {error}"
        raise SSHConfigError(
            "The SSH configuration is wrong", origin.file, origin.line, detail=detail
        ) from error


def _token(resolved: ResolvedHost, key: str) -> str:
    try:
        return resolved.tokens[key]
    except KeyError:
        return ""


async def run_local_command(command: str) -> tuple[int, str]:
    """Run `command` in the user's shell and wait for that, as ssh does.

    Returns its exit status, negative for a signal, and what it said, cleaned. It has no input,
    and is ended where the one who waits is. Raises OSError where it cannot be started.
    """
    # A file and no pipe: what the command leaves behind may hold its output open for ever.
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            os.environ.get("SHELL") or "/bin/sh",
            "-c",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            status = await process.wait()
        finally:
            await processes.end(process, with_group=True)
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - _MOST_OUTPUT))
        return status, clean_lines(output.read().strip())
