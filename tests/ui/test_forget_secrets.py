"""Forgetting what is saved for a host, from the screen."""

import pytest

from sshdash.errors import SSHDashError
from tests.ui.conftest import Start


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (["password of admin@192.0.2.1"], "password of admin@192.0.2.1"),
        ([], "Nothing is saved for bastion"),
        (None, "Nothing can be saved here"),
    ],
)
async def test_the_command_tells_what_it_removed(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch, gone: list[str] | None, told: str
) -> None:
    async with cockpit() as c:
        asked: list[str] = []

        async def forget(host: str) -> list[str]:
            asked.append(host)
            if gone is None:
                raise SSHDashError("Nothing can be saved here", "there is no system keyring")
            return gone

        monkeypatch.setattr(c.app.backend, "forget_secrets", forget, raising=False)
        c.app.action_command("host.forget")
        await c.until(lambda: told in c.drawn)
        assert asked == ["bastion"]
