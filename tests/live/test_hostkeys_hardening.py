"""Trust under attack and in disorder: each case beside ssh, where ssh can tell."""

import asyncio
import os
import shutil
import socket
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import HostKeyError
from sshdash.keys.known_hosts import hash_name, parse_known_hosts
from sshdash.prompts import ChangedKeyQuestion, HostKeyAnswer, HostKeyQuestion
from tests.live.connecting import connecting
from tests.live.hostkey_kit import Authority, Both, Outcome, public, stranger
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


@pytest.fixture
def both(sshd: RealSshd, tmp_path: Path) -> Both:
    return Both(sshd, tmp_path)


def question(outcome: Outcome) -> HostKeyQuestion:
    assert outcome.client
    (asked,) = outcome.client.prompter.asked
    assert isinstance(asked, HostKeyQuestion)
    return asked


async def test_15_a_name_with_another_key_is_refused_though_its_address_is_right(
    both: Both,
) -> None:
    keys = both.keys()
    both.text = f"[localhost]:{both.server.port} {stranger()}\n{both.name} {keys['ed25519']}\n"
    theirs, ours = await both.compare(HostKeyAnswer.ACCEPT, HostName="localhost")
    assert ours.connected is theirs.connected is False
    assert "CHANGED" in ours.said


async def test_16_a_key_known_for_the_address_alone_is_unknown(both: Both) -> None:
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    theirs, ours = await both.compare(HostName="localhost")
    assert ours.connected is theirs.connected is False
    assert both.name in question(ours).notes[0]


@pytest.mark.parametrize("file", ["none", "/dev/null"])
async def test_17_no_file_asks_and_never_accepts(both: Both, file: str) -> None:
    theirs, ours = await both.compare(UserKnownHostsFile=file)
    assert ours.connected is theirs.connected is False
    assert question(ours).known_file == ""


@pytest.mark.parametrize("strictness", ["accept-new", "no"])
@pytest.mark.parametrize("file", ["none", "/dev/null"])
async def test_17_no_file_and_no_question_is_what_it_is_for_ssh(
    both: Both, file: str, strictness: str
) -> None:
    theirs, ours = await both.compare(UserKnownHostsFile=file, StrictHostKeyChecking=strictness)
    assert ours.connected is theirs.connected


async def test_18_a_revocation_for_the_port_beats_the_plain_name(both: Both) -> None:
    key = both.keys()["ed25519"]
    both.text = f"@revoked {both.name} {key}\n127.0.0.1 {key}\n"
    theirs, ours = await both.compare(HostKeyAnswer.ACCEPT, HostKeyAlgorithms="ssh-ed25519")
    assert ours.connected is theirs.connected is False
    assert "revoked" in ours.said


async def test_19_a_list_of_revoked_keys_refuses(both: Both, tmp_path: Path) -> None:
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    revoked = tmp_path / "revoked"
    revoked.write_text(both.keys()["ed25519"])
    theirs, ours = await both.compare(RevokedHostKeys=str(revoked))
    assert ours.connected is theirs.connected is False
    assert str(revoked) in ours.said


async def test_20_bad_lines_hide_nothing(both: Both) -> None:
    key = both.keys()["ed25519"]
    both.text = (
        f"garbage\n|1|bad|hash {key}\n@unknown {both.name} {stranger()}\n"
        f"# caf\u00e9\n{both.name} ssh-ed25519 AAAA\n{both.name} {key} caf\u00e9\n"
    )
    theirs, ours = await both.compare(StrictHostKeyChecking="yes")
    assert ours.connected is theirs.connected is True


async def test_21_a_server_without_the_known_type_has_changed(
    sshd: RealSshd, tmp_path: Path
) -> None:
    sshd.options["hostkey"] = [str(sshd.host_keys[kind]) for kind in ("ed25519", "rsa")]
    sshd.restart()
    both = Both(sshd, tmp_path)
    both.text = f"{both.name} {both.keys()['ecdsa']}\n"
    theirs, ours = await both.compare(HostKeyAnswer.ACCEPT)
    assert ours.connected is theirs.connected is False
    assert "CHANGED" in theirs.said
    assert "HOST KEY CHANGED" in ours.said
    assert ours.client
    assert isinstance(ours.client.prompter.asked[0], ChangedKeyQuestion)


