"""Trust and authentication, row by row of the catalogue of faults and attacks (29 to 36)."""

import asyncio
import itertools
import time
import unicodedata

import asyncssh
import pytest

from sshdash.errors import AuthenticationError, Cancelled, ConnectError, HostKeyError, SSHDashError
from sshdash.events import BannerReceived, WarningRaised
from sshdash.prompts import SecretQuestion
from tests.live.auth_kit import (
    keygen,
    new_key,
    remove,
    replace,
    running_agent,
    secrets,
)
from tests.live.connecting import connecting
from tests.servers.loopback import Faults, LoopbackServer, Phase
from tests.servers.sshd import RealSshd

RTL = "\u202e"
HOSTILE = f"\x1b]0;owned\x07\x1b[2J\x9b31m{RTL}drowssap\x00"


def is_shown_as_it_is(text: str) -> bool:
    """Return whether nothing in a text would do more in a terminal than be shown."""
    return not any(unicodedata.category(char) in ("Cc", "Cf") for char in text.replace("\n", ""))


async def test_row_29_a_key_for_this_host_alone_works(sshd: RealSshd) -> None:
    with running_agent() as agent:
        place = f"[127.0.0.1]:{sshd.port}"
        agent.add(sshd.identity, options=("-h", place, "-H", str(sshd.known_hosts)))
        remove(sshd.identity)
        config = replace(sshd, IdentityAgent=agent.path, IdentitiesOnly="no")
        async with connecting(config) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"


async def test_row_30_a_key_that_others_can_read_is_not_used(sshd: RealSshd) -> None:
    sshd.identity.chmod(0o644)
    async with connecting(sshd.config_file) as client:
        with pytest.raises(AuthenticationError) as caught:
            await client.manager.lease("sshd", "test")
        (warning,) = client.told(WarningRaised)
    for text in (str(caught.value), warning.detail):
        assert "0644" in text
        assert f"chmod 600 {sshd.identity}" in text


