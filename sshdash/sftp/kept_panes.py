"""How the file panes were the last time, in a file of this user's state.

view:
  sort: time
  columns: [size, time]
tabs:
- host: web-1
  left:
    folders:
    - folder: /home/me
  right:
    folders:
    - host: web-1
      folder: /var/log
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from sshdash.config.saving import read_version, replace_file
from sshdash.errors import ConfigError
from sshdash.paths import private_dir, state_dir
from sshdash.sftp.browser import Column, SortKey, View
from sshdash.sftp.entries import normalize
from sshdash.untrusted import clean

_MOST_BYTES = 500_000
MOST = 50
"""Tabs of files, and folders in one pane: more are not kept."""
_HEAD = "# The file panes of sshdash as they were the last time.\n"
_Path = Annotated[str, msgspec.Meta(pattern="^/")]


class KeptView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a pane shows beside the names, and in which order."""

    sort: SortKey = SortKey.NAME
    reverse: bool = False
    hidden: bool = False
    columns: tuple[Column, ...] | None = None
    """None for what there is room for."""

    @classmethod
    def of(cls, view: View) -> "KeptView":
        """Return what is kept of a view: all but the filter."""
        columns = view.columns
        chosen = None if columns is None else tuple(one for one in Column if one in columns)
        return cls(view.sort, view.reverse, view.show_hidden, chosen)

    @property
    def view(self) -> View:
        """The view again."""
        columns = None if self.columns is None else frozenset(self.columns)
        return View(self.sort, self.reverse, self.hidden, columns=columns)


class KeptFolder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One tab of a pane."""

    folder: _Path
    host: str = ""
    """Empty for this machine."""
    view: KeptView = KeptView()

    @classmethod
    def of(cls, host: str, path: bytes, view: View) -> "KeptFolder":
        """Return what is kept of a tab."""
        return cls(path.decode("utf-8", "surrogateescape"), host, KeptView.of(view))

    @property
    def path(self) -> bytes:
        """The folder, normalized."""
        return normalize(self.folder.encode("utf-8", "surrogateescape"))


class KeptPane(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One pane: its tabs, and which of them is in sight."""

    folders: Annotated[tuple[KeptFolder, ...], msgspec.Meta(min_length=1, max_length=MOST)]
    current: Annotated[int, msgspec.Meta(ge=0, lt=MOST)] = 0

    @classmethod
    def of(cls, folders: tuple[KeptFolder, ...], current: int) -> "KeptPane":
        """Return a pane with no more folders than are kept."""
        first = max(current - MOST + 1, 0)
        return cls(folders[first : first + MOST], current - first)


class KeptTab(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tab with two panes."""

    host: str
    """Whose files it was opened for."""
    left: KeptPane
    right: KeptPane
    active: Literal["left", "right"] = "left"
    place: Annotated[int, msgspec.Meta(ge=-1)] = -1
    """Where it was among all tabs that come back, -1 for behind them."""
    here: bool = False
    """It was the one in sight."""


class KeptPanes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file."""

    view: KeptView = KeptView()
    """The view that was chosen last: new panes begin with it."""
    tabs: Annotated[tuple[KeptTab, ...], msgspec.Meta(max_length=MOST)] = ()


def kept_panes_file() -> Path:
    """Return where the panes of the last time are kept."""
    return state_dir() / "last-files.yaml"


def read_panes(file: Path) -> KeptPanes:
    """Return what was kept; nothing where there is no file.

    Raises FileError where it cannot be read, ConfigError where it is not what it should be.
    """
    import yaml

    title = "The file panes of the last time cannot be read"
    data = read_version(str(file)).data
    if data is None:
        return KeptPanes()
    if len(data) > _MOST_BYTES:
        raise ConfigError(title, file, detail=f"more than {_MOST_BYTES} bytes")
    try:
        found = yaml.safe_load(data.decode())
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigError.of_yaml(title, file, error) from error
    try:
        return msgspec.convert(found if found is not None else {}, KeptPanes)
    except msgspec.ValidationError as error:
        raise ConfigError(title, file, detail=clean(str(error))) from error


def write_panes(file: Path, panes: KeptPanes) -> None:
    """Keep the panes for this user alone, whole or not at all. Raises FileError, ChangedSince."""
    import yaml

    private_dir(file.parent)
    built: Any = msgspec.to_builtins(panes, builtin_types=())
    text = _HEAD + yaml.safe_dump(_lists(built), sort_keys=False, allow_unicode=True)
    replace_file(read_version(str(file)), text.encode())


def _lists(built: Any) -> Any:
    """Return builtins without tuples, which YAML has none of."""
    if isinstance(built, dict):
        return {name: _lists(one) for name, one in built.items()}
    return [_lists(one) for one in built] if isinstance(built, list | tuple) else built