async def test_22_an_authority_alone_makes_a_plain_key_unknown(both: Both, tmp_path: Path) -> None:
    both.text = f"@cert-authority * {Authority(tmp_path / 'ca').line}\n"
    theirs, ours = await both.compare()
    assert ours.connected is theirs.connected is False
    assert question(ours).key_type == "ED25519"


@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost", "::1"])
@pytest.mark.parametrize("alias", ["", "Web.Example"])
@pytest.mark.parametrize("hashed", [False, True])
async def test_23_names_in_every_form_are_found_as_ssh_finds_them(
    tmp_path: Path, host: str, alias: str, hashed: bool
) -> None:
    if host == "::1" and not _has_ipv6():
        pytest.skip("there is no ::1")
    server = RealSshd(listenaddress=["127.0.0.1", "::1"] if _has_ipv6() else ["127.0.0.1"])
    async with server:
        both = Both(server, tmp_path)
        name = alias.lower() or f"[{host.lower()}]:{server.port}"
        for written in {name, name.upper()}:
            shown = hash_name(written.lower()) if hashed else written
            both.text = f"{shown} {both.keys()['ed25519']}\n"
            options = {"HostName": host, "HostKeyAlias": alias, "StrictHostKeyChecking": "yes"}
            theirs, ours = await both.compare(**options)
            assert ours.connected is theirs.connected is True, theirs.said


async def test_24_a_key_that_is_swapped_after_the_question_is_refused() -> None:
    async with LoopbackServer(Faults(password="secret")) as server:
        server.known_hosts.write_text("")

        class Swapping:
            async def ask(self, question: object) -> object:
                await server.change_host_key()
                server.known_hosts.write_text("")
                return HostKeyAnswer.ACCEPT

        async with connecting(server.config_file, prompter=Swapping()) as client:  # type: ignore[arg-type]
            with pytest.raises(HostKeyError, match=r"another key|CHANGED"):
                await client.manager.lease("loopback", "test")
        assert server.attempts == []


@pytest.mark.parametrize("hashing", ["no", "yes"])
async def test_25_twenty_who_accept_at_once_and_a_scan_lose_no_line(
    sshd: RealSshd, hashing: str
) -> None:
    names = [f"box{number}" for number in range(20)]
    plain = sshd.config_file.read_text()
    hosts = "".join(
        plain.split("\n\n", 1)[1].replace(
            "Host sshd inner", f"Host {name}\n    HostKeyAlias {name}"
        )
        for name in names
    )
    sshd.config_file.write_text(
        f"Host *\n    HashKnownHosts {hashing}\n    StrictHostKeyChecking accept-new\n"
        f"    UpdateHostKeys yes\n{hosts}"
    )
    sshd.known_hosts.write_text("# mine, without a newline")
    sshd.known_hosts.chmod(0o640)

    async def accept(some: list[str]) -> None:
        async with connecting(sshd.config_file) as client:
            leases = await asyncio.gather(*(client.manager.lease(name, "x") for name in some))
            for lease in leases:
                lease.release()

    async def scan() -> None:
        command = f"exec ssh-keyscan -p {sshd.port} 127.0.0.1 >> {sshd.known_hosts}"
        process = await asyncio.create_subprocess_shell(command, stderr=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0

    await accept(names[:1])  # ssh-keyscan would write on in the line that has no end
    await asyncio.gather(*(accept(names[at::4]) for at in range(4)), scan(), scan())
    text = sshd.known_hosts.read_text()
    known = parse_known_hosts("\n".join(row for row in text.splitlines() if row[:1] != "#"))
    assert known.bad == ()
    assert text.startswith("# mine, without a newline\n")
    for name in names:
        lines = list(known.matching(name))
        assert lines
        assert all(line.is_hashed is (hashing == "yes") for line in lines)
    scanned = list(known.matching(f"[127.0.0.1]:{sshd.port}"))
    assert len(scanned) == 2 * len(sshd.host_keys)
    assert os.stat(sshd.known_hosts).st_mode & 0o777 == 0o640


@pytest.mark.parametrize("size", ["2048", "3072"])
async def test_27_an_rsa_key_that_is_too_short_is_refused(both: Both, size: str) -> None:
    both.text = f"{both.name} {both.keys()['rsa']}\n"
    theirs, ours = await both.compare(RequiredRSASize=size, StrictHostKeyChecking="yes")
    assert ours.connected is theirs.connected is (size == "2048")


async def test_34_no_password_is_sent_before_the_key_is_accepted() -> None:
    async with LoopbackServer(Faults(password="secret", public_key=False)) as server:
        server.known_hosts.write_text("")
        seen: list[int] = []

        class Watching:
            async def ask(self, question: object) -> object:
                if isinstance(question, HostKeyQuestion):
                    await asyncio.sleep(0.2)
                    seen.append(len(server.attempts))
                    return None
                return ("secret",)

        async with connecting(server.config_file, prompter=Watching()) as client:  # type: ignore[arg-type]
            with pytest.raises(HostKeyError):
                await client.manager.lease("loopback", "x")
        assert seen == [0]
        assert server.attempts == []


async def test_every_hop_of_a_chain_has_its_own_question(sshd: RealSshd) -> None:
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f"Host inner\n    HostKeyAlias inner-key\n{text}")
    sshd.known_hosts.write_text("")
    async with connecting(sshd.config_file, *[HostKeyAnswer.ACCEPT] * 2) as client:
        assert await client.run("inner", "echo in") == "in\n"
        asked = [one for one in client.prompter.asked if isinstance(one, HostKeyQuestion)]
        assert [one.route for one in asked] == [("sshd",), ("sshd", "inner")]
        assert all(one.randomart.startswith("+--[ED25519 256]--+") for one in asked)
        key = public(sshd.host_keys["ed25519"])
        rows = sshd.known_hosts.read_text().splitlines()
        assert sorted(row.split(" ", 1)[1] for row in rows if key in row) == [key, key]


