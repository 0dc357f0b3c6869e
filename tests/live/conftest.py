"""Servers and what to reach them with."""

from collections.abc import Iterator

import pytest

from tests.servers.sshd import RealSshd


@pytest.fixture
def sshd() -> Iterator[RealSshd]:
    """Run a real OpenSSH server for one test."""
    server = RealSshd()
    try:
        server.start()
        yield server
    finally:
        server.close()
