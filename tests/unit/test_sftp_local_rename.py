"""Giving a local file another name without replacing anything, by a hard link."""

import os
from pathlib import Path
from typing import Any

import pytest

from sshdash.sftp import local_calls


@pytest.fixture
def names(tmp_path: Path) -> tuple[bytes, bytes]:
    """Return the name of a file and one that is free."""
    (tmp_path / "old").write_bytes(b"the only copy")
    return bytes(tmp_path / "old"), bytes(tmp_path / "new")


def test_a_file_whose_old_name_went_by_itself_keeps_the_new_one(
    names: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def told_too_late(path: Any) -> None:
        unlink(path)
        raise FileNotFoundError  # as NFS may say where its first answer was lost

    monkeypatch.setattr(os, "unlink", told_too_late)
    local_calls.rename(*names)
    assert Path(os.fsdecode(names[1])).read_bytes() == b"the only copy"


def test_a_file_that_may_not_be_moved_stays_where_it_was_and_there_alone(
    names: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def refused(path: Any) -> None:
        if path == names[0]:
            raise PermissionError
        unlink(path)

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(PermissionError):
        local_calls.rename(*names)
    assert [os.path.lexists(name) for name in names] == [True, False]


def test_a_file_that_somebody_else_put_under_the_old_name_takes_nothing_away(
    names: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(path: Any) -> None:
        other = Path(os.fsdecode(path) + ".other")
        other.write_bytes(b"another")
        other.replace(os.fsdecode(path))
        raise PermissionError

    monkeypatch.setattr(os, "unlink", replaced)
    local_calls.rename(*names)
    assert Path(os.fsdecode(names[1])).read_bytes() == b"the only copy"
