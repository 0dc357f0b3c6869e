"""``sshdash cp --direct A:path B:path``: A's own scp copies to B, and nothing comes through here.

A logs in to B with the agent of this machine, which is lent to it for that one command; A's own
configuration and known_hosts decide whether it trusts B.
"""

import argparse
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncssh

from sshdash.backend import Backend
from sshdash.cli.context import open_backend, report, source, tell, tell_ignored
from sshdash.cli.copying import resolve_source
from sshdash.cli.endings import cancelled_by_signals
from sshdash.cli.operands import Operand
from sshdash.config.resolved import ResolvedHost
from sshdash.config.resolver import Resolver
from sshdash.connections.connection import Lease
from sshdash.connections.faults import explain
from sshdash.connections.login.agent_forwarding import forwarded_agent
from sshdash.errors import ConnectionLost, SSHDashError, UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.quoting import command_line
from sshdash.sftp.entries import join
from sshdash.sftp.tasks import together

_NO_AGENT, _NO_SCP, _OLD_SCP = 91, 92, 93
"""What the script ends with before scp runs; scp itself ends with 0, 1 or 255."""
_SCRIPT = b"""\
exec 3<&0
[ -S "$SSH_AUTH_SOCK" ] || exit 91
command -v scp >/dev/null 2>&1 || exit 92
case $(ssh -V 2>&1) in
OpenSSH_8.[789]*|OpenSSH_9*|OpenSSH_[1-9][0-9]*) s=-s ;;
*) s=; %b ;;
esac
scp $s %b </dev/null 3<&- &
p=$!
{ cat; kill $p; } <&3 >/dev/null 2>&1 &
wait $p
exit $?
"""
"""What it is told on its input ends with us, or with the connection, and scp with it.

Over SFTP (-s, since 8.7) a path is taken as it is; before, B's shell read it once more."""
_PLAIN = re.compile(rb"[A-Za-z0-9_./@%+=:,-]*")
_SAID = 2_000
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
_REFUSED = {
    "checksum": "--checksum",
    "resume": "--resume",
    "owner": "--owner",
    "xattrs": "--xattrs",
    "user": "--sudo",
    "json": "--json",
}
"""Options that scp on the host cannot keep."""


def check(arguments: argparse.Namespace, sources: Sequence[Operand], target: Operand) -> None:
    """Raise UsageError for what cannot be copied so."""
    hosts = {one.endpoint for one in sources}
    if len(hosts) != 1 or "" in hosts or not target.endpoint or hosts == {target.endpoint}:
        raise UsageError(
            "--direct is from one host to another",
            "the sources must be on one host, and the target on a second one",
        )
    for name, option in _REFUSED.items():
        if getattr(arguments, name):
            detail = "it is the host's own scp that copies"
            raise UsageError(f"--direct does not go with {option}", detail, "leave one of them out")
    if arguments.on_conflict != "overwrite":
        detail = "it is the host's own scp that copies, and it overwrites what is there"
        raise UsageError("--direct asks nobody", detail, "leave out --on-conflict, or --direct")


async def copy_directly(
    arguments: argparse.Namespace, sources: Sequence[Operand], target: Operand, limit: int
) -> int:
    """Copy and return the exit status; `limit` is in bytes per second, 0 for none."""
    host = sources[0].endpoint
    if (Resolver(source(arguments)).resolve(host).get("forwardagent") or "no") == "no":
        # It was asked for, for this one command; what is set already names an agent of choice.
        arguments.option = [*arguments.option, "ForwardAgent=yes"]
    with cancelled_by_signals():
        async with open_backend(arguments) as backend:
            return await _copy(backend, arguments, sources, target, limit)


async def _copy(
    backend: Backend,
    arguments: argparse.Namespace,
    sources: Sequence[Operand],
    target: Operand,
    limit: int,
) -> int:
    host = sources[0].endpoint
    resolved = backend.resolver.resolve_ahead(host)
    tell_ignored(resolved)
    if not forwarded_agent(resolved):
        detail = f"{host} needs it to log in to {target.endpoint}"
        hint = "start one and load the key (ssh-add), or leave out --direct"
        raise SSHDashError("There is no agent to lend", detail, hint, host)
    there = backend.resolve(target.endpoint)
    await _check_way(backend, host, target.endpoint, there)
    end = await backend.copy_end(host)
    try:
        named = [one for word in sources for one in await resolve_source(end, word)]
    finally:
        await end.close()
    paths = [join(one.path, b".") if one.inside else one.path for one in named]
    script = script_for(arguments, paths, there, target.path, limit)
    if not arguments.quiet:
        tell(f"sshdash: {host} copies to {target.endpoint} itself, without telling how far it is")
    async with await backend.connections.lease(host, "files") as lease:
        if lease.connection.untrusted:
            title = "No agent is lent to a host that is not trusted"
            raise SSHDashError(title, lease.connection.untrusted, host=host)
        return await _run(lease, script, target.endpoint)


