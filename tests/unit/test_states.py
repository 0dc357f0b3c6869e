"""The transition tables."""

from enum import Enum

import pytest

from sshdash import states
from sshdash.states import ConnectionState, IllegalStep, Step, TunnelState, advance, allows

TABLES = [states.CONNECTION, states.SESSION, states.TRANSFER, states.TUNNEL]


@pytest.mark.parametrize("table", TABLES)
def test_every_state_can_be_reached_and_no_step_leaves_its_machine(table: states.Table) -> None:
    kinds = {type(state) for state, _ in table} | {type(state) for state in table.values()}
    assert len(kinds) == 1
    machine: type[Enum] = kinds.pop()
    first = next(iter(machine))
    reached, frontier = {first}, [first]
    while frontier:
        here = frontier.pop()
        for (state, _), after in table.items():
            if state is here and after not in reached:
                reached.add(after)
                frontier.append(after)
    assert reached == set(machine)


@pytest.mark.parametrize("table", TABLES)
def test_what_failed_can_be_tried_again(table: states.Table) -> None:
    machine = type(next(iter(table))[0])
    for name in ("FAILED", "LOST"):
        state = getattr(machine, name, None)
        assert state is None or (state, Step.START) in table


def test_a_step_that_the_table_does_not_know_is_refused() -> None:
    assert advance(ConnectionState.IDLE, Step.START) is ConnectionState.CONNECTING
    assert not allows(TunnelState.CLOSED, Step.LOSE)
    with pytest.raises(IllegalStep, match="ConnectionState: 'ready' in 'idle'"):
        advance(ConnectionState.IDLE, Step.READY)
