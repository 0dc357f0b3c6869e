"""The lines to copy, run by a shell as they are: they do what they say."""

import shlex
from dataclasses import replace
from pathlib import Path

from sshdash.tunnels.kept.use_lines import use_lines
from sshdash.tunnels.snapshot import TunnelSnapshot
from tests.live.tunnel_kit import tunnels_on
from tests.servers.programs import require
from tests.servers.services import git_daemon, postgres, redis, rsync_daemon, run, web_server
from tests.servers.sshd import RealSshd


def lines(snapshot: TunnelSnapshot, usual_port: int = 0) -> dict[str, str]:
    """Return the lines of a tunnel, as if its target were on the usual port."""
    spec = snapshot.spec
    if usual_port:
        spec = replace(spec, target_port=usual_port)
    return dict(use_lines(replace(snapshot, spec=spec)))


async def shell(line: str) -> bytes:
    """Run a line and return what it prints."""
    return await run("sh", "-c", line)


async def test_the_ways_through_a_proxy(sshd: RealSshd, tmp_path: Path) -> None:
    require("curl")
    base = tmp_path / "srv"
    base.mkdir()
    (base / "page").write_text("there")
    await run("git", "init", "-q", "--bare", str(base / "repo.git"))
    await run("git", "-C", str(base / "repo.git"), "update-server-info")
    async with web_server(base) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("D", "0")
        found = lines(kit.manager.snapshot(tunnel))
        url = f"http://localhost:{port}/page"
        curl = found["curl"].replace("https://HOST/", url)
        assert await shell(f"{curl} -qsS") == b"there"
        assert await shell(f"{found['environment']}; curl -sS {url}") == b"there"
        clone = found["git"].replace("https://HOST/REPOSITORY", f"http://localhost:{port}/repo.git")
        await shell(f"{clone} {shlex.quote(str(tmp_path / 'clone'))}")
        assert b"SOCKS5 localhost:" in await shell(f"curl -sS {found['PAC file']}")
        assert kit.manager.snapshot(tunnel).failures == 0


async def test_what_talks_to_a_service(sshd: RealSshd, tmp_path: Path) -> None:
    for program in ("psql", "redis-cli", "curl"):
        require(program)
    (tmp_path / "page").write_text("there")
    await run("git", "init", "-q", "--bare", str(tmp_path / "repo.git"))
    async with (
        postgres() as sql,
        redis() as cache,
        web_server(tmp_path) as web,
        git_daemon(tmp_path) as git,
        rsync_daemon(tmp_path) as rsync,
        tunnels_on(sshd) as kit,
    ):

        async def found(target: int, usual: int) -> dict[str, str]:
            tunnel, _ = await kit.open("L", f"0:127.0.0.1:{target}")
            return lines(kit.manager.snapshot(tunnel), usual)

        at_sql = await found(sql, 5432)
        ask = "-XAt -U tester -d postgres -c 'select 6*7'"
        assert await shell(f"{at_sql['psql']} {ask}") == b"42\n"
        address = at_sql["URL"].replace("://", "://tester@")
        assert await shell(f"psql {address}postgres -XAtc 'select 6*7'") == b"42\n"
        assert await shell(f"{(await found(cache, 6379))['redis-cli']} ping") == b"PONG\n"
        assert b"page" in await shell(f"{(await found(web, 80))['curl']} -sS")
        clone = (await found(git, 9418))["git"].replace("REPOSITORY", "repo.git")
        await shell(f"{clone} {shlex.quote(str(tmp_path / 'clone'))}")
        assert b"files" in await shell((await found(rsync, 873))["rsync"])


async def test_ssh_finds_the_key_of_the_target_under_its_own_name(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("L", f"0:127.0.0.1:{sshd.port}")
        line = lines(kit.manager.snapshot(tunnel), 22)["ssh"]
        assert "HostKeyAlias=sshd " in line, "what is called localhost there is the host itself"
        keys = sshd.known_hosts.read_text()
        known = sshd.folder / "known"
        known.write_text(keys.replace(keys.split()[0], "sshd"))
        options = (
            f"ssh -F /dev/null -i {sshd.identity} -o IdentitiesOnly=yes -o BatchMode=yes"
            f" -l {sshd.user} -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known}"
        )
        assert await shell(f"{line.replace('ssh', options, 1)} echo through") == b"through\n"


async def test_a_proxy_on_a_unix_socket(sshd: RealSshd, tmp_path: Path) -> None:
    require("curl")
    site = tmp_path / "site"
    site.mkdir()
    (site / "page").write_text("there")
    async with web_server(site) as port, tunnels_on(sshd) as kit:
        tunnel, _ = await kit.open("D", str(tmp_path / "proxy.sock"))
        curl = lines(kit.manager.snapshot(tunnel))["curl"]
        url = f"http://localhost:{port}/page"
        assert await shell(f"{curl.replace('https://HOST/', url)} -qsS") == b"there"
