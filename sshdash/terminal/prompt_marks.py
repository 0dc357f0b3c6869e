"""Finds the prompts of a shell that marks them: OSC 133, as FinalTerm began and ghostty reads it.

https://gitlab.freedesktop.org/Per_Bothner/specifications/blob/master/proposals/semantic-prompts.md
"""

from collections.abc import Iterator

from sshdash.terminal.grid import Grid, PromptMark

_SLICE = 1000
"""Rows looked at until somebody else gets a turn."""


def prompts(grid: Grid, row: int, step: int) -> Iterator[int | None]:
    """Return the rows where prompts begin, from `row` on upwards or downwards (-1 or 1).

    None stands for a moment in which something else may be done, and the grid may change.
    """
    epoch = grid.epoch
    looked = 0
    while grid.epoch == epoch and grid.first <= row < grid.end:
        if grid.prompt(row) is PromptMark.PROMPT and not grid.wraps(row - 1):
            yield row
        row += step
        looked += 1
        if looked % _SLICE == 0:
            yield None


def output_row(grid: Grid, prompt: int) -> int:
    """Return the first row below a prompt and what was typed at it."""
    row = prompt + 1
    while row < grid.end and (grid.wraps(row - 1) or grid.prompt(row) is PromptMark.CONTINUATION):
        row += 1
    return row
