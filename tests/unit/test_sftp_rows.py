"""The rows of a pane, as a container."""

import gc
import sys

import pytest

from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.listing import let_go
from sshdash.sftp.rows import UP, Numbered, Rows

FILES = [Entry(b"%d" % number, Kind.FILE) for number in range(3000)]


def test_numbered_entries_are_what_a_list_would_be() -> None:
    numbered = Numbered()
    numbered.extend(FILES[:7])
    numbered.extend(FILES[7:10])
    assert (len(numbered), list(numbered)) == (10, FILES[:10])
    assert (numbered[0], numbered[-1]) == (FILES[0], FILES[9])
    assert numbered[2:5] == FILES[2:5]
    assert numbered[8:50] == FILES[8:10]
    for beyond in (10, -11):
        with pytest.raises(IndexError):
            numbered[beyond]
    numbered.drop(4)
    assert list(numbered) == FILES[:6]
    numbered.drop(100)
    assert not numbered


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="looks through every dict")
def test_the_garbage_collector_has_nothing_to_look_through_in_rows() -> None:
    rows = Rows([UP, *FILES])
    inside = [one for one in gc.get_referents(rows.entries) if isinstance(one, dict)]
    assert inside
    assert not any(map(gc.is_tracked, [rows.places, rows.others, *inside]))


def test_all_of_a_directory_is_told_even_while_it_changes() -> None:
    rows = Rows([UP, *FILES])
    hidden = Entry(b".h", Kind.FILE)
    rows.others = {b".h": hidden}
    assert list(rows.all()) == [*FILES, hidden]
    told = rows.all()
    first = next(told)
    rows.extend([Entry(b"new", Kind.FILE)])
    let_go(rows)
    assert first is FILES[0]
    assert len(list(told)) < len(FILES), "whoever asked looks whether it is the same still"


def test_which_names_a_directory_has() -> None:
    rows = Rows([UP, *FILES[:3]])
    rows.others = {b".h": Entry(b".h", Kind.FILE)}
    assert rows.known({b"0", b".h", b"gone"}) == {b"0", b".h"}
    assert rows.known({b"0", b".h", b"gone", b"3", b"4", b"5"}) == {b"0", b".h"}
    assert rows.missing([b"0", b".h", b"gone"]) == [b"gone"]
    assert rows.names_but([b"1", b"gone"]) == {b"0", b"2", b".h"}
