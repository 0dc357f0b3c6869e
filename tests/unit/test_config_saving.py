"""An edited file is the old one or the new one, never between, and can be had back."""

import errno
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sshdash.config import proof, saving
from sshdash.config.history import History
from sshdash.config.saving import ChangedSince, read_version, replace_file
from sshdash.errors import ConfigError, FileError, UsageError
from sshdash.paths import state_dir
from tests.unit.edit_kit import LONGER, TEXT, add_db, editor, temporaries, write_config


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a configuration; our own reading decides, ssh is asked in the live tests."""
    monkeypatch.setattr(proof, "which", lambda name: None)
    return write_config(home)


# What stays as it was


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_stays(config: Path, mode: int) -> None:
    config.chmod(mode)
    add_db()
    assert config.read_text() == LONGER
    assert stat.S_IMODE(config.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_and_the_group_stay(config: Path) -> None:
    replaced = read_version(str(config))
    os.chown(config, 12345, 54321)
    replace_file(read_version(str(config)), b"Host new\n")
    found = config.stat()
    assert (found.st_uid, found.st_gid) == (12345, 54321)
    assert replaced.data == TEXT.encode()


def test_a_link_stays_a_link_and_its_target_is_written(config: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "ssh_config"
    target.parent.mkdir()
    config.rename(target)
    middle = tmp_path / "middle"
    middle.symlink_to(target)
    config.symlink_to(middle)
    add_db()
    assert config.is_symlink()
    assert os.readlink(config) == str(middle)
    assert target.read_text() == LONGER
    assert not target.is_symlink()
    assert temporaries(target.parent) == temporaries(config.parent) == []


def test_extended_attributes_stay(config: Path) -> None:
    try:
        os.setxattr(config, "user.note", b"mine")
    except OSError:
        pytest.skip("no extended attributes here")
    add_db()
    assert os.getxattr(config, "user.note") == b"mine"


def test_new_files_are_for_this_user_alone(home: Path) -> None:
    before = os.umask(0)
    try:
        add_db()
    finally:
        os.umask(before)
    config = home / ".ssh" / "config"
    made = [config, *state_dir().joinpath("edits").iterdir()]
    assert {stat.S_IMODE(one.stat().st_mode) for one in made} == {0o600}
    assert stat.S_IMODE(state_dir().joinpath("edits").stat().st_mode) == 0o700


def test_the_copies_lie_where_no_include_reads_them(config: Path) -> None:
    add_db()
    assert [one.name for one in config.parent.iterdir()] == ["config"]
    copies = list(state_dir().joinpath("edits").glob("*.before"))
    assert [one.read_text() for one in copies] == [TEXT]


# What is refused


def test_a_read_only_file_is_meant_to_be_so(config: Path) -> None:
    config.chmod(0o400)
    with pytest.raises(FileError, match="read-only"):
        add_db()
    assert config.read_text() == TEXT
    assert editor().history.entries() == []


def test_what_somebody_else_wrote_meanwhile_is_not_lost(config: Path) -> None:
    one = editor()
    plan = one.add(["db"], {})
    theirs = TEXT + "Host theirs\n"
    config.write_text(theirs)
    with pytest.raises(ChangedSince) as caught:
        one.save(plan)
    assert "+Host theirs" in caught.value.detail
    assert config.read_text() == theirs
    assert one.history.entries() == []
    assert temporaries(config.parent) == []


def test_what_ssh_would_refuse_is_never_written(config: Path) -> None:
    one = editor()
    plan = one.add(["db"], {"prot": ["22"]})
    with pytest.raises(ConfigError, match="refuse") as caught:
        one.save(plan)
    assert (caught.value.file, caught.value.line) == (str(config), 6)
    assert "Port" in caught.value.hint
    assert config.read_text() == TEXT


def test_a_file_that_is_refused_already_is_not_edited_until_it_is_right(config: Path) -> None:
    config.write_text("Host web\n    Prot 22\n")
    one = editor()
    with pytest.raises(ConfigError) as caught:
        one.save(one.add(["db"], {}))
    assert caught.value.line == 2
    one.save(one.change(one.find("web"), {"prot": []}))
    assert config.read_text() == "Host web\n"


def test_a_file_that_others_may_write_is_not_edited(config: Path) -> None:
    config.chmod(0o666)
    with pytest.raises(ConfigError, match="Bad owner or permissions"):
        add_db()
    assert config.read_text() == TEXT


def test_a_file_that_no_include_names_is_not_part_of_it(config: Path, tmp_path: Path) -> None:
    one = editor()
    stray = tmp_path / "stray"
    stray.write_text("Host x\n")
    stray.chmod(0o600)
    with pytest.raises(UsageError, match="not part of"):
        one.save(one.add(["db"], {}, one.open(str(stray))))
    assert stray.read_text() == "Host x\n"


def test_an_included_file_can_be_new(config: Path) -> None:
    folder = config.parent / "conf.d"
    folder.mkdir()
    config.write_text(f"Include conf.d/*.conf\n{TEXT}")
    one = editor()
    one.save(one.add(["db"], {"user": ["x"]}, one.open(str(folder / "prod.conf"))))
    assert (folder / "prod.conf").read_text() == "Host db\n    User x\n"
    with pytest.raises(UsageError, match="not part of"):
        one.save(one.add(["db2"], {}, one.open(str(folder / "prod.txt"))))
    one.save(one.undo())
    assert not (folder / "prod.conf").exists()


@pytest.mark.parametrize("where", ["config", "state"])
def test_a_full_disk_changes_nothing(config: Path, where: str) -> None:
    config.write_text(TEXT + "# filler\n" * 2000)
    big = config.read_bytes()
    history = History()
    with history.exclusive():
        pass
    folder = {"config": config.parent, "state": history.folder}[where]
    pid = os.fork()
    if pid == 0:  # the limit holds for one process
        status = 1
        try:
            _limit_writes(str(folder))
            add_db()
        except FileError as error:
            status = 0 if "nothing was changed" in str(error) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert config.read_bytes() == big
    assert temporaries(config.parent) == []
    assert editor().history.entries() == []


def _limit_writes(folder: str) -> None:
    """Let files in a folder grow to 4 KiB and no more, as on a full disk."""

    def limit(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            inside = arguments[0].startswith(folder)
            size = 4096 if inside else resource.RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    sys.addaudithook(limit)


@pytest.mark.parametrize("call", ["rename", "fsync", "chmod", "open"])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "may not write"),
        (errno.EROFS, "cannot be written"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_whatever_the_system_refuses_changes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, said: str
) -> None:
    version = read_version(str(config))
    real = getattr(os, call)

    def refuse(*arguments: object, **options: object) -> object:
        reading = call == "open" and saving._TEMPORARY not in str(arguments[0])
        if reading:
            return real(*arguments, **options)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(FileError, match="nothing was changed") as caught:
            replace_file(version, b"Host new\n")
    assert said in str(caught.value)
    assert config.read_text() == TEXT
    assert temporaries(config.parent) == []


# Killed at any moment


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new(config: Path) -> None:
    outcomes = []
    for moment in range(1, 400):
        config.write_text(TEXT)
        if _killed_at(moment, add_db):
            break
        assert config.read_text() in (TEXT, LONGER), f"torn by a kill at step {moment}"
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        written = config.read_text() == LONGER
        outcomes.append(written)
        one = editor()
        one.save(one.add(["after"], {}))  # whatever was left behind is no hindrance
        one.save(one.undo())
        assert temporaries(config.parent) == []
        assert list(state_dir().glob("edits/mirror-*")) == []
        if written:
            one.save(one.undo())
        assert config.read_text() == TEXT
    assert {False, True} == set(outcomes), "the file was replaced at some step between"
    assert outcomes == sorted(outcomes)
    assert len(outcomes) > 20


def _killed_at(moment: int, work: Callable[[], None]) -> bool:
    """Do some work in a process that is killed at its nth dealing with files.

    Return whether it came to its end before.
    """
    pid = os.fork()
    if pid == 0:
        left = moment

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event == "open" or event.startswith("os.") or event == "fcntl.flock":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
        finally:
            os._exit(0)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) == 0


def test_no_edit_is_lost_where_many_edit_at_once(config: Path) -> None:
    pids = []
    for number in range(12):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                one = editor()
                with one.history.exclusive():
                    one.save(one.add([f"h{number}"], {"port": [str(2000 + number)]}))
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 12
    text = config.read_text()
    assert all(f"Host h{number}\n    Port {2000 + number}\n" in text for number in range(12))
    one = editor()
    for _ in range(12):
        one.save(one.undo())
    assert config.read_text() == TEXT


def test_one_that_hangs_does_not_hang_the_others(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "LOCK_SECONDS", 0.2)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with editor().history.exclusive():
                os.write(writer, b"held")
                signal.pause()
        finally:
            os._exit(1)
    try:
        os.read(reader, 4)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(FileError, match="Another sshdash is editing"):
            add_db()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)
    add_db()
    assert config.read_text() == LONGER