async def test_row_31_a_wrong_passphrase_is_asked_for_three_times_and_never_freezes(
    sshd: RealSshd, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    keygen("-p", "-f", sshd.identity, "-P", "", "-N", "open sesame", "-a", "100")
    worked: list[float] = []

    async def tick() -> None:
        while True:
            worked.append(time.thread_time())
            await asyncio.sleep(0.005)

    # Somebody leans on Enter: each answer comes at once.
    async with connecting(sshd.config_file, *[("wr0ng-secret",)] * 9) as client:
        ticking = asyncio.create_task(tick())
        with pytest.raises(AuthenticationError, match="wrong passphrase 3 times"):
            await client.manager.lease("sshd", "test")
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        assert len(secrets(client)) == 3
    # The rounds of the key take a second of work each time, and are not the loop's.
    assert max(after - before for before, after in itertools.pairwise(worked)) < 0.25
    assert "wr0ng-secret" not in caplog.text
    async with connecting(sshd.config_file, ("wrong",), None) as client:
        with pytest.raises(Cancelled):
            await client.manager.lease("sshd", "test")


async def test_row_32_too_many_keys_of_an_agent_are_explained(sshd: RealSshd) -> None:
    sshd.stop()
    sshd.options["maxauthtries"] = "6"
    sshd.start()
    with running_agent() as agent:
        for number in range(12):
            agent.add(new_key(sshd.folder / f"stranger{number}"))
        config = replace(
            sshd, IdentityAgent=agent.path, IdentitiesOnly="no", IdentityFile=sshd.folder / "none"
        )
        async with connecting(config) as client:
            with pytest.raises(AuthenticationError, match="Too many") as caught:
                await client.manager.lease("sshd", "test")
            assert "IdentitiesOnly" in caught.value.hint
            assert caught.value.detail.count("stranger") == 6
        # The key that the configuration names goes first, so it is not too late for it.
        agent.add(sshd.identity)
        async with connecting(replace(sshd, IdentityFile=sshd.identity)) as client:
            assert await client.run("sshd", "echo ok") == "ok\n"


@pytest.mark.parametrize("number", [1, 12, 50])
async def test_row_33_hostile_prompts_are_cleaned_bounded_and_labelled(number: int) -> None:
    prompts = [(HOSTILE + "x" * (100_000 // number), False)] * number
    faults = Faults(
        public_key=False,
        prompts=prompts,
        answers=["y"] * number,
        title=HOSTILE,
        instructions=f"{HOSTILE}\n" * 500,
    )
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("y",) * number) as client,
    ):
        if number == 50:
            with pytest.raises(AuthenticationError):
                await client.manager.lease("loopback", "test")
            assert client.prompter.asked == []
            return
        await client.manager.lease("loopback", "test")
        (question,) = secrets(client)
    assert question.host == "loopback"
    assert "tester@127.0.0.1" in question.title
    told = [question.title, question.instructions, *(prompt.text for prompt in question.prompts)]
    assert all(is_shown_as_it_is(text) for text in told)
    assert max(len(text) for text in told) < 10_000
    assert all(len(prompt.text) <= 256 for prompt in question.prompts)


@pytest.mark.parametrize("strictness", ["yes", "ask"])
async def test_row_34_no_secret_leaves_before_the_verdict(strictness: str) -> None:
    faults = Faults(public_key=False, password="right", prompts=[("Code:", True)], answers=["1"])
    async with LoopbackServer(faults) as server:
        await server.change_host_key()
        overrides = (("StrictHostKeyChecking", strictness),)
        async with connecting(server.config_file, overrides=overrides) as client:
            with pytest.raises(HostKeyError):
                await client.manager.lease("loopback", "test")
            assert not any(isinstance(asked, SecretQuestion) for asked in client.prompter.asked)
        assert server.attempts == []


async def test_row_34_a_password_goes_to_no_server_that_is_let_in_unverified() -> None:
    """With StrictHostKeyChecking no, a changed key is let in, and gets no password."""
    faults = Faults(password="right", prompts=[("Code:", True)], answers=["1"])
    async with LoopbackServer(faults) as server:
        await server.change_host_key()
        server.public_key = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        overrides = (("StrictHostKeyChecking", "no"),)
        async with connecting(server.config_file, ("right",), overrides=overrides) as client:
            with pytest.raises(SSHDashError):
                await client.manager.lease("loopback", "test")
            assert secrets(client) == []
        assert [method for method, _ in server.attempts] == ["publickey"]


async def test_row_35_a_hostile_banner_is_shown_cleaned_and_bounded() -> None:
    faults = Faults(banner=HOSTILE + "A" * 100_000 + "\n" + "line\n" * 1_000)
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        await client.manager.lease("loopback", "test")
        (banner,) = client.told(BannerReceived)
    assert is_shown_as_it_is(banner.text)
    assert len(banner.text) < 10_000


async def test_row_35_a_banner_that_is_not_utf8_does_not_end_the_login(sshd: RealSshd) -> None:
    banner = sshd.folder / "banner"
    banner.write_bytes(b"Gr\xfc\xdfe \xff\xfe\x1b[2J\n")
    sshd.stop()
    sshd.options["banner"] = str(banner)
    sshd.start()
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        (told,) = client.told(BannerReceived)
    assert told.text.startswith("Gr")
    assert is_shown_as_it_is(told.text)


async def test_row_35_a_hostile_reason_to_disconnect_is_shown_cleaned() -> None:
    faults = Faults(disconnect_at=Phase.AUTHENTICATING, disconnect_reason=HOSTILE + "x" * 100_000)
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        with pytest.raises(ConnectError) as caught:
            await client.manager.lease("loopback", "test")
    assert is_shown_as_it_is(str(caught.value))
    assert len(str(caught.value)) < 2_000


async def test_row_36_strict_key_exchange_is_offered_and_a_weak_pairing_is_told(
    sshd: RealSshd,
) -> None:
    async with connecting(sshd.config_file) as client:
        lease = await client.manager.lease("sshd", "test")
        assert b"kex-strict-c-v00@openssh.com" in lease.connection.ssh._client_kexinit
        strict = b"kex-strict-s-v00@openssh.com" in lease.connection.ssh._server_kexinit
        lease.release()
    overrides = (("Ciphers", "chacha20-poly1305@openssh.com"),)
    async with connecting(sshd.config_file, overrides=overrides) as client:
        lease = await client.manager.lease("sshd", "test")
        told = [event.title for event in client.told(WarningRaised)]
        assert ("The encryption is weak" in told) is not strict
        lease.release()


async def test_row_33_prompts_that_are_not_utf8_are_asked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As old systems ask in their own language: ``Passwort für``, in Latin-1."""
    from asyncssh import auth

    def latin1(text: str | bytes) -> bytes:
        data = text.encode("latin-1") if isinstance(text, str) else text
        return len(data).to_bytes(4, "big") + data

    monkeypatch.setattr(auth, "String", latin1)
    prompts = [("Passwort für tester:", False), ("Schlüssel:", True)]
    faults = Faults(
        public_key=False, prompts=prompts, answers=["a", "b"], instructions="Grüße", title="Prüfung"
    )
    async with (
        LoopbackServer(faults) as server,
        connecting(server.config_file, ("a", "b")) as client,
    ):
        await client.manager.lease("loopback", "test")
        (question,) = secrets(client)
    assert [prompt.text for prompt in question.prompts] == [
        r"Passwort f\xfcr tester:",
        r"Schl\xfcssel:",
    ]
    assert r"Gr\xfc\xdfe" in question.instructions
