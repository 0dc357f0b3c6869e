import os
import pty
import signal

import pytest

from sshdash.demo import sessions


def test_a_signal_for_a_terminal_that_nobody_has_taken_is_for_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its foreground group is 0 then, and group 0 is the one of whoever runs the demo."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
    master, slave = pty.openpty()
    try:
        sessions._pass_signal("INT", 4321, master)
        sessions._pass_signal("TERM", 4321, None)
        sessions._pass_signal("nonsense", 4321, master)
    finally:
        os.close(slave)
        os.close(master)
    assert sent == [(4321, signal.SIGINT), (4321, signal.SIGTERM)]
