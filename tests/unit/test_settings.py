"""The settings file: defaults, and errors that name the line."""

from pathlib import Path

import pytest

from sshdash.errors import ConfigError
from sshdash.settings import Settings, load_settings


def test_a_missing_or_empty_file_means_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    assert load_settings(file) == Settings()
    file.write_text("# nothing yet\n")
    assert load_settings(file) == Settings()


def test_values_are_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("prefix: ctrl+b\nscrollback: 500\nkeymap:\n  quit: ctrl+x\n")
    settings = load_settings(file)
    assert (settings.prefix, settings.scrollback) == ("ctrl+b", 500)
    assert settings.keymap == {"quit": "ctrl+x"}


def test_what_programs_may_do_is_set_for_all_hosts_or_by_pattern(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text('clipboard: deny\nnotifications:\n  web-*: mark\n  "*": ignore\n')
    settings = load_settings(file)
    assert settings.clipboard == "deny"
    assert settings.notifications == {"web-*": "mark", "*": "ignore"}
    assert Settings().clipboard == "ask"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("theme: x\nscrolback: 5\n", 2, "scrolback"),
        ("theme: x\nscrollback: many\n", 2, "scrollback"),
        ("theme: [\n", 2, "expected"),
        ("theme: x\n\tprefix: y\n", 2, "cannot start any token"),
        ("theme: !!python/object:os.system {}\n", 0, "constructor"),
        ("- a list\n", 0, "object"),
        ("theme: x\nclipboard: always\n", 2, "clipboard"),
        ("notifications:\n  web: loud\n", 1, "notifications"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert said in caught.value.detail
    assert str(file) in caught.value.detail
    if line:
        assert caught.value.line == line


def test_a_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("password: hunter2\n")
    with pytest.raises(ConfigError, match="hold a secret") as caught:
        load_settings(file)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "theme: 2020-13-45",
        pytest.param("[" * 5000, id="too deep"),
        "transfers_at_once: 0",
        "keepalive_interval: -5",
        "connect_timeout: 99999999999999999999",
        "scrollback: -1",
        "scrollbacks: {db-*: -1}",
        "scrollbacks: {db-*: many}",
        "prefix: ''",
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"settings\.yaml"):
        load_settings(file)


@pytest.mark.parametrize("text", ["Password: x", "keymap:\n  passphrase: x"])
def test_secrets_are_refused_at_any_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="hold a secret"):
        load_settings(file)
