"""Logging in: keys, agents, passphrases, passwords and prompts, right and wrong."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from sshdash.connections.deadline import LOGIN_SECONDS
from sshdash.errors import AuthenticationError, Cancelled
from sshdash.events import BannerReceived
from sshdash.prompts import HostKeyAnswer, RefusingPrompter, SecretPrompt
from sshdash.states import ConnectionState
from tests.live.auth_kit import keygen, remove, replace, secrets, use
from tests.live.connecting import connecting, pass_time
from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd


def encrypt(path: Path, passphrase: str) -> None:
    """Encrypt a key in place, and take its public half away."""
    keygen("-p", "-f", path, "-P", "", "-N", passphrase, "-a", "4")
    path.with_name(path.name + ".pub").unlink(missing_ok=True)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run a real ssh-agent."""
    path = tmp_path / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    try:
        yield path
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def add_to(agent: Path, *keys: Path, options: tuple[str, ...] = ()) -> None:
    subprocess.run(
        ["ssh-add", "-q", *options, *map(str, keys)],
        check=True,
        capture_output=True,
        env={**os.environ, "SSH_AUTH_SOCK": str(agent)},
    )


def add_strangers(agent: Path, folder: Path) -> None:
    """Give an agent eight keys that no server knows."""
    for number in range(8):
        extra = folder / f"extra{number}"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(extra))
        extra.chmod(0o600)
        add_to(agent, extra)


async def test_key_file(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo $((6*7))") == "42\n"
        status = client.manager.status("sshd")
        assert status.auth_method == "publickey"
        assert status.cipher == "aes128-gcm@openssh.com"
        assert status.server_version.startswith("OpenSSH_")
        assert status.address == f"127.0.0.1:{sshd.port}"
        assert client.prompter.asked == []


@pytest.mark.parametrize("public_half", [True, False])
async def test_passphrase_is_asked_once_per_run(sshd: RealSshd, public_half: bool) -> None:
    key = asyncssh.read_private_key(str(sshd.identity))
    encrypt(sshd.identity, "open sesame")
    if public_half:
        key.write_public_key(str(sshd.identity) + ".pub")
    async with connecting(sshd.config_file, "unused") as client:
        client.prompter.answers[:] = [("open sesame",)]
        assert await client.run("sshd", "echo ok") == "ok\n"
        await client.manager.disconnect("sshd")
        assert await client.run("inner", "echo ok") == "ok\n"
        (question,) = secrets(client)
        assert question.title == f"Passphrase for {sshd.identity}"
        assert question.prompts == (SecretPrompt("Passphrase: "),)


async def test_a_long_name_of_a_key_is_told_whole(sshd: RealSshd) -> None:
    long = sshd.folder / ("a-key-with-a-long-name-" * 4)
    long.write_bytes(sshd.identity.read_bytes())
    long.chmod(0o600)
    encrypt(long, "open sesame")
    async with connecting(replace(sshd, IdentityFile=long), ("open sesame",)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert str(long) in secrets(client)[0].instructions


async def test_wrong_passphrase_is_asked_three_times(sshd: RealSshd) -> None:
    encrypt(sshd.identity, "open sesame")
    async with connecting(sshd.config_file, ("a",), ("b",), ("c",), ("open sesame",)) as client:
        with pytest.raises(AuthenticationError, match="wrong passphrase 3 times"):
            await client.manager.lease("sshd", "test")
        assert [question.attempt for question in secrets(client)] == [1, 2, 3]
        assert all("open sesame" not in repr(event) for event in client.events)


async def test_second_passphrase_is_right(sshd: RealSshd) -> None:
    encrypt(sshd.identity, "open sesame")
    async with connecting(sshd.config_file, ("a",), ("open sesame",)) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_dismissed_passphrase_cancels(sshd: RealSshd) -> None:
    encrypt(sshd.identity, "open sesame")
    async with connecting(sshd.config_file) as client:
        with pytest.raises(Cancelled):
            await client.manager.lease("sshd", "test")
        assert client.states("sshd") == [ConnectionState.CONNECTING, ConnectionState.IDLE]


async def test_no_passphrase_is_asked_for_a_key_the_server_does_not_want(sshd: RealSshd) -> None:
    other = sshd.folder / "other"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(other), passphrase="x")
    other.chmod(0o600)
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f"Host *\n    IdentityFile {other}\n{text}")
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert client.prompter.asked == []


