"""Host keys against real servers: who is trusted, who is asked about, who is refused."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncssh
import pytest

from sshdash.errors import HostKeyError
from sshdash.events import WarningRaised
from sshdash.keys.known_hosts import hash_name
from sshdash.prompts import ChangedKeyQuestion, HostKeyAnswer, HostKeyQuestion
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


def use(server: RealSshd | LoopbackServer, **options: object) -> Path:
    """Put options before the configuration of a server, so that they win."""
    text = server.config_file.read_text()
    lines = "".join(f"    {key} {value}\n" for key, value in options.items())
    server.config_file.write_text(f"Host *\n{lines}\n{text}")
    return server.config_file


def public(path: Path) -> str:
    key = asyncssh.read_private_key(str(path))
    return key.export_public_key().decode().strip()


def output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def name_of(server: RealSshd) -> str:
    return f"[127.0.0.1]:{server.port}"


def only_question(client: Client) -> HostKeyQuestion:
    (question,) = client.prompter.asked
    assert isinstance(question, HostKeyQuestion)
    return question


async def test_unknown_key_asks_before_anything_is_sent_and_is_appended(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("# mine, no newline")
    async with connecting(sshd.config_file, HostKeyAnswer.ACCEPT) as client:
        assert await client.run("sshd", "echo $((6*7))") == "42\n"
        question = only_question(client)
    assert question.key_type == "ED25519"
    assert question.address == f"127.0.0.1:{sshd.port}"
    assert question.route == ("sshd",)
    assert question.known_file == str(sshd.known_hosts)
    listed = output("ssh-keygen", "-lf", str(sshd.host_keys["ed25519"]))
    assert question.fingerprint in listed
    first, second = sshd.known_hosts.read_text().splitlines()
    assert first == "# mine, no newline"
    assert second.split()[:2] == [name_of(sshd), "ssh-ed25519"]
    config = str(sshd.config_file)
    assert output("ssh", "-F", config, "-o", "BatchMode=yes", "sshd", "echo yes") == "yes\n"


async def test_refused_key_sends_no_credential() -> None:
    async with LoopbackServer(Faults(password="secret")) as server:
        server.known_hosts.write_text("")
        async with connecting(server.config_file) as client:
            with pytest.raises(HostKeyError, match="not accepted"):
                await client.manager.lease("loopback", "test")
            assert client.manager.status("loopback").state is ConnectionState.FAILED
        assert server.attempts == []
        assert server.known_hosts.read_text() == ""


async def test_once_is_for_this_run_only(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    async with connecting(sshd.config_file, HostKeyAnswer.ONCE) as client:
        await client.run("sshd", "true")
        await client.manager.disconnect("sshd")
        await client.run("sshd", "true")
        assert len(client.prompter.asked) == 1
    assert sshd.known_hosts.read_text() == ""


async def test_a_key_after_one_that_was_accepted_once_is_asked_about_with_a_warning() -> None:
    async with LoopbackServer() as server:
        server.known_hosts.write_text("")
        old = server.fingerprint
        async with connecting(server.config_file, HostKeyAnswer.ONCE) as client:
            await client.manager.lease("loopback", "x")
            await client.manager.disconnect("loopback")
            await server.change_host_key()
            with pytest.raises(HostKeyError, match="not accepted"):
                await client.manager.lease("loopback", "x")
            first, second = client.prompter.asked
            assert isinstance(first, HostKeyQuestion)
            assert isinstance(second, HostKeyQuestion)
            assert first.notes == ()
            assert any("another key" in note and old in note for note in second.notes)


async def test_changed_key_is_refused_with_both_fingerprints_and_the_line() -> None:
    async with LoopbackServer() as server:
        before = server.fingerprint
        await server.change_host_key()
        async with connecting(server.config_file, HostKeyAnswer.ACCEPT) as client:
            with pytest.raises(HostKeyError) as caught:
                await client.manager.lease("loopback", "test")
            (question,) = client.prompter.asked
            assert isinstance(question, ChangedKeyQuestion)
            assert question.shown.fingerprint == server.fingerprint
            assert question.known.fingerprint == before
            assert question.where == f"{server.known_hosts}:1"
        message = str(caught.value)
        assert "CHANGED" in message
        assert before in message
        assert server.fingerprint in message
        assert f"{server.known_hosts}:1" in message
        assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in message
        assert server.attempts == []


async def test_accept_new_never_replaces() -> None:
    async with LoopbackServer() as server:
        config = use(server, StrictHostKeyChecking="accept-new")
        await server.change_host_key()
        use(server, StrictHostKeyChecking="accept-new")
        async with connecting(config) as client:
            with pytest.raises(HostKeyError, match="CHANGED"):
                await client.manager.lease("loopback", "test")


async def test_accept_new_adds_and_tells(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    config = use(sshd, StrictHostKeyChecking="accept-new")
    async with connecting(config) as client:
        await client.run("sshd", "true")
        assert client.prompter.asked == []
        (warning,) = client.told(WarningRaised)
        assert "SHA256:" in warning.detail
    assert name_of(sshd) in sshd.known_hosts.read_text()


async def test_strict_refuses_an_unknown_key(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    async with connecting(use(sshd, StrictHostKeyChecking="yes"), HostKeyAnswer.ACCEPT) as client:
        with pytest.raises(HostKeyError, match="StrictHostKeyChecking"):
            await client.manager.lease("sshd", "test")
        assert client.prompter.asked == []


@pytest.mark.parametrize("place", ["none", "/dev/null"])
async def test_no_known_hosts_file_asks(sshd: RealSshd, place: str) -> None:
    config = use(sshd, UserKnownHostsFile=place)
    async with connecting(config) as client:
        with pytest.raises(HostKeyError, match="not accepted"):
            await client.manager.lease("sshd", "test")
        assert only_question(client).known_file == ""


async def test_key_listed_for_the_address_alone_asks(sshd: RealSshd) -> None:
    key = public(sshd.host_keys["ed25519"])
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {key}\n")
    config = use(sshd, HostName="localhost")
    async with connecting(config) as client:
        with pytest.raises(HostKeyError, match="not accepted"):
            await client.manager.lease("sshd", "test")
        notes = only_question(client).notes
        assert any(f"{sshd.known_hosts}:1" in note for note in notes)


async def test_wrong_key_for_the_name_is_refused_though_the_address_is_right(
    sshd: RealSshd,
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    right = public(sshd.host_keys["ed25519"])
    sshd.known_hosts.write_text(
        f"[localhost]:{sshd.port} {other}\n[127.0.0.1]:{sshd.port} {right}\n"
    )
    async with connecting(use(sshd, HostName="localhost"), HostKeyAnswer.ACCEPT) as client:
        with pytest.raises(HostKeyError, match="CHANGED"):
            await client.manager.lease("sshd", "test")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_the_known_type_is_asked_for(sshd: RealSshd, kind: str) -> None:
    sshd.known_hosts.write_text(f"{name_of(sshd)} {public(sshd.host_keys[kind])}\n")
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_a_known_type_that_the_server_lost_counts_as_changed(sshd: RealSshd) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp384").export_public_key().decode()
    sshd.known_hosts.write_text(f"{name_of(sshd)} {other}")
    async with connecting(sshd.config_file, HostKeyAnswer.ACCEPT) as client:
        with pytest.raises(HostKeyError, match="CHANGED"):
            await client.manager.lease("sshd", "test")


async def test_revoked_key_for_the_port_beats_the_plain_name(sshd: RealSshd) -> None:
    key = public(sshd.host_keys["ed25519"])
    sshd.known_hosts.write_text(f"@revoked {name_of(sshd)} {key}\n127.0.0.1 {key}\n")
    async with connecting(sshd.config_file, HostKeyAnswer.ACCEPT) as client:
        with pytest.raises(HostKeyError, match="revoked") as caught:
            await client.manager.lease("sshd", "test")
        assert f"{sshd.known_hosts}:1" in str(caught.value)
        assert client.prompter.asked == []


async def test_plain_name_is_good_for_another_port(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text(f"127.0.0.1 {public(sshd.host_keys['ed25519'])}\n")
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_revoked_host_keys_file(sshd: RealSshd, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(f"# stolen\n{public(sshd.host_keys['ed25519'])}\n")
    async with connecting(use(sshd, RevokedHostKeys=revoked)) as client:
        with pytest.raises(HostKeyError, match="revoked"):
            await client.manager.lease("sshd", "test")


async def test_hashed_name_and_broken_lines_before_it(sshd: RealSshd) -> None:
    key = public(sshd.host_keys["ed25519"])
    good = f"{hash_name(name_of(sshd))} {key}\n"
    sshd.known_hosts.write_bytes(
        b"garbage\n|1|bad|hash ssh-ed25519 AAAA\n@unknown x ssh-rsa AAAA\n# caf\xe9\n"
        + good.encode()
    )
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_hash_known_hosts_writes_what_ssh_reads(sshd: RealSshd) -> None:
    sshd.known_hosts.unlink()
    config = use(sshd, HashKnownHosts="yes")
    async with connecting(config, HostKeyAnswer.ACCEPT) as client:
        await client.run("sshd", "true")
    text = sshd.known_hosts.read_text()
    assert text.startswith("|1|")
    assert os.stat(sshd.known_hosts).st_mode & 0o777 == 0o600
    assert "found" in output("ssh-keygen", "-F", name_of(sshd), "-f", str(sshd.known_hosts))


async def test_host_key_alias_is_the_name_looked_up(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text(f"the-box {public(sshd.host_keys['ed25519'])}\n")
    async with connecting(use(sshd, HostKeyAlias="The-Box")) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_key_swapped_between_question_and_login_is_refused() -> None:
    async with LoopbackServer(Faults(password="secret")) as server:
        server.known_hosts.write_text("")

        class Swapping:
            async def ask(self, question: object) -> object:
                await server.change_host_key()
                return HostKeyAnswer.ACCEPT

        async with connecting(server.config_file, prompter=Swapping()) as client:  # type: ignore[arg-type]
            with pytest.raises(HostKeyError, match=r"another key|CHANGED"):
                await client.manager.lease("loopback", "test")
        assert server.attempts == []


async def test_twenty_who_want_the_same_host_are_asked_once(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    async with connecting(sshd.config_file, HostKeyAnswer.ACCEPT) as client:
        leases = await asyncio.gather(*(client.manager.lease("sshd", "shell") for _ in range(20)))
        assert len({id(lease.connection) for lease in leases}) == 1
        assert len(client.prompter.asked) == 1
        assert client.manager.status("sshd").leases == {"shell": 20}
        assert len(sshd.connections()) == 1


async def test_each_hop_is_asked_about(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f"Host inner\n    HostKeyAlias inner-key\n{text}")
    answers = (HostKeyAnswer.ACCEPT, HostKeyAnswer.ACCEPT)
    async with connecting(sshd.config_file, *answers) as client:
        assert await client.run("inner", "echo ok") == "ok\n"
        routes = [q.route for q in client.prompter.asked if isinstance(q, HostKeyQuestion)]
        assert routes == [("sshd",), ("sshd", "inner")]
        last = client.prompter.asked[-1]
        assert isinstance(last, HostKeyQuestion)
        assert last.address == ""


async def test_key_removed_by_hand_is_asked_about_again(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    async with connecting(sshd.config_file, HostKeyAnswer.ACCEPT) as client:
        await client.run("sshd", "true")
        await client.manager.disconnect("sshd")
        sshd.known_hosts.write_text("")
        with pytest.raises(HostKeyError, match="not accepted"):
            await client.manager.lease("sshd", "test")
        assert len(client.prompter.asked) == 2


async def test_known_hosts_that_cannot_be_written_is_told(sshd: RealSshd, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    config = use(sshd, UserKnownHostsFile=blocked / "known_hosts")
    async with connecting(config, HostKeyAnswer.ACCEPT) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        (warning,) = client.told(WarningRaised)
        assert str(blocked) in warning.detail
        await client.manager.disconnect("sshd")
        assert await client.run("sshd", "echo ok") == "ok\n"


# -- host certificates ------------------------------------------------------------------------


class Authority:
    """A signer of host certificates, and a server that shows one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "ca"
        self._run("-t", "ed25519", "-f", str(self.key), "-N", "")

    @property
    def line(self) -> str:
        return (self.folder / "ca.pub").read_text().strip()

    def sign(self, host_key: Path, principals: str, validity: str = "+1d") -> Path:
        public_file = host_key.with_suffix(".pub")
        public_file.write_text(public(host_key) + "\n")
        self._run(
            "-s", str(self.key), "-I", "host", "-h", "-n", principals, "-V", validity,
            str(public_file),
        )  # fmt: skip
        return host_key.with_name(host_key.name + "-cert.pub")

    def _run(self, *words: str) -> None:
        subprocess.run(["ssh-keygen", "-q", *words], check=True, capture_output=True)