async def _check_way(backend: Backend, host: str, name: str, there: ResolvedHost) -> None:
    """Ask where the host may not get to the target as this machine does.

    Raises SSHDashError where nobody can be asked, or the answer is no.
    """
    if _LOOPBACK.fullmatch(there.hostname):
        tell(f"sshdash: HostName of {name} is {there.hostname}, which on {host} is {host} itself")
    if not there.proxy_jump and not there.proxy_command:
        return
    way = "a jump host" if there.proxy_jump else "a ProxyCommand"
    question = ConfirmQuestion(
        f"{name} is behind {way}",
        f"{host} would go straight to {there.hostname} port {there.port}, without it.",
        action="Try it",
    )
    answer = await backend.prompter.ask(question)
    if not answer:
        hint = f"leave out --direct; or, where {host} gets there by itself, name it by its address"
        raise SSHDashError(f"From here {name} is reached through {way}", "", hint, host)


def script_for(
    arguments: argparse.Namespace,
    paths: Sequence[bytes],
    there: ResolvedHost,
    path: bytes,
    limit: int,
) -> bytes:
    """Return what a POSIX shell on the host is to do, whatever bytes are in the paths."""
    if path == b"~" or path.startswith(b"~/"):
        path = path[2:]
    host = f"[{there.hostname}]" if ":" in there.hostname else there.hostname
    words = [b"-r"] * arguments.recursive + [b"-p"] * arguments.preserve
    words += [b"-o", b"BatchMode=yes", b"-P", b"%d" % there.port]
    words += [b"-l", b"%d" % max(1, limit * 8 // 1000)] if limit else []
    target = f"{there.user}@{host}:".encode() + (path or b".")
    local = [one if one[:1] == b"/" else join(b".", one) for one in paths]
    plain = b":" if _PLAIN.fullmatch(path) else b"exit 93"
    return _SCRIPT % (plain, command_line([*words, b"--", *local, target]))


async def _run(lease: Lease, script: bytes, target: str) -> int:
    """Run the script, show what it says, and return the exit status."""
    options = {"command": "sh", "encoding": None, "env": (), "send_env": ()}
    try:
        process = await lease.session(lambda ssh: ssh.create_process(**options))
    except (OSError, asyncssh.Error) as error:
        raise explain(error, lease.host, "run scp") from error
    said = _Said(lease.host)
    try:
        process.stdin.write(script)
        await together(said.follow(process.stderr, shows=True), said.follow(process.stdout))
        await process.wait_closed()
    finally:
        process.close()
    if process.exit_status is None and lease.connection.is_gone:
        reason = await lease.connection.wait_lost()
        raise ConnectionLost("Connection lost", reason, host=lease.host)
    if process.exit_status == 0:
        return 0
    report(_why(process.exit_status, said.text, lease.host, target))
    return 1  # scp's own status tells a missing file and a missing host alike


class _Said:
    """What comes from the host: each line is shown as it comes, and the end is kept."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.text = ""

    async def follow(self, stream: Any, shows: bool = False) -> None:
        """Read a stream to its end; what is not shown is dropped."""
        line = b""
        with suppress(OSError, asyncssh.Error):
            while data := await stream.read(4096):
                *lines, line = (line + data).split(b"\n") if shows else (b"",)
                for one in lines:
                    self._show(one)
                line = line[-_SAID:]
        if line:
            self._show(line)

    def _show(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if text:
            tell(f"sshdash: {self._host}: {text}")
            self.text = f"{self.text}\n{text}"[-_SAID:]


def _why(status: int | None, said: str, host: str, target: str) -> SSHDashError:
    """Return what to tell of a copy that failed."""
    title = f"{host} could not copy to {target}"
    detail = f"scp ended with status {status}"
    hint = "leave out --direct: the copy comes through here then"
    if status is None:
        detail = "scp was ended there"
    elif status == _NO_AGENT:
        detail = "its server forwards no agent (AllowAgentForwarding)"
    elif status == _NO_SCP:
        detail = "there is no scp"
    elif status == _OLD_SCP:
        detail = "its scp is older than OpenSSH 8.7, and would have the path read by a shell"
    elif "Host key verification failed" in said:
        hint = f"{host} does not know the key of {target}: log in from there once, and compare it"
    elif "Permission denied (" in said:
        hint = f"{target} takes none of the agent's keys: ssh-add the one that it takes"
    return SSHDashError(title, detail, hint)
