"""An unknown host key: what it is, where it comes from, and whether to trust it."""

from collections.abc import Iterable

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button

from sshdash.prompts import HostKeyAnswer, HostKeyQuestion
from sshdash.ui.screens.dialog import Dialog, choice, fact, text
from sshdash.untrusted import clean


class HostKeyDialog(Dialog[HostKeyAnswer]):
    """Asks whether to trust a server never seen before; Enter alone refuses."""

    AUTO_FOCUS = "Button"

    def __init__(self, question: HostKeyQuestion) -> None:
        super().__init__(f"Unknown host key{of_host(question.route)}")
        self.question = question

    def body(self) -> Iterable[Widget]:
        """Return the facts of the key, its picture beside them."""
        question = self.question
        yield text(
            "This server is not in known_hosts. Trust it only if the fingerprint is the one "
            "its administrator gives.",
            "lead",
        )
        yield fact("fingerprint", question.fingerprint, "-strong")
        with Horizontal(classes="key-facts"):
            with Vertical(classes="key-words"):
                yield from self._words()
            if question.randomart:
                yield text(question.randomart, "randomart")

    def _words(self) -> Iterable[Widget]:
        question = self.question
        yield fact("server", question.host)
        if question.address:
            yield fact("address", question.address)
        if len(question.route) > 1:
            yield fact("route", route_text(question.route))
        bits = f", {question.bits} bits" if question.bits else ""
        yield fact("key", f"{question.key_type}{bits}")
        yield fact("saved to", question.known_file or "nowhere: no known_hosts file is in use")
        for note in question.notes:
            yield fact("note", note, "-warning")

    def buttons(self) -> Iterable[Button]:
        """Return refusal first."""
        yield choice("Cancel", "cancel")
        yield choice("Trust this once", HostKeyAnswer.ONCE.value)
        if self.question.known_file:
            yield choice("Trust and save", HostKeyAnswer.ACCEPT.value, "primary")

    def on_choice(self, name: str) -> None:
        """Answer what was chosen."""
        self.dismiss(HostKeyAnswer(name))


def of_host(route: tuple[str, ...]) -> str:
    """Return whose key it is, for a title: by the name a person knows, which may be a hop's."""
    return f" of {clean(route[-1])}" if route else ""


def route_text(route: tuple[str, ...]) -> str:
    """Return the hops of a connection, from here to its end."""
    return " → ".join(("you", *map(clean, route)))
