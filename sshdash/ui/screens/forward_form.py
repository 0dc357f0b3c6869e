"""A new forward: which kind, on which host, from where to where; checked while it is typed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, RadioSet, Static

from sshdash.config.destination import parse_destination
from sshdash.errors import UsageError
from sshdash.tunnels.spec import ForwardSpec, Kind, exposure, parse_forward
from sshdash.ui.screens.dialog import choice, text
from sshdash.ui.screens.form import Form
from sshdash.ui.widgets.ticks import Radio, Tick

_KINDS = (Kind.LOCAL, Kind.REMOTE, Kind.DYNAMIC)
_LABELS = {
    Kind.LOCAL: "Local   -L  a port here leads to something behind the host",
    Kind.REMOTE: "Remote  -R  a port on the host leads to something here",
    Kind.DYNAMIC: "Dynamic -D  a SOCKS proxy here, out through the host",
}
_IPV6_GROUP = re.compile(r"(?=.*[0-9])[0-9A-Fa-f]{4}")
_OPTION = {Kind.LOCAL: "-L", Kind.REMOTE: "-R", Kind.DYNAMIC: "-D"}


@dataclass(frozen=True, slots=True)
class NewForward:
    """What the form answers."""

    host: str
    spec: ForwardSpec
    start: bool
    """Whether to open it at once."""


class ForwardForm(Form[NewForward]):
    """Asks for a forward. The line at the bottom is the option of ssh that means the same."""

    AUTO_FOCUS = "#port"

    def __init__(self, host: str, hosts: Sequence[str]) -> None:
        super().__init__("Add a tunnel")
        self._host = host
        self._hosts = tuple(hosts)

    def body(self) -> Iterable[Widget]:
        """Return the fields."""
        yield RadioSet(
            *(
                Radio(Content(_LABELS[kind]), value=kind is Kind.LOCAL, name=kind.value)
                for kind in _KINDS
            ),
            compact=True,
            classes="forward-kind",
        )
        suggester = SuggestFromList(self._hosts, case_sensitive=False)
        host = Input(
            self._host,
            placeholder="as in ssh_config, or user@host",
            suggester=suggester,
            compact=True,
            id="host",
            classes="field",
        )
        yield _row("host", host)
        yield _row(
            "listen",
            Input(placeholder="localhost", compact=True, id="bind", classes="field"),
            text(":", "field-colon"),
            Input(placeholder="port", compact=True, id="port", classes="field -port"),
        )
        yield _row(
            "target",
            Input(placeholder="localhost", compact=True, id="target", classes="field"),
            text(":", "field-colon"),
            Input(placeholder="port", compact=True, id="target-port", classes="field -port"),
        )
        yield Tick(Content("open it now"), True, compact=True, classes="forward-start")
        yield Static(classes="forward-result", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Return cancel and add."""
        return choice("Cancel", "cancel"), choice("Add", "add", "primary")

    def on_mount(self) -> None:
        """Begin with the host where none is given."""
        self._check()
        if not self._host:
            self.query_one("#host", Input).focus()

    def on_choice(self, name: str) -> None:
        """Answer, unless something is wrong yet."""
        self._accept()

    @property
    def kind(self) -> Kind:
        """The kind that is chosen."""
        pressed = self.query_one(RadioSet).pressed_index
        return _KINDS[max(pressed, 0)]

    @property
    def is_changed(self) -> bool:
        """Return whether a host, an address or a port was typed."""
        typed = any(map(self._value, ("bind", "port", "target", "target-port")))
        return typed or self._value("host") != self._host

    def _value(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    def spec_text(self) -> str:
        """Return what is typed as the argument of -L, -R or -D."""
        port, bind = self._value("port"), self._value("bind")
        if ":" in port or " " in port:
            return port
        listen = f"{_bracketed(bind)}:{port}" if bind else port
        if self.kind is Kind.DYNAMIC:
            return listen
        target = _bracketed(self._value("target") or "localhost")
        return f"{listen}:{target}:{self._value('target-port')}"

    def problem(self) -> str:
        """Return what is wrong, an empty string for nothing."""
        if not self._value("host"):
            return "Name a host"
        try:
            parse_destination(self._value("host"))
        except UsageError as error:
            return f"{error.title}: {error.detail}" if error.detail else error.title
        if not self._value("port"):
            return "Name the port to listen on (0 lets the system choose)"
        if self.kind is not Kind.DYNAMIC and not self._value("target-port"):
            whole = ":" in self._value("port")
            if not whole:
                return "Name the port of the target"
        try:
            parse_forward(self.kind, self.spec_text())
        except UsageError as error:
            return error.detail.rpartition(": ")[2] if ": " in error.detail else error.detail
        return ""

    @on(Input.Changed, "#target")
    def _split_target(self, event: Input.Changed) -> None:
        """Take the port out of ``db:5432``, typed or pasted, to where the port belongs."""
        host, colon, port = event.value.strip().rpartition(":")
        if not colon or not host or (":" in host and not host.endswith("]")):
            return  # no port, or an IPv6 address without brackets
        if _IPV6_GROUP.fullmatch(host):
            return  # the beginning of one
        field = self.query_one("#target-port", Input)
        if port and port.isascii() and port.isdecimal():
            field.value = port
        elif port:
            return
        event.input.value = host
        if event.input.has_focus:
            field.focus()

    @on(RadioSet.Changed)
    @on(Input.Changed)
    def _check(self) -> None:
        for field in ("target", "target-port"):
            self.query_one(f"#{field}", Input).disabled = self.kind is Kind.DYNAMIC
        result = self.query_one(".forward-result", Static)
        problem = self.problem()
        result.set_class(bool(problem), "-wrong")
        if problem:
            result.update(Content(problem))
            return
        spec = parse_forward(self.kind, self.spec_text())
        lines = [f"ssh -N {_OPTION[self.kind]} {spec} {self._value('host')}"]
        if spec.exposed:
            lines.append(f"⚠ {exposure(spec.kind)}")
        result.update(Content("\n".join(lines)))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept()

    def _accept(self) -> None:
        problem = self.problem()
        if problem:
            self.query_one(".forward-result", Static).update(Content(problem))
            return
        spec = parse_forward(self.kind, self.spec_text())
        self.dismiss(NewForward(self._value("host"), spec, self.query_one(Tick).value))


def _row(label: str, *fields: Widget) -> Horizontal:
    return Horizontal(text(label, "field-label"), *fields, classes="field-row")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
