"""Ranges of marks that grow, shrink and turn round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp import marking
from sshdash.sftp.browser import Browser
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.marking import MarkRange

NAMES = [b"%02d" % number for number in range(12)]


def browser_at(row: int, marked: set[bytes]) -> Browser:
    browser = Browser(b"/x")
    browser.show(b"/x", [Entry(name, Kind.FILE) for name in NAMES])
    browser.move_to(row)
    browser.marks = set(marked)
    return browser


@pytest.mark.parametrize("steps", [0, 3, 1_000])
@given(
    first=st.integers(0, 12),
    moves=st.lists(st.integers(-2, 14), min_size=1, max_size=8),
    marked=st.sets(st.sampled_from(NAMES)),
)
def test_a_range_is_what_is_between_its_ends_and_what_was_marked_before(
    steps: int, first: int, moves: list[int], marked: set[bytes]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marking, "_STEPS", steps)
        browser = browser_at(first, marked)
        growing = MarkRange(browser)
        for row in moves:
            growing.stretch(row)
            low, high = sorted((first, row))
            between = {name for at, name in enumerate(NAMES, 1) if low <= at <= high}
            assert browser.marks == marked | between


def test_the_row_that_leads_up_is_never_in_a_range() -> None:
    browser = browser_at(2, set())
    MarkRange(browser).stretch(0)
    assert browser.marks == {b"00", b"01"}
