"""A pane: order, filter, cursor and marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sshdash.sftp import order
from sshdash.sftp.browser import UP, Browser, Measured, SortKey, View
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.listing import Listing
from sshdash.sftp.order import natural_key, sorted_in_turns


def entries(*names: str, kind: Kind = Kind.FILE) -> list[Entry]:
    """Return entries whose sizes and times grow in their order."""
    return [
        Entry(name.encode(), kind, size=number, mtime_ns=number)
        for number, name in enumerate(names)
    ]


def entry(name: bytes, kind: Kind = Kind.FILE, size: int = 0) -> Entry:
    return Entry(name, kind, size)


def labels(browser: Browser) -> list[str]:
    """Return the rows."""
    return [row.label for row in browser.rows]


def pane(*names: str) -> Browser:
    """Return a pane on /home with these files."""
    browser = Browser(b"/home")
    browser.show(b"/home", entries(*names))
    return browser


def selected(browser: Browser) -> list[bytes]:
    return [entry.name for entry in browser.selection]


def test_directories_come_first_and_numbers_count() -> None:
    browser = Browser(b"/home")
    link = Entry(b"zlink", Kind.SYMLINK, target_kind=Kind.DIRECTORY)
    found = [*entries("f10", "F9", "f1"), *entries("dir", kind=Kind.DIRECTORY), link]
    browser.show(b"/home", found)
    assert labels(browser) == ["..", "dir", "zlink", "f1", "F9", "f10"]
    browser.sort_by(SortKey.NAME)
    assert labels(browser) == ["..", "zlink", "dir", "f10", "F9", "f1"]
    browser.sort_by(SortKey.SIZE)
    assert labels(browser)[3:] == ["f1", "F9", "f10"]


def test_types_sort_by_suffix() -> None:
    browser = pane("b.txt", "a.png", "c", ".hidden", "a.txt")
    browser.sort_by(SortKey.TYPE)
    assert labels(browser) == ["..", "c", "a.png", "a.txt", "b.txt"]


def test_the_root_has_no_way_up() -> None:
    browser = Browser()
    browser.show(b"/", entries("a"))
    assert labels(browser) == ["a"]


def test_hidden_files_show_when_asked_for() -> None:
    browser = pane("a", ".b")
    assert labels(browser) == ["..", "a"]
    assert browser.hidden_count == 1
    browser.set_view(View(show_hidden=True))
    assert labels(browser) == ["..", ".b", "a"]
    assert browser.hidden_count == 0


def test_bytes_are_those_of_the_files_in_sight() -> None:
    browser = pane("a", "bb", ".hidden")
    assert browser.shown_bytes == 0 + 1
    browser.set_view(View(show_hidden=True))
    assert browser.shown_bytes == 0 + 1 + 2
    browser.filter("b")
    assert browser.shown_bytes == 1


def test_a_filter_keeps_the_cursor_on_its_name_and_ends_with_the_directory() -> None:
    browser = pane("alpha", "beta", "gamma")
    browser.move(3)
    browser.filter("*A")
    assert labels(browser) == ["..", "alpha", "beta", "gamma"]
    browser.filter("am")
    assert labels(browser) == ["..", "gamma"]
    assert browser.current is not None
    assert browser.current.name == b"gamma"
    browser.show(b"/home/x", entries("delta"))
    assert labels(browser) == ["..", "delta"]


def test_going_up_puts_the_cursor_on_the_directory_left() -> None:
    browser = pane("a")
    browser.show(b"/", entries("bin", "home", "usr", kind=Kind.DIRECTORY))
    assert browser.current is not None
    assert browser.current.name == b"home"


def test_a_refresh_keeps_cursor_and_marks_of_what_is_still_there() -> None:
    browser = pane("a", "b", "c")
    browser.mark_all()
    browser.move(2)
    browser.show(b"/home", entries("aa", "b", "bb"))
    assert browser.current is not None
    assert browser.current.name == b"b"
    assert browser.marks == {b"b"}
    browser.show(b"/home", entries("x"))
    assert browser.cursor == 1


def test_the_selection_is_the_marks_or_the_cursor_but_never_the_way_up() -> None:
    browser = pane("a", "b")
    assert browser.selection == ()
    browser.move(1)
    assert selected(browser) == [b"a"]
    browser.toggle_mark(2)
    assert selected(browser) == [b"b"]
    browser.filter("a")
    assert selected(browser) == [b"b"], "a hidden mark still counts"
    browser.clear_marks()
    browser.mark_range(5, 0)
    assert browser.marks == {b"a"}
    browser.toggle_mark(0)
    browser.invert_marks()
    assert browser.marks == set()


def test_a_long_listing_grows_and_is_ordered_at_its_end() -> None:
    browser = Browser(b"/home")
    browser.show(b"/home", [], loading=True)
    browser.extend(entries("c", "b"))
    browser.extend(entries("a", "b"))
    browser.move_to(2)
    assert labels(browser) == ["..", "b", "c", "a"]
    browser.finish()
    assert labels(browser) == ["..", "a", "b", "c"]
    assert browser.current is not None
    assert browser.current.name == b"c"
    assert not browser.loading


def test_typing_finds_the_next_row() -> None:
    browser = pane("alpha", "beta", "bravo")
    assert browser.find("B")
    assert browser.current is not None
    assert browser.current.name == b"beta"
    browser.move(1)
    assert browser.find("b")
    assert browser.current.name == b"bravo"
    assert not browser.find("z")


names = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name)


@given(
    st.sets(names, max_size=20),
    st.builds(View, st.sampled_from(SortKey), st.booleans(), st.booleans(), st.text(max_size=2)),
    st.lists(st.integers(-5, 25), max_size=8),
)
def test_whatever_is_done_the_cursor_is_on_a_row(
    found: set[bytes], view: View, moves: list[int]
) -> None:
    browser = Browser(b"/home")
    browser.show(b"/home", [Entry(name, Kind.FILE) for name in found])
    for move in moves:
        browser.move(move)
        browser.toggle_mark()
        browser.set_view(view)
        assert 0 <= browser.cursor < len(browser.rows)
        assert browser.rows[0] is UP
        assert browser.marks <= found
        assert {row.name for row in browser.rows} - {b".."} <= found


@given(st.text(max_size=20), st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_in_names_sort_by_value(stem: str, one: int, other: int) -> None:
    keys = [natural_key(f"{stem}x{number}") for number in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)


def test_marks_and_unmarks_what_matches_a_pattern() -> None:
    browser = Browser(b"/d")
    browser.show(b"/d", [Entry(name, Kind.FILE) for name in (b"a.log", b"B.LOG", b"c.txt")])
    assert browser.mark_matching("*.log") == 2
    assert browser.marks == {b"a.log", b"B.LOG"}
    assert browser.mark_matching("b", marked=False) == 1
    assert browser.marks == {b"a.log"}


def test_finds_on_upward_and_around_the_ends() -> None:
    browser = Browser(b"/d")
    browser.show(b"/d", [Entry(name, Kind.FILE) for name in (b"fa", b"fb", b"\xc3\xa9t\xc3\xa9")])
    assert browser.find("f")
    assert browser.find("F", start=1)
    assert browser.current is not None
    assert browser.current.name == b"fb"
    assert browser.find("f", start=-1, step=-1)
    assert browser.find("f", start=-1, step=-1)
    assert browser.current.name == b"fb"
    assert browser.find("É")
    assert browser.current.name == "été".encode()


def test_what_was_counted_goes_with_the_folder() -> None:
    browser = Browser(b"/d")
    folder = Entry(b"sub", Kind.DIRECTORY, 4096)
    browser.show(b"/d", [folder])
    browser.measure(b"sub", Measured(10, final=True))
    browser.measure(b"gone", Measured(10, final=True))
    browser.marks = {b"sub"}
    assert browser.marked_bytes == 10
    browser.show(b"/d", [folder])
    assert b"sub" in browser.measured
    browser.show(b"/e", [folder])
    assert not browser.measured


@pytest.mark.parametrize("run", [1, 2, 3, 7, 100])
def test_sorting_in_turns_is_sorting(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_RUN", run)
    for count in (0, 1, 2, 5, 8, 23, 64):
        mixed = [Entry(b"%d" % n, Kind.FILE, size=n * 7919 % 11) for n in range(count)]
        wanted = sorted(mixed, key=lambda entry: entry.size)
        assert sorted_in_turns(mixed, lambda entry: entry.size) == wanted


def test_rows_are_found_around_the_ends_in_both_directions() -> None:
    browser = Browser(b"/x", View(show_hidden=True))
    browser.show(b"/x", [entry(name) for name in (b"Beta", b"alpha", b"beta2", "Übung".encode())])
    assert labels(browser) == ["..", "alpha", "Beta", "beta2", "Übung"]
    seen = []
    for _ in range(3):
        assert browser.find("be", 1)
        seen.append(browser.cursor)
    assert seen == [2, 3, 2]
    assert browser.find("BE", -1, -1)
    assert browser.cursor == 3
    assert browser.find("üB", -1, -1)
    assert browser.cursor == 4
    assert browser.find("üb", 1)
    assert browser.cursor == 4
    assert not browser.find("eta")
    assert browser.cursor == 4


def test_a_listing_that_comes_in_pieces_is_in_order() -> None:
    listing = Listing()
    mixed = [entry(b"File%d" % (number * 7919 % 5_000), size=number % 3) for number in range(5_000)]
    for start in range(0, len(mixed), 300):
        listing.add(mixed[start : start + 300])
    rows = listing.rows(View(), b"/x")
    wanted = [b"..", *(b"File%d" % number for number in range(5_000))]
    assert [row.name for row in rows.entries] == wanted
    by_size = listing.rows(View(SortKey.SIZE), b"/")
    assert [row.name for row in by_size.entries] == [
        one.name for one in sorted(rows.entries[1:], key=lambda one: one.size)
    ]


def test_links_that_are_told_later_lead_to_folders_among_the_folders() -> None:
    listing = Listing()
    link = entry(b"z", Kind.SYMLINK)
    listing.add([entry(b"a"), link])
    assert listing.has_links
    assert [row.name for row in listing.rows(View(), b"/").entries] == [b"a", b"z"]
    told = structs.replace(link, target=b"there", target_kind=Kind.DIRECTORY)
    listing.replace([entry(b"a"), told])
    assert [row.name for row in listing.rows(View(), b"/").entries] == [b"z", b"a"]
    assert listing.entries[1] == told


def test_marks_of_hidden_names_stay_in_the_selection() -> None:
    browser = Browser(b"/x", View(show_hidden=True))
    browser.show(b"/x", [entry(b".h"), entry(b"b"), entry(b"a")])
    browser.mark_all()
    browser.set_view(View())
    assert [one.name for one in browser.selection] == [b"a", b"b", b".h"]
    browser.invert_marks()
    assert browser.marks == {b".h"}
    assert browser.has_selection


@given(st.sets(st.integers(0, 59)), st.booleans())
def test_what_is_selected_is_in_the_order_of_the_rows(marked: set[int], reverse: bool) -> None:
    browser = Browser(b"/home", View(reverse=reverse))
    browser.show(b"/home", [*entries(*(f"f{number}" for number in range(60))), entry(b".h")])
    browser.marks = {b"f%d" % number for number in marked} | {b".h"}
    wanted = [row for row in browser.rows if row.name in browser.marks]
    assert [one.name for one in browser.selection] == [*(row.name for row in wanted), b".h"]
