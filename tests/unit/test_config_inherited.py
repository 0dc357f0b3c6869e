"""What a host gets where its own block says nothing."""

from pathlib import Path

from sshdash.config.inherited import inherited
from sshdash.config.options import Origin
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource

TEXT = """\
Host web
    User me
    IdentityFile ~/.ssh/own
Host w*
    HostName %h.example.com
    ProxyJump gw
    IdentityFile ~/.ssh/other
Host *
    User all
    Port 2200
"""
KEYWORDS = ("hostname", "user", "port", "identityfile", "proxyjump")


def of_web(origin: Origin) -> bool:
    return origin.line in (1, 2, 3)


def found(folder: Path, text: str, host: str) -> dict[str, tuple[str, int]]:
    """Return values and the lines that set them."""
    file = folder / "config"
    file.write_text(text)
    resolved = Resolver(ConfigSource.standard(str(file))).preview(host)
    values = inherited(resolved, KEYWORDS, of_web)
    return {keyword: (one.value, one.origin.line) for keyword, one in values.items()}


def test_what_the_own_block_sets_is_looked_for_behind_it(tmp_path: Path) -> None:
    assert found(tmp_path, TEXT, "web") == {
        "user": ("all", 9),
        "hostname": ("web.example.com", 5),
        "port": ("2200", 10),
        "identityfile": ("~/.ssh/other", 7),
        "proxyjump": ("gw", 6),
    }


def test_what_nothing_sets_is_not_inherited(tmp_path: Path) -> None:
    assert found(tmp_path, TEXT, "db") == {"user": ("all", 9), "port": ("2200", 10)}
    assert found(tmp_path, "Host web\n    Port 2\n", "web") == {}


def test_a_proxy_command_elsewhere_is_no_jump(tmp_path: Path) -> None:
    text = "Host web\n    ProxyJump own\n\nHost *\n    ProxyCommand nc %h %p\n"
    assert found(tmp_path, text, "web") == {}
