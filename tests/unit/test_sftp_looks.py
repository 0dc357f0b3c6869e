"""What is asked with SFTP's greeting: only what means the same before the home is known."""

import pytest

from sshdash.sftp.looks import STATVFS, Look, of_source, of_target
from sshdash.sftp.messages import Message, string

HOME = b"/home/me"


@pytest.mark.parametrize(
    ("path", "sent", "meant"),
    [
        (b"docs", b"docs", b"/home/me/docs"),
        (b"./docs//new", b"docs/new", b"/home/me/docs/new"),
        (b"/srv//docs", b"/srv/docs", b"/srv/docs"),
        (b"\xff new\n", b"\xff new\n", b"/home/me/\xff new\n"),
    ],
)
def test_a_source_is_looked_at_and_listed(path: bytes, sent: bytes, meant: bytes) -> None:
    looks = of_source(path, follow=True, recursive=True)
    assert [look.kind for look in looks] == [Message.STAT, Message.OPENDIR]
    assert {look.body() for look in looks} == {string(sent)}
    assert {look.body(HOME) for look in looks} == {string(meant)}


@pytest.mark.parametrize(
    "path", [b"~", b"~you/x", b"a/../b", b"..", b"*.log", b"[ab]", b"dir/", b"a/."]
)
def test_what_only_the_server_knows_is_not_looked_at_ahead(path: bytes) -> None:
    assert of_source(path, follow=True, recursive=True) == ()


def test_a_link_that_is_not_followed_is_looked_at_itself() -> None:
    assert of_source(b"link", follow=False, recursive=False) == (Look(Message.LSTAT, b"link"),)


def test_a_target_is_looked_at_with_its_room_and_the_places_in_it() -> None:
    looks = of_target(b"out", [b"/here/many", b"one/"])
    assert Look(Message.EXTENDED, b"out", STATVFS) in looks
    assert looks[-1].body(HOME) == string(b"/home/me/out/one")
    assert looks[-2].body() == string(b"out/many")


@pytest.mark.parametrize("path", [b"", b".", b"./"])
def test_the_home_itself_is_a_target(path: bytes) -> None:
    first, *_, last = of_target(path, [b"many"])
    assert (first.body(), first.body(HOME)) == (string(b"."), string(HOME))
    assert (last.body(), last.body(HOME)) == (string(b"many"), string(b"/home/me/many"))


def test_of_thousands_of_sources_few_are_looked_at_ahead() -> None:
    assert len(of_target(b"out", [b"%d" % number for number in range(10_000)])) < 32
