"""The file of the rules, which a person may edit by hand."""

from collections.abc import Callable, Iterable
from pathlib import Path

from sshdash.config.saving import locked, read_version, replace_file
from sshdash.errors import ConfigError
from sshdash.paths import config_dir, private_dir
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.rules_edit import with_rule, without_rule
from sshdash.tunnels.kept.rules_text import MOST_BYTES, RuleList, parse_rules


def rules_file() -> Path:
    """Return where the rules are kept."""
    return config_dir() / "tunnels.yaml"


def load_rules(path: Path | None = None) -> RuleList:
    """Return the rules of a file (the user's by default); none where it is missing.

    Raises FileError where it cannot be read, ConfigError with the line where it is no YAML.
    """
    path = path or rules_file()
    return parse_rules(_text(path, read_version(str(path)).data), path)


def save_rule(rule: Rule, old: str = "", path: Path | None = None) -> RuleList:
    """Write a rule, in the place of the one called `old` if any, and return all there are.

    Raises what reading raises, ConfigError where it cannot be, and ChangedSince.
    """
    return _change(path, lambda text, file: with_rule(text, file, rule, old))


def save_rules(rules: Iterable[Rule], path: Path | None = None) -> RuleList:
    """Add rules to the file, all of them or none, and return all there are; see `save_rule`."""

    def with_all(text: str, file: Path) -> str:
        for rule in rules:
            text = with_rule(text, file, rule, "")
        return text

    return _change(path, with_all)


def remove_rule(name: str, path: Path | None = None) -> RuleList:
    """Take a rule out of the file, and return what is left. Raises as `save_rule` does."""
    return _change(path, lambda text, file: without_rule(text, file, name))


def _change(path: Path | None, change: Callable[[str, Path], str]) -> RuleList:
    path = path or rules_file()
    private_dir(path.parent)
    with locked(path.with_suffix(".lock")):
        version = read_version(str(path))
        text = _text(path, version.data)
        changed = change(text, path)
        if changed != text:
            replace_file(version, changed.encode())
    return parse_rules(changed, path)


def _text(path: Path, data: bytes | None) -> str:
    if data is None:
        return ""
    if len(data) > MOST_BYTES:
        raise ConfigError("The tunnels' rules cannot be read", path, detail="it is too large")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        detail = "it is no UTF-8 text"
        raise ConfigError("The tunnels' rules cannot be read", path, detail=detail) from error
