"""The keyword table tells the truth about what sshdash does."""

import re
from pathlib import Path

import pytest

import sshdash
from sshdash.config.keywords import ALIASES, KEYWORDS, OBSOLETE, SINCE, Use
from sshdash.config.spelling import SPELLING
from tests.keyword_table import BEGIN, README, with_table

_ROOT = Path(sshdash.__file__).parent
_TABLES = {"keywords", "values", "value_lists", "defaults", "dump", "algorithms"}
"""Modules that name keywords without acting on them."""


def _named(folder: Path, *, skip: set[str]) -> set[str]:
    """Return every quoted lower-case word in the modules of a folder."""
    words: set[str] = set()
    for path in folder.rglob("*.py"):
        if path.stem not in skip:
            words.update(re.findall(r'"([a-z0-9]+)"', path.read_text(encoding="utf-8")))
    return words


@pytest.fixture(scope="module")
def acting() -> set[str]:
    """Return the words that acting modules name; algorithm lists are looked up by table."""
    words = _named(_ROOT, skip=_TABLES)
    return words | _named(_ROOT / "connections", skip=set())


@pytest.mark.parametrize("name", sorted(KEYWORDS))
def test_a_keyword_said_to_be_acted_on_is_read(name: str, acting: set[str]) -> None:
    if KEYWORDS[name].use is Use.ACTS:
        assert name in acting


@pytest.mark.parametrize("name", sorted(KEYWORDS))
def test_a_keyword_that_is_ignored_has_a_reason(name: str) -> None:
    keyword = KEYWORDS[name]
    assert keyword.name == name == name.lower()
    assert bool(keyword.why) is (keyword.use is not Use.ACTS)


def test_names_are_known_once() -> None:
    assert set(ALIASES.values()) <= set(KEYWORDS)
    assert not set(ALIASES) & set(KEYWORDS)
    assert not OBSOLETE & (set(KEYWORDS) | set(ALIASES))


def test_the_readme_tells_of_every_keyword_as_it_is() -> None:
    readme = README.read_text(encoding="utf-8")
    assert BEGIN in readme
    assert with_table(readme) == readme, "run: python -m tests.keyword_table"


def test_every_keyword_of_the_manual_is_known() -> None:
    """The names are those of ssh_config(5), releases 9.2 to 10.2 and Debian's additions."""
    assert set(SPELLING) == set(KEYWORDS)
    assert set(SINCE) <= set(KEYWORDS)
