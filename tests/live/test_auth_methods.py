"""Methods other than keys, several one after the other, and what is saved of them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from sshdash.connections.login import gssapi
from sshdash.connections.timeline import Phase
from sshdash.errors import AuthenticationError, Cancelled, HostKeyError
from sshdash.prompts import RefusingPrompter, SecretAnswer, SecretPrompt
from sshdash.states import ConnectionState
from tests.live.auth_kit import keygen, new_key, public_line, replace, secrets, use
from tests.live.connecting import connecting, until
from tests.servers.keyrings import Vault, using
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd

ACCOUNT = "tester@[127.0.0.1]:{port}"


@pytest.fixture
def vault() -> Iterator[Vault]:
    """Give the system a keyring."""
    made = Vault()
    with using(made):
        yield made


def password_server(password: str = "right", **faults: object) -> LoopbackServer:
    return LoopbackServer(
        Faults(public_key=False, password=password, max_tries=9, **faults)  # type: ignore[arg-type]
    )


# -- several, one after the other -------------------------------------------------------------


async def test_server_that_wants_two_keys_gets_two(sshd: RealSshd) -> None:
    second = new_key(sshd.folder / "second")
    with sshd.authorized_keys.open("a") as file:
        file.write(public_line(second))
    sshd.stop()
    sshd.options["authenticationmethods"] = "publickey,publickey"
    sshd.start()
    stranger = new_key(sshd.folder / "stranger")
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(
        f"Host *\n  IdentityFile {stranger}\n{text}  IdentityFile {second}\n"
    )
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_password_is_asked_for_once_the_key_was_not_enough(sshd: RealSshd) -> None:
    sshd.stop()
    sshd.options["authenticationmethods"] = "publickey,password"
    sshd.options["passwordauthentication"] = "yes"
    sshd.start()
    async with connecting(sshd.config_file, ("wrong",), None) as client:
        with pytest.raises(Cancelled):
            await client.manager.lease("sshd", "test")
        assert len(secrets(client)) == 2
        timeline = client.manager.status("sshd").timeline
        assert timeline
        steps = [entry.text for entry in timeline.entries if entry.phase is Phase.AUTH]
    wanted = next(at for at, text in enumerate(steps) if "wants more: password" in text)
    assert any("publickey" in text for text in steps[:wanted])
    assert any(text.startswith("password: refused") for text in steps[wanted:])


async def test_order_of_methods_is_that_of_openssh() -> None:
    faults = Faults(password="right", prompts=[("Code:", True)], answers=["42"], max_tries=99)
    async with LoopbackServer(faults) as server:
        server.public_key = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        answers = [("a",)] * 3 + [("b",)] * 3
        async with connecting(server.config_file, *answers) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
        tried = [method for method, _ in server.attempts]
    assert tried == ["publickey", *["keyboard-interactive"] * 3, *["password"] * 3]


@pytest.mark.parametrize("installed", [True, False])
async def test_gssapi_without_a_ticket_leaves_the_other_methods(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(gssapi, "is_available", lambda: installed)
    sshd.stop()
    sshd.options["gssapiauthentication"] = "yes"
    sshd.start()
    config = use(sshd, GSSAPIAuthentication="yes", GSSAPIDelegateCredentials="yes")
    async with connecting(config) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        await client.manager.disconnect("sshd")
        sshd.authorized_keys.write_text("")
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("sshd", "test")
    if "gssapi-with-mic" in caught.value.detail:
        assert ("GSSAPI is not installed" in caught.value.detail) is not installed


# -- passwords --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_passwords_are_asked_for_as_often_as_configured(number: int) -> None:
    async with password_server() as server:
        config = use(server, NumberOfPasswordPrompts=number)
        async with connecting(config, *[("wrong",)] * 5) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
        assert len(server.attempts) == number


async def test_changing_an_expired_password_asks_again_until_both_agree() -> None:
    async with password_server("old", expired=True, instructions="Yours expired.") as server:
        answers = [("old",), ("old", "new", "nwe"), ("old", "new", "new")]
        async with connecting(server.config_file, *answers) as client:
            await client.manager.lease("loopback", "test")
            _, change, again = secrets(client)
        assert change.prompts == tuple(
            map(SecretPrompt, ("Old password: ", "New password: ", "Again: "))
        )
        assert "Yours expired." in change.instructions
        assert "did not match" in again.title
        assert server.attempts[-1] == ("change", "old → new")


async def test_new_password_that_is_not_taken_is_told() -> None:
    async with password_server("old", expired=True) as server:
        config = use(server, NumberOfPasswordPrompts=1)
        async with connecting(config, ("old",), ("odl", "new", "new")) as client:
            with pytest.raises(AuthenticationError, match="did not take the new password"):
                await client.manager.lease("loopback", "test")


@pytest.mark.parametrize("changed", [True, False])
async def test_no_secret_is_sent_before_the_host_key_is_accepted(changed: bool) -> None:
    """Row 34 of the catalogue: the server logs whatever is tried, and saw nothing."""
    async with password_server() as server:
        if changed:
            await server.change_host_key()
        else:
            server.known_hosts.write_text("")
        async with connecting(server.config_file, None, ("right",)) as client:
            with pytest.raises((HostKeyError, Cancelled)):
                await client.manager.lease("loopback", "test")
            assert secrets(client) == []
        assert server.attempts == []


# -- keyboard-interactive ---------------------------------------------------------------------


async def test_devices_of_the_configuration_are_named_to_the_server() -> None:
    named: list[str] = []

    class Choosing(asyncssh.SSHServer):
        def kbdint_auth_supported(self) -> bool:
            return True

        def get_kbdint_challenge(
            self, username: str, lang: str, submethods: str
        ) -> tuple[str, str, str, list[tuple[str, bool]]]:
            named.append(submethods)
            return "", "", "", [("Code:", True)]

        def validate_kbdint_response(self, username: str, responses: object) -> bool:
            return True

    async with LoopbackServer() as server:
        other = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Choosing, server_host_keys=[server.host_key]
        )
        async with other:
            text = server.known_hosts.read_text()
            server.known_hosts.write_text(text.replace(str(server.port), str(other.get_port())))
            replace(server, Port=other.get_port())
            config = use(server, KbdInteractiveDevices="pam,bsdauth")
            async with connecting(config, ("1",)) as client:
                await client.manager.lease("loopback", "test")
    assert named == ["pam,bsdauth"]


async def test_many_prompts_keep_their_order_and_their_echo() -> None:
    prompts = [(f"Question {number}:", number % 3 == 0) for number in range(20)]
    answers = [f"answer {number}" for number in range(20)]
    faults = Faults(public_key=False, prompts=prompts, answers=answers)
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, tuple(answers)) as client,
    ):
        await client.manager.lease("loopback", "test")
        (question,) = secrets(client)
        assert question.prompts == tuple(SecretPrompt(*prompt) for prompt in prompts)
        assert not question.can_save


# -- what is saved ----------------------------------------------------------------------------


async def test_password_is_saved_where_the_person_wants_it_and_the_server_took_it(
    vault: Vault,
) -> None:
    async with password_server() as server:
        name = ACCOUNT.format(port=server.port)
        async with connecting(server.config_file, ("right",)) as client:
            await client.manager.lease("loopback", "test")
            assert secrets(client)[0].can_save
        assert vault.secrets == {}
        answers = [SecretAnswer(["wrong"], save=True), SecretAnswer(["right"], save=True)]
        async with connecting(server.config_file, *answers) as client:
            await client.manager.lease("loopback", "test")
            await until(lambda: vault.secrets)
        assert vault.secrets == {name: "right"}
        async with connecting(server.config_file) as client:
            await client.manager.lease("loopback", "test")
            assert client.prompter.asked == []
        async with connecting(server.config_file, prompter=RefusingPrompter()) as client:
            await client.manager.lease("loopback", "test")


async def test_saved_password_that_is_wrong_is_dropped_and_asked_for(vault: Vault) -> None:
    async with password_server() as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "outdated"
        async with connecting(server.config_file, ("right",)) as client:
            await client.manager.lease("loopback", "test")
            (question,) = secrets(client)
            assert question.attempt == 1
            assert question.title.startswith("The saved password was refused. Password for")
        assert [secret for _, secret in server.attempts] == ["outdated", "right"]
        assert vault.secrets == {}


async def test_saved_password_is_no_prompt_of_those_that_are_counted(vault: Vault) -> None:
    faults = Faults(public_key=False, prompts=[("Password:", False)], answers=["right"])
    async with LoopbackServer(faults) as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "outdated"
        config = use(server, NumberOfPasswordPrompts=1)
        async with connecting(config, ("right",)) as client:
            await client.manager.lease("loopback", "test")
            (question,) = secrets(client)
            assert question.attempt == 1


async def test_nothing_is_taken_from_the_keyring_in_batch_mode(vault: Vault) -> None:
    async with password_server() as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "right"
        async with connecting(server.config_file, overrides=(("BatchMode", "yes"),)) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
        assert server.attempts == []


async def test_no_passphrase_is_taken_from_the_keyring_in_batch_mode(
    sshd: RealSshd, vault: Vault
) -> None:
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", "open sesame", "-a", "4")
    vault.secrets[str(sshd.identity)] = "open sesame"
    async with connecting(sshd.config_file, overrides=(("BatchMode", "yes"),)) as client:
        with pytest.raises(AuthenticationError, match="no passphrase given"):
            await client.manager.lease("sshd", "test")
    assert vault.services == set()


async def test_nothing_offers_to_save_without_a_keyring() -> None:
    async with (
        password_server() as server,
        connecting(server.config_file, SecretAnswer(["right"], save=True)) as client,
    ):
        await client.manager.lease("loopback", "test")
        assert not secrets(client)[0].can_save


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [("Password: ", True), ("One-time password: ", False), ("Verification code: ", False)],
)
async def test_of_keyboard_interactive_only_the_password_is_saved(
    vault: Vault, prompt: str, kept: bool
) -> None:
    faults = Faults(public_key=False, prompts=[(prompt, False)], answers=["right"])
    async with LoopbackServer(faults) as server:
        answer = SecretAnswer(["right"], save=True)
        async with connecting(server.config_file, answer) as client:
            await client.manager.lease("loopback", "test")
            assert secrets(client)[0].can_save is kept
            await until(lambda: len(vault.secrets) == kept)
        async with connecting(server.config_file, ("right",)) as client:
            await client.manager.lease("loopback", "test")
            assert len(client.prompter.asked) == (not kept)


async def test_passphrase_is_saved_and_a_wrong_one_is_dropped(sshd: RealSshd, vault: Vault) -> None:
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", "open sesame", "-a", "4")
    name = str(sshd.identity)
    async with connecting(sshd.config_file, SecretAnswer(["open sesame"], save=True)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert secrets(client)[0].can_save
    assert vault.secrets == {name: "open sesame"}
    async with connecting(sshd.config_file) as client:
        assert await client.run("inner", "echo ok") == "ok\n"
        assert client.prompter.asked == []
    vault.secrets[name] = "outdated"
    async with connecting(sshd.config_file, ("open sesame",)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert secrets(client)[0].attempt == 1
    assert vault.secrets == {}


async def test_passphrase_is_asked_once_for_hosts_that_connect_together(sshd: RealSshd) -> None:
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", "open sesame", "-a", "4")
    text = sshd.config_file.read_text().replace("Host sshd inner", "Host sshd inner more*")
    sshd.config_file.write_text(text)
    async with connecting(sshd.config_file, ("open sesame",)) as client:
        hosts = ("sshd", "inner", "more1", "more2")
        said = await asyncio.gather(*(client.run(host, "echo ok") for host in hosts))
        assert said == ["ok\n"] * 4
        assert len(secrets(client)) == 1


async def test_saved_password_that_ends_the_login_is_dropped_too(vault: Vault) -> None:
    """A server that allows one try leaves no room to ask: the next login has it."""
    faults = Faults(public_key=False, password="right", max_tries=1)
    async with LoopbackServer(faults) as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "outdated"
        async with connecting(server.config_file, ("right",)) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
            await until(lambda: not vault.secrets)
            await client.manager.lease("loopback", "test")


@pytest.mark.parametrize("checking", ["no", "accept-new"])
async def test_saved_password_is_not_given_to_a_key_that_nobody_vouched_for(
    vault: Vault, checking: str, tmp_path: Path
) -> None:
    async with password_server() as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "right"
        config = use(
            server, StrictHostKeyChecking=checking, UserKnownHostsFile=tmp_path / "known_hosts"
        )
        async with connecting(config, ("wrong",), ("right",)) as client:
            await client.manager.lease("loopback", "test")
            assert len(secrets(client)) == 2
            assert [secret for _, secret in server.attempts] == ["wrong", "right"]
            # The key is in known_hosts by now, but nobody has said that it is the right one. What
            # was typed for it is given to it again, as after a loss.
            server.drop_connections()
            await client.reaches("loopback", ConnectionState.LOST)
            await client.manager.lease("loopback", "test")
            assert len(secrets(client)) == 2
            await client.manager.disconnect("loopback")
            with pytest.raises(Cancelled):
                await client.manager.lease("loopback", "test")
            assert len(secrets(client)) == 3
            assert len(server.attempts) == 3


async def test_nobody_is_there_to_ask_and_the_saved_password_is_not_given(
    vault: Vault, tmp_path: Path
) -> None:
    async with password_server() as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "right"
        config = use(
            server, StrictHostKeyChecking="no", UserKnownHostsFile=tmp_path / "known_hosts"
        )
        async with connecting(config, prompter=RefusingPrompter()) as client:
            with pytest.raises(AuthenticationError, match="nobody has vouched for"):
                await client.manager.lease("loopback", "test")
        assert server.attempts == []
        assert vault.secrets


async def test_saved_password_is_given_to_a_key_that_is_known_though_checking_is_off(
    vault: Vault,
) -> None:
    async with password_server() as server:
        vault.secrets[ACCOUNT.format(port=server.port)] = "right"
        config = use(server, StrictHostKeyChecking="no")
        async with connecting(config, prompter=RefusingPrompter()) as client:
            await client.manager.lease("loopback", "test")
