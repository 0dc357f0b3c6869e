"""What an interrupted copy of the command line says."""

import shlex
import sys

import pytest

from sshdash.cli.copy_resume import tell_how_to_go_on
from sshdash.sftp.job import TransferSnapshot
from sshdash.states import TransferState


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cp -r web:/a b", "cp --resume -r web:/a b"),
        ("mv web:/a b", "mv --resume web:/a b"),
        ("-F conf cp --resume a web:", "-F conf cp --resume a web:"),
    ],
)
def test_the_command_that_goes_on_is_the_same_with_resume(
    typed: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sshdash", *shlex.split(typed)])
    job = TransferSnapshot("t1", "a", "web", "local", "/b", TransferState.PAUSED, bytes_done=9)
    tell_how_to_go_on([job])
    assert capsys.readouterr().err.strip().endswith(f"to go on: sshdash {said}")
