"""Layouts as files: which hosts have a terminal, in which tabs, and how those are split.

tabs:
- host: bastion
- columns:
  - host: web-1
    share: 60
  - share: 40
    rows:
    - host: db-1
    - host: db-1
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sshdash.config.saving import Version, read_version, replace_file
from sshdash.errors import ConfigError, SSHDashError
from sshdash.paths import config_dir, private_dir, state_dir
from sshdash.ui.split_places import Axis, Branch, Leaf, Node
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from yaml.nodes import Node as YamlNode
    from yaml.nodes import ScalarNode

_SUFFIX = ".yaml"
_PART = ("host", "share", *(axis.value for axis in Axis))
_MOST_BYTES = 100_000
_MOST_PANES = 200
_DEEPEST = 20
_LONGEST_NAME = 64
_LONGEST_HOST = 1_000
_HEAD = "# A layout of sshdash. A share is in proportion to those of the parts beside it.\n"


@dataclass(frozen=True, slots=True)
class TabLayout:
    """One tab: its splits, whose panes are the places of their hosts."""

    root: Node
    hosts: tuple[str, ...]
    here: bool = False
    """It is the one in sight."""


Layout = tuple[TabLayout, ...]


@dataclass(frozen=True, slots=True)
class SavedLayout:
    """A layout by its name; what is wrong with its file, where it cannot be read."""

    name: str
    layout: Layout = ()
    problem: SSHDashError | None = None


# -- files


def layouts_dir() -> Path:
    """Return the folder of the layouts (not created here)."""
    return config_dir() / "layouts"


def last_layout_file() -> Path:
    """Return where the layout of the last time is kept."""
    return state_dir() / f"last-layout{_SUFFIX}"


def layout_file(name: str) -> Path:
    """Return where a layout is kept."""
    return layouts_dir() / f"{name}{_SUFFIX}"


def name_problem(name: str) -> str:
    """Return why a layout cannot be called so, empty where it can."""
    name = name.strip()
    if not name:
        return "a name, please"
    if len(name.encode()) > _LONGEST_NAME:
        return f"at most {_LONGEST_NAME} bytes"
    if "/" in name or name.startswith(".") or clean(name) != name:
        return "no slash, no leading dot, nothing that cannot be shown"
    return ""


def list_layouts() -> list[SavedLayout]:
    """Return the layouts by name, those that cannot be read with the reason."""
    try:
        files = sorted(layouts_dir().glob(f"*{_SUFFIX}"))
    except OSError:
        return []
    listed = []
    for file in files:
        try:
            listed.append(SavedLayout(file.stem, read_layout(file) or ()))
        except SSHDashError as error:
            listed.append(SavedLayout(file.stem, problem=error))
    return listed


def read_layout(path: Path) -> Layout | None:
    """Return the layout in a file, None where there is none.

    Raises FileError where it cannot be read, ConfigError with the line of what is wrong in it.
    """
    data = read_version(str(path)).data
    if data is None:
        return None
    if len(data) > _MOST_BYTES:
        raise ConfigError("Not a layout", path, detail=f"more than {_MOST_BYTES} bytes")
    try:
        return parse_layout(data.decode(), path)
    except UnicodeDecodeError as error:
        raise ConfigError("Not a layout", path, detail="it is no UTF-8 text") from error


def write_layout(path: Path, layout: Layout) -> None:
    """Write a layout for this user alone, whole or not at all. Raises FileError, ChangedSince."""
    private_dir(path.parent)
    replace_file(read_version(str(path)), layout_text(layout).encode())


def remove_layout(path: Path) -> None:
    """Remove the file of a layout. Raises FileError, ChangedSince."""
    version: Version = read_version(str(path))
    if version.data is not None:
        replace_file(version, None)


# -- their text


def layout_text(layout: Layout) -> str:
    """Return a layout as YAML."""
    import yaml

    data = {
        "tabs": [
            ({"here": True} if tab.here else {}) | _data(tab.root, tab.hosts) for tab in layout
        ]
    }
    return _HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _data(node: Node, hosts: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(node, Leaf):
        return {"host": hosts[node.pane]}
    parts = [_data(part, hosts) for part in node.parts]
    total = sum(node.shares)
    if len(set(node.shares)) > 1:
        parts = [
            {"share": round(100 * share / total, 2), **part}
            for share, part in zip(node.shares, parts, strict=True)
        ]
    return {node.axis.value: parts}


def parse_layout(text: str, path: Path | str) -> Layout:
    """Return the layout that a YAML text describes. Raises ConfigError with the line."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError.of_yaml("The layout does not parse", path, error) from error
    return _Reader(path).layout(node)


