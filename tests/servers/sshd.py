"""A real OpenSSH ``sshd`` with its own keys, users' folder and configuration."""

import asyncio
import contextlib
import functools
import getpass
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh
import psutil

from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.programs import require

_ATTEMPTS = 5
_GUARD = 'read -r _; kill -9 "-$1"; rm -rf "$2"'


class RealSshd:
    """One sshd on a free loopback port; the current user logs in with `identity`.

    Keyword arguments are lines of sshd_config and win over what is set here: a string, or a
    list for a keyword that may be repeated. ``subsystem`` is ``internal-sftp``, a path to a
    server, or "" for a server without SFTP.

    The client's configuration `config_file` knows the hosts ``sshd`` and, through it as a
    jump host, ``inner`` (the same server again).

    Skips the test where there is no sshd: see `require`.
    """

    def __init__(self, subsystem: str = "internal-sftp", **options: str | list[str]) -> None:
        self.program = require("sshd")
        self.subsystem = subsystem
        self.options = {key.lower(): value for key, value in options.items()}
        self.user = getpass.getuser() if os.getuid() else "root"
        self.port = 0
        self.folder = Path(tempfile.mkdtemp(prefix="sshd-"))
        """Everything of this server: removed by `close`."""
        self.home = self.folder / "home"
        """HOME of its sessions and the folder SFTP starts in."""
        self.identity = self.folder / "id_ed25519"
        self.authorized_keys = self.folder / "authorized_keys"
        self.known_hosts = self.folder / "known_hosts"
        self.config_file = self.folder / "config"
        self.server_config = self.folder / "sshd_config"
        self.host_keys: dict[str, Path] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._heard = b""
        self._said = threading.Condition()
        self._furnish()

    def __repr__(self) -> str:
        """Return the port and whether it runs."""
        return f"<RealSshd 127.0.0.1:{self.port} {'up' if self.running else 'down'}>"

    async def __aenter__(self) -> Self:
        """Start it."""
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and remove its folder."""
        await asyncio.to_thread(self.close)

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start listening: on the port it had before, else on a free one."""
        assert not self.running, "it runs already"
        for _ in range(_ATTEMPTS):
            chosen = self.port or free_port()
            self._write_server_config(chosen)
            self._launch()
            if self._wait_listening():
                self.port = chosen
                self._write_client_files()
                return
            self.stop()
            if self.port or "in use" not in self.log:
                break
        raise RuntimeError(f"sshd did not start:\n{self.log}")

    def stop(self) -> None:
        """End the listener and every connection; the port stays reserved for `start`."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._guard:
            self._guard.kill()
            self._guard.communicate()
        family = _family(process.pid)
        process.kill()
        _signal_all(family, signal.SIGKILL)
        process.wait()
        psutil.wait_procs(family, timeout=PATIENCE)
        if self._reader:
            self._reader.join(PATIENCE)
        if process.stderr:
            process.stderr.close()

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it for good and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Return whether the listener is alive."""
        return self._process is not None and self._process.poll() is None

    # -- connections --------------------------------------------------------------------------

    def connections(self) -> list[int]:
        """Return the process ids that serve the connections, one each."""
        if not self.running:
            return []
        assert self._process
        return [child.pid for child in psutil.Process(self._process.pid).children()]

    def kill_connections(self) -> int:
        """Kill every connection's processes (SIGKILL) and return how many there were."""
        pids = self.connections()
        for pid in pids:
            _signal_all(_servers(pid), signal.SIGKILL)
        return len(pids)

    def kill_one(self, pid: int) -> None:
        """Kill the processes of one of the `connections`."""
        _signal_all(_servers(pid), signal.SIGKILL)

    def suspend(self) -> None:
        """Stop every connection's processes: a peer that is silent, not gone."""
        for pid in self.connections():
            _signal_all(_servers(pid), signal.SIGSTOP)

    def resume(self) -> None:
        """Let suspended connections go on."""
        for pid in self.connections():
            _signal_all(_servers(pid), signal.SIGCONT)

    # -- what it says -------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """Return everything sshd wrote so far."""
        with self._said:
            if self._reader and self._reader.is_alive() and self._process:
                self._take(self._process)
            return self._heard.decode(errors="replace")

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> str:
        """Return the first line of the log that matches `pattern`, now or later.

        Raises TimeoutError after `timeout` seconds. From a coroutine, use a thread.
        """
        found: re.Match[str] | None = None

        def seen() -> bool:
            nonlocal found
            said = self._heard.decode(errors="replace")
            found = re.search(f"(?m)^.*{pattern}.*$", said)
            return found is not None

        with self._said:
            if self._said.wait_for(seen, timeout) and found:
                return found[0]
        raise TimeoutError(f"sshd never said {pattern!r}:\n{self.log}")

    # -- parts --------------------------------------------------------------------------------

    def _furnish(self) -> None:
        self.home.mkdir(mode=0o700)
        rc = "unset HISTFILE\nPS1='sshd$ '\ncd \"$HOME\"\n"
        (self.home / ".bashrc").write_text(rc)
        (self.home / ".bash_profile").write_text(". ~/.bashrc\n")
        for kind in ("ed25519", "ecdsa", "rsa"):
            path = self.folder / f"host_{kind}"
            path.write_bytes(_rsa_key() if kind == "rsa" else _new_key(kind).export_private_key())
            path.chmod(0o600)
            self.host_keys[kind] = path
        key = _new_key("ed25519")
        key.write_private_key(str(self.identity))
        self.identity.chmod(0o600)
        key.write_public_key(str(self.identity) + ".pub")
        key.write_public_key(str(self.authorized_keys))

    def _write_server_config(self, port: int) -> None:
        lines: dict[str, str | list[str]] = {
            "listenaddress": "127.0.0.1",
            "port": str(port),
            "hostkey": [str(path) for path in self.host_keys.values()],
            "authorizedkeysfile": str(self.authorized_keys),
            "pidfile": "none",
            "loglevel": "VERBOSE",
            "strictmodes": "no",
            "usepam": "no",
            "usedns": "no",
            "permitrootlogin": "yes",
            "passwordauthentication": "no",
            "kbdinteractiveauthentication": "no",
            "printmotd": "no",
            "printlastlog": "no",
            "maxstartups": "200",
            "maxsessions": "100",
            "acceptenv": ["LANG", "LC_*"],
            "setenv": f"HOME={self.home}",
        }
        if _version(self.program) >= (9, 8):
            lines["persourcepenalties"] = "no"
        if self.subsystem:
            start = f" -d {self.home}" if self.subsystem == "internal-sftp" else ""
            lines["subsystem"] = f"sftp {self.subsystem}{start}"
        lines.update(self.options)
        text = ""
        for key, value in lines.items():
            for each in [value] if isinstance(value, str) else value:
                text += f"{key} {each}\n"
        self.server_config.write_text(text)

    def _write_client_files(self) -> None:
        names = f"[127.0.0.1]:{self.port},[localhost]:{self.port}"
        self.known_hosts.write_text(
            "".join(f"{names} {_public(path.read_bytes())}" for path in self.host_keys.values())
        )
        self.known_hosts.chmod(0o600)
        self.config_file.write_text(
            "Host inner\n"
            "    ProxyJump sshd\n"
            "\n"
            "Host sshd inner\n"
            "    HostName 127.0.0.1\n"
            f"    Port {self.port}\n"
            f"    User {self.user}\n"
            f"    IdentityFile {self.identity}\n"
            "    IdentitiesOnly yes\n"
            "    IdentityAgent none\n"
            f"    UserKnownHostsFile {self.known_hosts}\n"
            "    GlobalKnownHostsFile /dev/null\n"
        )
        self.config_file.chmod(0o600)

    def _launch(self) -> None:
        if os.getuid() == 0:
            # The folder sshd separates its privileges into; a service manager makes it else.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with self._said:
            self._heard = b""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        self._process = subprocess.Popen(
            [self.program, "-D", "-e", "-f", str(self.server_config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=self.folder,
            start_new_session=True,
        )
        # Should the tests be killed, the pipe breaks, and nothing of the server stays.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(self._process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._reader.start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        going_on = True
        while going_on:
            _readable(process, None)
            with self._said:
                going_on = self._take(process)
                self._heard += b"" if going_on else b"(the end)\n"
                self._said.notify_all()

    def _take(self, process: subprocess.Popen[bytes]) -> bool:
        """Take what was said, and return whether there may be more: `log` waits for no thread."""
        assert process.stderr
        while _readable(process, 0):
            data = os.read(process.stderr.fileno(), 65536)
            if not data:
                return False
            self._heard += data
            self._said.notify_all()
        return True

    def _wait_listening(self) -> bool:
        with contextlib.suppress(TimeoutError):
            return "listening" in self.wait_for(r"(Server listening on|^\(the end\))")
        return False


def _readable(process: subprocess.Popen[bytes], milliseconds: int | None) -> bool:
    """Return whether there is something to read on stderr, or its end; None waits for that."""
    assert process.stderr
    poll = select.poll()  # not select(), which knows no descriptor above a thousand
    poll.register(process.stderr, select.POLLIN)
    return bool(poll.poll(milliseconds))


def _family(pid: int) -> list[psutil.Process]:
    """Return every descendant of `pid`, sessions' shells included."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _servers(pid: int) -> list[psutil.Process]:
    """Return the process `pid` and those descendants that are sshd itself."""
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        found.append(psutil.Process(pid))
    for child in _family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name().startswith(("sshd", "sftp-server")):
                found.append(child)
    return found


def _signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _new_key(kind: str) -> asyncssh.SSHKey:
    if kind == "rsa":
        return asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    name = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256"}[kind]
    return asyncssh.generate_private_key(name)


@functools.cache
def _rsa_key() -> bytes:
    """Return the RSA key of every server of this process: a new one takes longer than a server."""
    return _new_key("rsa").export_private_key()


@functools.lru_cache
def _public(private: bytes) -> str:
    """Return the line of a private key's public one: reading RSA checks it, which takes long."""
    return asyncssh.import_private_key(private).export_public_key().decode()


@functools.cache
def _version(program: str) -> tuple[int, int]:
    """Return the version of sshd, (0, 0) where it does not say."""
    done = subprocess.run([program, "-V"], capture_output=True, text=True, check=False)
    match = re.search(r"OpenSSH_(\d+)\.(\d+)", done.stderr + done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
