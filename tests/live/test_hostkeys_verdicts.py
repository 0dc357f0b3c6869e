"""The verdict of ssh on a host key and ours, over what known_hosts may say and what is asked."""

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sshdash.connections.deadline import Deadline
from sshdash.errors import ForwardError, HostKeyError
from sshdash.events import WarningRaised
from sshdash.keys.known_hosts import hash_name
from sshdash.prompts import ChangedKeyQuestion, HostKeyAnswer, HostKeyQuestion
from tests.live.connecting import connecting, pass_time, until
from tests.live.hostkey_kit import Authority, Both, keygen, public, stranger
from tests.live.test_connect_trust import use
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd

CASES = {
    "known": "{name} {ed25519}",
    "nothing": "",
    "plain name": "127.0.0.1 {ed25519}",
    "plain name, other key": "127.0.0.1 {other}",
    "plain name, other key and ours": "127.0.0.1 {other}\n127.0.0.1 {rsa}",
    "changed": "{name} {other}",
    "changed, other type": "{name} {dsa}",
    "changed and right": "{name} {other}\n{name} {ed25519}",
    "negated": "[127.0.0.1]:*,!{name} {ed25519}",
    "hashed": "{hashed} {ed25519}",
    "hashed, changed": "{hashed} {other}",
    "revoked": "{name} {ed25519}\n@revoked {name} {ed25519}",
    "revoked by wildcard": "@revoked * {ed25519}\n{name} {ed25519}",
    "one of three revoked": "@revoked * {ed25519}\n{name} {ed25519}\n{name} {rsa}",
    "revoked with a tab": "{name} {ed25519}\n@revoked {name}\t{ed25519}",
    "authority": "@cert-authority {name} {ca}",
    "authority of the plain name": "@cert-authority 127.0.0.1 {ca}",
    "authority by wildcard": "@cert-authority *.1,*:{port} {ca}",
    "authority of others": "@cert-authority *.example {ca}",
    "authority, hashed": "@cert-authority {hashed} {ca}",
    "another authority": "@cert-authority * {other}",
    "another authority and the key": "@cert-authority * {other}\n{name} {ed25519}",
    "authority and another key": "@cert-authority * {ca}\n{name} {other}",
    "authority revoked": "@cert-authority * {ca}\n@revoked * {ca}",
    "authority, its key revoked": "@cert-authority * {ca}\n@revoked * {ed25519}",
    "authority revoked, key known": "@revoked * {ca}\n{name} {ed25519}",
    "line of another program": "{name} ssh-future AAAAC3NzaC1lZDI1NTE5AAAAIAAA\n{name} {ed25519}",
    "unknown type alone": "{name} ssh-future AAAACnNzaC1mdXR1cmUAAAAEAAAAAA==",
    "short key": "{name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAwAAAA==",
}
STRICTNESS = ("yes", "accept-new", "no", "ask")


def certified(
    tmp_path: Path, names: str = "127.0.0.1", validity: str = "+1d", *words: str
) -> tuple[RealSshd, Authority]:
    server = RealSshd()
    authority = Authority(tmp_path / "authority")
    server.options["hostcertificate"] = str(
        authority.sign(server.host_keys["ed25519"], names, validity, *words)
    )
    return server, authority


def fill(text: str, both: Both, authority: Authority) -> str:
    return text.format(
        name=both.name,
        hashed=hash_name(both.name),
        port=both.server.port,
        ca=authority.line,
        other=stranger(),
        dsa=stranger("ecdsa-sha2-nistp384"),
        **both.keys(),
    )


@pytest.mark.parametrize("case", CASES)
async def test_every_strictness_has_the_effect_it_has_in_ssh(tmp_path: Path, case: str) -> None:
    server, authority = certified(tmp_path)
    async with server:
        both = Both(server, tmp_path)
        filled = fill(CASES[case], both, authority)
        both.text = filled + "\n" if filled else ""
        for strictness in STRICTNESS:
            theirs, ours = await both.compare(StrictHostKeyChecking=strictness)
            assert ours.connected is theirs.connected, (strictness, theirs.said, ours.said)
            assert ours.known == theirs.known, strictness


