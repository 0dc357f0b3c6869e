"""Names, places and decisions: nothing leads out of the folder that was chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.entries import Entry, Kind, is_inside, is_plain_name, join, name_of, normalize
from sshdash.sftp.names import backup_name, free_name, named_by, numbered, part_name
from sshdash.sftp.plan import SAME, Step, decide, escapes, refuse_overlap

FILE, FOLDER, LINK, FIFO = (
    Entry(b"x", kind) for kind in (Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.FIFO)
)


@pytest.mark.parametrize(
    ("source", "existing", "step"),
    [
        (FILE, None, Step.CREATE),
        (LINK, None, Step.CREATE),
        (FOLDER, None, Step.CREATE),
        (FOLDER, FOLDER, Step.MERGE),
        (FILE, FILE, Step.ASK),
        (FILE, LINK, Step.ASK),
        (LINK, FILE, Step.ASK),
        (FILE, FOLDER, Step.REFUSE),
        (FOLDER, FILE, Step.REFUSE),
        (FOLDER, LINK, Step.REFUSE),
        (FILE, FIFO, Step.REFUSE),
        (FIFO, None, Step.LEAVE),
        (Entry(b"x", Kind.OTHER), None, Step.REFUSE),
    ],
)
def test_decisions(source: Entry, existing: Entry | None, step: Step) -> None:
    verdict = decide(source, existing, recursive=True)
    assert verdict.step is step
    assert bool(verdict.reason) == (step in (Step.REFUSE, Step.LEAVE))


@pytest.mark.parametrize(
    ("place", "target", "leads_out"),
    [
        (b"a", b"b", False),
        (b"a", b"./b/c", False),
        (b"a", b"..", True),
        (b"a", b"/etc/passwd", True),
        (b"a", b"", True),
        (b"d/a", b"../b", False),
        (b"d/a", b"../../b", True),
        (b"d/e/a", b"../../b", False),
        (b"d/a", b"x/../../..", True),
        (b"d/a", b"x/..", True),
        (b"d/a", b"b\0c", True),
    ],
)
def test_links_that_lead_out(place: bytes, target: bytes, leads_out: bool) -> None:
    assert escapes(place, target) is leads_out


NAMES = st.sampled_from([b"a", b"b", b"c"])
PLACES = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
TARGETS = st.lists(st.sampled_from([b"a", b"b", b"c", b"..", b".", b""]), max_size=6).map(b"/".join)


@given(st.dictionaries(PLACES, TARGETS, max_size=8), PLACES)
def test_no_chain_of_accepted_links_leads_out(links: dict[bytes, bytes], path: bytes) -> None:
    accepted = {place: to for place, to in links.items() if not escapes(place, to)}
    # A link cannot be below another link: its directory was made as a directory.
    tree = {
        place: to
        for place, to in accepted.items()
        if not any(other != place and is_inside(place, other) for other in accepted)
    }
    todo = path.split(b"/")[::-1]
    here: list[bytes] = []
    for _ in range(200):
        if not todo:
            return
        part = todo.pop()
        if part == b"..":
            assert here, f"{path!r} leads out through {tree}"
            here.pop()
        elif part not in (b"", b"."):
            here.append(part)
            target = tree.get(b"/".join(here))
            if target is not None:
                here.pop()
                todo += target.split(b"/")[::-1]


@pytest.mark.parametrize(
    ("source", "is_directory", "target", "reason"),
    [
        (b"/a/b", False, b"/a/b", SAME),
        (b"/a", True, b"/a/b", "into itself"),
        (b"/a", False, b"/ab", ""),
        (b"/a", True, b"/ab/a", ""),
        (b"/a/b", True, b"/a", "inside what it would replace"),
    ],
)
def test_overlaps(source: bytes, is_directory: bool, target: bytes, reason: str) -> None:
    found = refuse_overlap(source, is_directory, target)
    assert reason in found
    assert bool(found) == bool(reason)


@given(st.binary(max_size=400))
def test_a_plain_name_means_something_inside_its_folder(name: bytes) -> None:
    if is_plain_name(name):
        assert normalize(join(b"/folder", name)) == b"/folder/" + name
        assert name_of(join(b"/folder", name)) == name


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/", b"../x", b"a\0"])
def test_names_that_are_not_plain(name: bytes) -> None:
    assert not is_plain_name(name)


@given(st.binary(max_size=300))
def test_normalize_is_absolute_and_stable(path: bytes) -> None:
    once = normalize(path)
    assert once.startswith(b"/")
    assert normalize(once) == once
    assert b".." not in once.split(b"/")


SAFE = st.binary(min_size=1, max_size=255).filter(is_plain_name)


@given(SAFE)
def test_made_up_names_fit_are_hidden_and_tell_whose_they_are(name: bytes) -> None:
    for made in (part_name(name, "0a1b2c3d"), backup_name(name, "0a1b2c3d")):
        assert len(made) <= 255
        assert is_plain_name(made)
        assert b".sshdash-0a1b2c3d." in made
        assert made.startswith(b".")
        assert len(made) <= 143 or len(name) > 143, "it goes where the name goes"
    told = named_by(part_name(name, "0a1b2c3d"))
    assert told in (name, None)
    assert told == name or len(name) > 116


@pytest.mark.parametrize("size", [116, 120, 121, 130, 143, 144, 220, 232, 233, 255])
@pytest.mark.parametrize("unit", [b"a", "é".encode(), "家".encode(), "😀".encode(), b"\x80"])
def test_a_made_up_name_that_was_cut_is_taken_for_no_other(size: int, unit: bytes) -> None:
    name = (b"a" * (size % len(unit)) + unit * size)[:size]
    part = part_name(name, "0a1b2c3d")
    assert len(part) <= (143 if size <= 143 else 255)
    assert named_by(part) in (name, None)


@given(SAFE, st.integers(2, 10**6))
def test_numbered_names_fit_and_keep_their_suffix(name: bytes, number: int) -> None:
    made = numbered(name, number)
    assert len(made) <= 255
    assert is_plain_name(made)
    assert made != name


def test_numbered_names() -> None:
    assert numbered(b"report.txt", 2) == b"report (2).txt"
    assert numbered(b".profile", 2) == b".profile (2)"
    assert numbered("é".encode() * 127, 2).decode() == "é" * 125 + " (2)"
    assert free_name(b"a", {b"a", b"a (2)"}) == b"a (3)"
    assert free_name(b"a", {b"b"}) == b"a"
