"""One host key check without any network: addresses, questions, and what is written."""

import resource
from pathlib import Path

import asyncssh
import pytest

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.timeline import Timeline
from sshdash.connections.trust.host_policy import HostPolicy, is_local
from sshdash.connections.trust.host_trust import HostTrust
from sshdash.connections.trust.hostkeys import HostKeyCheck
from sshdash.errors import HostKeyError
from sshdash.events import Event, EventBus, WarningRaised
from sshdash.prompts import (
    ConfirmQuestion,
    HostKeyAnswer,
    HostKeyQuestion,
    RefusingPrompter,
    ScriptedPrompter,
)

KEY, OTHER = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
ADDRESS = "192.0.2.7"


def line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


class Checking:
    """A check of a server called web, at an address that is not of this machine."""

    def __init__(self, folder: Path, known: str, *answers: object, **options: str) -> None:
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(known.format(key=line(KEY), other=line(OTHER)))
        options = {
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "none",
            "HostName": "web.example",
            "CheckHostIP": "yes",
        } | options
        config = folder / "config"
        config.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
        resolved = Resolver(ConfigSource.standard(str(config))).resolve("web")
        self.policy = HostPolicy.of("web", resolved)
        self.prompter = ScriptedPrompter(list(answers))
        self.events: list[Event] = []
        bus = EventBus()
        bus.subscribe(self.events.append)
        self.trust = HostTrust(self.prompter, bus)
        self.timeline = Timeline("web")
        self.check: HostKeyCheck | None = None

    async def judge(self, key: asyncssh.SSHKey = KEY, peer: str = ADDRESS) -> bool:
        """Return whether a key is trusted."""
        check = await HostKeyCheck.begin(self.trust, self.policy, ("web",), self.timeline)
        check.peer = peer
        self.check = check
        try:
            await check.judge(key.public_data)
        except asyncssh.HostKeyNotVerifiable:
            return False
        finally:
            await check.close()
        return True

    @property
    def names(self) -> list[str]:
        """Return the names in known_hosts."""
        return [row.split()[0] for row in self.known_hosts.read_text().splitlines()]

    @property
    def refusal(self) -> HostKeyError:
        assert self.check
        assert self.check.refusal
        return self.check.refusal


async def test_a_new_key_is_added_with_its_address(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "", HostKeyAnswer.ACCEPT)
    assert await checking.judge()
    assert checking.names == [f"web.example,{ADDRESS}"]


async def test_hashed_names_have_a_line_each(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "", HostKeyAnswer.ACCEPT, HashKnownHosts="yes")
    assert await checking.judge()
    assert len(checking.names) == 2
    assert all(name.startswith("|1|") for name in checking.names)


async def test_the_address_of_a_known_key_is_added(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "web.example {key}\n")
    assert await checking.judge()
    assert checking.names == ["web.example", ADDRESS]
    assert await checking.judge()
    assert checking.names == ["web.example", ADDRESS]


async def test_ports_belong_to_addresses_too(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "[web.example]:2222 {key}\n", Port="2222")
    assert await checking.judge()
    assert checking.names == ["[web.example]:2222", f"[{ADDRESS}]:2222"]


@pytest.mark.parametrize(
    ("strictness", "answers", "trusted"),
    [
        ("ask", (True,), True),
        ("ask", (False,), False),
        ("ask", (), False),
        ("yes", (), False),
        ("accept-new", (), False),
        ("no", (), True),
    ],
)
async def test_another_key_of_the_address_is_a_warning_or_the_end(
    tmp_path: Path, strictness: str, answers: tuple[bool, ...], trusted: bool
) -> None:
    known = f"web.example {{key}}\n{ADDRESS} {{other}}\n"
    checking = Checking(tmp_path, known, *answers, StrictHostKeyChecking=strictness)
    assert await checking.judge() is trusted
    asked = checking.prompter.asked
    assert len(asked) == (strictness == "ask")
    if asked:
        assert isinstance(asked[0], ConfirmQuestion)
        assert f"{checking.known_hosts}:2" in asked[0].detail
    if strictness == "no":
        told = [event for event in checking.events if isinstance(event, WarningRaised)]
        assert any("differs" in event.title for event in told)
    elif not trusted:
        assert f"at {checking.known_hosts}:2" in checking.refusal.detail


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", f"the key of its address {ADDRESS} is not known"),
        (f"{ADDRESS} {{key}}\n", f"its address {ADDRESS} has the same"),
        (f"{ADDRESS} {{other}}\n", f"its address {ADDRESS} has yet another key"),
    ],
)
async def test_a_changed_key_is_told_with_what_the_address_says(
    tmp_path: Path, address: str, said: str
) -> None:
    third = line(asyncssh.generate_private_key("ssh-ed25519"))
    checking = Checking(tmp_path, f"web.example {third}\n{address}")
    assert not await checking.judge()
    assert said in checking.refusal.detail


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", ""])
async def test_addresses_of_this_machine_and_of_programs_are_not_looked_up(
    tmp_path: Path, peer: str
) -> None:
    checking = Checking(tmp_path, "web.example {key}\n127.0.0.1,\\:\\:1 {other}\n")
    assert await checking.judge(peer=peer)
    assert checking.names[:1] == ["web.example"]
    assert len(checking.names) == 2


async def test_addresses_are_not_looked_up_unless_asked_for(tmp_path: Path) -> None:
    checking = Checking(tmp_path, f"web.example {{key}}\n{ADDRESS} {{other}}\n", CheckHostIP="no")
    assert await checking.judge()
    assert len(checking.names) == 2


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("web", False),
    ],
)
def test_which_addresses_are_local(address: str, local: bool) -> None:
    assert is_local(address) is local


async def test_a_file_that_cannot_be_written_costs_a_warning_and_no_more(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "", HostKeyAnswer.ACCEPT)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        assert await checking.judge()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (warning,) = checking.events
    assert isinstance(warning, WarningRaised)
    assert "for this run only" in warning.title
    assert str(checking.known_hosts) in warning.detail
    assert checking.known_hosts.read_text() == ""
    assert await checking.judge()
    assert len(checking.prompter.asked) == 1


async def test_a_file_that_cannot_be_read_is_told_and_knows_nothing(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "", None)
    checking.known_hosts.unlink()
    checking.known_hosts.mkdir()
    assert not await checking.judge()
    (question,) = checking.prompter.asked
    assert isinstance(question, HostKeyQuestion)
    told = [event.detail for event in checking.events if isinstance(event, WarningRaised)]
    assert told == [f"{checking.known_hosts} cannot be read: Is a directory"]


@pytest.mark.parametrize("data", [b"", b"garbage", b"\0\0\0\x0bssh-ed25519\0\0\0\1x"])
async def test_what_is_no_key_is_refused(tmp_path: Path, data: bytes) -> None:
    checking = Checking(tmp_path, "")
    check = await HostKeyCheck.begin(checking.trust, checking.policy, ("web",), checking.timeline)
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await check.judge(data)
    await check.close()
    assert check.refusal
    assert "cannot be read" in check.refusal.title


async def test_who_cannot_be_asked_is_told_why_it_failed(tmp_path: Path) -> None:
    checking = Checking(tmp_path, "")
    checking.trust.prompter = RefusingPrompter()
    assert not await checking.judge()
    assert "nobody can be asked" in checking.refusal.title
    batch = Checking(tmp_path, "", BatchMode="yes")
    assert not await batch.judge()
    assert "BatchMode is yes" in batch.refusal.title
