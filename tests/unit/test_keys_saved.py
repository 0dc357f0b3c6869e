"""Saved secrets: only in a keyring that is fit for them, and never waited for too long."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from keyring import backend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend

from sshdash.cli.main import main
from sshdash.keys import saved
from sshdash.keys.saved import SavedSecrets, account_name
from tests.patience import PATIENCE
from tests.servers.keyrings import Meagre, PlaintextKeyring, Vault, using


async def test_what_is_kept_is_found_and_forgotten() -> None:
    vault = Vault()
    with using(vault):
        secrets = SavedSecrets()
        assert await secrets.find("me@web") is None
        assert await secrets.keep("me@web", "hunter2")
        assert await SavedSecrets().find("me@web") == "hunter2"
        assert vault.services == {"sshdash"}
        assert "hunter2" not in repr(secrets)
        assert await secrets.forget("me@web")
        assert not await secrets.forget("me@web")
        assert vault.secrets == {}


@pytest.mark.parametrize("kind", [fail.Keyring, null.Keyring, PlaintextKeyring, Meagre])
async def test_what_is_not_fit_for_secrets_is_not_used(
    kind: Callable[[], backend.KeyringBackend],
) -> None:
    with using(kind()):
        secrets = SavedSecrets()
        assert not await secrets.is_usable()
        assert await secrets.find("a") is None
        assert not await secrets.keep("a", "secret")
        assert "fit for secrets" in secrets.problem


async def test_of_several_the_first_that_is_fit_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Vault()
    monkeypatch.setattr(ChainerBackend, "backends", [PlaintextKeyring(), good])
    with using(ChainerBackend()):  # type: ignore[no-untyped-call]
        assert await SavedSecrets().keep("a", "secret")
    assert good.secrets == {"a": "secret"}


async def test_one_that_hangs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "_ASK_TIMEOUT", 0.1)
    vault = Vault(a="secret")
    vault.hangs = threading.Event()
    told: list[str] = []
    with using(vault):
        secrets = SavedSecrets(told.append)
        async with asyncio.timeout(PATIENCE):
            assert await secrets.find("a") is None
            assert await secrets.find("a") is None
        assert secrets.problem == "the system keyring does not answer"
        assert told == ["the system keyring does not answer; it is not asked again"]
        assert not await secrets.is_usable()
        vault.hangs.set()


async def test_one_that_is_locked_is_told_of() -> None:
    vault = Vault(a="secret")
    vault.locked = True
    with using(vault):
        secrets = SavedSecrets()
        assert await secrets.find("a") is None
        assert not await secrets.keep("a", "other")
        assert "KeyringLocked" in secrets.problem


def test_accounts_have_names_that_people_know() -> None:
    assert account_name("me", "web.example", 22) == "me@web.example"
    assert account_name("me", "web.example", 2222) == "me@[web.example]:2222"


def test_forget_names_what_it_removed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = home / ".ssh" / "id_web"
    config = home / ".ssh" / "config"
    config.write_text(f"Host web\n  HostName 192.0.2.1\n  User me\n  IdentityFile {key}\n")
    config.chmod(0o600)
    vault = Vault(**{"me@192.0.2.1": "one", str(key): "two", "other@192.0.2.1": "three"})
    with using(vault):
        assert main(["forget", "web"]) == 0
        told = capsys.readouterr().out
        assert told == f"password of me@192.0.2.1\npassphrase of {key}\n"
        assert vault.secrets == {"other@192.0.2.1": "three"}
        assert main(["forget", "web"]) == 1
        assert "nothing is saved for web" in capsys.readouterr().err
    with using(fail.Keyring()):  # type: ignore[no-untyped-call]
        assert main(["forget", "web"]) == 1
        assert "Nothing can be saved here" in capsys.readouterr().err