async def test_a_session_goes_on_over_a_new_key_exchange(sshd: RealSshd) -> None:
    sshd.options["rekeylimit"] = "64K"
    sshd.restart()
    async with connecting(sshd.config_file) as client:
        assert len(await client.run("sshd", "head -c 1000000 /dev/zero | tr '\\0' x")) == 1_000_000


async def test_a_server_that_shows_another_key_later_is_cut_off() -> None:
    """At a key exchange of a session that is up, nobody is asked: the key is the one of before."""
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        lease = await client.manager.lease("loopback", "x")
        (connection,) = server.connections
        other = asyncssh.generate_private_key("ssh-ed25519")
        pair = asyncssh.load_keypairs([other])[0]
        connection._server_host_keys[b"ssh-ed25519"] = pair
        connection._send_kexinit()
        connection._kexinit_sent = True
        async with asyncio.timeout(PATIENCE):
            reason = await lease.connection.wait_lost()
        assert "another host key" in reason
        assert client.prompter.asked == []


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return shutil.which("sshd") is not None or Path("/usr/sbin/sshd").exists()


@pytest.mark.parametrize(
    "kex",
    [
        "curve25519-sha256",
        "ecdh-sha2-nistp256",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group-exchange-sha256",
    ],
)
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_in_every_key_exchange_the_key_is_judged(both: Both, kex: str) -> None:
    both.text = f"{both.name} {stranger()}\n"
    outcome = await both.sshdash(KexAlgorithms=kex)
    assert not outcome.connected
    assert "CHANGED" in outcome.said
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    assert (await both.sshdash(KexAlgorithms=kex)).connected


async def test_a_key_that_nobody_judged_is_never_trusted(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the library move what the judgement hangs on, every connection is refused."""
    monkeypatch.setattr("sshdash.connections.trust.judged._SHOWS_KEY", "elsewhere")
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    outcome = await both.sshdash()
    assert not outcome.connected
    assert "not judged" in outcome.said


async def test_what_one_host_takes_unasked_is_not_known_to_another(sshd: RealSshd) -> None:
    """A laboratory's alias vouches for nothing, though it leads to the same address."""
    text = sshd.config_file.read_text()
    lax = "Host lax\n    StrictHostKeyChecking no\n    UserKnownHostsFile /dev/null\n"
    strict = "Host strict\n    StrictHostKeyChecking yes\n    UserKnownHostsFile /dev/null\n"
    rest = text.replace("Host sshd", "Host sshd lax strict", 1)
    sshd.config_file.write_text(lax + strict + rest)
    async with connecting(sshd.config_file) as client:
        assert await client.run("lax", "echo in") == "in\n"
        with pytest.raises(HostKeyError) as refused:
            await client.manager.lease("strict", "x")
    assert "StrictHostKeyChecking is yes" in refused.value.title
