"""What two trees differ in, and what is done about it, without a server."""

from typing import Any

import pytest

from sshdash.errors import ConnectionLost, FileError, SSHDashError, UsageError
from sshdash.sftp.compare import Criteria, Pair, case_clashes, later
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import RefusedError
from sshdash.sftp.filesystem import Digest
from sshdash.sftp.find import TreeIndex, entries_of
from sshdash.sftp.sync_plan import Act, Step, Tree, Way, steps
from sshdash.sftp.sync_rules import Rules, including
from sshdash.sftp.sync_run import Outcome, Synchronisation
from sshdash.sftp.sync_scan import Comparison, End, Scan
from sshdash.sftp.sync_sums import digests
from sshdash.sftp.sync_trash import Move
from tests.unit.memory_files import MemoryFilesystem
from tests.unit.queue_kit import kit

SECOND = 10**9


class Trees:
    """Two trees in memory, ``/l`` and ``/r``."""

    def __init__(self) -> None:
        self.left = MemoryFilesystem("local")
        self.right = MemoryFilesystem("web")
        self.left.folder(b"/l")
        self.right.folder(b"/r")

    async def compare(self, *lines: str, **criteria: Any) -> Comparison:
        scan = Scan(
            End(self.left, b"/l"),
            End(self.right, b"/r"),
            Rules(lines),
            Criteria(**criteria),
            digests,
        )
        return await scan.everything()

    async def steps(
        self, way: Way = Way.RIGHT, delete: bool = True, *lines: str, **criteria: Any
    ) -> list[Step]:
        found = await self.compare(*lines, **criteria)
        return list(steps(found.pairs, way, delete, keeping=found.keeping))

    async def delete(self, steps: list[Step], trash: Move | None = None, **values: Any) -> Outcome:
        async def opened(endpoint: str) -> MemoryFilesystem:
            return self.right if endpoint else self.left

        class Nothing:
            """No copies are asked for here."""

        trees = Tree("", b"/l"), Tree("web", b"/r")
        run = Synchronisation(*trees, Nothing(), opened, trash)  # type: ignore[arg-type]
        return await run.run(steps, **values)


@pytest.fixture
def trees() -> Trees:
    return Trees()


def told(steps: list[Step]) -> list[str]:
    return [f"{step.act.value} {step.place.decode()}" for step in steps]


async def test_places_come_in_the_order_of_a_tree(trees: Trees) -> None:
    for name in (b"a/x", b"a-b", b"a/deep/y", b"b"):
        trees.left.file(b"/l/" + name, b"1")
    assert told(await trees.steps()) == [
        "new a", "new a/deep", "new a/deep/y", "new a/x", "new a-b", "new b",
    ]  # fmt: skip


async def test_an_unreadable_folder_costs_the_other_end_nothing(trees: Trees) -> None:
    for name in (b"ok/gone", b"secret/one", b"secret/deep/two"):
        trees.right.file(b"/r/" + name, b"1")
    trees.left.folder(b"/l/ok")
    trees.left.file(b"/l/secret/one", b"1")

    def fail(operation: str, path: bytes) -> None:
        if (operation, path) == ("list", b"/l/secret"):
            raise FileError("cannot list", "/l/secret", "permission denied")

    trees.left.at = fail
    found = await trees.compare()
    assert [(one.place, one.right) for one in found.problems] == [(b"secret", False)]
    assert told(list(steps(found.pairs, Way.RIGHT, True, keeping=found.keeping))) == [
        "delete ok/gone"
    ]


async def test_a_folder_that_cannot_be_looked_at_is_not_deleted(trees: Trees) -> None:
    trees.right.file(b"/r/old/secret/one", b"1")
    trees.right.file(b"/r/old/two", b"1")

    def fail(operation: str, path: bytes) -> None:
        if (operation, path) == ("list", b"/r/old/secret"):
            raise FileError("cannot list", "/r/old/secret", "permission denied")

    trees.right.at = fail
    assert told(await trees.steps()) == ["left out old", "left out old/secret", "delete old/two"]


async def test_kinds_that_differ_are_a_conflict_and_nothing_below_is_touched(trees: Trees) -> None:
    trees.left.file(b"/l/x", b"1")
    trees.right.file(b"/r/x/below", b"1")
    trees.left.link(b"/l/link", b"one")
    trees.right.link(b"/r/link", b"other")
    for way in Way:
        found = told(await trees.steps(way))
        assert "conflict x" in found
        assert not any("below" in one for one in found)
    assert "changed link" in told(await trees.steps(Way.RIGHT))
    assert "conflict link" in told(await trees.steps(Way.BOTH))


