"""Fuzzy matching: what matches, what ranks first, and that it stays quick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.ui.fuzzy import match


def best(query: str, *names: str) -> str:
    scored = [(found.score, name) for name in names if (found := match(query, name))]
    return max(scored)[1]


@pytest.mark.parametrize(
    ("query", "first", "second"),
    [
        ("web", "web-1", "cobweb"),
        ("web", "prod-web-1", "w-e-b"),
        ("pw1", "prod-web-1", "prod-row-x1"),
        ("db", "db", "db-replica"),
        ("s2", "stage-2", "sx-12"),
        ("DB", "db-1", "d-b"),
    ],
)
def test_the_better_match_wins(query: str, first: str, second: str) -> None:
    assert best(query, second, first) == first


@pytest.mark.parametrize(("query", "name"), [("x", "web"), ("bew", "web"), ("webb", "web")])
def test_letters_that_are_not_there_in_order_do_not_match(query: str, name: str) -> None:
    assert match(query, name) is None


@given(st.text(max_size=30), st.text(max_size=4))
def test_places_spell_the_query(name: str, query: str) -> None:
    found = match(query, name)
    if found is not None and name.lower() == name and len(name.lower()) == len(name):
        assert "".join(name[place] for place in found.places) == "".join(query.lower().split())


@given(st.lists(st.sampled_from("abc-"), min_size=1, max_size=40), st.data())
def test_every_subsequence_matches(letters: list[str], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(letters), max_size=len(letters)))
    query = "".join(letter for letter, keep in zip(letters, kept, strict=True) if keep)
    assert match(query, "".join(letters)) is not None


@pytest.mark.timeout(240)  # every way to match them takes years
def test_repeated_letters_take_no_time() -> None:
    names = [f"eeeeeeeeee-eeeeeeeeee-eeeee-{number}" for number in range(1000)]
    assert all(match("eeeee-e-e", name) for name in names)
