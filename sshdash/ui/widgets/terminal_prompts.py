"""A terminal that knows the prompts of its shell: goes from one to the next, copies an output."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from textual.message import Message

from sshdash.terminal.prompt_marks import output_row, prompts
from sshdash.ui.widgets.terminal_screen import NAMESPACE
from sshdash.ui.widgets.terminal_search import TerminalSearch

_COMMANDS = 50
"""Commands without output that are gone past in search of one with some."""
_NO_MARKS = "the shell marks no prompts (OSC 133)"
_NO_OUTPUT = "the shell marks no output (OSC 133)"


class TerminalPrompts(TerminalSearch):
    """Jumps between prompts that OSC 133 marks."""

    class CopyRequested(Message, namespace=NAMESPACE):
        """Text was selected and is to go to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def action_terminal_previous_prompt(self) -> None:
        """Go to the prompt above."""
        self.run_worker(self._seek(-1), group="prompt", exclusive=True)

    def action_terminal_next_prompt(self) -> None:
        """Go to the prompt below, or to the end."""
        self.run_worker(self._seek(1), group="prompt", exclusive=True)

    def action_terminal_copy_output(self) -> None:
        """Select and copy what the last command printed."""
        self.run_worker(self._copy_output(), group="prompt", exclusive=True)

    def prompt_origin(self) -> int:
        """Return the row that a jump to another prompt begins at."""
        return self.grid.top

    def show_prompt(self, row: int) -> None:
        """Have a prompt at the top of the view."""
        self.grid.show(row)
        self.redraw()

    async def _seek(self, step: int) -> None:
        self.grid.look()
        async for row in _paced(prompts(self.grid, self.prompt_origin() + step, step)):
            self.grid.look()
            self.show_prompt(row)
            return
        if step > 0:
            self.scroll_to_edge(end=True)
        else:
            self.say(_NO_MARKS if not await self._any_prompt() else "no prompt is above")

    async def _any_prompt(self) -> bool:
        async for _ in _paced(prompts(self.grid, self.grid.end - 1, -1)):
            return True
        return False

    async def _copy_output(self) -> None:
        self.grid.look()
        left = _COMMANDS
        async for prompt in _paced(prompts(self.grid, self.output_origin(), -1)):
            self.grid.look()
            row = output_row(self.grid, prompt)
            if self.session.selection.select_output(row - self.grid.first):
                self.redraw()
                self.post_message(self.CopyRequested(self.session.selection.text()))
                return
            left -= 1
            if not left:
                break
        self.say(_NO_OUTPUT)

    def output_origin(self) -> int:
        """Return the row from which on upwards a command is looked for."""
        return self.grid.end - 1


async def _paced(rows: Iterator[int | None]) -> AsyncIterator[int]:
    """Return the rows as they are found, giving others a turn now and then."""
    for row in rows:
        if row is None:
            await asyncio.sleep(0)
        else:
            yield row