async def test_times_are_compared_in_whole_seconds_and_within_a_window(trees: Trees) -> None:
    trees.left.file(b"/l/a", b"1", mtime_ns=5 * SECOND + 700)
    trees.right.file(b"/r/a", b"1", mtime_ns=5 * SECOND)
    assert await trees.steps() == []
    trees.right.file(b"/r/a", b"1", mtime_ns=7 * SECOND)
    (step,) = await trees.steps()
    assert (step.act, step.why) == (Act.CHANGED, "it is newer there")
    assert await trees.steps(window=2) == []
    entry = Entry(b"", Kind.FILE, mtime_ns=9 * SECOND)
    assert later(entry, Entry(b"", Kind.FILE, mtime_ns=6 * SECOND), 2) == 3


@pytest.mark.parametrize(("here", "there"), [(-5, 0), (2**32 + 5, 2**32 - 1)])
async def test_a_time_that_sftp_cannot_hold_is_alike_once_it_was_copied(
    trees: Trees, here: int, there: int
) -> None:
    trees.left.file(b"/l/file", b"1", mtime_ns=here * SECOND)
    trees.right.file(b"/r/file", b"1", mtime_ns=there * SECOND)
    assert await trees.steps() == []
    trees.right.nodes[b"/r/file"].mtime_ns = SECOND
    assert len(await trees.steps()) == 1


async def test_what_is_only_there_is_looked_into_only_where_it_is_of_interest(
    trees: Trees,
) -> None:
    trees.right.file(b"/r/extra/deep/file", b"1")
    listed: list[bytes] = []
    trees.right.at = lambda operation, path: listed.append(path) if operation == "list" else None
    found = await trees.compare(right_only=False)
    assert (found.pairs, listed) == ([], [b"/r"])


async def test_what_changed_since_is_not_deleted(trees: Trees) -> None:
    trees.right.file(b"/r/a", b"1")
    trees.right.file(b"/r/folder/b", b"1")
    todo = await trees.steps()
    trees.right.file(b"/r/a", b"written meanwhile")
    trees.right.file(b"/r/folder/new", b"1")
    outcome = await trees.delete(todo)
    assert outcome.deleted == 1
    assert not outcome.is_whole
    assert {place for place, _ in outcome.failures} == {b"a", b"folder"}
    assert set(trees.right.below(b"/r")) == {b"a", b"folder/new"}


async def test_nothing_is_deleted_where_it_may_not(trees: Trees) -> None:
    trees.right.file(b"/r/a", b"1")
    todo = await trees.steps()
    outcome = await trees.delete(todo, may_delete=False)
    assert (outcome.not_deleted, outcome.is_whole) == (1, False)
    assert trees.right.below(b"/r") == {b"a": b"1"}


async def test_names_that_one_end_does_not_tell_apart_are_conflicts(trees: Trees) -> None:
    trees.left.file(b"/l/Readme", b"1")
    trees.right.file(b"/r/README", b"2")
    assert told(await trees.steps()) == ["delete README", "new Readme"]
    trees.right.folder(b"/R")  # an end where the root answers to either case
    found = told(await trees.steps())
    assert found == ["conflict README", "conflict Readme"]
    assert case_clashes([b"a", b"B", b"A"]) == {b"a": b"A", b"A": b"a"}


async def test_links_to_other_places_and_contents_need_a_closer_look(trees: Trees) -> None:
    trees.left.link(b"/l/same", b"x")
    trees.right.link(b"/r/same", b"x")
    trees.left.file(b"/l/file", b"one")
    trees.right.file(b"/r/file", b"two")
    assert await trees.steps() == []
    assert told(await trees.steps(checksum=True)) == ["changed file"]


def test_the_last_rule_that_matches_decides() -> None:
    rules = Rules(["*.log", "/top", "cache/", including("keep.log"), "# not a rule"])
    cases = {
        (b"a.log", False): True,
        (b"x/keep.log", False): False,
        (b"top", False): True,
        (b"x/top", False): False,
        (b"x/cache", True): True,
        (b"x/cache", False): False,
        (b"\xff.log", False): True,
        (b".a.sshdash-0123abcd.part", False): True,
        (b"sshdash-0123abcd.part", False): False,
    }
    assert {case: rules.excludes(*case) for case in cases} == cases
    with pytest.raises(UsageError):
        Rules(["!"])


def test_pairs_know_folders() -> None:
    from sshdash.sftp.compare import Relation

    folder = Entry(b"d", Kind.DIRECTORY)
    assert Pair(b"d", folder, None, Relation.LEFT_ONLY).is_folder


def index_of(*lines: bytes) -> TreeIndex:
    """Return an index fed byte by byte, as slow as a network can be."""
    index = TreeIndex()
    for byte in b"".join(lines):
        index.feed(bytes((byte,)))
    index.finish()
    return index