CERTIFICATES = {
    "another name": ("elsewhere", "+1d", ()),
    "several names": ("elsewhere,127.0.0.1", "+1d", ()),
    "no names": ("", "+1d", ()),
    "expired": ("127.0.0.1", "20000101:20000102", ()),
    "not yet": ("127.0.0.1", "20400101:20410101", ()),
    "for ever": ("127.0.0.1", "always:forever", ()),
    "critical option": ("127.0.0.1", "+1d", ("-O", "critical:x@example.com=y")),
    "extension": ("127.0.0.1", "+1d", ("-O", "extension:x@example.com=y")),
}


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_a_certificate_speaks_for_a_host_where_it_does_for_ssh(
    tmp_path: Path, case: str
) -> None:
    names, validity, words = CERTIFICATES[case]
    server, authority = certified(tmp_path, names, validity, *words)
    async with server:
        both = Both(server, tmp_path)
        both.text = f"@cert-authority * {authority.line}\n"
        theirs, ours = await both.compare(StrictHostKeyChecking="yes")
        assert ours.connected is theirs.connected, theirs.said
        both.text += f"{both.name} {both.keys()['ed25519']}\n"
        theirs, ours = await both.compare(StrictHostKeyChecking="yes")
        assert ours.connected is theirs.connected is True, theirs.said


