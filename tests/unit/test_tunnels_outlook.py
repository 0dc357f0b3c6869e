"""What is made of what listens on a server, for a port that it opened."""

import pytest

from sshdash.tunnels.discover.listening import Listening
from sshdash.tunnels.discover.outside import outlook_on
from sshdash.tunnels.forwards.outlook import Outlook

PORT = 8080
ANSWERS = "there, and answers who connects to that"


def one(*addresses: str, process: str = "", pid: int | None = None, port: int = PORT) -> Listening:
    return Listening(port, addresses, process, pid)


@pytest.mark.parametrize(
    ("listening", "outlook"),
    [
        ([], Outlook()),
        ([one("0.0.0.0", port=80)], Outlook()),
        ([one("127.0.0.1", "::1")], Outlook(False)),
        ([one("127.0.0.1", "::1", process="sshd", pid=2)], Outlook(False)),
        ([one("0.0.0.0", "::", process="sshd-session", pid=2)], Outlook(True)),
        (
            [one("127.0.0.1", process="node", pid=1), one("::1")],
            Outlook(False, f"node (pid 1) has 127.0.0.1:8080 {ANSWERS}"),
        ),
        (
            [one("0.0.0.0", process="nginx"), one("::1", process="sshd", pid=2)],
            Outlook(False, f"nginx has 0.0.0.0:8080 {ANSWERS}"),
        ),
        ([one("0.0.0.0", "::", process="dropbear", pid=1)], Outlook(True)),
    ],
)
def test_an_outlook(listening: list[Listening], outlook: Outlook) -> None:
    assert outlook_on(PORT, listening) == outlook
