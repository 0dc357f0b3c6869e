"""Unix sockets that listen here: their permissions, and what is not ours."""

import errno
import os
import stat
from pathlib import Path

import pytest

from sshdash.tunnels.forwards.socket_file import SocketFile, explain_socket


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("by_umask", [False, True])
def test_permissions_come_with_the_name_and_not_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_umask: bool
) -> None:
    def refuse(descriptor: int, mode: int) -> None:
        raise OSError(errno.EINVAL, "no mode for a socket")

    if by_umask:
        monkeypatch.setattr(os, "fchmod", refuse)
    monkeypatch.setattr(os, "chmod", None)
    before = os.umask(0)
    try:
        file = SocketFile(str(tmp_path / "s"), 0o117, unlink=False)
        assert mode_of(tmp_path / "s") == 0o660
        file.remove()
        assert os.umask(0) == 0, "the umask of the process is as it was"
    finally:
        os.umask(before)


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    goal, link = tmp_path / "goal", tmp_path / "link"
    other = SocketFile(str(goal), 0o177, unlink=False)
    link.symlink_to(goal)
    with pytest.raises(OSError, match="in use"):
        SocketFile(str(link), 0o177, unlink=True)
    assert link.is_symlink()
    assert goal.exists()
    other.remove()
    other.remove()
    assert not goal.exists()


def test_a_short_name_is_taken_for_a_long_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    file = SocketFile("./s", 0o177, unlink=False)
    monkeypatch.chdir(tmp_path)
    file.remove()
    assert not list(folder.iterdir())


def test_a_failure_without_a_number_is_explained() -> None:
    with pytest.raises(OSError, match="too long") as caught:
        SocketFile("/" + "a" * 300, 0o177, unlink=False)
    assert "too long" in explain_socket(caught.value, "/" + "a" * 300).detail
