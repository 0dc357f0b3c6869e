"""The plan of the demo fleet."""

from pathlib import Path

from sshdash.config.catalog import load_catalog, summarize
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.demo import ssh_config
from sshdash.demo.places import PLACES


def plan(folder: Path) -> ssh_config.ConfigPlan:
    ports = {place.name: 2200 + n for n, place in enumerate(PLACES)}
    forwards = {"web": ["LocalForward 8080 localhost:80", "RemoteForward 9000 localhost:3000"]}
    files = folder / "con fig", folder / "id_ed25519", folder / "known_hosts"
    return ssh_config.ConfigPlan(*files, ports, forwards)


def test_names_are_unique_and_jump_hosts_exist() -> None:
    names = [place.name for place in PLACES]
    assert len(set(names)) == len(names)
    assert {place.behind for place in PLACES if place.behind} <= set(names)


def test_the_configuration_lists_every_host_in_its_group(tmp_path: Path) -> None:
    ssh_config.write(plan(tmp_path))
    catalog = load_catalog(ConfigSource.standard(str(tmp_path / "con fig")))
    assert catalog.problems == ()
    groups = {entry.alias: entry.group for entry in catalog.hosts}
    assert groups == {place.name: place.group for place in PLACES}


def test_the_configuration_says_route_user_and_forwards(tmp_path: Path) -> None:
    ssh_config.write(plan(tmp_path))
    resolver = Resolver(ConfigSource.standard(str(tmp_path / "con fig")))
    web = summarize(resolver.resolve("web"))
    assert (web.user, web.hostname, web.route) == ("deploy", "web.internal", ("bastion",))
    assert len(web.forwards) == 2
    vault = resolver.resolve("vault")
    assert (vault.port, vault.flag("pubkeyauthentication")) == (2205, False)


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    ssh_config.write(plan(tmp_path))
    files = [tmp_path / "con fig", *(tmp_path / "conf.d").iterdir()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
