"""The lines of rcp, from servers that may send anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.messages import MalformedError
from sshdash.sftp.rcp import Complaint, End, Times, header, parse, times


def test_each_kind_of_line_is_read() -> None:
    assert parse(b"C0644 12 a b") == Entry(b"a b", Kind.FILE, 12, 0o644)
    assert parse(b"D0755 0 sub") == Entry(b"sub", Kind.DIRECTORY, 0, 0o755)
    assert parse(b"T1700000000 5 1700000001 0") == Times(1_700_000_000 * 10**9)
    assert parse(b"E") == End()
    assert parse(b"\x01scp: /x: Permission denied") == Complaint(
        "scp: /x: Permission denied", False
    )
    assert parse(b"\x02\x1b]0;title\x07") == Complaint("\\x1b]0;title\\x07", True)


@pytest.mark.parametrize(
    "line",
    [
        b"C0644 1 ..",
        b"C0644 1 .",
        b"C0644 1 ",
        b"C0644 1 a/b",
        b"D0755 0 /etc",
        b"C0644 1 a\0b",
        b"C0644 -1 a",
        b"C0644 99999999999999999999 a",
        b"C0644 9999999999999999999 a",
        b"Cabcd 1 a",
        b"C0644  1 a",
        b"C0644 1",
        b"T1 2 3",
        b"T-1 0 0 0",
        b"EE",
        b"Welcome to the machine",
        b"",
    ],
)
def test_what_is_no_line_or_names_something_else_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(line)


@given(st.binary(max_size=200))
def test_no_line_does_anything_else(line: bytes) -> None:
    try:
        record = parse(line)
    except MalformedError:
        return
    if isinstance(record, Entry):
        assert b"/" not in record.name
        assert record.name not in (b"", b".", b"..")


@given(st.binary(min_size=1, max_size=255), st.integers(0, 2**63 - 1), st.integers(0, 0o777))
def test_what_is_sent_is_what_is_read(name: bytes, size: int, mode: int) -> None:
    entry = Entry(b"x", Kind.FILE, size, mode, 5 * 10**9)
    try:
        line = header(entry, name, mode)
    except MalformedError:
        assert name in (b".", b"..") or set(name) & set(b"\n/\0")
        return
    assert parse(line[:-1]) == Entry(name, Kind.FILE, size, mode)
    assert parse(times(entry)[:-1]) == Times(5 * 10**9)
