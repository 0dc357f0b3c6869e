"""Files as another user: sudo that asks, that does not, that refuses, and the real one."""

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.errors import Cancelled, SessionError, UsageError
from sshdash.prompts import ScriptedPrompter, SecretQuestion
from sshdash.settings import Settings
from sshdash.sftp.job import CopyRequest
from sshdash.states import TransferState
from tests.live.test_cli_files import sshdash
from tests.servers.sshd import RealSshd

PASSWORD = "not to be seen anywhere"
_SUDO = r"""#!{python}
# What sudo -S does: asks on stderr, reads one line without reading ahead, tries three times.
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
words = sys.argv[1:]
prompt = words[words.index("-p") + 1]
user = words[words.index("-u") + 1]
command = words[words.index("--") + 1 :]
sys.stderr.write("the usual lecture\n")
def line():
    read = b""
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        read += byte
    return read.decode()
if os.path.exists(here + "/asks"):
    for attempt in range(3):
        sys.stderr.write(prompt)
        sys.stderr.flush()
        if line() == {password!r}:
            break
        sys.stderr.write("Sorry, try again.\n")
    else:
        sys.exit("sudo: 3 incorrect password attempts")
with open(here + "/became", "a") as log:
    log.write(user + "\n")
os.environ["HOME"] = here
os.execvp(command[0], command)
"""


@asynccontextmanager
async def backend_on(sshd: RealSshd, *answers: object) -> AsyncIterator[Backend]:
    """Run a backend; questions get these answers in order."""
    source = ConfigSource.standard(str(sshd.config_file))
    settings = Settings(audit=False, reconnect=False)
    async with Backend(settings, ScriptedPrompter(list(answers)), source) as backend:
        await backend.load(terminals=False)
        yield backend


def asked(backend: Backend) -> list[SecretQuestion]:
    """Return what was asked."""
    assert isinstance(backend.prompter, ScriptedPrompter)
    questions = backend.prompter.asked
    assert all(isinstance(question, SecretQuestion) for question in questions)
    return questions  # type: ignore[return-value]


Made = Callable[[str], RealSshd]


@pytest.fixture
def with_sudo() -> Iterator[Made]:
    """Return what starts a server on which ``sudo`` is a program of the test."""
    servers: list[RealSshd] = []

    def make(script: str) -> RealSshd:
        server = RealSshd()
        tools = server.folder / "bin"
        tools.mkdir()
        (tools / "sudo").write_text(script)
        (tools / "sudo").chmod(0o755)
        server.options["setenv"] = f"HOME={server.home} PATH={tools}:{os.environ['PATH']}"
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.close()


def stand_in() -> str:
    return _SUDO.replace("{python}", sys.executable).replace("{password!r}", repr(PASSWORD))


async def test_the_password_is_asked_once_and_only_where_sudo_wants_it(
    with_sudo: Made, tmp_path: Path
) -> None:
    server = with_sudo(stand_in())
    tools = server.folder / "bin"
    (tools / "asks").touch()
    (server.home / "file").write_bytes(b"content" * 100_000)
    async with backend_on(server, ("wrong",), (PASSWORD,)) as backend:
        files = await backend.filesystem("sshd (root)")
        assert files.label == "sshd (root)"
        assert files.home() == bytes(tools), "it begins in the home of who is become"
        assert [question.attempt for question in asked(backend)] == [1, 2]
        assert "Sorry, try again." in asked(backend)[1].instructions
        # Sessions beside it, and those of copies, ask nothing again.
        assert await files.read_head(bytes(server.home / "file"), 7) == b"content"
        request = CopyRequest(
            "sshd (root)", (bytes(server.home / "file"),), "", bytes(tmp_path), preserve=True
        )
        done = await backend.transfers.wait(backend.transfers.submit(request))
        assert done.state is TransferState.DONE, done.errors
        assert done.source == "sshd (root)"
        assert (tmp_path / "file").read_bytes() == (server.home / "file").read_bytes()
        assert len(asked(backend)) == 2
        await files.close()
        # One who does not ask gets no password, which would go to the SFTP server.
        (tools / "asks").unlink()
        again = await backend.filesystem("sshd (backup)")
        assert await again.exists(bytes(server.home / "file"))
        await again.close()
        assert PASSWORD not in repr(backend._endpoints)
    assert (tools / "became").read_text().split() == ["root", "root", "root", "backup"]


