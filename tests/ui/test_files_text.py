"""How names, sizes, times, paths and texts are written in the file panes."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.browser import UP, Browser, SortKey, View
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.filesystem import Space
from sshdash.sftp.trees import Census
from sshdash.ui.controllers import file_names
from sshdash.ui.widgets import file_row_text as text
from sshdash.ui.widgets.file_pane_text import (
    Problem,
    counts_text,
    empty_text,
    foot_text,
    marked_text,
)
from sshdash.ui.widgets.file_pane_title import crumbs_of


def entry(
    name: bytes, kind: Kind = Kind.FILE, size: int = 0, mode: int = 0, mtime_ns: int = 0
) -> Entry:
    return Entry(name, kind, size, mode, mtime_ns)


def harmless(shown: str) -> bool:
    """Return whether nothing in `shown` could act on a terminal or reorder what is read."""
    acting = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return all(unicodedata.category(char) not in acting or char in "\u200c\u200d" for char in shown)


NAMES = st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name)


@given(NAMES, st.integers(4, 120))
def test_a_name_fills_its_column_exactly_and_holds_nothing_that_acts(
    name: bytes, width: int
) -> None:
    shown, target = text.name_cell(entry(name), width)
    assert cell_len(shown) == width
    assert target == ""
    assert harmless(shown)


@given(NAMES, NAMES, st.integers(4, 120))
def test_a_link_and_its_target_share_the_column(name: bytes, target: bytes, width: int) -> None:
    link = Entry(name, Kind.SYMLINK, target=target)
    shown = "".join(text.name_cell(link, width))
    assert cell_len(shown) == width
    assert harmless(shown)


@given(st.text(max_size=80), st.integers(1, 60))
def test_shortened_texts_fit(words: str, width: int) -> None:
    assert cell_len(text.shorten(words, width)) <= max(width, 1)
    assert cell_len(text.shorten_start(words, width)) <= max(width, 1)
    assert cell_len(text.shorten_middle(words, width)) <= max(width, 1)


def test_shortening_keeps_the_end_of_a_name() -> None:
    assert text.shorten("a-long-report-of-2026.tar.gz", 20).endswith("tar.gz")
    assert text.shorten_start("/srv/www/releases/42", 10) == "…leases/42"
    assert text.shorten_middle("web:/srv/www/releases/42/end", 20) == "web:/s…leases/42/end"


@pytest.mark.parametrize("width", range(20, 200))
@pytest.mark.parametrize("names", [0, 25, 40, 200])
def test_columns_never_exceed_the_pane(width: int, names: int) -> None:
    columns = text.Columns.fit(width, names)
    parts = (columns.size, columns.time.value, columns.mode, columns.owner)
    used = text.GUTTER + columns.name + sum(2 + part for part in parts if part)
    assert used <= width
    assert columns.name >= min(width - text.GUTTER - 12, 12)


def test_wider_panes_tell_more() -> None:
    assert text.Columns.fit(30).time is text.TimeForm.NONE
    assert text.Columns.fit(40).time is text.TimeForm.SHORT
    assert not text.Columns.fit(60).mode
    assert text.Columns.fit(80).mode
    assert text.Columns.fit(100).owner


def test_details_give_way_to_names() -> None:
    assert text.Columns.fit(50, 28).time is text.TimeForm.SHORT
    assert text.Columns.fit(50, 36).time is text.TimeForm.NONE
    assert text.Columns.fit(50, 36).size
    assert not text.Columns.fit(50, 46).size
    # Nothing is gained without the size where a name is cut all the same.
    assert text.Columns.fit(50, 200).size
    assert text.Columns.fit(50, 200).time is text.TimeForm.NONE
    assert text.Columns.fit(120, 200) == text.Columns.fit(120)
    assert text.Columns.fit(50, 46, SortKey.SIZE).size
    assert text.Columns.fit(50, 46, SortKey.TIME).time is text.TimeForm.SHORT


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("quarterly-report-2026.tar.gz", "quarterly-r….tar.gz"),
        ("quarterly-report-of-2026.txt", "quarterly-re…26.txt"),
        ("no-suffix-in-this-name-at-all", "no-suffix-in…at-all"),
    ],
)
def test_a_cut_name_keeps_its_suffix(name: str, shown: str) -> None:
    assert text.shorten(name, 19) == shown


@pytest.mark.parametrize("moment", [0, 10**18, -(10**30), 2**63])
@pytest.mark.parametrize("form", list(text.TimeForm))
def test_times_a_server_makes_up_do_no_harm(moment: int, form: text.TimeForm) -> None:
    shown = text.time_cell(entry(b"x", mtime_ns=moment), form, time.time())
    assert len(shown) <= max(form.value, 1) + 6


def test_recent_times_tell_the_clock() -> None:
    now = time.time()
    fresh = entry(b"x", mtime_ns=int(now - 60) * 10**9)
    old = entry(b"x", mtime_ns=int(now - 900 * 86_400) * 10**9)
    assert ":" in text.time_cell(fresh, text.TimeForm.SHORT, now)
    assert text.time_cell(old, text.TimeForm.SHORT, now).isdigit()


def test_kinds_are_told_without_colour() -> None:
    signs = {
        UP: "▴",
        entry(b"d", Kind.DIRECTORY): "▸",
        entry(b"l", Kind.SYMLINK): "↪",
        entry(b"p", Kind.FIFO): "|",
        entry(b"f"): " ",
        entry(b"x", mode=0o755): "*",
    }
    assert {one: text.sign_of(one) for one in signs} == signs


def test_crumbs_shorten_from_the_start_and_know_home() -> None:
    def shown(path: bytes, width: int, home: bytes = b"") -> str:
        return "".join(crumb.text for crumb in crumbs_of(path, width, home))

    assert shown(b"/", 10) == "/"
    assert shown(b"/home/me/src", 40) == "/home/me/src"
    assert shown(b"/home/me/src", 8, b"/home/me") == "~/src"
    assert shown(b"/home/me", 4, b"/home/me") == "~"
    assert shown(b"/a/very/deep/folder", 14) == "…/deep/folder"
    crumbs = crumbs_of(b"/home/me/src", 8, b"/home/me")
    assert [crumb.path for crumb in crumbs] == [b"/home/me", b"/home/me/src"]


def test_an_empty_folder_says_why() -> None:
    browser = Browser(b"/x")
    browser.show(b"/x", [])
    assert empty_text(browser) == "This folder is empty"
    browser.show(b"/x", [entry(b".a")])
    assert "hidden" in empty_text(browser)
    browser.set_view(View(text="zzz"))
    assert "No name here matches zzz" in empty_text(browser)
    browser.set_view(View(show_hidden=True))
    assert empty_text(browser) == ""
    assert counts_text(browser) == "1 file"


def test_very_many_entries_are_counted_as_few_are() -> None:
    browser = Browser(b"/x")
    many = [entry(b"%d" % number, size=1) for number in range(30_000)]
    folders = [entry(b"f%d" % number, kind=Kind.DIRECTORY) for number in range(1_500)]
    browser.show(b"/x", [*many, *folders])
    assert counts_text(browser) == "1 500 folders, 30 000 files, 30.0 kB"
    assert [one.name for one in browser.folders] == [one.name for one in folders]


def test_a_problem_in_the_folder_in_sight_goes_by_its_name() -> None:
    gone = FileError("cannot list", "/srv/a/very/long/way/down", "no such file or directory")
    told = Problem.of(gone, True, "/srv/a/very/long/way").words(over_old=True).plain
    assert told.startswith("✖ down: cannot list\n")
    assert Problem.of(gone, True, "/srv/a/ver").title.startswith("/srv/a/very")
    assert Problem.of(gone, True, "/").title == "srv/a/very/long/way/down: cannot list"


def test_a_problem_says_what_to_press() -> None:
    lost = Problem.of(ConnectionLost("Connection lost", "reset"), connected=True)
    assert "Enter connects again" in lost.words(over_old=True).plain
    denied = Problem.of(FileError("cannot list", "/root", "permission denied"), connected=True)
    assert denied.words(over_old=False).plain.splitlines() == [
        "✖ /root: cannot list",
        "permission denied",
        "ctrl+r tries again",
    ]
    # What is in sight is another folder, and that is what would be listed again.
    assert denied.words(over_old=True).plain.endswith("ctrl+r lists again · Esc hides this")


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("~", b"/home/me"),
        ("~/a", b"/home/me/a"),
        ("/etc/", b"/etc"),
        ("sub/x", b"/srv/sub/x"),
        ("..", b"/"),
        (" ../etc ", b"/etc"),
        ("~me", b"/srv/~me"),
        ("\udcff", b"/srv/\xff"),
    ],
)
def test_typed_paths(typed: str, path: bytes) -> None:
    assert file_names.path_from(typed, b"/srv", b"/home/me") == path


@pytest.mark.parametrize("name", ["", "  ", ".", "..", "a/b", "x" * 256, "é" * 128])
def test_names_that_cannot_be(name: str) -> None:
    assert file_names.problem(name)


@pytest.mark.parametrize("name", ["a", ".hidden", "-rf", "two words", "é" * 127])
def test_names_that_can_be(name: str) -> None:
    assert not file_names.problem(name)


def test_the_question_before_a_deletion_counts() -> None:
    entries = [entry(b"a", Kind.DIRECTORY), entry(b"b", size=5)]
    question = file_names.delete_question(entries, Census(7, 2, 1234), "web:/srv")
    assert question.danger
    assert question.title == "Delete 2 items?"
    assert "2 folders and 7 files, 1.2 kB in all" in question.detail
    partly = file_names.delete_question(entries, Census(7, 2, 1, complete=False), "web:/srv")
    assert "At least 2 folders" in partly.detail


def test_long_names_and_paths_are_bounded_in_dialogs() -> None:
    long = entry(b"x" * 240 + b".tar.gz")
    lines = file_names.listing([long] * 3, 8).split("\n")
    assert all(len(line) < 70 and line.endswith(".tar.gz") for line in lines)
    assert len(file_names.count([long])) <= 40
    place = file_names.place("web", b"/srv" + b"/folder" * 100 + b"/end")
    assert place.startswith("web:/srv/")
    assert place.endswith("/folder/end")
    assert len(place) <= 132
    assert file_names.place("web", b"/srv") == "web:/srv"


def test_many_names_are_listed_in_part() -> None:
    entries = [entry(f"file{number}".encode()) for number in range(20)]
    lines = file_names.listing(entries, 8).splitlines()
    assert len(lines) == 8
    assert lines[-1] == "… and 13 more"


def test_the_sum_of_sizes_gives_way_to_the_free_space() -> None:
    counts, space = "9 folders, 21 files, 30.2 MB", Space(10**12, 78_400_000_000)
    assert foot_text(counts, space, 45) == f"{counts}     78.4 GB free"
    assert foot_text(counts, space, 40) == "9 folders, 21 files         78.4 GB free"
    assert foot_text(counts, space, 28) == counts
    assert foot_text(counts, None, 28) == counts


def test_what_is_marked_is_counted_as_everything_else_is() -> None:
    browser = Browser()
    browser.show(b"/", [entry(f"file{number}".encode()) for number in range(3000)])
    browser.mark_all()
    browser.unmark(browser.rows[:1000])
    assert marked_text(len(browser.marks), None) == "✓ 2 000 marked"
    assert marked_text(len(browser.marks), 4_000) == "✓ 2 000 marked, 4.0 kB"
    browser.filter("file1*")
    assert counts_text(browser) == "1 111 of 3 000 shown"
