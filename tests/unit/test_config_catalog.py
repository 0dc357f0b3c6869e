"""The host list: everything that can be listed is, and everything wrong is told."""

import os
from pathlib import Path

from sshdash.config.catalog import Catalog, ConfigProblem, load_catalog
from sshdash.config.source import ConfigSource


def catalog(home: Path, text: str, **included: str) -> Catalog:
    """List one file; `included` are files in ``~/.ssh``."""
    for name, content in included.items():
        path = home / ".ssh" / name
        path.write_bytes(os.fsencode(content))
        path.chmod(0o600)
    file = home / "config"
    file.write_bytes(os.fsencode(text))
    return load_catalog(ConfigSource.standard(str(file)))


def names(found: Catalog) -> list[str]:
    """Return the listed names."""
    return [entry.alias for entry in found.hosts]


def places(found: Catalog) -> list[tuple[str, int]]:
    """Return the file names and lines of the problems."""
    return [(Path(problem.file).name, problem.line) for problem in found.problems]


def test_names_are_listed_once_and_patterns_never(home: Path) -> None:
    found = catalog(
        home,
        "Host *\nUser x\nHost web web-?\nHost db !db-2 *.test\nHost web other\nMatch host hidden\n",
    )
    assert names(found) == ["web", "db", "other"]
    assert [entry.line for entry in found.hosts] == [3, 4, 5]
    assert found.problems == ()


def test_includes_make_groups(home: Path) -> None:
    found = catalog(
        home,
        "Include *.conf\nHost main\nHost only\n  Include nested\n",
        **{"b.conf": "Host b1\n", "a.conf": "Host a1 main\n", "nested": "Host deep\n"},
    )
    assert [(entry.alias, entry.group) for entry in found.hosts] == [
        ("a1", "a"),
        ("main", "a"),
        ("b1", "b"),
        ("only", ""),
        ("deep", "nested"),
    ]
    assert [Path(file).name for file in found.files] == ["config", "a.conf", "b.conf", "nested"]


def test_a_wrong_line_hides_nothing_else(home: Path) -> None:
    found = catalog(
        home,
        'Host a\n  Prot 22\n  Port x\nHost b\n  User "x\nMatch sometimes yes\nHost c\n'
        'Host ""\nHost\n'
        "Host d\n  Include bad\n",
        bad="Host e\nNonsense\nHost f\n",
    )
    assert names(found) == ["a", "b", "c", "d", "e", "f"]
    assert places(found) == [
        ("config", 2),
        ("config", 3),
        ("config", 5),
        ("config", 6),
        ("config", 8),
        ("config", 9),
        ("bad", 2),
    ]


def test_an_unreadable_include_is_a_problem(home: Path) -> None:
    loop = home / ".ssh" / "loop"
    loop.symlink_to(loop)
    found = catalog(home, "Host a\n  Include loop\nHost b\n")
    assert names(found) == ["a", "b"]
    assert places(found) == [("config", 2)]


def test_files_that_include_themselves_end(home: Path) -> None:
    found = catalog(home, "Host a\nInclude self self\n", self="Host b\nInclude self self\n")
    assert names(found) == ["a", "b"]
    assert places(found) == [("self", 2)]
    assert "include itself" in found.problems[0].message


def test_unknown_keywords_can_be_ignored(home: Path) -> None:
    assert catalog(home, "IgnoreUnknown Use*\nHost a\nUseKeychain yes\n").problems == ()


def test_a_byte_order_mark_is_told_as_such(home: Path) -> None:
    found = catalog(home, "\ufeffHost a\nHost b\n")
    assert "byte order mark" in found.problems[0].message


def test_odd_bytes_are_listed_and_shown_clean(home: Path) -> None:
    found = catalog(home, "Host caf\udce9\nHost b\r\nHost c\n\x1b]0;x\x07 y\n")
    assert names(found) == ["caf\udce9", "b", "c"]
    assert found.problems[0].message == "bad configuration option: \\x1b]0;x\\x07"


def test_missing_and_unreadable_files(home: Path) -> None:
    found = load_catalog(ConfigSource.standard(str(home / "missing")))
    assert found.hosts == ()
    assert [str(problem) for problem in found.problems] == [
        f"{home}/missing: cannot open: No such file or directory"
    ]
    assert load_catalog(ConfigSource(home / "missing", None)).problems == ()
    assert load_catalog(ConfigSource(home / ".ssh", None)).hosts == ()


def test_a_problem_names_its_place() -> None:
    assert str(ConfigProblem("f", 3, "bad")) == "f:3: bad"


def test_thousands_of_hosts_are_listed(home: Path) -> None:
    text = "".join(
        f"Host host-{n}\n  HostName 10.{n // 250}.0.{n % 250}\n  User deploy\n"
        f"  Port {2200 + n % 9}\n"
        f"  IdentityFile ~/.ssh/id_{n % 5}\n\n"
        for n in range(10_000)
    )
    found = catalog(home, text)
    assert [host.alias for host in found.hosts] == [f"host-{n}" for n in range(10_000)]
