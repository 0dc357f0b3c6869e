"""The log file."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshdash.logs import start_log


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    for name in ("sshdash", "asyncssh"):
        logger = logging.getLogger(name)
        for handler in tuple(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = start_log(1, tmp_path / "log")
    assert path.stat().st_mode & 0o777 == 0o600


def test_remote_text_cannot_forge_a_line(tmp_path: Path) -> None:
    path = start_log(1, tmp_path / "log")
    logging.getLogger("sshdash.test").info("name: %s", "x\n2026-01-01 ERROR forged\x1b[2J")
    lines = path.read_text().splitlines()
    assert len(lines) == 1
    assert "\\n2026-01-01 ERROR forged\\x1b[2J" in lines[0]


def test_the_ssh_library_never_logs_what_is_typed(tmp_path: Path) -> None:
    start_log(2, tmp_path / "log")
    assert not logging.getLogger("asyncssh").isEnabledFor(logging.DEBUG)


def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        start_log(1, tmp_path / "log")
