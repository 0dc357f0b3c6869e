"""Run alone in network and mount namespaces: ssh and sshdash with addresses and names at will.

``unshare -n -m python -m tests.live.hostkey_island`` prints one line for each situation that the
two disagree about, and how many there were. Nothing outside is touched.
"""

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sshdash.errors import HostKeyError
from tests.live.connecting import connecting
from tests.live.hostkey_kit import keygen, public, stranger
from tests.servers.names import NameServer
from tests.servers.sshd import RealSshd

ADDRESS = "192.0.2.7"
NAME = "web.example"
Situation = tuple[str, dict[str, str]]
"""A known_hosts text, and options."""


def isolate(folder: Path) -> None:
    """Give this namespace its own address, hosts file and name server."""
    for words in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo"),
        ("mount", "--make-rprivate", "/"),
    ):
        subprocess.run(words, check=True)
    hosts, resolver = folder / "hosts", folder / "resolv.conf"
    hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {NAME}\n")
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    for path in (hosts, resolver):
        path.chmod(0o644)
        subprocess.run(("mount", "--bind", str(path), f"/etc/{path.name}"), check=True)


def of_addresses(key: str, other: str) -> Iterator[Situation]:
    """Yield what known_hosts may say of a name and its address."""
    texts = (
        "",
        f"{NAME} {key}\n",
        f"{NAME} {key}\n{ADDRESS} {other}\n",
        f"{ADDRESS} {other}\n",
        f"{ADDRESS} {key}\n",
        f"{NAME} {other}\n{ADDRESS} {key}\n",
        f"{NAME},{ADDRESS} {key}\n",
        f"@revoked {ADDRESS} {key}\n{NAME} {key}\n",
    )
    words = ("yes", "accept-new", "no", "ask")
    for text, strictness, check in itertools.product(texts, words, ("yes", "no")):
        yield text, {"StrictHostKeyChecking": strictness, "CheckHostIP": check}


def of_names(key: str, other: str) -> Iterator[Situation]:
    """Yield what known_hosts and VerifyHostKeyDNS may say."""
    texts = ("", f"{NAME} {key}\n", f"{NAME} {other}\n")
    for text, word in itertools.product(texts, ("yes", "ask", "no")):
        yield text, {"VerifyHostKeyDNS": word, "StrictHostKeyChecking": "yes"}


class Island:
    """A server, and both who connect to it."""

    def __init__(self, server: RealSshd, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.situations = self.differences = 0

    async def compare(self, situation: Situation, label: str = "") -> None:
        """Let both connect, and print where the outcome differs."""
        text, options = situation
        theirs = await self._ssh(self._config("ssh", text, options))
        ours = await self._sshdash(self._config("sshdash", text, options))
        left = [(self.folder / who).read_text() for who in ("ssh", "sshdash")]
        self.situations += 1
        if theirs != ours or left[0] != left[1]:
            self.differences += 1
            print(label, options, text, theirs, ours, left, sep="\n  ")  # noqa: T201

    def _config(self, who: str, text: str, options: dict[str, str]) -> Path:
        known = self.folder / who
        known.write_text(text)
        lines = {"HostName": NAME, "UserKnownHostsFile": str(known), "UpdateHostKeys": "no"}
        head = "".join(f"    {key} {value}\n" for key, value in (lines | options).items())
        path = known.with_suffix(".config")
        path.write_text(f"Host *\n{head}\n{self.server.config_file.read_text()}")
        return path

    async def _ssh(self, config: Path) -> bool:
        process = await asyncio.create_subprocess_exec(
            "ssh", "-F", str(config), "-o", "BatchMode=yes", "sshd", "true",
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait() == 0

    async def _sshdash(self, config: Path) -> bool:
        async with connecting(config) as client:
            try:
                (await client.manager.lease("sshd", "test")).release()
            except HostKeyError:
                return False
        return True


def records(server: RealSshd) -> list[bytes]:
    """Return the SSHFP records that ssh-keygen makes of the server's keys."""
    made = []
    for path in server.host_keys.values():
        file = path.with_suffix(".pub")
        file.write_text(public(path))
        for row in keygen("-r", "host", "-f", file).splitlines():
            algorithm, kind, digest = row.split()[-3:]
            made.append(bytes([int(algorithm), int(kind)]) + bytes.fromhex(digest))
    return made


async def main() -> int:
    """Compare everything; return how many differences there were."""
    with tempfile.TemporaryDirectory() as name:
        isolate(Path(name))
        server = RealSshd(listenaddress=["127.0.0.1", ADDRESS])
        server.port = 22
        async with server:
            island = Island(server, Path(name))
            key, other = public(server.host_keys["ed25519"]), stranger()
            for situation in of_addresses(key, other):
                await island.compare(situation)
            right = records(server)
            wrong = [data[:2] + bytes(len(data) - 2) for data in right]
            async with NameServer(authentic=True, port=53) as names:
                for options, found in itertools.product(
                    ("", "trust-ad", "trust-ad edns0"), (right, wrong)
                ):
                    os.environ["RES_OPTIONS"] = options
                    names.records = found
                    for situation in of_names(key, other):
                        await island.compare(situation, f"{options}, {len(found)} records")
            print(f"{island.situations} situations, {island.differences} differences")  # noqa: T201
            return island.differences


if __name__ == "__main__":
    sys.exit(bool(asyncio.run(main())))
