"""How a shell is made to start in a folder."""

from sshdash.config.resolver import ResolvedHost
from sshdash.quoting import quoted


def starting_command(resolved: ResolvedHost, directory: str) -> str:
    """Return the command that starts a login shell in `directory`, empty for a plain shell.

    A host whose configuration runs something else gets that. The command is understood by the
    shells of sh, csh and fish; where the folder is gone, it says so and starts at home.
    """
    other = resolved.get("remotecommand") or (resolved.get("sessiontype") or "default") != "default"
    if other or not directory.startswith("/") or not directory.isprintable():
        return ""
    return f"cd {quoted(directory)}; exec $SHELL -l"