@pytest.mark.parametrize(
    "line", [b"f -5 1.0 ", b"f %b 1.0 " % (b"9" * 40), b"f 5 %b.0 " % (b"9" * 14), b"f 5"]
)
def test_numbers_that_no_file_has_are_not_believed(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"number|unpack"):
        entries_of({b"name": line})


def test_output_without_an_end_is_not_kept() -> None:
    index = TreeIndex()
    with pytest.raises(ValueError, match="without an end"):
        index.feed(b"f" * 100_000)
    for bounded in (TreeIndex(most=1), TreeIndex(size=20)):
        with pytest.raises(ValueError, match="more entries"):
            bounded.feed(b"f 1 1.0 \0a\0f 1 1.0 \0b\0")


def test_what_find_prints_is_read_in_whatever_pieces_it_comes() -> None:
    index = index_of(
        b"d 4096 5.0000000000 \0a\0",
        b"f 12 1700000000.1234567890 \0a/new\nline\0",
        b"l 3 -1.5000000000 to where\0a/\xff\0",
        b"f 1 1.0 \0top\0",
    )
    assert index.count == 4
    inside = entries_of(index.take(b"a") or {})
    assert inside[b"new\nline"] == Entry(
        b"new\nline", Kind.FILE, 12, mtime_ns=1_700_000_000_123_456_789
    )
    assert inside[b"\xff"].target == b"to where"
    assert set(entries_of(index.take(b"") or {})) == {b"a", b"top"}
    assert index.take(b"a") is None, "what was taken is forgotten"
    with pytest.raises(ValueError, match="whole"):
        index_of(b"f 1 1.0 \0top")
    with pytest.raises(ValueError, match=r"unpack|literal"):
        entries_of({b"name": b"nonsense"})
    assert entries_of({b"..": b"d 1 1.0 ", b"a/b": b"f 1 1.0 "}) == {}


class Indexed(Trees):
    """Two trees with what find is made to say of them."""

    def __init__(self, *lines: tuple[bytes, ...]) -> None:
        super().__init__()
        for number in range(6):
            self.left.file(b"/l/%d/file" % number, b"1", mtime_ns=5 * SECOND)
            self.right.file(b"/r/%d/file" % number, b"1", mtime_ns=5 * SECOND)
        self.listed: list[bytes] = []
        self.right.at = lambda operation, path: (
            self.listed.append(path) if operation == "list" else None
        )
        folders = [b"d 1 5.0 \0%d\0" % number for number in range(6)]
        files = [b"f 1 5.7 \0%d/file\0" % number for number in range(6)]
        self.said = [[*folders, *files], [*folders, *(lines or (files,))[0]]]

    async def compare(self, *lines: str, **criteria: Any) -> Comparison:
        def said(side: int) -> Any:
            async def index(seen: object) -> TreeIndex:
                return index_of(*self.said[side])

            return index

        ends = End(self.left, b"/l", index=said(0)), End(self.right, b"/r", index=said(1))
        return await Scan(*ends, Rules(lines), Criteria(**criteria), digests).everything()


async def test_a_wide_tree_is_taken_from_find_and_is_the_same() -> None:
    trees = Indexed()
    found = await trees.compare()
    assert (found.pairs, found.same, trees.listed) == ([], 12, [b"/r"])
    left_out = await trees.compare("file")
    assert (left_out.same, left_out.excluded) == (6, 6)


async def test_what_no_find_prints_is_listed_anew_on_both_ends() -> None:
    files = [b"f 1 5.0 \0%d/file\0" % number for number in range(6)]
    trees = Indexed((*files, b"garbage\x003/other\0"))
    found = await trees.compare()
    assert (found.pairs, found.same) == ([], 12)
    assert trees.listed == [b"/r", b"/r/3"]


async def test_an_index_of_another_place_is_not_used() -> None:
    trees = Indexed()
    trees.said[1] = [b"d 1 5.0 \0elsewhere\0"]
    found = await trees.compare()
    assert (found.pairs, found.same, len(trees.listed)) == ([], 12, 7)


