"""What a controller may do in the cockpit it works in: run, tell, ask, copy, open tabs."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from textual.screen import Screen
from textual.worker import Worker

from sshdash.backend import Backend
from sshdash.errors import Cancelled, SSHDashError
from sshdash.prompts import AnswerType, Prompter, Question
from sshdash.ui.notices import Notice, NoticeLog, Severity
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.widgets.sidebar import Sidebar
from sshdash.ui.widgets.tab_area import TabArea
from sshdash.ui.widgets.tabs import Tab
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_SECONDS = {"information": 4.0, "warning": 6.0, "error": 6.0}
"""How long a toast stays; the log keeps warnings and errors for good."""


class Cockpit:
    """One workspace, as its controllers see it."""

    def __init__(self, screen: Screen[None], backend: Backend, prompter: Prompter) -> None:
        self.screen = screen
        self.backend = backend
        self.prompter = prompter
        self.prefix = backend.settings.prefix
        self.notices = NoticeLog()
        self._unstarted: dict[Coroutine[Any, Any, None], str] = {}
        self._begun: object | None = None
        """What was started last and may yet ask something or give the focus away."""
        self._focus_due: Tab | None = None
        self._area: TabArea | None = None
        self.refresh_hosts: Callable[[], None] = lambda: None
        """Draws the hosts and the figures again soon; the workspace sets it."""
        self.refused: Callable[[], None] = lambda: None
        """Has keys dropped that are typed in one go with what failed; the app sets it."""

    # Running

    def start(
        self,
        work: Coroutine[Any, Any, None],
        group: str = "",
        failed: Callable[[SSHDashError], None] | None = None,
        aside: bool = False,
    ) -> Worker[None]:
        """Run `work` beside the screen; what it raises goes to `failed`, else it is reported.

        A later one of the same `group` takes the place of the earlier one. Keys typed behind
        what began it wait a moment for it, as it may ask something, unless it runs `aside`.
        """
        if group:
            self._forget_unstarted(group)
        self._unstarted[work] = group
        token = object()
        if not aside:
            self._begun = token

        async def run() -> None:
            if work in self._unstarted:
                del self._unstarted[work]
                try:
                    await self._guarded(work, self._failing(failed or self.report, token))
                finally:
                    if self._begun is token:
                        self._begun = None

        return self.screen.run_worker(run, group=group or "default", exclusive=bool(group))

    def _failing(
        self, failed: Callable[[SSHDashError], None], token: object
    ) -> Callable[[SSHDashError], None]:
        """Return what tells a failure, and refuses the keys that wait for what failed."""

        def tell(error: SSHDashError) -> None:
            if self._begun is token:
                self.refused()
            failed(error)

        return tell

    @property
    def is_moving(self) -> bool:
        """Return whether the focus is about to go elsewhere: keys wait for it."""
        return self._begun is not None or self.focus_is_due

    @property
    def focus_is_due(self) -> bool:
        """Return whether a tab is about to get the focus, as soon as it is there."""
        return self._focus_due is not None

    def rest(self) -> None:
        """Let no key wait any longer for what was begun."""
        self._begun = self._focus_due = None

    def end(self) -> None:
        """Drop what was asked for and has not begun: the screen is gone."""
        for group in set(self._unstarted.values()):
            self._forget_unstarted(group)

    def _forget_unstarted(self, group: str) -> None:
        """Close the coroutines of a group whose worker is cancelled before it began."""
        for work in [one for one, its_group in self._unstarted.items() if its_group == group]:
            del self._unstarted[work]
            work.close()

    async def _guarded(
        self, work: Coroutine[Any, Any, None], failed: Callable[[SSHDashError], None]
    ) -> None:
        try:
            await work
        except Cancelled as error:
            log.info("%s", error)
        except SSHDashError as error:
            failed(error)
        except Exception as error:  # a defect in one action must not take the live sessions down
            log.exception("an action failed")
            failed(
                SSHDashError(
                    "Something in sshdash went wrong",
                    f"{type(error).__name__}: {error}",
                    "the log file has the details; what was running goes on",
                )
            )

    # Telling

    def report(self, error: SSHDashError) -> None:
        """Show an error and keep it in the log."""
        self._show(Notice.of_error(error))

    def keep(self, error: SSHDashError) -> None:
        """Keep an error in the log without showing it: it is in sight already."""
        self.notices.add(Notice.of_error(error), read=True)

    def tell(
        self,
        title: str,
        detail: str = "",
        hint: str = "",
        host: str = "",
        severity: Severity = "information",
    ) -> None:
        """Show a notice and keep it in the log."""
        self._show(Notice.of(severity, title, detail, hint, host))

    def _show(self, notice: Notice) -> None:
        self.notices.add(notice)
        self._announce(notice)
        self.refresh_hosts()

    def _announce(self, notice: Notice) -> None:
        """Show a notice; one that only informs does not lie over a question."""
        top = self.screen.app.screen
        informs = notice.severity == "information"
        if informs and isinstance(top, Overlay) and top.HOLDS_NEWS and top.is_attached:
            top.hold(partial(self._announce, notice))
            return
        body = notice.body or notice.heading
        self.screen.app.notify(
            body,
            title=notice.heading if notice.body else "",
            severity=notice.severity,
            timeout=_SECONDS[notice.severity],
            markup=False,
        )

    def copy(self, words: str, title: str = "Copied") -> None:
        """Put a command line on the clipboard and show it."""
        self.screen.app.copy_to_clipboard(words)
        self.tell(title, clean(words, 1000))

    # Asking

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Put a question on the screen and return the answer, None where it was dismissed."""
        return await self.prompter.ask(question)

    async def show(self, dialog: Screen[Result]) -> Result | None:
        """Show a dialog and return its answer, None where it was dismissed; in `start` only."""
        return await self.screen.app.push_screen_wait(dialog)

    # Tabs

    @property
    def area(self) -> TabArea:
        """Return what holds the tabs."""
        if self._area is None:
            # Kept, for what still ends in a tab while the screen is being taken down.
            self._area = self.screen.query_one(TabArea)
        return self._area

    @property
    def sidebar(self) -> Sidebar:
        """Return the hosts beside the tabs."""
        return self.screen.query_one(Sidebar)

    @property
    def tabs(self) -> list[Tab]:
        """Return the tabs in order."""
        return self.area.tabs

    @property
    def current(self) -> Tab | None:
        """Return the tab in sight."""
        return self.area.current

    @property
    def in_sidebar(self) -> bool:
        """Return whether the focus is in the sidebar."""
        focused = self.screen.focused
        return focused is not None and self.sidebar in focused.ancestors_with_self

    def subject(self) -> str | None:
        """Return the host a command is about: of the current tab, else under the cursor."""
        if self.current is not None and self.current.host and not self.in_sidebar:
            return self.current.host
        return self.sidebar.hosts.host

    def add_tab(self, tab: Tab) -> Awaitable[None]:
        """Open a tab at the end and go to it; awaiting the result waits until it is mounted."""
        mounted = self.area.add(tab)
        self.focus_when_mounted(tab, mounted)
        return mounted

    def focus_when_mounted(self, tab: Tab, mounted: Awaitable[None]) -> None:
        """Give a tab the focus once what is to have it in there is mounted."""
        self._focus_due = tab
        self.start(self._focus_mounted(tab, mounted), aside=True)

    def focus_soon(self, tab: Tab) -> None:
        """Give a tab in sight the focus anew: another part of it is to have it."""
        self._focus_later(tab)

    def go_to_tab(self, tab: Tab) -> None:
        """Bring a tab in sight and give it the focus."""
        self.area.go_to(tab)
        self._focus_later(tab)

    def remove_tab(self, tab: Tab) -> None:
        """Take a tab away, without asking."""
        self.area.remove_tab(tab)
        if self.current is not None:
            self._focus_later(self.current)
        else:
            self.sidebar.hosts.focus()

    async def _focus_mounted(self, tab: Tab, mounted: Awaitable[None]) -> None:
        await mounted  # what is inside cannot take the focus before
        self._focus(tab)

    def _focus_later(self, tab: Tab) -> None:
        self._focus_due = tab
        self.screen.call_after_refresh(self._focus, tab)

    def _focus(self, tab: Tab) -> None:
        if self._focus_due is tab:
            self._focus_due = None
        if tab is self.current and tab.is_attached:
            tab.on_show_tab()
