"""What terminals paste when files are dropped on them."""

import pytest

from sshdash.sftp.pasted import readings_of


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/tmp/a", (b"/tmp/a",)),
        ("'/tmp/a b' /tmp/c ", (b"/tmp/a b", b"/tmp/c")),
        ("/tmp/a\\ b /tmp/c", (b"/tmp/a b", b"/tmp/c")),
        ("/tmp/a b\n/tmp/c\n", (b"/tmp/a b", b"/tmp/c")),
        ("file:///tmp/a%20b\r\nfile://localhost/tmp/%FF\r\n", (b"/tmp/a b", b"/tmp/\xff")),
        ("/tmp/it's", (b"/tmp/it's",)),
        ("/tmp/a\n/tmp/a", (b"/tmp/a",)),
    ],
)
def test_reads_paths(text: str, paths: tuple[bytes, ...]) -> None:
    assert paths in readings_of(text)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "rm -rf /", "/tmp/a ; rm -rf b\nx", "a/b", "/tmp/\0", "file://other/tmp/a"],
)
def test_other_text_is_no_list_of_paths(text: str) -> None:
    assert readings_of(text) in ([], [(b"/tmp/a ; rm -rf b",)])
    assert not any(b"rm" in readings for readings in readings_of(text))


def test_a_huge_paste_is_not_looked_at() -> None:
    assert readings_of("/a\n" * 200_000) == []