async def test_what_is_wrong_with_a_certificate_is_told_in_four_ways(tmp_path: Path) -> None:
    said = []
    for number, (names, validity, revoke) in enumerate(
        (
            ("127.0.0.1", "20000101:20000102", ""),
            ("elsewhere", "+1d", ""),
            ("127.0.0.1", "+1d", "ca"),
            ("127.0.0.1", "+1d", "ed25519"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        server, authority = certified(folder, names, validity)
        async with server:
            both = Both(server, folder)
            keys = both.keys() | {"ca": authority.line}
            revoked = f"@revoked * {keys[revoke]}\n" if revoke else ""
            both.text = f"@cert-authority * {authority.line}\n{revoked}"
            outcome = await both.sshdash(StrictHostKeyChecking="yes")
            assert not outcome.connected
            said.append(outcome.said)
    expired, other_name, authority_revoked, key_revoked = said
    assert "it expired on 2000-01-02" in expired
    assert "another name: elsewhere, not for 127.0.0.1" in other_name
    assert "Host certificate's authority revoked" in authority_revoked
    assert "Host key revoked" in key_revoked


@pytest.mark.parametrize("allowed", ["ssh-ed25519", "ecdsa-sha2-nistp256,rsa-sha2-512"])
async def test_an_authority_signs_with_what_casignaturealgorithms_allows(
    tmp_path: Path, allowed: str
) -> None:
    server, authority = certified(tmp_path)
    async with server:
        both = Both(server, tmp_path)
        both.text = f"@cert-authority * {authority.line}\n"
        theirs, ours = await both.compare(
            StrictHostKeyChecking="yes", CASignatureAlgorithms=allowed
        )
        assert ours.connected is theirs.connected is (allowed == "ssh-ed25519")


# -- RevokedHostKeys -------------------------------------------------------------------------


async def revoking(tmp_path: Path, name: str) -> tuple[RealSshd, Authority, Path]:
    """Return a server, its authority and a file that revokes what `name` says."""
    server, authority = certified(tmp_path, "127.0.0.1", "+1d", "-z", "77")
    key = server.host_keys["ed25519"].with_suffix(".pub")
    certificate = Path(str(server.options["hostcertificate"]))
    ca = authority.key.with_suffix(".pub")
    file = tmp_path / "revoked"
    spec = tmp_path / "spec"
    digest = keygen("-l", "-f", key).split()[1]
    specs = {
        "serial": "serial: 77\n",
        "other serial": "serial: 78\n",
        "range": "serial: 70-80\n",
        "serials": "".join(f"serial: {number}\n" for number in (1, 5, 76, 77, 78, 90, 4000)),
        "id": "id: host\n",
        "other id": "id: hosts\n",
        "hash": f"hash: {digest}\n",
        "sha1": f"sha1: {key.read_text()}",
        "sha256": f"sha256: {key.read_text()}",
        "explicit": f"key: {key.read_text()}",
    }
    if name in specs:
        spec.write_text(specs[name])
        keygen("-q", "-k", "-f", file, "-s", ca, spec)
    elif name in ("key krl", "ca krl", "certificate krl", "empty krl"):
        what = {"key": key, "ca": ca, "certificate": certificate}.get(name.split()[0])
        keygen("-q", "-k", "-f", file, *([what] if what else []))
    elif name == "any authority":
        spec.write_text("serial: 77\nid: other\n")
        keygen("-q", "-k", "-f", file, "-s", "none", spec)
    else:
        what = {"key list": key, "ca list": ca, "certificate list": certificate}.get(name)
        file.write_text("# none\n" if what is None else f"# stolen\n\n{what.read_text()}")
    return server, authority, file


REVOKED = (
    "serial", "other serial", "range", "serials", "id", "other id", "hash", "sha1", "sha256",
    "explicit", "key krl", "ca krl", "certificate krl", "empty krl", "any authority",
    "key list", "ca list", "certificate list", "empty list",
)  # fmt: skip


@pytest.mark.parametrize("name", REVOKED)
@pytest.mark.parametrize("by", ["authority", "key"])
async def test_revocation_lists_refuse_what_they_refuse_in_ssh(
    tmp_path: Path, name: str, by: str
) -> None:
    server, authority, file = await revoking(tmp_path, name)
    async with server:
        both = Both(server, tmp_path)
        both.text = f"@cert-authority * {authority.line}\n"
        if by == "key":
            both.text = f"{both.name} {both.keys()['ed25519']}\n"
        theirs, ours = await both.compare(StrictHostKeyChecking="yes", RevokedHostKeys=str(file))
        assert ours.connected is theirs.connected, (theirs.said, ours.said)
        if not ours.connected:
            assert "revoked" in ours.said
            assert str(file) in ours.said


@pytest.mark.parametrize("content", [None, b"nonsense\n", b"SSHKRL\n\0rest"])
async def test_a_revocation_list_that_cannot_be_used_refuses_all(
    sshd: RealSshd, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "revoked"
    if content is not None:
        file.write_bytes(content)
    both = Both(sshd, tmp_path)
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    theirs, ours = await both.compare(RevokedHostKeys=str(file))
    assert ours.connected is theirs.connected is False
    assert str(file) in ours.said


# -- a changed key without checking -----------------------------------------------------------


async def test_without_checking_a_changed_key_gets_no_password_and_lends_nothing() -> None:
    faults = Faults(password="secret", public_key=True)
    async with LoopbackServer(faults) as server:
        await server.change_host_key()
        config = use(server, StrictHostKeyChecking="no", ForwardAgent="/tmp/agent")
        async with connecting(config, "secret") as client:
            lease = await client.manager.lease("loopback", "shell")
            assert "CHANGED" in lease.connection.untrusted
            assert not lease.connection.agent_forwarded
            assert "CHANGED" in client.manager.status("loopback").untrusted
            told = client.told(WarningRaised)
            (warning,) = [event for event in told if "without protection" in event.title]
            assert "passwords, agent forwarding and tunnels are off" in warning.detail
            assert f"{server.known_hosts}:1" in warning.detail
            with pytest.raises(ForwardError, match="not trusted"):
                await client.manager.lease("loopback", "tunnel")
            lease.release()
        assert {kind for kind, _ in server.attempts} == {"publickey"}


async def test_without_checking_no_password_is_sent_to_a_changed_key() -> None:
    async with LoopbackServer(Faults(password="secret", public_key=False)) as server:
        await server.change_host_key()
        config = use(server, StrictHostKeyChecking="off")
        async with connecting(config, "secret", "secret") as client:
            with pytest.raises(Exception, match="Permission denied"):
                await client.manager.lease("loopback", "shell")
            assert client.prompter.asked == []
        assert "password" not in [kind for kind, _ in server.attempts]


async def test_exit_on_forward_failure_ends_a_connection_that_is_not_trusted(
    sshd: RealSshd, tmp_path: Path
) -> None:
    both = Both(sshd, tmp_path)
    both.text = f"{both.name} {stranger()}\n"
    for value in ("yes", "no"):
        theirs, ours = await both.compare(
            StrictHostKeyChecking="no", ExitOnForwardFailure=value, PasswordAuthentication="yes"
        )
        assert ours.connected is theirs.connected is (value == "no")


async def test_a_changed_key_is_shown_with_the_old_one_and_refused(
    sshd: RealSshd, tmp_path: Path
) -> None:
    both = Both(sshd, tmp_path)
    old = stranger()
    both.text = f"# note\n{both.name} {old}\n"
    ours = await both.sshdash(HostKeyAnswer.ACCEPT)
    assert not ours.connected
    assert ours.client
    (question,) = ours.client.prompter.asked
    assert isinstance(question, ChangedKeyQuestion)
    assert question.where == f"{tmp_path}/sshdash_known_hosts:2"
    listed = keygen("-lv", "-f", sshd.host_keys["ed25519"])
    assert question.shown.fingerprint in listed
    assert question.shown.randomart in listed
    keygen(*[word.strip("'") for word in question.remedy.split()[1:]])
    assert (tmp_path / "sshdash_known_hosts").read_text() == "# note\n"


# -- asking -----------------------------------------------------------------------------------


async def test_the_question_shows_what_ssh_keygen_shows(sshd: RealSshd, tmp_path: Path) -> None:
    both = Both(sshd, tmp_path)
    both.text = f"db,10.0.0.7 {both.keys()['ed25519']}\n"
    ours = await both.sshdash(HostKeyAnswer.ACCEPT)
    assert ours.connected
    assert ours.client
    (question,) = ours.client.prompter.asked
    assert isinstance(question, HostKeyQuestion)
    listed = keygen("-lv", "-f", sshd.host_keys["ed25519"])
    assert question.randomart in listed
    assert question.fingerprint in listed
    assert question.notes == (
        f"the same key is known as db,10.0.0.7: {tmp_path}/sshdash_known_hosts:1",
    )
    timeline = ours.client.manager.status("sshd").timeline
    assert timeline
    texts = [entry.text for entry in timeline.entries if entry.phase.value == "host key"]
    assert "unknown; asking" in texts
    assert f"accepted, added to {tmp_path}/sshdash_known_hosts" in texts


async def test_a_server_that_does_not_wait_for_the_answer_is_met_again(tmp_path: Path) -> None:
    async with RealSshd(logingracetime="1") as server:
        server.known_hosts.write_text("")

        class Slow:
            async def ask(self, question: object) -> object:
                await until(lambda: not server.connections())
                return HostKeyAnswer.ACCEPT

        async with connecting(server.config_file, prompter=Slow()) as client:  # type: ignore[arg-type]
            assert await client.run("sshd", "echo in") == "in\n"
        assert public(server.host_keys["ed25519"]) in server.known_hosts.read_text()


async def test_who_waits_for_an_answer_about_the_same_server_has_time(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names, one key: the second asks nobody, and ConnectTimeout does not run meanwhile."""
    text = sshd.config_file.read_text()
    block = text.split("\n\n", 1)[1].partition("\n")[2]
    alias = f"    HostKeyAlias box\n    ConnectTimeout {PATIENCE:.0f}\n"
    hosts = "".join(
        f"Host {name}\n    NumberOfPasswordPrompts {number}\n{alias}{block}"
        for number, name in enumerate(("a", "b"), 1)
    )
    sshd.config_file.write_text(hosts)
    sshd.known_hosts.write_text("")
    asked = []
    waiting = []
    paused = Deadline.paused

    def noting(deadline: Deadline) -> AbstractContextManager[None]:
        waiting.append(deadline)
        return paused(deadline)

    monkeypatch.setattr(Deadline, "paused", noting)

    class Slow:
        async def ask(self, question: object) -> object:
            asked.append(question)
            await until(lambda: len(waiting) == 2)
            await pass_time(1.5 * PATIENCE)
            return HostKeyAnswer.ACCEPT

    async with connecting(sshd.config_file, prompter=Slow()) as client:  # type: ignore[arg-type]
        await asyncio.gather(client.run("a", "true"), client.run("b", "true"))
        assert len(sshd.connections()) == 2
    assert len(asked) == 1
    rows = sshd.known_hosts.read_text().splitlines()
    assert len([row for row in rows if "ssh-ed25519" in row]) == 1


async def test_a_dismissed_question_after_the_server_went_is_a_refusal() -> None:
    async with LoopbackServer(Faults(password="secret")) as server:
        server.known_hosts.write_text("")

        class Slow:
            async def ask(self, question: object) -> object:
                await server.stop()
                await server.start()
                server.known_hosts.write_text("")
                return None

        async with connecting(server.config_file, prompter=Slow()) as client:  # type: ignore[arg-type]
            with pytest.raises(HostKeyError, match="not accepted"):
                await client.manager.lease("loopback", "x")
        assert server.attempts == []


async def test_no_authentication_for_localhost_trusts_loopback_alone(
    sshd: RealSshd, tmp_path: Path
) -> None:
    both = Both(sshd, tmp_path)
    both.text = f"{both.name} {stranger()}\n"
    for alias in ("", "box"):
        theirs, ours = await both.compare(
            NoHostAuthenticationForLocalhost="yes", HostKeyAlias=alias
        )
        assert ours.connected is theirs.connected is (not alias)
        assert ours.known == theirs.known


async def test_visual_host_key_is_drawn_on_the_timeline(sshd: RealSshd, tmp_path: Path) -> None:
    both = Both(sshd, tmp_path)
    both.text = f"{both.name} {both.keys()['ed25519']}\n"
    ours = await both.sshdash(VisualHostKey="yes")
    assert ours.client
    timeline = ours.client.manager.status("sshd").timeline
    assert timeline
    rows = keygen("-lv", "-f", sshd.host_keys["ed25519"]).splitlines()[1:]
    texts = [entry.text for entry in timeline.entries]
    assert all(row in texts for row in rows)