async def test_damaged_key_is_named(sshd: RealSshd) -> None:
    text = sshd.identity.read_text()
    sshd.identity.write_text(text[: len(text) // 2])
    async with connecting(sshd.config_file) as client:
        with pytest.raises(AuthenticationError, match=str(sshd.identity)):
            await client.manager.lease("sshd", "test")


async def test_agent(sshd: RealSshd, agent: Path) -> None:
    add_to(agent, sshd.identity)
    remove(sshd.identity)
    config = replace(sshd, IdentityAgent=agent, IdentitiesOnly="no")
    async with connecting(config) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"


async def test_identities_only_takes_the_named_key_from_the_agent(
    sshd: RealSshd, agent: Path
) -> None:
    add_to(agent, sshd.identity)
    encrypt(sshd.identity, "never asked for")
    add_strangers(agent, sshd.folder)
    config = replace(sshd, IdentityAgent=agent)
    async with connecting(config) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        assert client.prompter.asked == []


async def test_dead_agent_is_named_and_does_not_stop_a_key_file(
    sshd: RealSshd, tmp_path: Path
) -> None:
    gone = tmp_path / "no-agent"
    config = replace(sshd, IdentityAgent=gone)
    async with connecting(config) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        await client.manager.disconnect("sshd")
        sshd.authorized_keys.write_text("")
        with pytest.raises(AuthenticationError, match=str(gone)):
            await client.manager.lease("sshd", "test")


async def test_password_wrong_three_times() -> None:
    faults = Faults(public_key=False, password="right", max_tries=9)
    async with LoopbackServer(faults) as server:
        answers = [("one",), ("two",), ("three",), ("right",)]
        async with connecting(server.config_file, *answers) as client:
            with pytest.raises(AuthenticationError) as caught:
                await client.manager.lease("loopback", "test")
            assert [question.attempt for question in secrets(client)] == [1, 2, 3]
            assert client.manager.status("loopback").state is ConnectionState.FAILED
        message = str(caught.value)
        assert "the server takes password" in message
        assert "tried password" in message
        assert "one" not in message.split()
        assert [secret for _, secret in server.attempts] == ["one", "two", "three"]


async def test_password_right_at_last() -> None:
    faults = Faults(public_key=False, password="päss", max_tries=9)
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("no",), ("päss",)) as client,
    ):
        await client.manager.lease("loopback", "test")
        assert client.manager.status("loopback").auth_method == "password"
        first = secrets(client)[0]
        assert first.host == "loopback"
        assert first.title == "Password for tester@127.0.0.1"


async def test_dismissed_password_cancels() -> None:
    async with (
        LoopbackServer(Faults(public_key=False, password="right")) as server,
        connecting(server.config_file) as client,
    ):
        with pytest.raises(Cancelled):
            await client.manager.lease("loopback", "test")
        assert client.states("loopback") == [ConnectionState.CONNECTING, ConnectionState.IDLE]
        assert len(client.prompter.asked) == 1


async def test_nobody_to_ask_is_a_denial_not_a_cancellation() -> None:
    async with LoopbackServer(Faults(public_key=False, password="right")) as server:
        config = server.config_file
        async with connecting(config, prompter=RefusingPrompter()) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
        async with connecting(config, overrides=(("BatchMode", "yes"),)) as client:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
            assert client.prompter.asked == []


async def test_keyboard_interactive_with_several_prompts() -> None:
    faults = Faults(
        public_key=False,
        prompts=[("Password: ", False), ("Code\x1b[2J: ", True)],
        answers=["secret", "123456"],
        title="Two factors",
        instructions="Look at\nyour phone\x1b]0;x\x07",
        banner="Welcome \x1b[31mall\x1b[0m\r\nto the box\n",
    )
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("secret", "123456")) as client,
    ):
        await client.manager.lease("loopback", "test")
        (question,) = secrets(client)
        (banner,) = client.told(BannerReceived)
    assert question.prompts == (
        SecretPrompt("Password:", False),
        SecretPrompt("Code\\x1b[2J:", True),
    )
    assert question.title == "tester@127.0.0.1 asks: Two factors"
    assert "\x1b" not in question.instructions
    assert "your phone" in question.instructions
    assert "to the box" in question.instructions
    assert banner.text == "Welcome \\x1b[31mall\\x1b[0m\nto the box"


async def test_a_server_cannot_ask_in_the_words_of_a_passphrase() -> None:
    """Whose question it is comes first, whatever the server calls it."""
    name = "Passphrase for /home/me/.ssh/id_ed25519"
    faults = Faults(public_key=False, prompts=[("Passphrase: ", False)], title=name)
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        with pytest.raises(Cancelled):
            await client.manager.lease("loopback", "test")
        (question,) = secrets(client)
    assert question.title == f"tester@127.0.0.1 asks: {name}"


