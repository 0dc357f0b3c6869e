"""The files that queues are kept in: whose they are, and what comes of broken ones."""

import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sshdash.prompts import ConflictChoice
from sshdash.sftp.database import StoreBroken, StoreInUse, StoreNewer
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.kept import Standing, pack, request_of
from sshdash.sftp.shelf import Shelf
from sshdash.sftp.store import SAVE_JOB, Store

REQUEST = CopyRequest(
    "web", (b"/a\xff\n", b"/b"), "", b"/to", conflict=ConflictChoice.SKIP, target_name=b"\xfe"
)


def keep(folder: Path, *names: str, state: str = "copying", ended: float = 0.0) -> None:
    """Leave the jobs of a process that is gone."""
    shelf = Shelf(folder)
    for place, name in enumerate(names):
        row = (name, float(place), state, pack(REQUEST), pack(Standing(ended=ended)))
        shelf.write([(SAVE_JOB, [row])])
    shelf.close()


def test_a_file_and_its_folder_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "transfers"
    keep(folder, "one")
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_request_is_read_as_it_was_written_and_by_a_version_with_other_fields() -> None:
    assert request_of(pack(REQUEST)) == REQUEST
    import msgspec

    fields = msgspec.msgpack.decode(pack(REQUEST))
    fields["something_new"] = 1
    del fields["follow"]
    assert request_of(msgspec.msgpack.encode(fields)) == REQUEST


def test_two_processes_never_have_the_same_jobs(tmp_path: Path) -> None:
    keep(tmp_path, "one", "two")
    first, second = Shelf(tmp_path), Shelf(tmp_path)
    assert [job.uid for job in first.take()] == ["one", "two"]
    assert second.take() == []
    second.write([(SAVE_JOB, [("three", 1.0, "queued", pack(REQUEST), pack(Standing()))])])
    first.close()
    second.close()
    third = Shelf(tmp_path)
    assert sorted(job.uid for job in third.take()) == ["one", "three", "two"]
    third.close()
    assert len(list(tmp_path.glob("*.db"))) == 1


def test_a_named_file_of_a_process_that_lives_is_said_to_be_in_use(tmp_path: Path) -> None:
    first, second = Shelf(tmp_path, "cp-1.db"), Shelf(tmp_path, "cp-1.db")
    first.write([(SAVE_JOB, [("one", 1.0, "copying", pack(REQUEST), pack(Standing()))])])
    with pytest.raises(StoreInUse):
        second.take()
    first.close()
    assert [job.uid for job in second.take()] == ["one"]
    second.close()


@pytest.mark.parametrize(
    "damage", [b"not a database at all" * 500, b"SQLite format 3\x00" + b"x" * 9000]
)
def test_a_broken_file_is_set_aside_and_told(tmp_path: Path, damage: bytes) -> None:
    keep(tmp_path, "one")
    (file,) = tmp_path.glob("*.db")
    file.write_bytes(damage)
    shelf = Shelf(tmp_path)
    assert shelf.take() == []
    ((title, detail),) = shelf.problems
    assert "set aside" in title
    assert str(file.with_suffix(".broken")) in detail
    assert file.with_suffix(".broken").read_bytes() == damage
    keep(tmp_path, "two")
    assert [job.uid for job in shelf.take()] == ["two"]
    shelf.close()


def test_rows_that_mean_nothing_are_set_aside_too(tmp_path: Path) -> None:
    keep(tmp_path, "one")
    (file,) = tmp_path.glob("*.db")
    with sqlite3.connect(file) as base:
        base.execute("UPDATE jobs SET request = ?", (b"\x00garbage",))
    base.close()
    shelf = Shelf(tmp_path)
    assert shelf.take() == []
    assert shelf.problems
    shelf.close()


def test_the_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    keep(tmp_path, "one")
    (file,) = tmp_path.glob("*.db")
    base = sqlite3.connect(file)
    base.execute("PRAGMA user_version = 99")
    base.close()
    before = file.read_bytes()
    with pytest.raises(StoreNewer):
        Store(file)
    shelf = Shelf(tmp_path)
    assert shelf.take() == []
    assert "newer" in shelf.problems[0][0]
    shelf.close()
    assert file.read_bytes() == before


def test_jobs_that_ended_long_ago_are_forgotten_and_so_are_too_many(tmp_path: Path) -> None:
    now = time.time()
    keep(tmp_path, "old", state="done", ended=now - 30 * 86_400)
    keep(tmp_path, *(f"{number:03}" for number in range(150)), state="done", ended=now)
    keep(tmp_path, "paused", state="paused", ended=0.0)
    shelf = Shelf(tmp_path)
    found = {job.uid for job in shelf.take()}
    assert "paused" in found
    assert "old" not in found
    assert len(found) == 101
    shelf.close()


def test_a_file_without_jobs_does_not_stay(tmp_path: Path) -> None:
    Store(tmp_path / "queue-1.db").close()
    shelf = Shelf(tmp_path)
    assert shelf.take() == []
    shelf.close()
    assert list(tmp_path.iterdir()) == []


def test_changes_are_done_together_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "queue-1.db")
    row = ("one", 1.0, "queued", pack(REQUEST), pack(Standing()))
    with pytest.raises(sqlite3.Error):
        store.write([(SAVE_JOB, [row]), (SAVE_JOB, [("two",)])])
    assert store.is_empty()
    store.close()


def test_a_file_that_is_no_database_is_broken(tmp_path: Path) -> None:
    (tmp_path / "queue-1.db").write_bytes(b"\x00" * 100)
    with pytest.raises(StoreBroken):
        Store(tmp_path / "queue-1.db")


def test_what_is_written_before_others_are_taken_over_stays_this_process_own(
    tmp_path: Path,
) -> None:
    keep(tmp_path, "one")
    first = Shelf(tmp_path)
    first.write([(SAVE_JOB, [("mine", 2.0, "copying", pack(REQUEST), pack(Standing()))])])
    assert [job.uid for job in first.take()] == ["one"], "what runs here is not restored beside it"
    took = "from pathlib import Path; from sshdash.sftp.shelf import Shelf; import sys; "
    took += "print([job.uid for job in Shelf(Path(sys.argv[1])).take()])"
    other = subprocess.run(
        [sys.executable, "-c", took, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "[]", "the lock is still held"
    first.close()


def test_a_state_that_nobody_knows_sets_the_file_aside(tmp_path: Path) -> None:
    keep(tmp_path, "one", state="levitating")
    shelf = Shelf(tmp_path)
    assert shelf.take() == []
    assert [title for title, _ in shelf.problems] == [
        "A queue of copies cannot be read and was set aside"
    ]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR])
def test_a_disk_that_fails_does_not_cost_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    keep(tmp_path, "one")
    before = sorted(tmp_path.iterdir())
    error = sqlite3.OperationalError("the disk fails")
    error.sqlite_errorcode = code

    class Failing:
        def execute(self, statement: str) -> None:
            raise error

        def close(self) -> None: ...

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", lambda *_, **__: Failing())
        with pytest.raises(sqlite3.OperationalError):
            Shelf(tmp_path).take()
    assert sorted(tmp_path.iterdir()) == before
    shelf = Shelf(tmp_path)
    assert [job.uid for job in shelf.take()] == ["one"]
    shelf.close()
