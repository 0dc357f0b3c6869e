"""The composition root, before anything is connected."""

from pathlib import Path

import pytest

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.errors import UsageError
from sshdash.events import CatalogChanged, Event, WarningRaised
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings

CONFIG = """
Host db
  HostName db.internal
  ProxyJump bastion
  LocalForward 5432 localhost:5432
  RemoteForward /s:1080
  DynamicForward 1081
Host bastion
  HostName 192.0.2.1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(CONFIG)
    file.chmod(0o600)
    return file


@pytest.fixture
def backend(config: Path) -> Backend:
    return Backend(Settings(), RefusingPrompter(), ConfigSource.standard(str(config)))


def test_the_hosts_are_there_before_anything_is_loaded(backend: Backend) -> None:
    assert [host.alias for host in backend.catalog.hosts] == ["db", "bastion"]
    assert backend.summary("db").route == ("bastion",)
    assert not backend.live()


async def test_a_forward_that_cannot_be_run_hides_none_of_the_others(backend: Backend) -> None:
    told: list[Event] = []
    backend.events.subscribe(told.append)
    async with backend:
        await backend.load()
        first = backend.add_config_forwards("db")
        assert backend.add_config_forwards("db") == first
        assert [tunnel.target for tunnel in backend.tunnels.snapshots()] == [
            "localhost:5432",
            "SOCKS",
        ]
    warnings = [event for event in told if isinstance(event, WarningRaised)]
    assert len(warnings) == 1
    assert warnings[0].host == "db"
    assert "1080" in warnings[0].title


async def test_a_closed_tunnel_knows_its_route(backend: Backend) -> None:
    async with backend:
        await backend.load()
        backend.add_config_forwards("db")
        assert backend.tunnels.snapshots()[0].route == ("bastion", "db")


def test_a_destination_that_is_none_is_refused(backend: Backend) -> None:
    with pytest.raises(UsageError):
        backend.resolve("-oProxyCommand=x")


def test_reading_the_list_again_is_told(backend: Backend, config: Path) -> None:
    told: list[Event] = []
    backend.events.subscribe(told.append)
    config.write_text("Host only\n")
    assert [host.alias for host in backend.reload_catalog().hosts] == ["only"]
    assert told == [CatalogChanged()]


async def test_it_can_be_closed_twice_and_before_it_was_loaded(backend: Backend) -> None:
    await backend.close()
    await backend.load()
    await backend.close()
    await backend.close()
    assert repr(backend) == "<Backend [2 hosts, loaded=False]>"
