"""What is watched so that no change of a configuration goes unseen."""

from pathlib import Path

import pytest

from sshdash.config.catalog import load_catalog
from sshdash.config.includes import matches_path
from sshdash.config.source import ConfigSource
from sshdash.config.watched import Watched, remote_kind

MOUNTS = """\
22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw
30 22 0:40 / /home rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
31 22 0:41 / /home/bob/local\\040disk rw - ext4 /dev/vdb1 rw
40 22 0:50 / /mnt/laptop rw - fuse.sshfs me@laptop:/ rw
"""


def watched(home: Path, text: str) -> Watched:
    config = home / ".ssh" / "config"
    config.write_text(text)
    return Watched(load_catalog(ConfigSource.standard()))


def test_files_patterns_and_folders_on_the_way_matter(home: Path) -> None:
    ssh = home / ".ssh"
    found = watched(home, "Include conf.d/*.conf more/*/hosts\nHost web\n")
    for name in ("config", "conf.d", "conf.d/a.conf", "more", "more/x", "more/x/hosts"):
        assert found.concerns(str(ssh / name)), name
    for name in ("known_hosts", "conf.d/a.txt", "conf.d/.a.conf.swp", "conf.d/x/a.conf", ".x.swp"):
        assert not found.concerns(str(ssh / name)), name
    assert {str(ssh), str(home)} <= set(found.folders)


def test_folders_that_come_are_watched_too(home: Path) -> None:
    text = "Include conf.d/*.conf more/*/hosts\n"
    before = watched(home, text)
    (home / ".ssh" / "conf.d").mkdir()
    (home / ".ssh" / "more" / "x").mkdir(parents=True)
    after = watched(home, text)
    assert after != before
    new = {str(home / ".ssh" / name) for name in ("conf.d", "more", "more/x")}
    assert new <= set(after.folders) - set(before.folders)
    assert after == watched(home, text)


def test_a_folder_in_the_place_of_another_is_another(home: Path) -> None:
    folder = home / ".ssh" / "conf.d"
    folder.mkdir()
    before = watched(home, "Include conf.d/*\n")
    folder.rename(home / ".ssh" / "old")
    folder.mkdir()
    assert watched(home, "Include conf.d/*\n") != before


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/etc/ssh", ""),
        ("/home/ann/.ssh", "nfs4"),
        ("/home/bob/local disk/ssh", ""),
        ("/homes", ""),
        ("/mnt/laptop", "fuse.sshfs"),
    ],
)
def test_folders_that_other_machines_may_change_are_known(folder: str, kind: str) -> None:
    assert remote_kind(folder, MOUNTS) == kind


@pytest.mark.parametrize(
    ("pattern", "path", "matched"),
    [
        ("/a/*.conf", "/a/b.conf", True),
        ("/a/*.conf", "/a/.b.conf", False),
        ("/a/.*", "/a/.b", True),
        ("/a/*", "/a/b/c", False),
        ("/a/[bc]", "/a/c", True),
        ("/a/b", "/a/b", True),
    ],
)
def test_patterns_match_as_the_shell_has_it(pattern: str, path: str, matched: bool) -> None:
    assert matches_path(pattern, path) is matched
