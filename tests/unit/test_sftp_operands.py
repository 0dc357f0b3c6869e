"""Operands of cp, as scp takes them."""

import pytest

from sshdash.cli.operands import Operand, parse_operand
from sshdash.errors import UsageError


@pytest.mark.parametrize(
    ("text", "endpoint", "path"),
    [
        ("file", "", b"file"),
        ("./a:b", "", b"./a:b"),
        ("/a:b", "", b"/a:b"),
        ("dir/a:b", "", b"dir/a:b"),
        ("host:", "host", b""),
        ("host:file", "host", b"file"),
        ("host:a:b", "host", b"a:b"),
        ("host:/a/b c", "host", b"/a/b c"),
        ("me@host:~/x", "me@host", b"~/x"),
        ("[::1]:x", "::1", b"x"),
        ("me@[fe80::1]:/x", "me@fe80::1", b"/x"),
        ("scp://me@host:2222/rel", "me@host:2222", b"rel"),
        ("scp://host//abs%20path", "host", b"/abs path"),
        (":odd", "", b":odd"),
        ("na\udcffme", "", b"na\xffme"),
    ],
)
def test_operands(text: str, endpoint: str, path: bytes) -> None:
    assert parse_operand(text) == Operand(endpoint, path)


@pytest.mark.parametrize(
    "text", ["", "-oProxyCommand=x:y", "a;b:c", "scp://:1/x", "@h:x", "scp://h/%00"]
)
def test_what_is_no_operand(text: str) -> None:
    with pytest.raises(UsageError):
        parse_operand(text)


def test_a_wrong_address_is_named_as_it_was_written() -> None:
    with pytest.raises(UsageError, match=r"scp://web:99999/x.* is not a place"):
        parse_operand("scp://web:99999/x")
