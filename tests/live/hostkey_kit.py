"""ssh and sshdash before the same server and the same known_hosts, to compare what comes of it."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from sshdash.errors import HostKeyError
from tests.live.connecting import Client, connecting
from tests.servers.sshd import RealSshd


def public(path: Path) -> str:
    """Return the type and the base64 text of a private key's public half."""
    key = asyncssh.read_private_key(str(path))
    return " ".join(key.export_public_key().decode().split()[:2])


def stranger(kind: str = "ssh-ed25519") -> str:
    """Return a key that no server has, as `public` does."""
    key = asyncssh.generate_private_key(kind)
    return " ".join(key.export_public_key().decode().split()[:2])


def keygen(*words: str | Path) -> str:
    """Run ssh-keygen and return what it prints."""
    done = subprocess.run(
        ["ssh-keygen", *map(str, words)], capture_output=True, text=True, check=True
    )
    return done.stdout


class Authority:
    """A signer of host certificates."""

    def __init__(self, folder: Path, kind: str = "ed25519") -> None:
        folder.mkdir(exist_ok=True)
        self.key = folder / "ca"
        keygen("-q", "-t", kind, "-f", self.key, "-N", "")

    @property
    def line(self) -> str:
        """Return its public key."""
        return public(self.key)

    def sign(
        self, host_key: Path, names: str = "127.0.0.1", validity: str = "+1d", *words: str
    ) -> Path:
        """Return a certificate for a host key, with further `words` for ssh-keygen."""
        file = host_key.with_suffix(".pub")
        file.write_text(public(host_key) + "\n")
        principals = ["-n", names] if names else []
        keygen("-q", "-s", self.key, "-I", "host", "-h", *principals, "-V", validity, *words, file)
        return host_key.with_name(host_key.name + "-cert.pub")


@dataclass
class Outcome:
    """What came of one who connected."""

    connected: bool
    said: str
    known: list[str]
    """The lines of known_hosts afterwards, hashed names left out, in order of the alphabet."""
    client: Client | None = None


class Both:
    """ssh, which asks nobody, and sshdash, with a known_hosts each."""

    def __init__(self, server: RealSshd, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.name = f"[127.0.0.1]:{server.port}"
        self.text = ""
        self._plain = server.config_file.read_text()

    def keys(self) -> dict[str, str]:
        """Return the server's keys by their kind, as `public` does."""
        return {kind: public(path) for kind, path in self.server.host_keys.items()}

    async def compare(self, *answers: object, **options: str) -> tuple[Outcome, Outcome]:
        """Return what comes of ssh and of sshdash, with the same options."""
        return await self.ssh(**options), await self.sshdash(*answers, **options)

    async def ssh(self, **options: str) -> Outcome:
        """Connect with ssh."""
        known = self._known("ssh")
        process = await asyncio.create_subprocess_exec(
            "ssh", "-F", str(self._config(known, options)), "-o", "BatchMode=yes", "sshd", "true",
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
        return Outcome(process.returncode == 0, said.decode(), _lines(known))

    async def sshdash(self, *answers: object, **options: str) -> Outcome:
        """Connect with sshdash; questions get `answers`."""
        known = self._known("sshdash")
        async with connecting(self._config(known, options), *answers) as client:
            try:
                async with await client.manager.lease("sshd", "test"):
                    connected, said = True, ""
            except HostKeyError as error:
                connected, said = False, f"{error.title}\n{error.detail}\n{error.hint}"
        return Outcome(connected, said, _lines(known), client)

    def _known(self, who: str) -> Path:
        file = self.folder / f"{who}_known_hosts"
        file.write_text(self.text)
        return file

    def _config(self, known: Path, options: dict[str, str]) -> Path:
        options = {"UserKnownHostsFile": str(known), "UpdateHostKeys": "no"} | options
        head = "".join(f"    {key} {value}\n" for key, value in options.items() if value)
        path = known.with_suffix(".config")
        path.write_text(f"Host *\n{head}\n{self._plain}")
        return path


def _lines(file: Path) -> list[str]:
    rows = file.read_text("utf-8", "surrogateescape").split("\n")
    return sorted(row.split(" ", 1)[1] if row.startswith("|1|") else row for row in rows if row)
