"""A changed host key: old and new, and what to do about it elsewhere. Nothing here accepts it."""

from collections.abc import Iterable

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button

from sshdash.prompts import ChangedKeyQuestion, KeyFacts
from sshdash.ui.screens.dialog import Dialog, choice, fact, text
from sshdash.ui.screens.host_key import of_host, route_text


class ChangedKeyDialog(Dialog[bool]):
    """Shows what changed. The connection is refused already, whatever is pressed."""

    AUTO_FOCUS = "Button"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012  # Textual types it so

    def __init__(self, question: ChangedKeyQuestion) -> None:
        super().__init__(f"HOST KEY CHANGED{of_host(question.route)}", danger=True)
        self.question = question

    def body(self) -> Iterable[Widget]:
        """Return both keys, the line of the old one, and how to find out which is right."""
        question = self.question
        yield text(
            "Somebody may be intercepting the connection, or the server was reinstalled. "
            "The connection was refused, and nothing was sent.",
            "alert",
        )
        where = f"{question.host}  ({question.address})" if question.address else question.host
        yield fact("server", where)
        if len(question.route) > 1:
            yield fact("route", route_text(question.route))
        yield fact("it shows", _key(question.shown), "-warning")
        yield fact("known is", _key(question.known), "-strong")
        yield fact("at", question.where)
        with Horizontal(classes="key-pictures"):
            yield _picture("it shows", question.shown)
            yield _picture("known is", question.known)
        yield text("Compare, on the server itself or from a place that is trusted:", "step")
        for command in question.checks:
            yield text(command, "command")
        yield text("Only if the new key is right, remove the old one and connect again:", "step")
        yield text(question.remedy, "command")

    def buttons(self) -> Iterable[Button]:
        """Return what closes the dialog, and what only copies."""
        yield choice("Close", "cancel")
        yield choice("Copy the last command", "copy")

    def on_choice(self, name: str) -> None:
        """Copy the command that removes the old key; the dialog stays."""
        self.app.copy_to_clipboard(self.question.remedy)
        self.notify("Copied", timeout=2)


def _key(key: KeyFacts) -> str:
    return f"{key.key_type} {key.fingerprint}"


def _picture(title: str, key: KeyFacts) -> Vertical:
    return Vertical(text(title, "picture-title"), text(key.randomart), classes="picture")
