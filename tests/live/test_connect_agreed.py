"""What is agreed on with a server is what was chosen, and keys change when they should."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from sshdash.errors import AuthenticationError, ConnectError
from tests.live.connecting import until
from tests.live.option_kit import generate, said, talking, using
from tests.patience import PATIENCE

# -- what is agreed on -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("Ciphers", "aes192-ctr", "cipher: aes192-ctr"),
        ("Ciphers", "^aes256-gcm@openssh.com", "cipher: aes256-gcm@openssh.com"),
        ("Ciphers", "-*gcm*,chacha*", "cipher: aes128-ctr"),
        ("KexAlgorithms", "ecdh-sha2-nistp384", "algorithm: ecdh-sha2-nistp384"),
        ("KexAlgorithms", "-mlkem*,curve*", "algorithm: ecdh-sha2-nistp256"),
        ("HostKeyAlgorithms", "rsa-sha2-256", "host key algorithm: rsa-sha2-256"),
        ("HostKeyAlgorithms", "ecdsa-*", "host key algorithm: ecdsa-sha2-nistp256"),
        ("Compression", "yes", "compression: zlib@openssh.com"),
        ("Compression", "no", "compression: none"),
    ],
)
async def test_the_server_agrees_to_what_was_chosen(option: str, value: str, line: str) -> None:
    async with talking() as server, using(server, **{option: value}) as (_, connection):
        await said(server, line)
        done = await connection.ssh.run("echo works")
        assert done.stdout == "works\n"


async def test_macs_are_those_that_were_chosen() -> None:
    options = {"Ciphers": "aes128-ctr", "MACs": "-*-etm*,umac*"}
    async with talking() as server, using(server, **options):
        await said(server, "MAC: hmac-sha2-256 ")


async def test_every_cipher_and_mac_of_the_server_carries_bulk() -> None:
    data = os.urandom(400_000)
    config = await asyncio.to_thread(
        subprocess.run, ["ssh", "-Q", "cipher"], capture_output=True, text=True
    )
    ciphers = [name for name in config.stdout.split() if "rijndael" not in name]
    macs = "hmac-sha2-512-etm@openssh.com", "umac-128@openssh.com", "hmac-sha1"
    async with talking(ciphers=",".join(ciphers), macs=",".join(macs)) as server:
        for cipher in ciphers:
            for mac in macs if "ctr" in cipher or "cbc" in cipher else macs[:1]:
                async with using(server, Ciphers=cipher, MACs=mac) as (_, connection):
                    assert connection.cipher == cipher
                    done = await connection.ssh.run("cat", input=data, encoding=None)
                    assert done.stdout == data, (cipher, mac)


@pytest.mark.parametrize(
    ("option", "name"), [("rsa-sha2-256", "rsa-sha2-256"), ("+ssh-rsa", "rsa-sha2-512")]
)
async def test_pubkeyacceptedalgorithms_choose_the_signature(option: str, name: str) -> None:
    async with talking() as server:
        key = server.folder / "id_rsa"
        await asyncio.to_thread(generate, key, "-t", "rsa", "-b", "2048")
        server.authorized_keys.write_text(key.with_suffix(".pub").read_text())
        options = {"PubkeyAcceptedAlgorithms": option, "IdentityFile": str(key)}
        async with using(server, **options):
            await said(server, f"publickey test pkalg {name} ")


async def test_a_key_of_a_type_that_is_not_accepted_is_not_offered() -> None:
    async with talking() as server:
        with pytest.raises(AuthenticationError):
            async with using(server, PubkeyAcceptedAlgorithms="ecdsa-*"):
                pass
        assert "pkalg" not in server.log


async def test_a_short_rsa_key_is_neither_offered_nor_believed() -> None:
    async with talking() as server:
        key = server.folder / "id_rsa"
        await asyncio.to_thread(generate, key, "-t", "rsa", "-b", "2048")
        server.authorized_keys.write_text(key.with_suffix(".pub").read_text())
        options = {"RequiredRSASize": "3000", "IdentityFile": str(key)}
        with pytest.raises(AuthenticationError):
            async with using(server, **options):
                pass
        assert "pkalg rsa" not in server.log
        with pytest.raises(ConnectError, match="short"):
            async with using(server, RequiredRSASize="3000", HostKeyAlgorithms="rsa-sha2-512"):
                pass


async def test_an_old_exchange_works_and_says_nothing_on_the_terminal() -> None:
    """The library of ciphers warns of it on stderr, where the screen is."""
    async with talking() as server:
        options = [
            "-F",
            str(server.config_file),
            "-o",
            "KexAlgorithms=diffie-hellman-group14-sha256",
        ]
        command = [sys.executable, "-m", "sshdash", *options, "exec", "sshd", "echo", "works"]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60
        )
        assert done.stdout == "works\n"
        assert "deprecated" not in done.stderr
        await said(server, "algorithm: diffie-hellman-group14-sha256")


# -- new keys --------------------------------------------------------------------------------------


async def test_rekeylimit_counts_what_is_received_too() -> None:
    async with talking() as server, using(server, RekeyLimit="1M") as (_, connection):
        done = await connection.ssh.run("head -c 20000000 /dev/zero", encoding=None)
        assert done.stdout == bytes(20_000_000)
        # The server's own limit is far away: we asked. What is under way goes on meanwhile.
        assert 4 <= server.log.count("SSH2_MSG_NEWKEYS received") <= 21


async def test_rekeylimit_counts_time() -> None:
    async with talking() as server, using(server, RekeyLimit="default 1s"):
        await until(lambda: server.log.count("SSH2_MSG_NEWKEYS received") >= 3)


@pytest.mark.alone
async def test_four_flows_go_on_while_keys_change_from_both_sides() -> None:
    data = os.urandom(6 << 20)
    async with (
        talking(rekeylimit="1M") as server,
        using(server, RekeyLimit="1M") as (_, connection),
    ):
        stalls: list[float] = []
        over = asyncio.Event()

        async def watch() -> None:
            while not over.is_set():
                began = time.monotonic()
                await connection.ssh.run("true")
                stalls.append(time.monotonic() - began)

        async def flow() -> bytes:
            done = await connection.ssh.run("cat", input=data, encoding=None)
            assert isinstance(done.stdout, bytes)
            return done.stdout

        watching = asyncio.create_task(watch())
        async with asyncio.timeout(PATIENCE):
            flows = await asyncio.gather(*(flow() for _ in range(4)))
        over.set()
        await watching
        assert all(one == data for one in flows)
        assert server.log.count("SSH2_MSG_NEWKEYS received") > 20
        assert max(stalls) < 10, "ten times the promise"