class _Reader:
    """Makes a layout of what YAML found, and knows the line of everything."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._panes = 0
        self._hosts: list[str] = []

    def layout(self, node: "YamlNode | None") -> Layout:
        """Return all of it."""
        if node is None:
            self._fail(None, "it is empty: tabs is missing")
        fields = dict(self._fields(node, ("tabs",)))
        if "tabs" not in fields:
            self._fail(node, "tabs is missing")
        return tuple(self._tab(one) for one in self._items(fields["tabs"]))

    def _tab(self, node: "YamlNode") -> TabLayout:
        self._hosts = []
        fields = dict(self._fields(node, (*_PART, "here")))
        here = fields.pop("here", None)
        root, _ = self._part(node, fields, 0)
        return TabLayout(root, tuple(self._hosts), self._truth(here))

    def _truth(self, node: "YamlNode | None") -> bool:
        word = "false" if node is None else self._scalar(node).value
        if word not in ("true", "false"):
            self._fail(node, "here is true or false")
        return word == "true"

    def _inner(self, node: "YamlNode", depth: int) -> tuple[Node, float]:
        return self._part(node, dict(self._fields(node, _PART)), depth)

    def _part(
        self, node: "YamlNode", fields: "dict[str, YamlNode]", depth: int
    ) -> tuple[Node, float]:
        share = self._share(fields.pop("share", None))
        if len(fields) != 1 or depth > _DEEPEST:
            deep = f"more than {_DEEPEST} splits inside each other"
            self._fail(node, deep if depth > _DEEPEST else "one of host, columns, rows is needed")
        [(kind, value)] = fields.items()
        if kind == "host":
            return self._leaf(value), share
        parts = [self._inner(one, depth + 1) for one in self._items(value)]
        if len(parts) < 2:
            self._fail(value, f"{kind} needs two parts at least")
        nodes, shares = zip(*parts, strict=True)
        return Branch(Axis(kind), nodes, shares), share

    def _leaf(self, node: "YamlNode") -> Leaf:
        host = self._scalar(node).value
        self._panes += 1
        if self._panes > _MOST_PANES:
            self._fail(node, f"more than {_MOST_PANES} terminals")
        if not host or len(host) > _LONGEST_HOST:
            self._fail(node, "a host is needed")
        self._hosts.append(host)
        return Leaf(len(self._hosts) - 1)

    def _share(self, node: "YamlNode | None") -> float:
        if node is None:
            return 1.0
        try:
            share = float(self._scalar(node).value)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1_000_000:
            self._fail(node, "share is a number above 0")
        return share

    def _fields(self, node: "YamlNode", known: tuple[str, ...]) -> Iterator[tuple[str, "YamlNode"]]:
        from yaml.nodes import MappingNode

        if not isinstance(node, MappingNode):
            self._fail(node, f"one of {', '.join(known)} is needed")
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name not in known or name in seen:
                problem = "is there twice" if name in seen else "is not known"
                self._fail(key, f"{clean(name)} {problem}; known: {', '.join(known)}")
            seen.add(name)
            yield name, value

    def _items(self, node: "YamlNode") -> list["YamlNode"]:
        from yaml.nodes import SequenceNode

        if not isinstance(node, SequenceNode):
            self._fail(node, "a list is needed, each part behind a dash")
        return list(node.value)

    def _scalar(self, node: "YamlNode") -> "ScalarNode":
        from yaml.nodes import ScalarNode

        if not isinstance(node, ScalarNode):
            self._fail(node, "one word is needed")
        return node

    def _fail(self, node: "YamlNode | None", problem: str) -> NoReturn:
        line = node.start_mark.line + 1 if node is not None else 0
        raise ConfigError("The layout is wrong", self._path, line, detail=problem)
