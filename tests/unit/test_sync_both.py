"""Both ways with what is known from the last time: beside a three-way merge made by hand."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.errors import FileError
from sshdash.events import Event, EventBus, WarningRaised
from sshdash.sftp.compare import Criteria
from sshdash.sftp.entries import Kind
from sshdash.sftp.failures import MissingError
from sshdash.sftp.sync_after import look_again
from sshdash.sftp.sync_identity import identity
from sshdash.sftp.sync_memory import SyncMemory, UnreadableMemory
from sshdash.sftp.sync_past import Past, Record
from sshdash.sftp.sync_plan import RUNS, Step, Tree, Way, steps
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_run import Outcome, Synchronisation
from sshdash.sftp.sync_scan import Comparison, End, Scan
from sshdash.sftp.sync_sums import digests
from tests.unit.memory_files import MemoryFilesystem
from tests.unit.queue_kit import Kit, kit

SECOND = 10**9
PAIR = "here", "there"
ROOT = b"/to"


class Both:
    """Two trees that are synchronised both ways, again and again."""

    def __init__(self, one: Kit, folder: Path) -> None:
        self.one = one
        self.left, self.right = one.near, one.far
        self.events: list[Event] = []
        bus = EventBus()
        bus.subscribe(self.events.append)
        self.memory = SyncMemory(folder, bus)
        self.rules = Rules(())

    @property
    def warnings(self) -> list[str]:
        return [str(event) for event in self.events if isinstance(event, WarningRaised)]

    @property
    def ends(self) -> tuple[End, End]:
        return End(self.left, ROOT), End(self.right, ROOT)

    async def compare(self, **criteria: object) -> Comparison:
        past = await self.memory.recall(PAIR, bool(criteria.get("checksum")))
        scan = Scan(*self.ends, self.rules, Criteria(**criteria), digests, past=past)  # type: ignore[arg-type]
        return await scan.everything()

    async def plan(self, **criteria: object) -> tuple[Comparison, list[Step]]:
        found = await self.compare(**criteria)
        assert found.present is not None
        past = found.present.past
        return found, list(steps(found.pairs, Way.BOTH, False, 0, found.keeping, past))

    async def told(self, **criteria: object) -> list[str]:
        """Return what would be done."""
        _, todo = await self.plan(**criteria)
        return [
            f"{step.act.value} {'→' if step.to_right else '←'} {step.place.decode()}"
            if step.act in RUNS
            else f"{step.act.value} {step.place.decode()}"
            for step in todo
        ]

    async def run(self, killed: bool = False, **criteria: object) -> Outcome:
        """Synchronise, and remember, unless it is killed before that."""
        found, todo = await self.plan(**criteria)
        assert found.present is not None
        await self.memory.settle(PAIR, found, self.rules)
        trees = Tree("", ROOT), Tree("far", ROOT)
        doom = partial(self.memory.doom, PAIR)
        run = Synchronisation(*trees, self.one.queue, self.one.open, deleting=doom)
        outcome = await run.run(todo)
        if killed:
            return outcome
        learned = await look_again(self.ends, self.rules, found.present.past, todo, outcome)
        await self.memory.note(PAIR, *learned)
        return outcome

    def write(self, files: MemoryFilesystem, name: bytes, content: bytes, time: int) -> None:
        files.file(ROOT + b"/" + name, content, mtime_ns=time * SECOND)


def files_of(files: MemoryFilesystem) -> dict[bytes, bytes]:
    return dict(files.below(ROOT))


def folders_of(files: MemoryFilesystem) -> set[bytes]:
    inside = ROOT + b"/"
    return {
        path
        for path, node in files.nodes.items()
        if node.kind is Kind.DIRECTORY and path.startswith(inside)
    }


def found_in(folder: Path) -> list[Path]:
    return [folder / name for name in os.listdir(folder)]


def content_of(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def stop_before(operation: str) -> Callable[[str, bytes], None]:
    """Have an operation fail."""

    def at(now: str, path: bytes) -> None:
        if now == operation:
            raise FileError(f"cannot {now}", path.decode())

    return at


def remove(files: MemoryFilesystem, name: bytes) -> None:
    """Delete a file, or a folder with all in it."""
    path = ROOT + b"/" + name
    for one in [one for one in files.nodes if one == path or one.startswith(path + b"/")]:
        del files.nodes[one]


@contextmanager
def state() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder) / "sync"


NAMES = (b"a", b"b", b"d/a", b"d/b", b"d/e/a", b"f/a")
Edit = tuple[bool, tuple[str, bytes]]
EDITS = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(
            st.tuples(st.just("write"), st.sampled_from(NAMES)),
            st.tuples(st.just("remove"), st.sampled_from((*NAMES, b"d", b"d/e", b"f"))),
        ),
    ),
    max_size=6,
)


def merged(
    base: bytes | None, left: bytes | None, right: bytes | None
) -> tuple[bytes | None, bytes | None]:
    """Return what a three-way merge leaves on both ends; what cannot be decided stays."""
    if left == base:
        return right, right
    if right == base:
        return left, left
    return left, right


@settings(deadline=None, max_examples=60)
@given(st.lists(EDITS, min_size=1, max_size=4))
async def test_it_comes_to_what_a_three_way_merge_comes_to(rounds: list[list[Edit]]) -> None:
    with state() as folder:
        async with kit() as one:
            both = Both(one, folder)
            for number, name in enumerate(NAMES):
                both.write(both.left, name, b"first", 100 + number)
            await both.run()
            base: dict[bytes, bytes | None] = dict(files_of(both.left))
            clock = 1000
            for edits in rounds:
                for on_left, (what, name) in edits:
                    files = both.left if on_left else both.right
                    clock += 1
                    if what == "write":
                        both.write(files, name, b"%d" % clock, clock)
                    else:
                        remove(files, name)
                left, right = files_of(both.left), files_of(both.right)
                expected: list[dict[bytes, bytes]] = [{}, {}]
                in_conflict = False
                for name in NAMES:
                    ends = merged(base.get(name), left.get(name), right.get(name))
                    for side, content in zip(expected, ends, strict=True):
                        if content is not None:
                            side[name] = content
                    if ends[0] == ends[1]:
                        base[name] = ends[0]
                    else:
                        in_conflict = True
                outcome = await both.run()
                assert outcome.is_whole
                assert [files_of(both.left), files_of(both.right)] == expected
                if not in_conflict:
                    assert folders_of(both.left) == folders_of(both.right)
                    assert await both.told() == []


async def test_a_deletion_goes_over_and_what_is_made_does_not_vanish(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"old", b"1", 100)
        both.write(both.right, b"only there", b"1", 100)
        assert await both.told() == ["new → old", "new ← only there"], "nothing is known yet"
        await both.run()
        remove(both.left, b"only there")
        both.write(both.left, b"made", b"1", 50)
        assert await both.told() == ["new → made", "delete → only there"]
        await both.run()
        assert files_of(both.left) == files_of(both.right) == {b"old": b"1", b"made": b"1"}
        both.write(both.right, b"only there", b"2", 300)
        assert await both.told() == ["new ← only there"], "what is gone on both is forgotten"


async def test_an_older_file_that_changed_alone_wins_and_two_changes_are_a_conflict(
    tmp_path: Path,
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"a", b"new", 500)
        both.write(both.left, b"b", b"new", 500)
        await both.run()
        both.write(both.right, b"a", b"restored", 400)
        both.write(both.left, b"b", b"ours", 600)
        remove(both.right, b"b")
        assert await both.told() == ["changed ← a", "conflict b"]
        both.write(both.left, b"a", b"ours, too", 700)
        assert await both.told() == ["conflict a", "conflict b"]


async def test_a_run_that_failed_half_way_is_remembered_for_what_it_did(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"good", b"1", 100)
        both.write(both.left, b"bad", b"1", 100)

        def fail(operation: str, path: bytes) -> None:
            if operation == "create" and b"bad" in path:
                raise FileError("cannot write", "/to/bad", "no space left")

        both.right.at = fail
        await both.run()
        both.right.at = lambda operation, path: None
        remove(both.left, b"good")
        assert await both.told() == ["new → bad", "delete → good"], "bad was never there"


async def test_an_interrupted_run_deletes_nothing_that_it_copied(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"a", b"1", 100)
        found, todo = await both.plan()
        await both.memory.settle(PAIR, found, both.rules)
        await Synchronisation(Tree("", ROOT), Tree("far", ROOT), one.queue, one.open).run(todo)
        # It ends here: nobody could note what was copied.
        remove(both.left, b"a")
        assert await both.told() == ["new ← a"], "what is not known comes back, and is not deleted"


async def test_times_that_one_end_rounds_make_no_difference_after_the_first_time(
    tmp_path: Path,
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"a", b"1", 101)

        def rounding(operation: str, path: bytes) -> None:
            for node in both.right.nodes.values():
                node.mtime_ns = node.mtime_ns // (2 * SECOND) * 2 * SECOND

        both.right.at = rounding
        await both.run()
        assert await both.told() == []
        both.write(both.right, b"a", b"2", 90)
        assert await both.told() == ["changed ← a"]


async def test_a_link_and_an_empty_folder_that_are_deleted_go_on_the_other_end(
    tmp_path: Path,
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.left.link(ROOT + b"/link", b"a")
        both.left.folder(ROOT + b"/empty")
        await both.run()
        assert await both.told() == []
        remove(both.right, b"link")
        remove(both.right, b"empty")
        assert await both.told() == ["delete ← empty", "delete ← link"]


async def test_a_folder_stays_for_what_is_new_in_it_and_waits_for_what_is_in_conflict(
    tmp_path: Path,
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"d/a", b"d/b", b"e/a", b"e/b"):
            both.write(both.left, name, b"1", 100)
        await both.run()
        remove(both.right, b"d")
        remove(both.right, b"e")
        both.write(both.left, b"d/new", b"2", 200)
        both.write(both.left, b"e/a", b"2", 200)
        assert await both.told() == [
            "new → d", "delete ← d/a", "delete ← d/b", "new → d/new",
            "conflict e", "conflict e/a", "delete ← e/b",
        ]  # fmt: skip


async def test_what_is_left_out_or_cannot_be_seen_is_not_taken_for_deleted(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"keep/a", b"secret/a", b"log"):
            both.write(both.left, name, b"1", 100)
        await both.run()

        def refuse(operation: str, path: bytes) -> None:
            if (operation, path) == ("list", b"/to/secret"):
                raise FileError("cannot list", "/to/secret", "permission denied")

        both.rules = Rules(("log", "keep/"))
        both.right.at = refuse
        await both.run()
        both.rules = Rules(())
        both.right.at = lambda operation, path: None
        for name in (b"keep/a", b"secret/a", b"log"):
            remove(both.left, name)
        assert await both.told() == ["delete → keep/a", "delete → log", "delete → secret/a"]


async def test_contents_tell_which_end_changed_where_times_do_not(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for files in (both.left, both.right):
            both.write(files, b"a", b"one", 100)
        await both.run(checksum=True)
        both.write(both.left, b"a", b"two", 100)
        both.write(both.right, b"a", b"one", 300)
        assert await both.told(checksum=True) == ["changed → a"], "the other was only touched"


async def test_the_ends_may_be_named_the_other_way_round(tmp_path: Path) -> None:
    memory = SyncMemory(tmp_path, EventBus())
    await memory.note(("b", "a"), {b"x": Record(Kind.FILE, (1, 10), (1, 20), b"sum")})
    there = await memory.recall(("b", "a"))
    here = await memory.recall(("a", "b"))
    assert there.records == {b"x": Record(Kind.FILE, (1, 10), (1, 20), b"sum")}
    assert here.records == {b"x": Record(Kind.FILE, (1, 20), (1, 10), b"sum")}
    await memory.doom(("b", "a"), {b"x": True, b"y": False})
    assert (await memory.recall(("b", "a"))).doomed == {b"x": True, b"y": False}
    assert (await memory.recall(("a", "b"))).doomed == {b"x": False, b"y": True}
    assert (await memory.recall(("a", "c"))).records == {}


async def test_what_is_remembered_is_the_owners_alone(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path / "sync")
        both.write(both.left, b"a", b"1", 100)
        await both.run()
        (file,) = (tmp_path / "sync").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def _is_newer(file: Path) -> None:
    base = sqlite3.connect(file)
    base.execute("PRAGMA user_version = 9")
    base.close()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_bytes(b"not a database, and long enough" * 50), "not a database"),
        (lambda file: file.write_bytes(b""), "it is empty"),
        (lambda file: file.write_bytes(file.read_bytes()[:5000]), ""),
        (_is_newer, "a newer sshdash wrote it (version 9)"),
        (lambda file: (file.unlink(), file.mkdir()), ""),
    ],
    ids=["garbage", "empty", "cut off", "newer", "a folder"],
)
async def test_what_is_remembered_and_cannot_be_read_is_no_first_time(
    tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"a", b"1", 100)
        both.write(both.left, b"b", b"1", 100)
        await both.run()
        (file,) = found_in(tmp_path)
        spoil(file)
        spoiled = content_of(file)
        remove(both.left, b"a")
        for _ in range(2):
            with pytest.raises(UnreadableMemory) as raised:
                await both.run()
            assert f"{file}: " in raised.value.detail
            assert why in raised.value.detail
            assert "--resync begins anew" in raised.value.hint
        assert content_of(file) == spoiled, "it is left as it was"
        assert set(files_of(both.right)) == {b"a", b"b"}, "nothing was done"

        assert (await both.memory.recall(PAIR, anew=True)).records == {}
        assert found_in(tmp_path) == [file], "whoever only looks changes nothing"
        await both.memory.begin_anew(PAIR)
        assert file.with_suffix(".broken") in found_in(tmp_path), "and even then it is not deleted"
        assert await both.told() == ["new ← a"]
        await both.run()
        remove(both.left, b"b")
        assert await both.told() == ["delete → b"], "it is remembered again"


async def test_what_another_process_has_is_not_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.sftp.sync_memory._PATIENCE", 0)
    memory = SyncMemory(tmp_path, EventBus())
    await memory.note(PAIR, {b"x": Record(Kind.FILE, (1, 10), (1, 20))})
    (file,) = found_in(tmp_path)
    other = sqlite3.connect(file)
    other.execute("BEGIN EXCLUSIVE")
    try:
        for ask in (memory.recall(PAIR), memory.begin_anew(PAIR)):
            with pytest.raises(UnreadableMemory, match="another sshdash is busy with it"):
                await ask
    finally:
        other.close()
    assert len((await memory.recall(PAIR)).records) == 1


@pytest.mark.parametrize("again", [b"1", b"made anew"])
async def test_a_run_that_is_killed_after_a_deletion_does_not_take_what_came_back_for_old(
    tmp_path: Path, again: bytes
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"a", b"b", b"kept"):
            both.write(both.left, name, b"1", 100)
        await both.run()
        remove(both.right, b"a")
        remove(both.left, b"b")
        await both.run(killed=True)
        assert set(files_of(both.left)) == set(files_of(both.right)) == {b"kept"}
        both.write(both.right, b"a", again, 100)  # as from a backup, with its time
        both.write(both.left, b"b", again, 100)
        assert await both.told() == ["new ← a", "new → b"]
        found, _ = await both.plan()
        await both.memory.settle(PAIR, found, both.rules)  # and killed once more, before the copy
        assert await both.told() == ["new ← a", "new → b"]
        await both.run()
        assert files_of(both.left) == files_of(both.right) == {
            b"a": again, b"b": again, b"kept": b"1",
        }  # fmt: skip
        remove(both.left, b"a")
        assert await both.told() == ["delete → a"], "it is remembered as ever"


async def test_a_run_that_is_killed_before_a_deletion_deletes_in_the_next(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"a", b"b", b"kept"):
            both.write(both.left, name, b"1", 100)
        await both.run()
        remove(both.left, b"a")
        both.one.far.at = stop_before("unlink")
        outcome = await both.run(killed=True)
        assert outcome.failures
        both.one.far.at = lambda operation, path: None
        assert await both.told() == ["delete → a"]
        await both.run()
        assert set(files_of(both.right)) == {b"b", b"kept"}


async def test_what_was_to_be_deleted_and_is_there_again_can_be_deleted_on_the_other_end(
    tmp_path: Path,
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"a", b"kept"):
            both.write(both.left, name, b"1", 100)
        await both.run()
        remove(both.left, b"a")
        both.one.far.at = stop_before("unlink")
        await both.run(killed=True)
        both.one.far.at = lambda operation, path: None
        both.write(both.left, b"a", b"1", 100)  # out of the trash, with its time
        await both.run()
        remove(both.right, b"a")
        assert await both.told() == ["delete ← a"], "nothing brings it back"


async def test_pairs_that_are_old_or_too_many_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.sftp.sync_memory._MOST_PAIRS", 2)
    memory = SyncMemory(tmp_path, EventBus())
    record = {b"x": Record(Kind.FILE, (1, 10), (1, 20))}
    for number in range(4):
        await memory.note(("a", str(number)), record)
    assert len(os.listdir(tmp_path)) == 2
    assert (await memory.recall(("a", "3"))).records == record


async def test_a_pair_in_which_nothing_changes_is_not_forgotten_while_it_is_in_use(
    tmp_path: Path,
) -> None:
    memory = SyncMemory(tmp_path, EventBus())
    record = {b"x": Record(Kind.FILE, (1, 10), (1, 20))}
    await memory.note(("a", "1"), record)
    (name,) = os.listdir(tmp_path)
    os.utime(tmp_path / name, (1000, 1000))
    await memory.recall(("a", "1"))
    await memory.note(("a", "2"), record)
    assert (await memory.recall(("a", "1"))).records == record


async def test_a_tree_that_is_too_large_is_not_remembered_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.sftp.sync_memory._MOST_PLACES", 2)
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"a", b"b", b"c"):
            both.write(both.left, name, b"1", 100)
        await both.run()
        assert "more than 2 files" in both.warnings[0]
        assert (await both.memory.recall(PAIR)).records == {}


async def test_what_is_gone_from_one_end_is_counted(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for number in range(10):
            both.write(both.left, b"%d" % number, b"1", 100)
        await both.run()
        for number in range(7):
            remove(both.right, b"%d" % number)
        both.write(both.left, b"made", b"1", 200)
        found = await both.compare()
        assert found.present is not None
        left, right = found.present.past.losses(found.pairs, found.same)
        assert (left.places, right.places, right.known, right.percent) == (0, 7, 10, 70)
        assert Past({}).losses(found.pairs, found.same)[1].places == 0


async def test_what_an_end_may_not_look_at_is_not_deleted_on_the_other(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        for name in (b"closed/a", b"closed/b", b"other"):
            both.write(both.left, name, b"1", 100)
        await both.run()
        # OpenSSH's server lists nothing of a folder that may be read, but not searched.
        nodes = dict(both.right.nodes)
        remove(both.right, b"closed/a")
        remove(both.right, b"closed/b")

        def at(operation: str, path: bytes) -> None:
            if operation == "stat" and path.startswith(ROOT + b"/closed/"):
                raise FileError("cannot stat", "", "permission denied", host="far")

        both.right.at = at
        assert await both.told() == ["delete ← closed/a", "delete ← closed/b"]
        outcome = await both.run()
        assert outcome.deleted == 0
        assert sorted(place for place, _ in outcome.failures) == [b"closed/a", b"closed/b"]
        assert all("permission denied" in reason for _, reason in outcome.failures)
        both.right.at = lambda operation, path: None
        both.right.nodes = nodes
        assert await both.told() == []
        assert set(files_of(both.left)) == {b"closed/a", b"closed/b", b"other"}


async def test_what_is_back_after_it_was_compared_is_not_deleted_on_the_other(
    tmp_path: Path,
) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"saved", b"1", 100)
        both.write(both.left, b"other", b"1", 100)
        await both.run()
        remove(both.left, b"saved")
        _, todo = await both.plan()
        both.write(both.left, b"saved", b"1", 100)
        trees = Tree("", ROOT), Tree("far", ROOT)
        outcome = await Synchronisation(*trees, one.queue, one.open).run(todo)
        assert (outcome.deleted, [place for place, _ in outcome.failures]) == (0, [b"saved"])
        assert files_of(both.right) == files_of(both.left)


async def test_nothing_is_deleted_where_the_other_end_is_gone_itself(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"gone", b"1", 100)
        both.write(both.left, b"other", b"1", 100)
        await both.run()
        remove(both.left, b"gone")
        _, todo = await both.plan()
        remove(both.left, b"other")
        del both.left.nodes[ROOT]  # a disk that was taken away since
        trees = Tree("", ROOT), Tree("far", ROOT)
        outcome = await Synchronisation(*trees, one.queue, one.open).run(todo)
        assert isinstance(outcome.error, MissingError)
        assert (outcome.deleted, outcome.is_whole) == (0, False)
        assert set(files_of(both.right)) == {b"gone", b"other"}


async def test_what_is_back_as_it_is_deleted_on_the_other_is_new(tmp_path: Path) -> None:
    async with kit() as one:
        both = Both(one, tmp_path)
        both.write(both.left, b"saved", b"1", 100)
        both.write(both.left, b"other", b"1", 100)
        await both.run()
        remove(both.left, b"saved")

        def at(operation: str, path: bytes) -> None:
            if operation == "unlink" and path == ROOT + b"/saved":
                both.write(both.left, b"saved", b"1", 100)

        both.right.at = at
        await both.run()
        both.right.at = lambda operation, path: None
        assert await both.told() == ["new → saved"]


def test_one_address_behind_different_jump_hosts_is_not_one_tree(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host one two\n  HostName 10.0.0.5\n  User me\n"
        "Host one\n  ProxyJump bastion-1\nHost two\n  ProxyJump bastion-2\n"
        "Host again\n  HostName 10.0.0.5\n  User me\n  ProxyJump bastion-1\n"
        "Host alias\n  HostName 10.0.0.5\n  User me\n  HostKeyAlias box\n"
        "Host command\n  HostName 10.0.0.5\n  User me\n  ProxyCommand way %h\n"
    )
    resolve = Resolver(ConfigSource.standard(str(config))).resolve
    known = {
        name: identity(Tree(name, b"/data"), resolve)
        for name in ("one", "two", "again", "alias", "command")
    }
    assert known["one"] == known["again"]
    assert len(set(known.values())) == 4
