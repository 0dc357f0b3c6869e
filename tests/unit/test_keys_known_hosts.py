"""known_hosts: reading, matching, appending."""

import os
import time
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.keys.known_hosts import (
    KnownHosts,
    Marker,
    hash_name,
    known_line,
    load_known_hosts,
    match_patterns,
    parse_known_hosts,
)

KEY = asyncssh.generate_private_key("ssh-ed25519")
BLOB = KEY.public_data
LINE = KEY.export_public_key().decode().strip()


def names(known: KnownHosts, name: str) -> list[str]:
    return [key.names for key in known.matching(name)]


@pytest.mark.parametrize(
    ("patterns", "name", "matches"),
    [
        ("web", "web", True),
        ("WEB", "web", True),
        ("web,db", "db", True),
        ("web", "web.example", False),
        ("*.example", "web.example", True),
        ("w?b", "web", True),
        ("w?b", "weeb", False),
        ("*,!web", "web", False),
        ("!web,*", "web", False),
        ("!web", "db", False),
        ("[web]:2222", "[web]:2222", True),
        ("[web]:2222", "web", False),
        ("[*]:2222", "[web]:2222", True),
        ("[w*]:*", "[web]:22022", True),
        ("web", "[web]:2222", False),
        ("10.0.0.*", "10.0.0.7", True),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("[abc]", "a", False),
    ],
)
def test_patterns(patterns: str, name: str, matches: bool) -> None:
    assert match_patterns(patterns, name) is matches


def test_lines_of_every_kind() -> None:
    text = (
        f"# comment\n\n  web,10.0.0.1 {LINE} a comment here\r\n"
        f"@cert-authority *.example {LINE}\n"
        f"@revoked\t* {LINE}\n"
        f"{hash_name('secret')} {LINE}\n"
    )
    known = parse_known_hosts(text, "file")
    assert known.bad == ()
    assert [key.marker for key in known.keys] == [
        Marker.HOST,
        Marker.CA,
        Marker.REVOKED,
        Marker.HOST,
    ]
    assert [key.line for key in known.keys] == [3, 4, 5, 6]
    assert known.keys[0].where == "file:3"
    assert all(key.blob == BLOB for key in known.keys)
    assert known.keys[3].is_hashed


@pytest.mark.parametrize(
    "bad",
    [
        "web",
        "web ssh-ed25519",
        "web ssh-ed25519 AAAA",
        f"web ssh-rsa {LINE.split()[1]}",
        "web ssh-ed25519 not*base64",
        f"@unknown web {LINE}",
        f"|1|x|y {LINE}",
        f"|2|{'A' * 28}|{'A' * 28} {LINE}",
        f"|1| {LINE}",
        "\x01\x02\x00",
        "web 1024 35 12345",
    ],
    ids=lambda bad: repr(bad.replace(LINE, "KEY").replace(LINE.split()[1], "BLOB")),
)
def test_bad_lines_are_kept_apart_and_hide_nothing(bad: str) -> None:
    known = parse_known_hosts(f"{bad}\nweb {LINE}\n{bad}\n")
    assert names(known, "web") == ["web"]
    assert [line.line for line in known.bad] == [1, 3]
    assert all(line.reason for line in known.bad)


def test_hashed_names_match_only_their_name() -> None:
    known = parse_known_hosts(f"{hash_name('[web]:2222')} {LINE}\n")
    assert len(names(known, "[web]:2222")) == 1
    assert names(known, "web") == []
    assert hash_name("web", b"x" * 20) == hash_name("web", b"x" * 20)
    assert hash_name("web") != hash_name("web")


def test_case_does_not_matter() -> None:
    known = parse_known_hosts(f"Web.Example {LINE}\n{hash_name('web.example')} {LINE}\n")
    assert len(names(known, "WEB.example")) == 2


@given(st.text(max_size=300))
def test_any_text_parses(text: str) -> None:
    known = parse_known_hosts(text)
    assert list(known.matching("web")) is not None


@given(st.text(alphabet="abc*?!,.[]:|", max_size=12), st.text(alphabet="abc.[]:", max_size=6))
def test_any_pattern_matches_or_not(patterns: str, name: str) -> None:
    assert match_patterns(patterns, name) in (True, False)


@given(st.from_regex(r"[a-z0-9.\-]{1,30}", fullmatch=True), st.booleans())
def test_written_lines_are_found_again(name: str, hashed: bool) -> None:
    known = parse_known_hosts(known_line(name, BLOB, "ssh-ed25519", hashed))
    assert [key.blob for key in known.matching(name)] == [BLOB]


def test_missing_files_say_nothing(tmp_path: Path) -> None:
    assert load_known_hosts([tmp_path / "no", tmp_path / "no" / "no"]) == KnownHosts()


def test_an_unreadable_file_says_nothing_and_is_reported(tmp_path: Path) -> None:
    (bad,) = load_known_hosts([tmp_path]).bad
    assert bad.file == str(tmp_path)
    assert "directory" in bad.reason


def test_latin1_comments_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_bytes(b"# caf\xe9\n" + f"web {LINE}".encode() + b" caf\xe9\n")
    assert names(load_known_hosts([file]), "web") == ["web"]


def test_a_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.keys.known_hosts._SETTLED", 0.0)
    file = tmp_path / "known"
    file.write_text(f"one {LINE}\n")
    time.sleep(0.02)
    first = load_known_hosts([file])
    assert load_known_hosts([file]).keys[0] is first.keys[0]
    file.write_text(f"two {LINE}\n")
    assert names(load_known_hosts([file]), "two") == ["two"]
    times = file.stat()
    file.write_text(f"six {LINE}\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert names(load_known_hosts([file]), "six") == ["six"]
    other = tmp_path / "other"
    other.write_text(f"ten {LINE}\n")
    os.replace(other, file)
    assert names(load_known_hosts([file]), "ten") == ["ten"]
    file.unlink()
    assert load_known_hosts([file]) == KnownHosts()
