"""Settings by host pattern."""

import pytest

from sshdash.config.patterns import first_for_host


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("db-1", "second"),
        ("DB-2", "second"),
        ("admin@db-1", "second"),
        ("db-old", "first"),
        ("cache", "list"),
        ("web", None),
        ("", None),
    ],
)
def test_the_first_pattern_that_matches_a_host_counts(host: str, value: str | None) -> None:
    by_pattern = {"db-old": "first", "db-*": "second", "db-?": "late", "c*,!core": "list"}
    assert first_for_host(host, by_pattern) == value
