"""Snippets: their places, their values, and errors that name the line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.errors import ConfigError
from sshdash.snippets import Snippet, load_snippets


@pytest.mark.parametrize(
    ("run", "places", "text"),
    [
        ("systemctl restart {unit}", ["unit"], "systemctl restart it's $x"),
        ("grep {unit!q} {file}", ["unit", "file"], "grep 'it'\"'\"'s $x' "),
        ("{unit} {unit!q}", ["unit"], "it's $x 'it'\"'\"'s $x'"),
        ("echo ${HOME} ${unit}", [], "echo ${HOME} ${unit}"),
        ("awk '{print $1}' {a,b} {} {1}", [], "awk '{print $1}' {a,b} {} {1}"),
        ("echo {{unit}} {{unit!q}}", [], "echo {unit} {unit!q}"),
        ("two\nlines\n", [], "two\nlines"),
    ],
)
def test_places_and_values(run: str, places: list[str], text: str) -> None:
    one = Snippet(run=run)
    assert one.places == places
    assert one.fill({"unit": "it's $x"}) == text


@given(st.text())
def test_a_quoted_value_is_one_word_to_a_shell(value: str) -> None:
    import shlex

    assert shlex.split(Snippet(run="echo {it!q}").fill({"it": value})) == ["echo", value]


def test_a_value_is_not_looked_at_for_places() -> None:
    assert Snippet(run="{a} {b}").fill({"a": "{b}", "b": "x"}) == "{b} x"


def test_the_file(tmp_path: Path) -> None:
    file = tmp_path / "snippets.yaml"
    assert load_snippets(file) == []
    file.write_text(
        "up: uptime\n"
        "restart:\n  run: systemctl restart {unit}\n  about: a unit\n"
        "  values: {unit: nginx}\n  hosts: [web-*]\n"
        "several: |\n  one\n  two\n"
    )
    up, restart, several = load_snippets(file)
    assert (up.name, up.run) == ("up", "uptime")
    assert (restart.about, restart.values) == ("a unit", {"unit": "nginx"})
    assert restart.fits(["web-1"])
    assert not restart.fits(["web-1", "db-1"])
    assert up.fits(["anything"])
    assert several.fill({}) == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- a\n", 1, "names"),
        ("a: x\nb: [1]\n", 2, "b: expected a command"),
        ("a: x\nb:\n  rum: y\n", 2, "rum"),
        ("a: x\nb:\n  about: y\n", 2, "run"),
        ("a: ''\n", 1, "empty"),
        ("a:\n  run: x {y}\n  values: {z: 1}\n", 1, "a: "),
        ("a:\n  run: x {y}\n  values: {z: '1'}\n", 1, "no place {z}"),
        ("a: 5\n", 1, "a: expected a command"),
        ("a: [\n", 2, "expected"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    file = tmp_path / "snippets.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_snippets(file)
    assert caught.value.line == line
    assert said in caught.value.detail
