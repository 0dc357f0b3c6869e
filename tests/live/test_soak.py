"""A short soak: what `make soak` does for ten minutes, with fewer tunnels."""

import pytest

from tests.servers.sshd import RealSshd
from tests.soak.run import Soak
from tests.soak.streams import Blocks, Plan


async def test_ten_seconds_of_cuts_lose_no_byte_and_leave_nothing(sshd: RealSshd) -> None:
    report = await Soak(seed=6, tunnels=20).run(10)
    assert report.is_good, str(report)
    assert report.faults
    assert report.broken
    assert report.reconnects


async def test_a_byte_that_differs_would_be_noticed(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bit of one block on its way down."""
    make = Blocks.block
    damaged = 0

    async def send(self: Blocks, writer: object, plan: Plan, way: int) -> None:
        nonlocal damaged
        whole = make(self, plan.number, way, 0)
        if way and not damaged:
            damaged = plan.number
            whole = whole[:-1] + bytes((whole[-1] ^ 1,))
        writer.write(whole)  # type: ignore[attr-defined]
        for at in range(1, (plan.up, plan.down)[way]):
            writer.write(make(self, plan.number, way, at))  # type: ignore[attr-defined]
        writer.write_eof()  # type: ignore[attr-defined]

    monkeypatch.setattr(Blocks, "send", send)
    report = await Soak(seed=1, tunnels=3).run(0.1)
    assert not report.is_good
    assert len(report.wrong) == 1
    assert f"number={damaged}," in report.wrong[0]
