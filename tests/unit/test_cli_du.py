"""How du names what it sums up."""

from argparse import Namespace

import pytest

from sshdash.cli.du import _print_usage
from sshdash.sftp.usage import Usage


@pytest.mark.parametrize(
    ("written", "path", "found", "said"),
    [
        (b"/", b"/", b"/", "/"),
        (b"/", b"/", b"/etc", "/etc"),
        (b"tree/", b"/home/me/tree", b"/home/me/tree", "tree/"),
        (b"tree/", b"/home/me/tree", b"/home/me/tree/a", "tree/a"),
    ],
)
def test_a_name_is_told_as_it_was_written(
    capsys: pytest.CaptureFixture[str], written: bytes, path: bytes, found: bytes, said: str
) -> None:
    options = Namespace(json=False, human=False, raw=False)
    _print_usage(options, Usage(found, size=5), written, path)
    assert capsys.readouterr().out == f"5\t{said}\n"