async def test_a_wrong_password_is_told_after_three_times(with_sudo: Made) -> None:
    server = with_sudo(stand_in())
    (server.folder / "bin" / "asks").touch()
    async with backend_on(server, ("one",), ("two",), ("three",), ("four",)) as backend:
        with pytest.raises(SessionError) as caught:
            await backend.filesystem("sshd (root)")
        assert "3 incorrect password attempts" in caught.value.detail
        assert len(asked(backend)) == 3
        statuses = backend.connections.statuses()
        assert not any(status.leases.get("files") for status in statuses)


async def test_dismissing_the_question_ends_it(with_sudo: Made) -> None:
    server = with_sudo(stand_in())
    (server.folder / "bin" / "asks").touch()
    async with backend_on(server) as backend:
        with pytest.raises(Cancelled, match="Not opened as root"):
            await backend.filesystem("sshd (root)")


@pytest.mark.parametrize(
    ("script", "detail", "hint"),
    [
        ("echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1", "tty", "requiretty"),
        ("echo 'sshd is not in the sudoers file.' >&2; exit 1", "sudoers", "run sh"),
        ("exec sh -c 'echo nothing here >&2; exit 127'", "nothing here", ""),
        ("exit 1", "without a word", ""),
    ],
)
async def test_a_refusal_is_told_in_its_words(
    with_sudo: Made, script: str, detail: str, hint: str
) -> None:
    server = with_sudo(f"#!/bin/sh\n{script}\n")
    async with backend_on(server) as backend:
        with pytest.raises(SessionError) as caught:
            await backend.filesystem("sshd (root)")
        assert caught.value.title == "No files as root"
        assert detail in caught.value.detail
        assert hint in caught.value.hint
        assert not asked(backend)


async def test_doas_takes_the_place_of_sudo_where_there_is_none() -> None:
    server = RealSshd()
    tools = server.folder / "bin"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    (tools / "doas").write_text('#!/bin/sh\necho "$1 $3" > "${0}ed"\nshift 3\nexec "$@"\n')
    (tools / "doas").chmod(0o755)
    server.options["setenv"] = f"HOME={server.home} PATH={tools}"
    async with server, backend_on(server) as backend:
        files = await backend.filesystem("sshd (admin)")
        assert await files.exists(bytes(tools))
        await files.close()
        assert not asked(backend)


@pytest.mark.parametrize("name", ["-i", "a b", "root;id", "x)"])
async def test_a_name_that_is_none_is_refused(sshd: RealSshd, name: str) -> None:
    async with backend_on(sshd) as backend:
        with pytest.raises(UsageError):
            await backend.filesystem(f"sshd ({name})")
        assert not sshd.connections()


async def test_text_of_a_start_up_file_does_not_matter(with_sudo: Made) -> None:
    server = with_sudo(stand_in())
    (server.home / ".bashrc").write_text("echo welcome to this host\n")
    async with backend_on(server) as backend:
        files = await backend.filesystem("sshd (root)")
        assert await files.exists(bytes(server.home))
        await files.close()


@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("sudo"), reason="needs sudo, and to be root"
)
async def test_the_real_sudo_opens_files_as_somebody_else(sshd: RealSshd, tmp_path: Path) -> None:
    sshd.home.chmod(0o755)
    sshd.folder.chmod(0o755)
    public = sshd.home / "public"
    public.mkdir()
    public.chmod(0o777)
    (sshd.home / "file").write_bytes(b"content")
    (sshd.home / "secret").write_bytes(b"x")
    (sshd.home / "secret").chmod(0o600)
    config = sshd.config_file
    words = ("cp", "--sudo-user", "nobody", f"sshd:{sshd.home}/file", f"sshd:{public}/")
    done = await sshdash(config, *words)
    assert (done.status, done.errors) == (0, "")
    assert (public / "file").owner() == "nobody"
    words = ("cp", "--sudo-user", "nobody", f"sshd:{sshd.home}/secret", str(tmp_path))
    done = await sshdash(config, *words)
    assert done.status == 1
    assert "permission denied" in done.errors
    done = await sshdash(config, "ls", "--sudo", f"sshd:{public}")
    assert (done.status, done.output) == (0, "file\n")
