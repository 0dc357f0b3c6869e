"""UpdateHostKeys against the real sshd: the same known_hosts as ssh makes of it, step by step."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import asyncssh
import pytest

from sshdash.keys.known_hosts import hash_name
from sshdash.prompts import ConfirmQuestion
from tests.live.connecting import Client, connecting
from tests.servers.sshd import RealSshd

ALL = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256"


class Rotating:
    """One server and two who connect to it: ssh and sshdash, each with its own known_hosts."""

    def __init__(self, server: RealSshd, folder: Path) -> None:
        self.server = server
        self.name = f"[127.0.0.1]:{server.port}"
        self.ours = folder / "ours"
        self.theirs = folder / "theirs"
        self._plain = server.config_file.read_text()

    def write(self, text: str) -> None:
        for file in (self.ours, self.theirs):
            file.write_text(text)
            file.chmod(0o600)

    def key(self, kind: str) -> str:
        key = asyncssh.read_private_key(str(self.server.host_keys[kind]))
        return " ".join(key.export_public_key().decode().split()[:2])

    def lines(self, file: Path) -> list[str]:
        return sorted(" ".join(line.split()[-2:]) for line in file.read_text().splitlines())

    def _config(self, file: Path, options: dict[str, str]) -> Path:
        options = {"UpdateHostKeys": "yes", "UserKnownHostsFile": str(file)} | options
        head = "".join(f"    {key} {value}\n" for key, value in options.items())
        path = file.with_suffix(".config")
        path.write_text(f"Host *\n{head}\n{self._plain}")
        return path

    async def ssh(self, **options: str) -> None:
        config = self._config(self.theirs, options)
        done = await asyncio.create_subprocess_exec(
            "ssh", "-F", str(config), "-o", "BatchMode=yes", "sshd", "true",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await done.communicate()
        assert done.returncode == 0, said.decode()

    async def sshdash(self, *answers: object, **options: str) -> Client:
        async with connecting(self._config(self.ours, options), *answers) as client:
            await client.run("sshd", "true")
        return client

    async def both(self, **options: str) -> list[str]:
        """Connect with both; return the keys that sshdash's file has, which are ssh's too."""
        await self.ssh(**options)
        await self.sshdash(**options)
        assert self.lines(self.ours) == self.lines(self.theirs)
        return self.lines(self.ours)


@pytest.fixture
def rotating(sshd: RealSshd, tmp_path: Path) -> Rotating:
    return Rotating(sshd, tmp_path)


def new_key(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)


async def test_the_six_steps_of_a_rotation_leave_what_ssh_leaves(rotating: Rotating) -> None:
    server = rotating.server
    rotating.write("")
    # An unknown key that nobody vouched for teaches nothing else.
    first = await rotating.both(StrictHostKeyChecking="no", HostKeyAlgorithms="ssh-ed25519")
    assert first == [rotating.key("ed25519")]
    # A known key does.
    learned = await rotating.both(StrictHostKeyChecking="yes", HostKeyAlgorithms=ALL)
    assert learned == sorted(map(rotating.key, ("ed25519", "ecdsa", "rsa")))
    # Whichever of them is shown, nothing changes.
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512,rsa-sha2-256"):
        algorithms = f"{kind},{ALL}"
        shown = await rotating.both(StrictHostKeyChecking="yes", HostKeyAlgorithms=algorithms)
        assert shown == learned
    # A key that is not shown may change.
    new_key(server.host_keys["rsa"], "rsa")
    server.restart()
    rotating_before = learned
    learned = await rotating.both(StrictHostKeyChecking="yes", HostKeyAlgorithms=ALL)
    assert len(learned) == 3
    assert learned != rotating_before
    # One more key of the first type, then the old one goes.
    more = server.folder / "host_more"
    new_key(more, "ed25519")
    paths = list(server.host_keys.values())
    server.options["hostkey"] = [*map(str, paths), str(more)]
    server.restart()
    assert len(await rotating.both(StrictHostKeyChecking="yes", HostKeyAlgorithms=ALL)) == 4
    old = rotating.key("ed25519")
    shutil.move(more, server.host_keys["ed25519"])
    server.options["hostkey"] = list(map(str, paths))
    server.restart()
    left = await rotating.both(StrictHostKeyChecking="yes", HostKeyAlgorithms=ALL)
    assert len(left) == 3
    assert old not in left
    # With one algorithm alone, the others go, too.
    only = await rotating.both(StrictHostKeyChecking="yes", HostKeyAlgorithms="ssh-ed25519")
    assert only == [rotating.key("ed25519")]


ARRANGED = {
    "wildcard": "[127.0.0.*]:{port} {ed25519}\n",
    "three names": "{name},a,b {ed25519}\n",
    "two names": "{name},a {ed25519}\n",
    "known elsewhere": "{name} {ed25519}\nelsewhere {rsa}\n",
    "old one elsewhere": "{name} {ed25519}\n{name} {other}\nelsewhere {other}\n",
    "stale": "{name} {ed25519}\n{name} {other}\n",
    "stale among others": "x {other2}\n\n# remark\n{name} {other}\n{name} {ed25519}\nbad line\n",
    "marker": "{name} {ed25519}\n@cert-authority {name} {other}\n",
    "hashed": "{hashed} {ed25519}\n",
    "without a newline": "# note\n{name} {ed25519}",
    "plain name": "127.0.0.1 {ed25519}\n",
    "windows": "{name} {ed25519}\r\n# note\r\n",
}


@pytest.mark.parametrize("case", ARRANGED)
@pytest.mark.parametrize("hashing", ["no", "yes"])
async def test_what_was_arranged_is_left_as_ssh_leaves_it(
    rotating: Rotating, case: str, hashing: str
) -> None:
    others = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)]
    other, other2 = (key.export_public_key().decode().strip() for key in others)
    rotating.write(
        ARRANGED[case].format(
            name=rotating.name,
            port=rotating.server.port,
            hashed=hash_name(rotating.name),
            other=other,
            other2=other2,
            **{kind: rotating.key(kind) for kind in rotating.server.host_keys},
        )
    )
    await rotating.both(StrictHostKeyChecking="yes", HashKnownHosts=hashing)
    if hashing == "no" and case != "hashed":
        assert rotating.ours.read_bytes() == rotating.theirs.read_bytes()


async def test_keys_move_to_the_first_of_several_files(rotating: Rotating, tmp_path: Path) -> None:
    results = []
    for who in ("ssh", "sshdash"):
        first, second = tmp_path / f"{who}1", tmp_path / f"{who}2"
        first.write_text("# first\n")
        second.write_text(f"# second\n{rotating.name} {rotating.key('ed25519')}\n")
        files = f"{first} {second}"
        await getattr(rotating, who)(StrictHostKeyChecking="yes", UserKnownHostsFile=files)
        results.append((first.read_text(), second.read_text()))
    assert results[0] == results[1]
    assert results[0][1] == "# second\n"


@pytest.mark.parametrize("option", ["UpdateHostKeys", "GlobalKnownHostsFile", "VerifyHostKeyDNS"])
async def test_nothing_is_learned_where_ssh_learns_nothing(
    rotating: Rotating, option: str, tmp_path: Path
) -> None:
    line = f"{rotating.name} {rotating.key('ed25519')}\n"
    rotating.write(line)
    value, expected = "no", {"UpdateHostKeys": 1, "VerifyHostKeyDNS": 3}.get(option, 0)
    if option == "GlobalKnownHostsFile":
        rotating.write("")
        everybody = tmp_path / "global"
        everybody.write_text(line)
        value = str(everybody)
    options = {"UpdateHostKeys": "yes", option: value}
    assert len(await rotating.both(**options)) == expected


@pytest.mark.parametrize("answer", [True, False, None])
async def test_ask_asks_and_does_what_is_answered(rotating: Rotating, answer: bool | None) -> None:
    rotating.write(f"{rotating.name} {rotating.key('ed25519')}\n")
    client = await rotating.sshdash(answer, UpdateHostKeys="ask")
    (question,) = client.prompter.asked
    assert isinstance(question, ConfirmQuestion)
    assert "learned RSA SHA256:" in question.detail
    assert len(rotating.lines(rotating.ours)) == (3 if answer else 1)


async def test_a_known_hosts_that_cannot_be_replaced_is_told(
    rotating: Rotating, tmp_path: Path
) -> None:
    rotating.write(f"{rotating.name} {rotating.key('ed25519')}\n")
    rotating.ours.with_name(rotating.ours.name + ".old").mkdir()
    client = await rotating.sshdash()
    assert any("could not be updated" in str(event) for event in client.events)
    assert len(rotating.lines(rotating.ours)) == 1


async def test_mode_is_kept_and_the_timeline_tells(rotating: Rotating) -> None:
    rotating.write(f"{rotating.name} {rotating.key('ed25519')}\n")
    rotating.ours.chmod(0o644)
    client = await rotating.sshdash()
    assert rotating.ours.stat().st_mode & 0o777 == 0o644
    timeline = client.manager.status("sshd").timeline
    assert timeline
    texts = [entry.text for entry in timeline.entries]
    assert any(text.startswith("learned ECDSA SHA256:") for text in texts)
