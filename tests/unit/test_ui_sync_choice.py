"""What is ticked of a comparison, and what it comes to."""

from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.compare import Pair, Relation
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.sync_plan import RUNS, Totals
from sshdash.sftp.sync_scan import Comparison
from sshdash.ui.sync_choice import SyncChoice, SyncOptions


def pair(place: str, relation: Relation, kind: Kind = Kind.FILE, size: int = 0) -> Pair:
    """Return a difference; a file that is on both ends differs in its size."""
    name = place.rpartition("/")[2].encode()
    here, there = Entry(name, kind, size), Entry(name, kind, size + 1)
    left = None if relation is Relation.RIGHT_ONLY else here
    right = None if relation is Relation.LEFT_ONLY else there
    return Pair(place.encode(), left, right, relation)


PAIRS = [
    pair("a", Relation.LEFT_ONLY, Kind.DIRECTORY),
    pair("a/b", Relation.LEFT_ONLY, Kind.DIRECTORY),
    *(pair(f"a/b/{number}", Relation.LEFT_ONLY, size=number) for number in range(5)),
    pair("a/c", Relation.LEFT_ONLY, size=100),
    pair("a-b", Relation.LEFT_ONLY, size=1_000),
    pair("gone", Relation.RIGHT_ONLY, Kind.DIRECTORY),
    pair("gone/x", Relation.RIGHT_ONLY),
    pair("gone/y", Relation.RIGHT_ONLY),
]


async def loaded() -> SyncChoice:
    choice = SyncChoice()
    await choice.load(Comparison(PAIRS), SyncOptions(delete=True))
    return choice


def counted(choice: SyncChoice) -> Totals:
    """Return what the ticked steps come to, and those that cannot be, one by one."""
    totals = Totals()
    for index, step in enumerate(choice.steps):
        if choice.is_ticked(index) or step.act not in RUNS:
            totals.add(step)
    return totals


async def test_nothing_is_ticked_while_it_is_compared_again() -> None:
    choice = await loaded()
    assert choice.ticked
    choice.clear()
    assert choice.ticked == ()
    assert choice.totals == Totals()
    choice.tick_all()
    assert choice.ticked == ()


async def test_a_folder_takes_all_that_is_in_it_and_nothing_beside_it() -> None:
    choice = await loaded()
    assert choice.totals == counted(choice)
    before = len(choice.ticked)
    choice.toggle(2)
    assert len(choice.ticked) == before - 1
    choice.toggle(0)
    places = [step.place for step in choice.ticked]
    assert places == [b"a-b", b"gone", b"gone/x", b"gone/y"]
    assert choice.totals == counted(choice)
    choice.toggle(0)
    assert len(choice.ticked) == before
    assert choice.totals == counted(choice)


@given(st.lists(st.integers(0, len(PAIRS) - 1), max_size=12))
async def test_the_sum_is_that_of_the_ticked_steps(toggled: list[int]) -> None:
    choice = await loaded()
    for index in toggled:
        choice.toggle(index)
        assert choice.totals == counted(choice)
