"""Rules as YAML: what a text says, and how a rule is written. Pure.

billing-db:
  host: db-1
  forwards: ["-L 5432:db:5432", "-D 1080"]
  note: the replica, for reports
  probe: {http: /health, every: 30}
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import msgspec

from sshdash.errors import ConfigError, SSHDashError
from sshdash.tunnels.kept.rule import Meanwhile, Probe, ProbeKind, Rule, Start
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from yaml.nodes import MappingNode
    from yaml.nodes import Node as YamlNode

MOST_BYTES = 1_000_000
COLOURS = (
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
    "bright_black", "bright_red", "bright_green", "bright_yellow", "bright_blue",
    "bright_magenta", "bright_cyan", "bright_white",
)  # fmt: skip
"""The terminal's sixteen."""
_TITLE = "A tunnel's rule is wrong"
_LONGEST_NAME = 64
_SECRETS = frozenset({"password", "passphrase", "secret", "token"})
_TEXT = "text, in quotes where it looks like a number or a date"
_WANTED = {
    "host": "a host as after ssh, in quotes where it looks like a number or a date",
    "forwards": 'options of ssh, as "-L 5432:db:5432" or a list of such',
    "note": _TEXT,
    "tags": "a list of words, as [prod, db]",
    "colour": f"one of {', '.join(COLOURS)}",
    "start": "launch, host or never",
    "group": _TEXT,
    "meanwhile": "wait or refuse",
    "probe": "tcp, http, postgres, redis or ssh, or as {http: /path, every: 30}",
}
"""What each field of a rule has to be, for whoever wrote something else."""
_OPTION = re.compile(r"-([A-Za-z])\s*(\S.*)", re.DOTALL)
_FIELD = re.compile(r"\$\.(\w+)")
_PATH = re.compile(r"/[!-~]*")
_Text = Annotated[str, msgspec.Meta(max_length=4_000)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
_Seconds = Annotated[float, msgspec.Meta(ge=1, le=86_400)]


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """A rule as it is written."""

    host: _Word
    forwards: Annotated[list[_Word], msgspec.Meta(min_length=1, max_length=200)] | _Word
    note: _Text = ""
    tags: list[_Word] = []
    colour: Literal["", *COLOURS] = ""  # type: ignore[valid-type]
    start: Start = Start.NEVER
    group: _Text = ""
    meanwhile: Meanwhile = Meanwhile.WAIT
    probe: ProbeKind | dict[str, str | float | None] = ProbeKind.TCP


FIELDS = _Kept.__struct_fields__


@dataclass(frozen=True, slots=True)
class RuleList:
    """The rules of a text, and what is wrong with the others."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[ConfigError, ...] = ()
    lines: dict[str, int] = field(default_factory=dict)
    """Where each rule begins, those that are wrong included."""


def name_problem(name: str) -> str:
    """Return why a rule cannot be called so, empty where it can."""
    if not name.strip():
        return "a rule needs a name"
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        return f"a rule's name has at most {_LONGEST_NAME} bytes"
    if "/" in name or name[0] in "-." or name != name.strip() or clean(name) != name:
        return "a rule's name has no slash, no - or . in front, and nothing that cannot be shown"
    return ""


# -- reading


def compose(text: str, path: Path | str) -> "MappingNode | None":
    """Return what YAML makes of a text, None of an empty one. Raises ConfigError with the line."""
    import yaml

    title = "The tunnels' rules cannot be read"
    if len(text) > MOST_BYTES:
        raise ConfigError(title, path, detail=f"more than {MOST_BYTES} bytes")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError.of_yaml(title, path, error) from error
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise ConfigError(title, path, 1, "names of rules are needed, each with what it is")
    return node


def parse_rules(text: str, path: Path | str) -> RuleList:
    """Return the rules that a text has; one that is wrong does not stop the others.

    Raises ConfigError, with the line, where all of it is no YAML or no mapping.
    """
    if not text.strip():
        return RuleList()  # most people have none, and need not wait for the library
    rules: dict[str, Rule] = {}
    problems: list[ConfigError] = []
    lines: dict[str, int] = {}
    for name, rule, problem, line in _entries(compose(text, path), path):
        if name in lines:
            twice = f"{clean(name)}: there is a rule of that name already, in line {lines[name]}"
            problem, rule = ConfigError(_TITLE, path, line, twice), None
        lines.setdefault(name, line)
        if problem is not None:
            problems.append(problem)
        elif rule is not None and (other := _same_forward(rule, rules)):
            detail = f"{clean(name)}: {other} has the same forward of the same host"
            problems.append(ConfigError(_TITLE, path, line, detail))
        elif rule is not None:
            rules[name] = rule
    return RuleList(tuple(rules.values()), tuple(problems), lines)


def read_rule(name: str, node: "YamlNode", path: Path | str) -> Rule:
    """Return the rule that a node is. Raises ConfigError with the line."""
    return _Reader(name, path).rule(node)


def _entries(
    node: "MappingNode | None", path: Path | str
) -> Iterator[tuple[str, Rule | None, ConfigError | None, int]]:
    for key, value in node.value if node is not None else ():
        name = str(key.value)
        line = int(key.start_mark.line) + 1
        try:
            if problem := name_problem(name):
                raise ConfigError(_TITLE, path, line, f"{clean(name)}: {problem}")
            yield name, read_rule(name, value, path), None, line
        except ConfigError as error:
            yield name, None, error, line


def _same_forward(rule: Rule, rules: dict[str, Rule]) -> str:
    """Return the name of a rule that has a forward of this one, empty where there is none."""
    for other in rules.values():
        if other.host == rule.host and set(other.forwards) & set(rule.forwards):
            return other.name
    return ""


class _Reader:
    """Makes a rule of what YAML found, and knows the line of everything."""

    def __init__(self, name: str, path: Path | str) -> None:
        self._name = name
        self._path = path

    def rule(self, node: "YamlNode") -> Rule:
        """Return all of it."""
        data: dict[str, Any] = {}
        places: dict[str, YamlNode] = {}
        for field_name, key, value in self._fields(node):
            places[field_name] = key
            data[field_name] = self._plain(value)
        try:
            kept = msgspec.convert(data, _Kept)
        except msgspec.ValidationError as error:
            self._fail(*_misfit(str(error), node, places))
        return Rule(
            name=self._name,
            host=self._host(kept.host, places["host"]),
            forwards=self._forwards(kept.forwards, places["forwards"]),
            note=kept.note,
            tags=tuple(kept.tags),
            colour=kept.colour,
            start=kept.start,
            group=kept.group,
            meanwhile=kept.meanwhile,
            probe=self._probe(kept.probe, places.get("probe", node)),
        )

    def _fields(self, node: "YamlNode") -> Iterator[tuple[str, "YamlNode", "YamlNode"]]:
        from yaml.nodes import MappingNode

        known = f"known: {', '.join(FIELDS)}"
        if not isinstance(node, MappingNode):
            self._fail(node, f"host and forwards are needed; {known}")
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name.lower() in _SECRETS:
                self._fail(key, "sshdash keeps no secret in a file: use an SSH agent instead")
            if name not in FIELDS or name in seen:
                self._fail(
                    key,
                    f"{clean(name)} is {'there twice' if name in seen else 'not known'}; {known}",
                )
            seen.add(name)
            yield name, key, value

    def _plain(self, node: "YamlNode", depth: int = 0) -> Any:
        """Return a word, or a list or mapping of words: nothing of a rule is deeper."""
        from yaml.nodes import MappingNode, SequenceNode

        if depth > 1:
            self._fail(node, "that is too deep")
        if isinstance(node, SequenceNode):
            return [self._plain(one, depth + 1) for one in node.value]
        if isinstance(node, MappingNode):
            return {str(key.value): self._plain(value, depth + 1) for key, value in node.value}
        import yaml

        try:
            return yaml.constructor.SafeConstructor().construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self._fail(node, clean(getattr(error, "problem", None) or str(error)))

    def _host(self, host: str, place: "YamlNode") -> str:
        if host.startswith("-") or clean(host, 1_000) != host or not host.strip():
            self._fail(place, f"{clean(host)} is no host")
        return host

    def _forwards(self, texts: list[str] | str, place: "YamlNode") -> tuple[ForwardSpec, ...]:
        specs: list[ForwardSpec] = []
        for text in [texts] if isinstance(texts, str) else texts:
            try:
                spec = parse_option(text)
            except SSHDashError as error:
                self._fail(place, f"{error.detail or error.title} ({error.hint})")
            if spec in specs:
                self._fail(place, f"{clean(text)} is there twice")
            specs.append(spec)
        return tuple(specs)

    def _probe(self, kept: ProbeKind | dict[str, Any], place: "YamlNode") -> Probe:
        if isinstance(kept, ProbeKind):
            return Probe(kept)
        try:
            interval = msgspec.convert(kept.get("every"), _Seconds | None)
            kinds = {ProbeKind(name): value for name, value in kept.items() if name != "every"}
        except (msgspec.ValidationError, ValueError):
            self._fail(place, f"probe has to be {_WANTED['probe']}; every: 1 to 86400 seconds")
        if len(kinds) > 1:
            self._fail(place, "one way to ask is enough")
        kind, path = next(iter(kinds.items()), (ProbeKind.TCP, None))
        if path is None:
            return Probe(kind, interval=interval)
        if kind is not ProbeKind.HTTP or not _PATH.fullmatch(str(path)):
            self._fail(place, "a path goes with http alone, and begins with a slash")
        return Probe(kind, str(path), interval)

    def _fail(self, node: "YamlNode", problem: str) -> NoReturn:
        line = node.start_mark.line + 1
        raise ConfigError(_TITLE, self._path, line, f"{clean(self._name)}: {problem}")


def _misfit(said: str, node: "YamlNode", places: "dict[str, YamlNode]") -> "tuple[YamlNode, str]":
    """Return where something is wrong, and what belongs there."""
    found = _FIELD.search(said)
    name = found[1] if found else ""
    if name in _WANTED:
        return places.get(name, node), f"{name} has to be {_WANTED[name]}"
    missing = " and ".join(name for name in ("host", "forwards") if name not in places)
    return node, f"{missing} is missing" if missing else clean(said)


def parse_option(text: str) -> ForwardSpec:
    """Return the forward that an option of ssh is: ``-L 5432:db:5432``. Raises UsageError."""
    from sshdash.errors import UsageError

    found = _OPTION.fullmatch(text.strip())
    if found is None or found[1] not in {kind.value for kind in Kind}:
        raise UsageError(
            "Bad forward", f"'{clean(text, 120)}' is no option of ssh", "write -L, -R or -D first"
        )
    return parse_forward(Kind(found[1]), found[2])


# -- writing


def option_text(spec: ForwardSpec) -> str:
    """Return a forward as ssh's option."""
    return f"-{spec.kind.value} {spec}"


def rule_fields(rule: Rule) -> dict[str, Any]:
    """Return what is written of a rule: its fields in order, without those that are as usual."""
    fields: dict[str, Any] = {
        "host": rule.host,
        "forwards": [option_text(spec) for spec in rule.forwards],
        "note": rule.note,
        "tags": list(rule.tags),
        "colour": rule.colour,
        "start": rule.start.value if rule.start is not Start.NEVER else "",
        "group": rule.group,
        "meanwhile": rule.meanwhile.value if rule.meanwhile is not Meanwhile.WAIT else "",
        "probe": _probe_value(rule.probe),
    }
    return {name: value for name, value in fields.items() if value}


def value_text(value: Any) -> str:
    """Return a value on one line."""
    import yaml

    words = value if isinstance(value, list) else [value]
    plain = all(word.isprintable() for word in words if isinstance(word, str))
    listed = yaml.safe_dump(
        [value],
        default_flow_style=True,
        default_style=None if plain else '"',
        allow_unicode=True,
        width=10_000_000,
        sort_keys=False,
    )
    return str(listed).strip()[1:-1]


def rule_text(rule: Rule, newline: str = "\n") -> str:
    """Return a rule as it is written into the file."""
    lines = (f"  {name}: {value_text(value)}" for name, value in rule_fields(rule).items())
    return "".join(f"{line}{newline}" for line in (f"{value_text(rule.name)}:", *lines))


def _probe_value(probe: Probe) -> Any:
    path = probe.path if probe.path != Probe().path else None
    if path is None and probe.interval is None:
        return "" if probe.kind is ProbeKind.TCP else probe.kind.value
    value: dict[str, Any] = {probe.kind.value: path}
    if probe.interval is not None:
        whole = int(probe.interval)
        value["every"] = whole if whole == probe.interval else probe.interval
    return value
