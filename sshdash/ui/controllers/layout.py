"""Where the room goes: the sidebar beside, over or away, and the zoom."""

from typing import Literal

from textual.screen import Screen

from sshdash.ui.cockpit import Cockpit

NARROW = 110
"""Columns below which the sidebar makes room for a tab that has the focus."""
SMALLEST = (50, 12)
"""Columns and rows below which nothing useful fits."""


class Layout:
    """Decides what is shown from the width, the focus and what the person chose.

    Below `NARROW` columns the sidebar lies over the tabs, so that showing it does not resize
    the terminals.
    """

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.choice: Literal["auto", "shown", "hidden"] = "auto"
        self.zoomed = False

    def __repr__(self) -> str:
        return f"<Layout sidebar={self.choice} zoomed={self.zoomed}>"

    @property
    def screen(self) -> Screen[None]:
        """Return the screen that is laid out."""
        return self.cockpit.screen

    @property
    def narrow(self) -> bool:
        """Return whether sidebar and tab do not fit beside each other."""
        return self.screen.app.size.width < NARROW

    @property
    def too_small(self) -> bool:
        """Return whether the terminal is too small to be used."""
        columns, rows = self.screen.app.size
        return columns < SMALLEST[0] or rows < SMALLEST[1]

    def sidebar_wanted(self) -> bool:
        """Return whether the sidebar is to be seen now."""
        if not self.cockpit.tabs or self.cockpit.in_sidebar:
            return True
        if self.zoomed or self.choice == "hidden":
            return False
        return self.choice == "shown" or not self.narrow

    def arrange(self) -> None:
        """Show and hide what the moment asks for."""
        if self.zoomed and not self.cockpit.tabs:
            self.zoomed = False
        sidebar = self.cockpit.sidebar
        sidebar.display = self.sidebar_wanted()
        sidebar.set_class(bool(self.cockpit.tabs) and (self.narrow or self.zoomed), "-over")
        self.screen.set_class(self.zoomed, "-zoomed")
        for tab in self.cockpit.tabs:
            tab.zoom_tab(self.zoomed)
        self.screen.set_class(self.narrow, "-narrow")
        self.screen.set_class(self.too_small, "-too-small")

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if command_id in ("view.sidebar", "view.zoom") and not self.cockpit.tabs:
            return "No tab is open"
        return ""

    def action_view_hosts(self) -> None:
        """Go to the list of hosts."""
        self.cockpit.sidebar.display = True
        self.cockpit.sidebar.hosts.focus()

    def action_view_sidebar(self) -> None:
        """Show or hide the sidebar; hiding it gives the focus back to the tab."""
        shown = bool(self.cockpit.sidebar.display)
        automatic = "hidden" if self.narrow else "shown"
        wanted: Literal["shown", "hidden"] = "hidden" if shown else "shown"
        self.choice = "auto" if wanted == automatic else wanted
        if shown and self.cockpit.in_sidebar:
            self.to_tab()
        self.arrange()

    def action_view_zoom(self) -> None:
        """Give the tab the whole screen, or take it back."""
        self.zoomed = not self.zoomed
        if self.zoomed and self.cockpit.in_sidebar:
            self.to_tab()
        self.arrange()
        self.cockpit.refresh_hosts()

    def unzoom(self) -> None:
        """Show everything again."""
        if self.zoomed:
            self.action_view_zoom()

    def back(self) -> None:
        """Back out by one step: the filter, the zoom, the tab."""
        sidebar = self.cockpit.sidebar
        if self.cockpit.in_sidebar:
            cleared = sidebar.clear_filter()
            if sidebar.filter_input.has_focus:
                sidebar.hosts.focus()
            elif not cleared and self.narrow:
                self.to_tab()
        elif self.zoomed:
            self.action_view_zoom()
        elif self.cockpit.current is None:
            # With a tab, Esc stops there: the same letters do other things to a host.
            self.action_view_hosts()

    def to_tab(self) -> None:
        """Give the focus to the tab in sight."""
        if self.cockpit.current is not None:
            self.cockpit.current.on_show_tab()