def with_certificate(
    tmp_path: Path, principals: str = "127.0.0.1", validity: str = "+1d"
) -> tuple[RealSshd, Authority]:
    server = RealSshd()
    authority = Authority(tmp_path)
    certificate = authority.sign(server.host_keys["ed25519"], principals, validity)
    server.options["hostcertificate"] = str(certificate)
    return server, authority


async def test_certificate_of_a_known_authority_is_trusted(tmp_path: Path) -> None:
    server, authority = with_certificate(tmp_path)
    async with server:
        server.known_hosts.write_text(f"@cert-authority [127.0.0.1]:* {authority.line}\n")
        async with connecting(server.config_file) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"
            assert client.prompter.asked == []


async def test_unknown_authority_falls_back_to_the_plain_key(tmp_path: Path) -> None:
    server, authority = with_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    async with server:
        server.known_hosts.write_text(f"@cert-authority * {other.line}\n")
        async with connecting(server.config_file, HostKeyAnswer.ONCE) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"
            assert only_question(client).key_type == "ED25519"
        assert authority.line != other.line


@pytest.mark.parametrize(
    ("principals", "validity", "said"),
    [
        ("elsewhere", "+1d", "another name: elsewhere, not for 127.0.0.1"),
        ("127.0.0.1", "20000101:20000102", "it expired on 2000-01-02"),
    ],
)
async def test_bad_certificates_say_why(
    tmp_path: Path, principals: str, validity: str, said: str
) -> None:
    server, authority = with_certificate(tmp_path, principals, validity)
    async with server:
        server.known_hosts.write_text(f"@cert-authority * {authority.line}\n")
        async with connecting(server.config_file) as client:
            with pytest.raises(HostKeyError, match=said):
                await client.manager.lease("sshd", "test")
            assert said in only_question(client).notes[0]
            timeline = client.manager.status("sshd").timeline
            assert timeline
            assert any(said in entry.text for entry in timeline.entries)


