"""git, rsync and a web server through tunnels, as people use them."""

import os
from pathlib import Path

import pytest

from tests.live.tunnel_kit import tunnels_on, until
from tests.servers.services import git_daemon, rsync_daemon, run, web_server
from tests.servers.sshd import RealSshd

GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a folder with small files and one of 2 MiB that does not compress."""
    folder = tmp_path / "tree"
    for n in range(120):
        path = folder / f"part-{n % 7}" / f"file-{n}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d\n" % n * n)
    (folder / "large").write_bytes(os.urandom(2 << 20))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in every file below a folder, but for git's own."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


async def test_git_clones_over_a_forwarded_port_and_through_the_proxy(
    sshd: RealSshd, tree: Path, tmp_path: Path
) -> None:
    base = tmp_path / "srv"
    await run("git", "init", "-q", str(tree), env=GIT)
    await run("git", "-C", str(tree), "add", ".", env=GIT)
    await run("git", "-C", str(tree), "commit", "-q", "-m", "all", env=GIT)
    await run("git", "clone", "-q", "--bare", str(tree), str(base / "tree.git"), env=GIT)
    await run("git", "-C", str(base / "tree.git"), "update-server-info", env=GIT)
    async with (
        git_daemon(base) as daemon,
        web_server(base) as web,
        tunnels_on(sshd) as kit,
    ):
        _, listen = await kit.open("L", f"0:127.0.0.1:{daemon}")
        _, proxy = await kit.open("D", "0")
        ways = {
            f"git://localhost:{listen}/tree.git": "",
            f"http://localhost:{web}/tree.git": f"socks5h://localhost:{proxy}",
        }
        for number, (url, through) in enumerate(ways.items()):
            clone = tmp_path / f"clone-{number}"
            await run("git", "-c", f"http.proxy={through}", "clone", "-q", url, str(clone), env=GIT)
            assert contents(clone) == contents(tree)
        await until(lambda: kit.channels == 0, "no channels")


async def test_rsync_to_and_from_a_daemon(sshd: RealSshd, tree: Path, tmp_path: Path) -> None:
    base, back = tmp_path / "srv", tmp_path / "back"
    base.mkdir()
    async with rsync_daemon(base) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        url = f"rsync://localhost:{listen}/files/"
        await run("rsync", "-a", f"{tree}/", f"{url}copy/")
        assert contents(base / "copy") == contents(tree)
        (tree / "large").write_bytes(b"changed" + (tree / "large").read_bytes())
        before = kit.manager.snapshot(tunnel).bytes_up
        await run("rsync", "-a", f"{tree}/", f"{url}copy/")
        assert kit.manager.snapshot(tunnel).bytes_up - before < 1 << 20, "only what has changed"
        await run("rsync", "-a", f"{url}copy/", f"{back}/")
        assert contents(back) == contents(tree)
        await until(lambda: kit.channels == 0, "no channels")


async def test_rsync_over_an_ssh_of_its_own_through_a_forwarded_port(
    sshd: RealSshd, tree: Path, tmp_path: Path
) -> None:
    async with tunnels_on(sshd) as kit:
        _, listen = await kit.open("L", f"0:127.0.0.1:{sshd.port}")
        shell = (
            f"ssh -F /dev/null -p {listen} -i {sshd.identity} -o IdentitiesOnly=yes"
            f" -o UserKnownHostsFile={sshd.known_hosts} -o HostKeyAlias=[127.0.0.1]:{sshd.port}"
            " -o BatchMode=yes"
        )
        there = tmp_path / "there"
        await run("rsync", "-a", "-e", shell, f"{tree}/", f"{sshd.user}@localhost:{there}/")
        assert contents(there) == contents(tree)
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_web_server_exposed_to_the_far_side(sshd: RealSshd, tree: Path) -> None:
    async with web_server(tree) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("R", f"127.0.0.1:0:localhost:{port}")
        command = f"curl -sS --fail -m 30 --noproxy '*' http://localhost:{listen}/"
        fetched = await kit.ssh.run(f"{command}part-1/file-8", encoding=None)
        assert fetched.stdout == (tree / "part-1" / "file-8").read_bytes(), fetched.stderr
        large = await kit.ssh.run(f"{command}large", encoding=None)
        assert large.stdout == (tree / "large").read_bytes()
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.clients_total == 2
        assert snapshot.bytes_down > 2 << 20
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
