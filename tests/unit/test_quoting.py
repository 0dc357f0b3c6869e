"""Words that whatever shell a host has reads as they are."""

import re
import subprocess

import pytest

from sshdash.quoting import command_line, quoted

WORDS = [
    b"plain/name-1.txt",
    b"",
    b"it's",
    b"a\\'; touch /tmp/owned; '",
    b"ends with \\",
    b"$(id) `id` $HOME * ? [a] ~ ! # & | ; < >",
    b"line\nbreak",
    b"\xff\xfe not UTF-8",
]


def test_a_posix_shell_reads_every_byte_as_it_is() -> None:
    line = b"printf '%s\\0' " + command_line(WORDS)
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[:-1] == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_no_backslash_is_inside_quotes_where_fish_would_take_it_for_an_escape(word: bytes) -> None:
    text = quoted(word.decode("latin-1"))
    assert re.fullmatch(r"[\w@+:,./-]+|(?:'[^'\\]*'|\\['\\])+", text, re.ASCII)