async def test_revoked_authority_and_revoked_key_of_a_certificate(tmp_path: Path) -> None:
    server, authority = with_certificate(tmp_path)
    async with server:
        trusted = f"@cert-authority * {authority.line}\n"
        server.known_hosts.write_text(f"{trusted}@revoked * {authority.line}\n")
        async with connecting(server.config_file, HostKeyAnswer.ACCEPT) as client:
            with pytest.raises(HostKeyError, match="authority revoked"):
                await client.manager.lease("sshd", "test")
        key = public(server.host_keys["ed25519"])
        server.known_hosts.write_text(f"{trusted}@revoked * {key}\n")
        async with connecting(server.config_file, HostKeyAnswer.ACCEPT) as client:
            with pytest.raises(HostKeyError, match="Host key revoked"):
                await client.manager.lease("sshd", "test")


async def test_authority_known_but_the_server_has_no_certificate(
    sshd: RealSshd, tmp_path: Path
) -> None:
    sshd.known_hosts.write_text(f"@cert-authority * {Authority(tmp_path).line}\n")
    async with connecting(sshd.config_file, HostKeyAnswer.ONCE) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert len(client.prompter.asked) == 1


async def test_short_rsa_host_key_is_refused() -> None:
    server = RealSshd()
    async with server:
        server.known_hosts.write_text(f"{name_of(server)} {public(server.host_keys['rsa'])}\n")
        async with connecting(use(server, RequiredRSASize="3072")) as client:
            with pytest.raises(HostKeyError, match="3072"):
                await client.manager.lease("sshd", "test")


