"""The programs of OpenSSH as oracles for what known_hosts, lists of revocations and keys say."""

import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from sshdash.connections.trust.evidence import ShownKey
from sshdash.keys.blob import decode_blob
from sshdash.keys.certificate import plain_blob
from sshdash.keys.known_hosts import Marker, hash_name, parse_known_hosts
from sshdash.keys.randomart import randomart
from sshdash.keys.revoked import load_revoked
from tests.live.hostkey_kit import Authority, keygen, stranger
from tests.servers.programs import require

KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "ssh-rsa", "ssh-dss")
NAMES = (
    "web", "db", "web.example", "10.0.0.7", "[web]:2222", "[10.0.0.7]:2222", "fe80::1%eth0",
    "[fe80::1%eth0]:2222", "a-b_c", "x",
)  # fmt: skip
FILES = 150


@pytest.fixture(scope="module")
def keys() -> list[str]:
    return [stranger(kind) for kind in KINDS for _ in range(2)]


class Writer:
    """Writes files as they are found in the wild, and as nobody should write them."""

    def __init__(self, seed: int, keys: list[str]) -> None:
        self._random = random.Random(seed)
        self._keys = keys

    def text(self) -> str:
        rows = [self._row() for _ in range(self._random.randint(0, 12))]
        return "\n".join(rows) + self._random.choice(["", "\n", "\n\n"])

    def _row(self) -> str:
        choose = self._random.choice
        if self._random.random() < 0.25:
            return choose(
                ["", "# remark", "   ", "garbage", "web", "web ssh-ed25519", "\t# x", "@revoked",
                 "@cert-authority web", "@what web " + choose(self._keys), "|1|x|y z z",
                 "web 1024 35 123", "web # " + choose(self._keys), "web ssh-ed25519 AAAA",
                 "@revoked @revoked web " + choose(self._keys), "\r"]
            )  # fmt: skip
        marker = choose(["", "", "", "", "@revoked ", "@cert-authority ", "@cert-authority  "])
        blank = choose([" ", "\t", "  ", " \t "]) if not marker else " "
        end = choose(["", "", " remark here", "\r", " # no", " \u00e4"])
        start = choose(["", " ", "\t"])
        return f"{start}{marker}{self._names()}{blank}{self._key()}{end}"

    def _names(self) -> str:
        choose = self._random.choice
        if self._random.random() < 0.3:
            hashed = hash_name(choose(NAMES), self._random.randbytes(20))
            return choose([hashed, hashed, hashed, hashed[:-3] + "===", hashed + "x", hashed[3:]])
        count = self._random.randint(1, 4)
        return ",".join(self._pattern() for _ in range(count))

    def _pattern(self) -> str:
        choose = self._random.choice
        name = choose(NAMES)
        if self._random.random() < 0.4:
            name = "".join(choose([char, char, char, "?", "*"]) for char in name)
        if self._random.random() < 0.2:
            name = name.upper()
        return choose(["", "", "", "", "!"]) + choose([name, name, name, "*", "[*]:2222", ""])

    def _key(self) -> str:
        key = self._random.choice(self._keys)
        roll = self._random.random()
        if roll < 0.05:
            return key[: self._random.randint(8, len(key) - 1)]
        if roll < 0.08:
            return f"ssh-ed25519 {key.split()[1]}"
        return key


def found_by_keygen(file: Path, name: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that ``ssh-keygen -lF`` finds, with their markers."""
    done = subprocess.run(
        ["ssh-keygen", "-l", "-F", name, "-f", str(file)],
        capture_output=True, check=False,
    )  # fmt: skip
    for row in done.stdout.decode("utf-8", "surrogateescape").split("\n"):
        found = re.match(r"# Host .* found: line (\d+) ?(CA|REVOKED)?", row)
        if found:
            yield int(found[1]), found[2] or ""


def test_random_files_say_of_every_name_what_ssh_keygen_finds(
    tmp_path: Path, keys: list[str], record_property: Callable[[str, object], None]
) -> None:
    require("ssh-keygen")
    file = tmp_path / "known_hosts"
    found_at_all = 0
    for seed in range(FILES):
        text = Writer(seed, keys).text()
        file.write_text(text, encoding="utf-8", newline="")
        known = parse_known_hosts(text, str(file))
        markers = {Marker.HOST: "", Marker.CA: "CA", Marker.REVOKED: "REVOKED"}
        for name in NAMES:
            theirs = list(found_by_keygen(file, name))
            ours = [(line.line, markers[line.marker]) for line in known.matching(name)]
            assert ours == theirs, f"seed {seed}, {name}:\n{text}"
            found_at_all += len(ours)
    assert found_at_all > FILES
    record_property("look-ups", FILES * len(NAMES))
    record_property("lines found", found_at_all)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_those_of_ssh_keygen(kind: str, tmp_path: Path) -> None:
    for number in range(3):
        key = stranger(kind)
        file = tmp_path / str(number)
        file.write_text(key)
        listed = keygen("-lv", "-f", file)
        assert randomart(decode_blob(key.split()[1])) == listed.split("\n", 1)[1].strip("\n")


def test_random_revocation_lists_name_what_ssh_keygen_names(tmp_path: Path) -> None:
    """Lists as ssh-keygen makes them, and its -Q as the judge of each certificate."""
    require("ssh-keygen")
    chance = random.Random(7)
    authority = Authority(tmp_path / "authority")
    certificates = []
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        private = folder / "key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(private))
        private.chmod(0o600)
        serial = chance.choice([0, number, number * 100, 2**64 - 1 - number])
        certificates.append((authority.sign(private, "x", "+1d", "-z", str(serial)), serial))
    revoked = 0
    for number in range(25):
        spec, file = tmp_path / "spec", tmp_path / f"krl{number}"
        spec.write_text(_specification(chance, [serial for _, serial in certificates]))
        keygen("-q", "-k", "-f", file, "-s", authority.key.with_suffix(".pub"), spec)
        ours = load_revoked(file)
        for certificate, _ in certificates:
            done = subprocess.run(
                ["ssh-keygen", "-Q", "-f", str(file), str(certificate)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            data = decode_blob(certificate.read_text().split()[1])
            shown = ShownKey.read(data)
            found = ours.find(shown.key, shown.certificate)
            assert bool(found) is (done.returncode != 0), (spec.read_text(), done.stdout)
            assert plain_blob(data) == shown.key
            revoked += bool(found)
    assert revoked


def _specification(chance: random.Random, serials: list[int]) -> str:
    rows = []
    for _ in range(chance.randint(1, 30)):
        serial = max(1, chance.choice(serials) + chance.randint(-2, 2)) % 2**64 or 1
        last = min(serial + chance.choice([1, 5, 300]), 2**64 - 1)
        several = f"serial: {serial}-{last}" if last > serial else f"serial: {serial}"
        rows.append(chance.choice([f"serial: {serial}", several, f"id: host{serial}"]))
    return "\n".join(rows) + "\n"


def test_addresses_and_the_dns_count_as_they_do_for_ssh(tmp_path: Path) -> None:
    """In a network of its own: with another address than loopback, and a name server."""
    require("ip")
    isolated = [require("unshare"), "--net", "--mount"]
    possible = subprocess.run([*isolated, "ip", "link"], capture_output=True, check=False)
    if possible.returncode:
        pytest.skip("no namespaces can be made here")
    done = subprocess.run(
        [*isolated, sys.executable, "-m", "tests.live.hostkey_island"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^1\d\d situations, 0 differences$", done.stdout, re.MULTILINE)