async def test_a_command_that_sees_other_files_makes_nothing_different(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in ((b"same", b"one"), (b"other", b"two")):
        trees.left.file(b"/l/" + name, b"one")
        trees.right.file(b"/r/" + name, content)
    read = trees.right.sha256

    async def told(path: bytes, size: int, reading: bool = False) -> Digest:
        return await read(path, size) if reading else Digest(bytes(32), "sha256sum")

    monkeypatch.setattr(trees.right, "sha256", told)
    found = await trees.compare(checksum=True)
    assert ([pair.place for pair in found.pairs], found.same) == ([b"other"], 1)


@pytest.mark.parametrize("moment", ["before it began", "in its last moment"])
async def test_what_changed_there_since_it_was_compared_is_not_overwritten(moment: str) -> None:
    async with kit() as one:
        one.near.file(b"/to/changed", b"ours, longer", mtime_ns=9 * SECOND)
        one.far.file(b"/to/changed", b"theirs", mtime_ns=5 * SECOND)
        one.far.file(b"/to/gone", b"gone", mtime_ns=5 * SECOND)
        ends = End(one.near, b"/to"), End(one.far, b"/to")
        scan = Scan(*ends, Rules(()), Criteria(right_only=True), digests)
        todo = list(steps((await scan.everything()).pairs, Way.RIGHT, delete=True))

        def edit() -> None:
            one.far.file(b"/to/changed", b"edited", mtime_ns=7 * SECOND)

        def at(operation: str, path: bytes) -> None:
            if operation == "create" and b"changed" in path:
                edit()

        if moment == "before it began":
            edit()
        else:
            one.far.at = at
        run = Synchronisation(Tree("", b"/to"), Tree("far", b"/to"), one.queue, one.open)
        outcome = await run.run(todo)
    assert one.far.below(b"/to") == {b"changed": b"edited", b"gone": b"gone"}
    assert not outcome.copied_all
    (error,) = outcome.copies[0].errors
    assert "it has changed there since it was compared" in error.reason
    assert outcome.not_deleted == 1


@pytest.mark.parametrize(
    ("failure", "told", "left"),
    [
        (FileError("cannot set the time", "", "input/output error"), [b"bad"], {b"bad"}),
        (RefusedError("cannot set the time"), [], {b"bad"}),
        (ConnectionLost("the connection was lost"), [], {b"", b"bad", b"good"}),
    ],
    ids=["the disk fails", "it belongs to others", "the line is cut"],
)
async def test_a_time_that_cannot_be_set_takes_nothing_of_the_report(
    failure: SSHDashError, told: list[bytes], left: set[bytes]
) -> None:
    async with kit() as one:
        for files in (one.near, one.far):
            for place in (b"", b"/bad", b"/good"):
                files.folder(b"/to" + place)
        for place in (b"", b"/bad", b"/good"):
            one.near.nodes[b"/to" + place].mtime_ns = 9 * SECOND
        one.near.file(b"/to/closed", b"x")
        one.near.file(b"/to/open", b"x")
        cut = isinstance(failure, ConnectionLost)

        def at(operation: str, path: bytes) -> None:
            if operation == "create" and b"closed" in path:
                raise FileError("cannot create", "", "no space")
            if operation == "time" and (cut or path == b"/to/bad"):
                raise failure

        one.far.at = at
        ends = End(one.near, b"/to"), End(one.far, b"/to")
        found = await Scan(*ends, Rules(()), Criteria(), digests).everything()
        run = Synchronisation(Tree("", b"/to"), Tree("far", b"/to"), one.queue, one.open)
        outcome = await run.run(list(steps(found.pairs, Way.RIGHT)), stale=found.stale)
        behind = {
            place
            for place in (b"", b"bad", b"good")
            if one.far.nodes[(b"/to/" + place).rstrip(b"/")].mtime_ns != 9 * SECOND
        }
    assert [error.path for error in outcome.copies[0].errors] == ["/to/closed"]
    assert one.far.below(b"/to") == {b"open": b"x"}
    assert [place for place, _ in outcome.failures] == told
    assert outcome.error is (failure if cut else None)
    assert behind == left
    assert not outcome.is_whole


async def test_a_folder_goes_to_the_trash_as_one_unless_something_in_it_is_not_to(
    trees: Trees,
) -> None:
    here = trees.left
    for name in (b"whole", b"whole/deep", b"grown", b"grown/deep", b"edited"):
        here.folder(b"/l/" + name)
    for name in (b"whole/deep/a", b"whole/b", b"grown/deep/c", b"edited/d", b"edited/e", b"f"):
        here.file(b"/l/" + name, b"1", mtime_ns=5 * SECOND)
    todo = await trees.steps(Way.LEFT)
    here.file(b"/l/grown/new", b"nobody saw it", mtime_ns=5 * SECOND)
    here.file(b"/l/edited/d", b"2", mtime_ns=6 * SECOND)
    moved: list[bytes] = []

    async def move(path: bytes) -> None:
        if path.endswith(b"/f"):
            raise FileError("cannot move to the trash", "", "no trash there")
        moved.append(path)

    outcome = await trees.delete(todo, trash=move)
    assert moved == [b"/l/edited/e", b"/l/grown/deep", b"/l/whole"]
    assert outcome.deleted == 1 + 2 + 4
    assert {place for place, _ in outcome.failures} == {b"edited", b"edited/d", b"grown"}
    assert ([step.place for step in outcome.refused], outcome.refusal) == ([b"f"], "no trash there")
    assert not outcome.is_whole
