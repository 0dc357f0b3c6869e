"""Trees of very many small files, and hosts that do something else than asked."""

import logging
import os
import shlex
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.live.file_kit import fill_with_odd_names
from tests.live.test_sftp_faults import SFTP_SERVERS
from tests.live.test_sftp_faults import small_disk as small_disk
from tests.servers.sshd import RealSshd

TAR = """\
#!/bin/sh
case $1 in --extract) {first};; esac
{real} "$@"
status=$?
case $1 in --extract) {then};; esac
exit $status
"""
MANY = 540
"""Small files: enough for a stream."""
MORE = 600
"""As many more that one tar is not asked for all of them."""
CUTS = 6
BY_SFTP = "small files go by SFTP"
IN_BULK = "small files came in one stream"
UP_BY_SFTP = "a folder of small files goes by SFTP"
WENT_IN_BULK = "small files went in one stream"


def furnish(folder: Path, files: int = MANY) -> None:
    """Make folders of small files, with odd names, modes and times."""
    for number in range(files):
        path = folder / f"folder {number % 7}" / "below" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1 + number * 13 % 3000))
        path.chmod(0o400 | number % 0o400)
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    (folder / "odd").mkdir()
    fill_with_odd_names(folder / "odd")


def files_below(folder: Path) -> list[Path]:
    """Return the regular files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def looks(folder: Path) -> dict[str, tuple[int, int]]:
    """Return modes and times of everything below a folder but links, which have none of theirs."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, int(path.lstat().st_mtime))
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a source with very many files and an empty target folder."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    furnish(source)
    return source, target


@pytest.fixture(params=["new", "there"])
def either(folders: tuple[Path, Path], request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """Return them with the folders of the source new to the target, or there and without files."""
    source, target = folders
    if request.param == "there":
        shutil.copytree(source, target / "source", ignore=no_folders)
    return folders


def no_folders(above: str, names: list[str]) -> list[str]:
    """Return which of the names are left out where folders alone are copied."""
    found = [Path(above, name) for name in names]
    return [path.name for path in found if path.is_symlink() or not path.is_dir()]


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return what is told of the way files go."""
    caplog.set_level(logging.DEBUG, "sshdash.sftp.bulk")
    return caplog


def around_unpacking(tmp_path: Path, first: str = ":", then: str = ":") -> str:
    """Return the commands that do more than asked, in the folder, before and after tar unpacks."""
    tar = tmp_path / "bin" / "tar"
    tar.parent.mkdir()
    tar.write_text(TAR.format(real=shutil.which("tar"), first=first, then=then))
    tar.chmod(0o755)
    return 'PATH=$PWD/bin:$PATH; eval "$asked"'


@asynccontextmanager
async def answering(commands: str, tmp_path: Path, **options: str) -> AsyncIterator[RealSshd]:
    """Run a server that has SFTP, and for commands only what a shell script makes of `$asked`."""
    program = next((one for one in SFTP_SERVERS if one.exists()), None)
    if program is None:
        pytest.skip("this system has no sftp-server program")
    script = tmp_path / "forced"
    script.write_text(
        "asked=$SSH_ORIGINAL_COMMAND\ncase $asked in\n"
        f"{program}) exec {program};;\nesac\ncd {shlex.quote(str(tmp_path))} || exit\n{commands}\n"
    )
    forced = f"/bin/sh {script}"
    async with RealSshd(subsystem=str(program), ForceCommand=forced, **options) as server:
        yield server