# -- the same verdict as ssh -------------------------------------------------------------------

SAME_AS_SSH = {
    "known": "{name} {ed25519}",
    "nothing": "",
    "address only": "[10.9.9.9]:{port} {ed25519}",
    "plain name": "127.0.0.1 {ed25519}",
    "plain name, other key": "127.0.0.1 {other}",
    "changed": "{name} {other}",
    "changed and right": "{name} {other}\n{name} {ed25519}",
    "wildcard": "*:{port} {ed25519}",
    "question mark": "[127.0.0.?]:{port} {ed25519}",
    "negated": "[127.0.0.1]:*,!{name} {ed25519}",
    "hashed": "{hashed} {ed25519}",
    "revoked": "{name} {ed25519}\n@revoked {name} {ed25519}",
    "revoked elsewhere": "{name} {ed25519}\n@revoked db {ed25519}",
    "only rsa": "{name} {rsa}",
    "only ecdsa": "{name} {ecdsa}",
    "rsa and another ed25519": "{name} {rsa}\n{name} {other}",
    "authority without certificate": "@cert-authority * {other}\n{name} {ed25519}",
    "garbage before": "xx yy\n@what {name} {ed25519}\n{name} {ed25519}",
    "tabs": "{name}\t{ed25519}\tcomment",
    "spaces before": "   {name} {ed25519}",
    "mixed case": "[127.0.0.1]:{port},WEB {ed25519}",
    "list with blank": "{name}, x {ed25519}",
}


@pytest.mark.parametrize("case", SAME_AS_SSH)
async def test_same_verdict_as_ssh(sshd: RealSshd, case: str) -> None:
    keys = {kind: public(path) for kind, path in sshd.host_keys.items()}
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    name = name_of(sshd)
    text = SAME_AS_SSH[case].format(
        name=name, port=sshd.port, other=other, hashed=hash_name(name), **keys
    )
    sshd.known_hosts.write_text(text + "\n")
    config = use(sshd, StrictHostKeyChecking="yes")
    ssh = await asyncio.create_subprocess_exec(
        "ssh", "-F", str(config), "-o", "BatchMode=yes", "sshd", "true",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await ssh.communicate()
    async with connecting(config) as client:
        try:
            await client.manager.lease("sshd", "test")
            trusted = True
        except HostKeyError:
            trusted = False
    assert trusted is (ssh.returncode == 0), said.decode()
