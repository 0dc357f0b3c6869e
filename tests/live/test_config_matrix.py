"""Every criterion of Match with every other, and every token in every keyword, beside ssh -G."""

import itertools
import random
from pathlib import Path

import pytest

from sshdash.config.dump import dump
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.errors import ConfigError
from tests.live.config_oracle import Case, require_oracle
from tests.live.conftest import Compared

_CRITERIA = (
    "host web.test",
    "host other",
    "originalhost web",
    "originalhost web.test",
    "user bob",
    "user root,eve",
    "localuser *",
    "localuser nobody,!*",
    "canonical",
    "final",
)
_BOTH = tuple(f"{sign}{words}" for words in _CRITERIA for sign in ("", "!"))
_EXEC = ("exec true", "exec false", "!exec true", "!exec false")
_TOKENS = "%CdHhfIiKkLlnprTtuz"
_SETTING = "HostName %h.test\nUser bob\nPort 2022\nHostKeyAlias Alias\n"
_WITH_TOKENS = (
    "CertificateFile /x/{}",
    "ControlPath /x/{}",
    "ForwardAgent /x/{}",
    "HostName x{}",
    "IdentityAgent /x/{}",
    "IdentityFile /x/{}",
    "KnownHostsCommand /x/{}",
    "LocalCommand x {}",
    "LocalForward 1 /x/{}",
    "LocalForward /x/{} /y",
    'Match exec "test {} = x"',
    "PermitLocalCommand {}",
    "ProxyCommand x {}",
    "ProxyJump {}",
    "RemoteCommand x {}",
    "RemoteForward /x/{} /y",
    "RevokedHostKeys /x/{}",
    "SetEnv X={}",
    "User {}",
    "UserKnownHostsFile ~/{} /x",
)


@pytest.fixture(autouse=True)
def oracle() -> None:
    """Need the ssh whose answers are compared with."""
    require_oracle()


def blocks(conditions: list[str]) -> str:
    """Return a Match block for each condition, told apart by what it sends."""
    return "".join(f"Match {text}\n SendEnv N{at}\n" for at, text in enumerate(conditions))


def test_every_pair_of_criteria(compared: Compared, home: Path) -> None:
    pairs = [f"{one} {two}" for one, two in itertools.product(_BOTH, repeat=2)]
    cases = {
        "first pass alone": Case(_SETTING + blocks([p for p in pairs if "final" not in p])),
        "both passes": Case(_SETTING + blocks(pairs)),
        "from the file's beginning": Case(blocks(pairs) + _SETTING, ("web", "eve@web")),
    }
    assert not compared(cases, home)


def test_commands_with_every_criterion(compared: Compared, home: Path) -> None:
    single = [text for text in _BOTH if "final" not in text]
    pairs = [f"{one} {two}" for one, two in itertools.product(single, _EXEC)]
    pairs += [f"{two} {one}" for one, two in itertools.product(single[::3], _EXEC)]
    assert not compared({"commands": Case(_SETTING + blocks(pairs))}, home)


def test_random_conjunctions_of_criteria(compared: Compared, home: Path) -> None:
    choose = random.Random(3)
    chosen = [" ".join(choose.sample(_BOTH, choose.randint(3, 6))) for _ in range(400)]
    assert not compared({"many": Case(_SETTING + blocks(chosen), ("web", "db"))}, home)


def test_all_stands_alone_or_behind_one(compared: Compared, home: Path) -> None:
    conditions = ["all", "!all", *(f"{text} all" for text in _BOTH)]
    cases = {text: Case(f"{_SETTING}Match {text}\n Compression yes\n") for text in conditions}
    cases |= {f"all {text}": Case(f"Match all {text}\n") for text in _BOTH}
    assert not compared(cases, home)


@pytest.mark.parametrize("line", _WITH_TOKENS)
def test_every_token_of_a_keyword(line: str, compared: Compared, home: Path) -> None:
    setting = "" if line.startswith(("HostName", "User ")) else _SETTING
    cases = {
        f"%{token}": Case(f"{setting}{line.format('%' + token)}\n Compression yes\n")
        for token in _TOKENS
    }
    cases["%"] = Case(f"{setting}{line.format('%')}\n")
    cases["${HOME}"] = Case(f"{setting}{line.format('${HOME}')}\n")
    cases["${SSHDASH_UNSET}"] = Case(f"{setting}{line.format('${SSHDASH_UNSET}')}\n")
    cases["${"] = Case(f"{setting}{line.format('${')}\n")
    assert not compared(cases, home)


# What ssh -G does not expand


@pytest.mark.parametrize("keyword", ["identityfile", "certificatefile", "revokedhostkeys"])
@pytest.mark.parametrize("token", _TOKENS)
def test_tokens_of_files_that_are_read_while_connecting(
    keyword: str, token: str, home: Path
) -> None:
    """As ControlPath, which takes the same tokens and which ssh -G does print."""
    file = home / "config"
    file.write_text(f"{_SETTING}ControlPath /x/%{token}\n{keyword} /x/%{token}\n")
    resolver = Resolver(ConfigSource.standard(str(file)))
    if token in "HfIKTtz":
        with pytest.raises(ConfigError, match="unknown token"):
            resolver.resolve("web")
        file.write_text(f"{_SETTING}{keyword} /x/%{token}\n")
        with pytest.raises(ConfigError, match=r"config:5.*unknown token"):
            Resolver(ConfigSource.standard(str(file))).resolve("web").get(keyword)
        return
    resolved = resolver.resolve("web")
    assert resolved.get(keyword) == resolved.get("controlpath")
    assert f"{keyword} /x/%{token}\n" in dump(resolved)
