"""Trees as find(1) tells of them, and when it is given up."""

import asyncio
from pathlib import Path

import pytest

from sshdash.sftp.find import index_tree
from tests.patience import PATIENCE

_COMPLAINING = """\
#!/bin/sh
printf 'f 1 1.0 \\0a\\0'
while :; do echo "find: somewhere: Permission denied" >&2; done
"""


async def nobody(host: str, purpose: str) -> None:
    raise AssertionError((host, purpose))


async def index(root: Path) -> set[bytes] | None:
    """Return the names that are found in a folder of this machine."""
    async with asyncio.timeout(PATIENCE):
        found = await index_tree(nobody, "", bytes(root), lambda count: None)  # type: ignore[arg-type]
    return None if found is None else {*(found.take(b"") or ())}


async def test_what_complains_is_given_up_at_once_however_much_it_has_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").touch()
    assert await index(tmp_path / "tree") == {b"a"}
    find = tmp_path / "find"
    find.write_text(_COMPLAINING)
    find.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sshdash.sftp.find._PATIENCE", 10 * PATIENCE)
    assert await index(tmp_path / "tree") is None
