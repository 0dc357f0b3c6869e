"""VerifyHostKeyDNS, with records as ssh-keygen makes them and a name server on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshdash.connections.trust.name_server import NameServers
from sshdash.errors import HostKeyError
from sshdash.events import WarningRaised
from sshdash.prompts import HostKeyAnswer, HostKeyQuestion
from tests.live.connecting import Client, connecting
from tests.live.hostkey_kit import keygen, public, stranger
from tests.live.test_connect_trust import use
from tests.servers.names import NameServer
from tests.servers.sshd import RealSshd


def records(sshd: RealSshd) -> list[bytes]:
    """Return the records that ``ssh-keygen -r`` makes of the server's keys."""
    made = []
    for path in sshd.host_keys.values():
        file = path.with_suffix(".pub")
        file.write_text(public(path))
        for row in keygen("-r", "host", "-f", file).splitlines():
            algorithm, kind, digest = row.split()[-3:]
            made.append(bytes([int(algorithm), int(kind)]) + bytes.fromhex(digest))
    return made


@asynccontextmanager
async def asking(
    sshd: RealSshd, names: NameServer, *answers: object, trusted: bool = True, **options: str
) -> AsyncIterator[Client]:
    """Connect to a server by name, with a name server of the test's own."""
    options = {"HostName": "localhost", "VerifyHostKeyDNS": "yes"} | options
    servers = NameServers((names.address,), are_trusted=trusted, seconds=0.3, attempts=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NameServers, "of_system", lambda: servers)
        async with connecting(use(sshd, **options), *answers) as client:
            yield client


def only_question(client: Client) -> HostKeyQuestion:
    (question,) = client.prompter.asked
    assert isinstance(question, HostKeyQuestion)
    return question


@pytest.mark.parametrize("long", [False, True])
async def test_an_authentic_fingerprint_is_enough(sshd: RealSshd, long: bool) -> None:
    sshd.known_hosts.write_text("")
    async with NameServer(*records(sshd), authentic=True, long=long) as names:
        async with asking(sshd, names) as client:
            assert await client.run("sshd", "echo in") == "in\n"
            assert client.prompter.asked == []
        assert b"\x09localhost\0" in names.asked[0]
    assert sshd.known_hosts.read_text() == ""


@pytest.mark.parametrize(
    ("authentic", "trusted", "word", "note"),
    [
        (False, True, "yes", "DNS has this fingerprint, without DNSSEC"),
        (True, False, "yes", "DNS has this fingerprint, without DNSSEC"),
        (True, True, "ask", "DNS has this fingerprint, with DNSSEC"),
    ],
)
async def test_other_fingerprints_only_help_to_decide(
    sshd: RealSshd, authentic: bool, trusted: bool, word: str, note: str
) -> None:
    sshd.known_hosts.write_text("")
    async with NameServer(*records(sshd), authentic=authentic) as names:
        asked = asking(sshd, names, trusted=trusted, VerifyHostKeyDNS=word)
        async with asked as client:
            with pytest.raises(HostKeyError, match="not accepted"):
                await client.manager.lease("sshd", "x")
            assert only_question(client).notes[0] == note


async def test_another_fingerprint_in_dns_is_told(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    wrong = [data[:2] + bytes(len(data) - 2) for data in records(sshd)]
    async with (
        NameServer(*wrong, authentic=True) as names,
        asking(sshd, names, HostKeyAnswer.ACCEPT) as client,
    ):
        assert await client.run("sshd", "echo in") == "in\n"
        assert "CAREFUL: DNS has other fingerprints" in only_question(client).notes[0]
        told = [event.title for event in client.told(WarningRaised)]
        assert any("other fingerprints" in title for title in told)


@pytest.mark.parametrize("silent", [False, True])
async def test_no_answer_is_no_reason_to_trust_or_to_refuse(sshd: RealSshd, silent: bool) -> None:
    sshd.known_hosts.write_text("")
    async with NameServer() as names:
        names.silent = silent
        async with asking(sshd, names, HostKeyAnswer.ACCEPT) as client:
            assert await client.run("sshd", "echo in") == "in\n"
            assert only_question(client).notes[0] == "DNS has no fingerprint for it"


async def test_a_revoked_key_stays_revoked_whatever_dns_says(
    sshd: RealSshd, tmp_path: Path
) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("".join(f"{public(path)}\n" for path in sshd.host_keys.values()))
    async with (
        NameServer(*records(sshd), authentic=True) as names,
        asking(sshd, names, RevokedHostKeys=str(revoked)) as client,
    ):
        with pytest.raises(HostKeyError, match="revoked"):
            await client.manager.lease("sshd", "x")


async def test_addresses_are_not_asked_about(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {stranger()}\n")
    async with NameServer(*records(sshd), authentic=True) as names:
        async with asking(sshd, names, HostName="127.0.0.1") as client:
            with pytest.raises(HostKeyError, match="CHANGED"):
                await client.manager.lease("sshd", "x")
        assert names.asked == []
