"""A link of a remote: where it really leads, before anything is opened."""

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button

from sshdash.terminal.links import Verdict
from sshdash.ui.screens.dialog import Dialog, choice, fact, text

OPEN, COPY = "open", "copy"


class LinkDialog(Dialog[str]):
    """Shows an address in full and asks what to do with it; Enter alone does nothing."""

    AUTO_FOCUS = "Button"

    def __init__(self, verdict: Verdict, label: str, host: str) -> None:
        super().__init__(f"Link from {host}", danger=bool(verdict.warnings))
        self.verdict = verdict
        self.label = label
        """The text it lies under, cleaned."""

    def body(self) -> Iterable[Widget]:
        """Return the address, the text it lies under, and what to know about it."""
        yield fact("address", self.verdict.shown, "-strong")
        if self.label and self.label != self.verdict.shown:
            yield fact("shown as", self.label)
        for warning in self.verdict.warnings:
            yield fact("careful", warning, "-warning")
        if self.verdict.refusal:
            yield fact("not opened", self.verdict.refusal, "-warning")
        elif self.verdict.scheme == "ssh":
            yield text("Opening it opens a shell on that host, in a tab of its own.")
        else:
            yield text("Opening it hands the address to this machine's browser.")

    def buttons(self) -> Iterable[Button]:
        """Return the harmless ones first."""
        yield choice("Cancel", "cancel")
        yield choice("Copy", COPY)
        if not self.verdict.refusal:
            yield choice("Open", OPEN, "danger" if self.verdict.warnings else "primary")

    def on_choice(self, name: str) -> None:
        """Answer what was chosen."""
        self.dismiss(name)
