"""Snippets: commands that a person has given names, with places for values in them.

``{name}`` is replaced by the value as it is typed, ``{name!q}`` by the value quoted for a POSIX
shell. Whatever else has braces stays as it is: ``${HOME}``, ``awk '{print $1}'``, ``{a,b}``; and
``{{name}}`` stands for ``{name}`` itself.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sshdash.config.patterns import matches_host
from sshdash.errors import ConfigError
from sshdash.paths import config_dir

_PLACE = re.compile(
    r"(?<!\$)(\{\{[A-Za-z_]\w*(?:!q)?\}\})|(?<!\$)\{([A-Za-z_]\w*)(!q)?\}", re.ASCII
)


class Snippet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One command, or several lines of them."""

    run: str
    """The text, with places for values."""
    about: str = ""
    """What it is for, beside its name."""
    values: dict[str, str] = {}
    """What its places have in them at first."""
    hosts: tuple[str, ...] = ()
    """Patterns of the hosts it is offered on; everywhere without any."""
    name: str = ""

    @property
    def places(self) -> list[str]:
        """Return the names of its values, each once, in order."""
        found = (match.group(2) for match in _PLACE.finditer(self.run))
        return list(dict.fromkeys(name for name in found if name))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with its values, without the end of its last line."""

        def value(match: "re.Match[str]") -> str:
            literal, name, quoted = match.groups()
            if literal:
                return str(literal[1:-1])
            text = values.get(name, "")
            return shlex.quote(text) if quoted else text

        return _PLACE.sub(value, self.run).rstrip("\n")

    def fits(self, hosts: Sequence[str]) -> bool:
        """Return whether it is offered where these hosts are in sight."""
        patterns = ",".join(self.hosts)
        return not patterns or all(matches_host(host, patterns) for host in hosts)


def snippets_file() -> Path:
    """Return where the snippets are read from."""
    return config_dir() / "snippets.yaml"


def load_snippets(path: Path | None = None) -> list[Snippet]:
    """Return the snippets of a file (the user's by default); none where it is missing.

    Raises ConfigError with file and line.
    """
    path = path or snippets_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("Cannot read the snippets", path, detail=str(error)) from error
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError.of_yaml("The snippets do not parse", path, error) from error
    if data is None:
        return []
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        raise ConfigError("The snippets are wrong", path, 1, detail="expected names with commands")
    lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
    return [
        _snippet(str(name), value, path, lines.get(str(name), 0)) for name, value in data.items()
    ]


def _snippet(name: str, value: Any, path: Path, line: int) -> Snippet:
    """Return one snippet: a text alone, or a mapping."""
    fields = {"run": value} if isinstance(value, str) else value
    try:
        if not isinstance(fields, dict) or "name" in fields:
            raise msgspec.ValidationError("expected a command, or a mapping with `run`")
        snippet = msgspec.convert({**fields, "name": name}, Snippet)
        if not snippet.run.strip():
            raise msgspec.ValidationError("`run` is empty")
        if unknown := [one for one in snippet.values if one not in snippet.places]:
            raise msgspec.ValidationError(f"there is no place {{{unknown[0]}}} in it")
    except msgspec.ValidationError as error:
        detail = f"{name}: {error}"
        hint = "known fields: run, about, values, hosts"
        raise ConfigError("The snippets are wrong", path, line, detail, hint) from error
    return snippet
