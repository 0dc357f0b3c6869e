"""The file of rules: what it says, and that a change leaves everything else as it was."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.errors import ConfigError, SSHDashError
from sshdash.tunnels.kept.rule import Meanwhile, Probe, ProbeKind, Rule, Start
from sshdash.tunnels.kept.rules_edit import with_rule, without_rule
from sshdash.tunnels.kept.rules_file import (
    load_rules,
    remove_rule,
    rules_file,
    save_rule,
    save_rules,
)
from sshdash.tunnels.kept.rules_text import COLOURS, parse_option, parse_rules, rule_text

FILE = "tunnels.yaml"

BY_HAND = """\
# what I need every day

billing-db:   # ask Anna
    host: db-1   # the replica
    forwards:
    - -L 5432:db:5432   # postgres
    - "-D 1080"
    note: >
      for reports,
      not for writing
    start: launch

# the old one
'web': {host: web-1, forwards: [-L 8080:localhost:80], probe: {http: /health, every: 30}}
cache:
  host: cache-1
  forwards: -L 6379:localhost:6379
"""


def rule(name: str, host: str, *forwards: str, **fields: object) -> Rule:
    return Rule(name, host, tuple(map(parse_option, forwards)), **fields)  # type: ignore[arg-type]


def test_what_a_person_wrote() -> None:
    read = parse_rules(BY_HAND, FILE)
    assert not read.problems
    assert read.rules == (
        rule(
            "billing-db",
            "db-1",
            "-L 5432:db:5432",
            "-D 1080",
            note="for reports, not for writing\n",
            start=Start.LAUNCH,
        ),
        rule("web", "web-1", "-L 8080:localhost:80", probe=Probe(ProbeKind.HTTP, "/health", 30)),
        rule("cache", "cache-1", "-L 6379:localhost:6379"),
    )
    assert read.lines == {"billing-db": 3, "web": 14, "cache": 15}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1", 1, "host and forwards are needed"),
        ("a:\n  host: x", 2, "a: forwards is missing"),
        ("a:\n  host: x\n  forwards: []", 3, "forwards has to be options of ssh"),
        ("a:\n  host: x\n  forwards: [-L 99999:db:1]", 3, "listening port 99999"),
        ("a:\n  host: x\n  forwards: [db]", 3, "'db' is no option of ssh"),
        ("a:\n  host: x\n  forwards: [-D 1, -D 1]", 3, "there twice"),
        ("a:\n  host: -oProxyCommand=x\n  forwards: [-D 1]", 2, "is no host"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  colour: pink", 4, "colour has to be one of black"),
        (
            "a:\n  host: x\n  forwards: [-D 1]\n  start: always",
            4,
            "launch, host or never",
        ),
        ("a:\n  host: x\n  forwards: [-D 1]\n  probe: {redis: true}", 4, "probe has to be tcp"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  probe: {gopher: }", 4, "probe has to be tcp"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  group: 1", 4, "in quotes where"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  tags: db", 4, "a list of words"),
        ("a:\n  host: 1\n  forwards: [-D 1]", 2, "host has to be a host as after ssh"),
        ("a:\n  host: x\n  host: y\n  forwards: [-D 1]", 3, "host is there twice"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  port: 1", 4, "port is not known; known: host"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  password: x", 4, "keeps no secret in a file"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  probe: {http: x}", 4, "begins with a slash"),
        ("a:\n  host: x\n  forwards: [-D 1]\n  probe: {ssh: , tcp: }", 4, "one way"),
        (
            "a:\n  host: x\n  forwards: [-D 1]\n  probe: {every: 0}",
            4,
            "1 to 86400",
        ),
        ("a:\n  host: x\n  forwards: [-D 1]\n  tags: [[[x]]]", 4, "too deep"),
        ("a:\n  host: !!python/object:os.system x\n  forwards: [-D 1]", 2, "could not determine"),
        ("a:\n  host: 2026-99-99\n  forwards: [-D 1]", 2, "month"),
        ("../x:\n  host: x\n  forwards: [-D 1]", 1, "no slash"),
        ("a: &x\n  host: x\n  forwards: [-D 1]\nb:\n  <<: *x\n  note: y", 5, "<< is not known"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_others_go_on(
    text: str, line: int, said: str
) -> None:
    text = f"{text}\nfine:\n  host: fine\n  forwards: [-D 2]\n"
    read = parse_rules(text, FILE)
    assert "fine" in {one.name for one in read.rules}
    [problem] = read.problems
    assert problem.line == line
    assert f"{FILE}:{line}" in problem.detail
    assert said in problem.detail


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: {", 2), ("- a", 1), ("a:\n\thost: x", 2), ("a: \x07", 0), ("a: &b *b", 0)],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rules(f"{text}\n", FILE)
    assert not line or caught.value.line == line


def test_a_bomb_of_aliases_is_told_and_not_expanded() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 40))
    read = parse_rules(f"l0: &l0 [x]\n{levels}", FILE)
    assert len(read.problems) == 40


def test_names_and_forwards_are_unique() -> None:
    text = "a: {host: x, forwards: [-D 1]}\n"
    assert "already, in line 1" in str(parse_rules(text + text, FILE).problems[0])
    other = text.replace("a:", "b:")
    assert "a has the same forward" in str(parse_rules(text + other, FILE).problems[0])
    elsewhere = other.replace("x", "y")
    assert not parse_rules(text + elsewhere, FILE).problems


def test_lost_rules_are_written_again_all_or_none(tmp_path: Path) -> None:
    file = tmp_path / "tunnels.yaml"
    rules = parse_rules(BY_HAND, FILE).rules
    with pytest.raises(ConfigError):
        save_rules([*rules, replace(rules[0], name="no\nname")], file)
    assert not file.exists()
    save_rules(rules, file)
    assert load_rules(file).rules == rules


def test_a_change_touches_nothing_else_in_the_file() -> None:
    [billing, web, cache] = parse_rules(BY_HAND, FILE).rules
    changed = with_rule(
        BY_HAND,
        FILE,
        Rule("billing", "db-2", billing.forwards, start=Start.LAUNCH, group="dbs"),
        "billing-db",
    )
    assert changed == BY_HAND.replace("billing-db:", "billing:").replace(
        "host: db-1   #", "host: db-2   #"
    ).replace("    note: >\n      for reports,\n      not for writing\n", "").replace(
        "    start: launch\n", "    start: launch\n    group: dbs\n"
    )
    braces = with_rule(BY_HAND, FILE, rule("web", "web-2", "-L 8080:localhost:80"))
    assert braces.startswith(BY_HAND[: BY_HAND.index("'web'")])
    assert braces.endswith(BY_HAND[BY_HAND.index("cache:") :])
    assert parse_rules(braces, FILE).rules == (
        billing,
        rule("web", "web-2", "-L 8080:localhost:80"),
        cache,
    )
    gone = without_rule(BY_HAND, FILE, "web")
    assert gone == BY_HAND[: BY_HAND.index("'web'")] + BY_HAND[BY_HAND.index("cache:") :]
    assert with_rule(BY_HAND, FILE, web) == BY_HAND


def test_other_ends_of_lines_and_an_end_without_one() -> None:
    text = BY_HAND.replace("\n", "\r\n").rstrip()
    added = with_rule(text, FILE, rule("new", "x", "-D 1"))
    assert added == f"{text}\r\n" + "new:\r\n  host: x\r\n  forwards: [-D 1]\r\n"
    noted = with_rule(text, FILE, rule("cache", "cache-1", "-L 6379:localhost:6379", note="n"))
    assert noted == f"{text}\r\n  note: n\r\n"


def test_a_broken_rule_is_kept_as_it_is_and_can_be_put_right() -> None:
    text = "bad:\n  host: x   # why?\n  forwards: nonsense\nok: {host: y, forwards: [-D 1]}\n"
    assert with_rule(text, FILE, rule("new", "z", "-D 2")).startswith(text)
    mended = with_rule(text, FILE, rule("bad", "x", "-D 3"))
    assert not parse_rules(mended, FILE).problems
    assert "# why?" in mended


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a: {host: x, forwards: [-D 1]}}", "braces"),
        (
            "a:\n  host: &h x\n  forwards: [-D 1]\nb:\n  host: *h\n  forwards: [-D 2]\n",
            "change it in your editor",
        ),
    ],
)
def test_what_could_change_others_too_is_left_to_the_editor(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_rule(text, FILE, rule("a", "z", "-D 1"))
    assert said in str(caught.value)


def test_a_name_that_is_taken_or_none() -> None:
    for name in ("web", "", "a/b", "-x", "a\nb", "x" * 65):
        with pytest.raises(ConfigError):
            with_rule(BY_HAND, FILE, rule(name, "x", "-D 9"), "cache")


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
RULES = st.builds(
    Rule,
    name=st.sampled_from(["a", "yes", "~", "1e3", "null", "ä b", "#x", "a: b", "[", "2026-01-01"]),
    host=st.sampled_from(["web", "u@[::1]:22", "0x10", "no", "h #1"]),
    forwards=st.lists(
        st.sampled_from(
            [parse_option(one) for one in ("-L 1:a:2", "-R *:3:[::1]:4", "-D 0", "-L [::1]:5:b:6")]
        ),
        min_size=1,
        unique=True,
    ).map(tuple),
    note=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    tags=st.lists(WORDS, max_size=3).map(tuple),
    colour=st.sampled_from(["", *COLOURS]),
    start=st.sampled_from(Start),
    group=st.one_of(st.just(""), WORDS),
    meanwhile=st.sampled_from(Meanwhile),
    probe=st.sampled_from(
        [Probe(), Probe(ProbeKind.REDIS), Probe(ProbeKind.HTTP, "/x?y=#1"), Probe(interval=2.5)]
    ),
)


@given(RULES, RULES)
def test_every_rule_is_read_back_as_it_was_written(first: Rule, second: Rule) -> None:
    text = with_rule("", FILE, first)
    assert parse_rules(text, FILE).rules == (first,)
    framed = f"# above\n{rule_text(first)}# below\nother: {{host: zz, forwards: [-D 77]}} # x\n"
    changed = with_rule(framed, FILE, second, first.name)
    assert second in parse_rules(changed, FILE).rules
    assert changed.startswith("# above\n")
    assert changed.endswith("# below\nother: {host: zz, forwards: [-D 77]} # x\n")


def test_the_file_is_private_and_keeps_links_and_mode(tmp_path: Path) -> None:
    assert load_rules().rules == ()
    save_rule(rule("a", "x", "-D 1"))
    file = rules_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kept = tmp_path / "dotfiles.yaml"
    file.rename(kept)
    kept.chmod(0o640)
    file.symlink_to(kept)
    assert [one.name for one in save_rule(rule("b", "y", "-D 1")).rules] == ["a", "b"]
    assert file.is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert [one.name for one in remove_rule("a").rules] == ["b"]
    with pytest.raises(SSHDashError, match="cannot be changed"):
        remove_rule("a")
