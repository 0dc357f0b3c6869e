"""Which keys are offered, and in which order: the installed ssh is the oracle."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshdash.errors import AuthenticationError
from tests.live.auth_kit import keygen, new_key, public_line, running_agent
from tests.live.connecting import connecting
from tests.servers.programs import require
from tests.servers.sshd import RealSshd

REFUSED = re.compile(r"(?:Failed|Accepted) publickey for \S+ from \S+ port (\d+) ssh2: (.+)")


def offers(server: RealSshd) -> list[list[str]]:
    """Return the keys that each connection offered, as sshd logged them."""
    seen: dict[str, list[str]] = {}
    for port, key in REFUSED.findall(server.log):
        seen.setdefault(port, []).append(key)
    return list(seen.values())


def ask_ssh(server: RealSshd) -> None:
    subprocess.run(
        [require("ssh"), "-F", str(server.config_file), "-o", "BatchMode=yes", "sshd", "true"],
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )


async def same_as_ssh(server: RealSshd, at_least: int) -> list[str]:
    """Return what was offered, after comparing it with what ssh offers."""
    ask_ssh(server)
    async with connecting(server.config_file) as client:
        with pytest.raises(AuthenticationError):
            await client.manager.lease("sshd", "test")
    ours, theirs = offers(server)[-1], offers(server)[0]
    assert ours == theirs
    assert len(ours) >= at_least
    return ours


@pytest.fixture
def strict() -> Iterator[RealSshd]:
    """Run a server that takes no key, and tells which it was offered."""
    server = RealSshd(maxauthtries="100")
    try:
        server.start()
        server.authorized_keys.write_text("")
        yield server
    finally:
        server.close()


def configure(server: RealSshd, **lines: str | Path | list[Path]) -> None:
    text = [
        line
        for line in server.config_file.read_text().splitlines()
        if not any(key in line for key in ("IdentityFile", "IdentitiesOnly", "IdentityAgent"))
    ]
    for key, value in lines.items():
        text += [f"    {key} {each}" for each in (value if isinstance(value, list) else [value])]
    server.config_file.write_text("\n".join(text) + "\n")


@pytest.mark.parametrize("only", ["yes", "no"])
async def test_keys_of_the_agent_and_of_the_configuration(
    strict: RealSshd, tmp_path: Path, only: str
) -> None:
    keys = [new_key(tmp_path / f"k{number}") for number in range(6)]
    rsa = new_key(tmp_path / "rsa", "rsa", "", "-b", "2048")
    with running_agent() as agent:
        agent.add(keys[5], keys[1], rsa, keys[4])
        configure(
            strict,
            IdentityFile=[keys[0], keys[1], rsa, keys[2], keys[5]],
            IdentityAgent=agent.path,
            IdentitiesOnly=only,
        )
        await same_as_ssh(strict, 5 if only == "yes" else 6)


@pytest.mark.parametrize("explicit", [True, False])
async def test_certificates(strict: RealSshd, tmp_path: Path, explicit: bool) -> None:
    authority = new_key(tmp_path / "authority")
    disk, held, both = (new_key(tmp_path / name) for name in ("disk", "held", "both"))
    rsa = new_key(tmp_path / "rsa", "rsa", "", "-b", "2048")
    for key in (disk, held, both, rsa):
        keygen("-s", authority, "-I", key.name, "-n", "nobody", f"{key}.pub")
    elsewhere = tmp_path / "elsewhere.pub"
    elsewhere.write_text((tmp_path / "held-cert.pub").read_text())
    with running_agent() as agent:
        agent.add(both)
        (tmp_path / "held-cert.pub").rename(tmp_path / "aside")
        agent.add(held)
        (tmp_path / "aside").rename(tmp_path / "held-cert.pub")
        lines: dict[str, str | Path | list[Path]] = {
            "IdentityFile": [disk, held, both, rsa],
            "IdentityAgent": agent.path,
        }
        if explicit:
            lines["CertificateFile"] = [elsewhere, tmp_path / "disk-cert.pub"]
        configure(strict, **lines)
        await same_as_ssh(strict, 5)


async def test_accepted_algorithms_and_sizes(strict: RealSshd, tmp_path: Path) -> None:
    ecdsa = new_key(tmp_path / "ecdsa", "ecdsa")
    small = new_key(tmp_path / "small", "rsa", "", "-b", "1024")
    large = new_key(tmp_path / "large", "rsa", "", "-b", "3072")
    plain = new_key(tmp_path / "plain")
    with running_agent() as agent:
        agent.add(small, plain)
        configure(
            strict,
            IdentityFile=[ecdsa, large],
            IdentityAgent=agent.path,
            RequiredRSASize="2048",
            PubkeyAcceptedAlgorithms="-ssh-ed25519",
        )
        await same_as_ssh(strict, 2)


async def test_public_half_alone_points_at_a_key_of_the_agent(
    strict: RealSshd, tmp_path: Path
) -> None:
    wanted, other = new_key(tmp_path / "wanted"), new_key(tmp_path / "other")
    pub = tmp_path / "only.pub"
    with running_agent() as agent:
        agent.add(other, wanted)
        pub.write_text(public_line(wanted))
        configure(strict, IdentityFile=pub, IdentityAgent=agent.path, IdentitiesOnly="yes")
        assert len(await same_as_ssh(strict, 1)) == 1
        strict.authorized_keys.write_text(public_line(wanted))
        async with connecting(strict.config_file) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"