async def test_password_and_then_a_code() -> None:
    faults = Faults(
        public_key=False, password="secret", prompts=[("Code: ", True)], answers=["42"], both=True
    )
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("secret",), ("42",)) as client,
    ):
        await client.manager.lease("loopback", "test")
        assert len(secrets(client)) == 2


async def test_the_clock_stands_still_while_somebody_types() -> None:
    faults = Faults(public_key=False, password="right")
    async with LoopbackServer(faults, login_timeout=0) as server:

        class Slow:
            async def ask(self, question: object) -> object:
                await pass_time(2 * LOGIN_SECONDS)
                return ("right",)

        config = use(server, ConnectTimeout=f"{PATIENCE:.0f}")
        async with connecting(config, prompter=Slow()) as client:  # type: ignore[arg-type]
            await client.manager.lease("loopback", "test")


async def test_no_method_left_names_what_the_server_offers(sshd: RealSshd) -> None:
    sshd.authorized_keys.write_text("")
    async with connecting(sshd.config_file) as client:
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("sshd", "test")
    message = str(caught.value)
    assert "the server takes publickey" in message
    assert f"tried publickey (ED25519 {sshd.identity})" in message


async def test_preferred_authentications_decide_the_order() -> None:
    async with LoopbackServer(Faults(password="right")) as server:
        config = use(server, PreferredAuthentications="password,publickey")
        async with connecting(config, ("right",)) as client:
            await client.manager.lease("loopback", "test")
        assert [method for method, _ in server.attempts] == ["password"]


async def test_host_that_no_configuration_knows(sshd: RealSshd, home: Path) -> None:
    folder = home / ".ssh"
    (folder / "id_ed25519").write_bytes(sshd.identity.read_bytes())
    (folder / "id_ed25519").chmod(0o600)
    destination = f"{sshd.user}@127.0.0.1:{sshd.port}"
    async with connecting("none", HostKeyAnswer.ACCEPT) as client:
        assert await client.run(destination, "echo ok") == "ok\n"
        assert client.manager.status(destination).user == sshd.user
    known = folder / "known_hosts"
    assert known.read_text().startswith(f"[127.0.0.1]:{sshd.port} ssh-ed25519 ")
    assert known.stat().st_mode & 0o777 == 0o600


async def test_agent_key_that_is_bound_to_another_host_is_named(
    sshd: RealSshd, agent: Path
) -> None:
    """A key bound to one host signs for no other."""
    others = sshd.folder / "others"
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    others.write_text(f"elsewhere {stranger}")
    add_to(agent, sshd.identity, options=("-h", "elsewhere", "-H", str(others)))
    remove(sshd.identity)
    config = replace(sshd, IdentityAgent=agent, IdentitiesOnly="no")
    async with connecting(config) as client:
        with pytest.raises(AuthenticationError, match="is bound to other hosts"):
            await client.manager.lease("sshd", "test")


async def test_too_few_attempts_for_a_password_do_not_blame_keys() -> None:
    faults = Faults(public_key=False, password="right", max_tries=1)
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("wrong",), ("right",)) as client,
    ):
        with pytest.raises(AuthenticationError, match="Too many") as caught:
            await client.manager.lease("loopback", "test")
        assert "IdentitiesOnly" not in caught.value.hint
        assert "tried password" in caught.value.detail


async def test_a_challenge_that_only_tells_something_is_shown() -> None:
    class Talking(asyncssh.SSHServer):
        def kbdint_auth_supported(self) -> bool:
            return True

        def get_kbdint_challenge(
            self, username: str, lang: str, submethods: str
        ) -> tuple[str, str, str, list[tuple[str, bool]]]:
            return "Note", "Your password expires\x1b[2J soon", "", []

        def validate_kbdint_response(
            self, username: str, responses: object
        ) -> bool | tuple[str, str, str, list[tuple[str, bool]]]:
            return ("", "", "", [("Password:", False)]) if not responses else True

    async with LoopbackServer() as server:
        other = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Talking, server_host_keys=[server.host_key]
        )
        async with other:
            text = server.known_hosts.read_text()
            server.known_hosts.write_text(text.replace(str(server.port), str(other.get_port())))
            config = replace(server, Port=other.get_port())
            async with connecting(config, ("secret",)) as client:
                await client.manager.lease("loopback", "test")
                (told,) = client.told(BannerReceived)
                assert told.text == "Note\nYour password expires\\x1b[2J soon"
                assert told.text in secrets(client)[0].instructions
