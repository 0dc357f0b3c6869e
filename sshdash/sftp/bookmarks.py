"""Folders that a person keeps for each host, in a file that may be edited by hand.

local:
- /home/me/src
hosts:
  web-1:
  - /var/log
"""

from pathlib import Path
from typing import Annotated

import msgspec

from sshdash.config.saving import locked, read_version, replace_file
from sshdash.errors import ConfigError
from sshdash.paths import config_dir, private_dir
from sshdash.sftp.entries import normalize
from sshdash.untrusted import clean

Bookmarks = dict[str, tuple[bytes, ...]]
"""Endpoint (empty for this machine) to its folders, in the order they were kept."""

_MOST_BYTES = 500_000
_Path = Annotated[str, msgspec.Meta(pattern="^/")]
_HEAD = "# Bookmarks of sshdash's file panes, here and on each host.\n"


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it is written."""

    local: list[_Path] = []
    hosts: dict[str, list[_Path]] = {}


def bookmarks_file() -> Path:
    """Return where bookmarks are kept."""
    return config_dir() / "bookmarks.yaml"


def load_bookmarks() -> Bookmarks:
    """Return all bookmarks; none where there is no file.

    Raises FileError where it cannot be read, ConfigError where it is not what it should be.
    """
    file = bookmarks_file()
    data = read_version(str(file)).data
    return {} if data is None else _parse(data, file)


def keep_bookmark(endpoint: str, folder: bytes, wanted: bool = True) -> Bookmarks:
    """Add a bookmark, or take it away, and return all. Raises what reading raises, ChangedSince."""
    file = bookmarks_file()
    private_dir(file.parent)
    with locked(file.with_suffix(".lock")):
        version = read_version(str(file))
        bookmarks = {} if version.data is None else _parse(version.data, file)
        others = tuple(one for one in bookmarks.get(endpoint, ()) if one != folder)
        kept = (*others, folder) if wanted else others
        if kept != bookmarks.get(endpoint, ()):
            bookmarks = {**bookmarks, endpoint: kept}
            bookmarks = {host: folders for host, folders in bookmarks.items() if folders}
            replace_file(version, _text(bookmarks).encode())
    return bookmarks


def _text(bookmarks: Bookmarks) -> str:
    import yaml

    texts = {
        endpoint: [folder.decode("utf-8", "surrogateescape") for folder in folders]
        for endpoint, folders in bookmarks.items()
    }
    local = texts.pop("", None)
    data = ({"local": local} if local else {}) | ({"hosts": texts} if texts else {})
    return _HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _parse(data: bytes, file: Path) -> Bookmarks:
    import yaml

    title = "The bookmarks cannot be read"
    if len(data) > _MOST_BYTES:
        raise ConfigError(title, file, detail=f"more than {_MOST_BYTES} bytes")
    try:
        found = yaml.safe_load(data.decode())
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigError.of_yaml(title, file, error) from error
    try:
        kept = msgspec.convert(found or {}, _Kept)
    except msgspec.ValidationError as error:
        raise ConfigError(title, file, detail=clean(str(error))) from error
    folders = ({"": kept.local} if kept.local else {}) | kept.hosts
    return {endpoint: _paths(texts) for endpoint, texts in folders.items()}


def _paths(texts: list[_Path]) -> tuple[bytes, ...]:
    paths = (normalize(text.encode("utf-8", "surrogateescape")) for text in texts)
    return tuple(dict.fromkeys(paths))
