"""A tunnel in fields: what it does is told in words and as a command while it is typed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, RadioSet, Select, Static, TextArea

from sshdash.tunnels.kept.rule import ProbeKind, Start
from sshdash.tunnels.kept.rules_text import COLOURS
from sshdash.tunnels.spec import ForwardSpec, Kind, exposure
from sshdash.ui.rule_draft import RuleAnswer, RuleDraft
from sshdash.ui.screens.dialog import choice, text
from sshdash.ui.screens.form import Form
from sshdash.ui.widgets.ticks import Radio, Tick
from sshdash.ui.widgets.tunnel_words import meaning_of
from sshdash.untrusted import clean

_KINDS = (
    (Kind.LOCAL, False, "Local        -L  a port here leads to something behind the host"),
    (Kind.REMOTE, False, "Remote       -R  a port on the host leads to something here"),
    (Kind.DYNAMIC, True, "Proxy        -D  SOCKS and HTTP here, out through the host"),
    (Kind.REMOTE, True, "Remote proxy -R  SOCKS on the host, out through here"),
)
_LISTEN = "port, address:port or /a/socket; 0: any free port"
_TARGET = "host:port, port or /a/socket"
_STARTS = (
    ("when I start it", Start.NEVER),
    ("with sshdash", Start.LAUNCH),
    ("with its host", Start.HOST),
)
_PROBES = (
    ("TCP connect", ProbeKind.TCP),
    ("HTTP GET", ProbeKind.HTTP),
    ("PostgreSQL", ProbeKind.POSTGRES),
    ("Redis", ProbeKind.REDIS),
    ("SSH banner", ProbeKind.SSH),
)
_MORE, _LESS = "More ▸", "Less ▾"
_MOST_LINES = 4
"""Commands of forwards in the preview."""


class ForwardForm(Form[RuleAnswer]):
    """Asks for a rule. What is rarely needed is behind ``more``.

    `check` returns what is wrong with an answer that only others know, empty for nothing.
    """

    AUTO_FOCUS = "#listen"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Save", show=False, priority=True),
        Binding("ctrl+o", "more", "More", show=False, priority=True),
    ]

    def __init__(
        self,
        host: str,
        hosts: Sequence[str],
        before: RuleDraft | None = None,
        *,
        kept: bool = False,
        check: Callable[[RuleAnswer], str] = lambda _: "",
    ) -> None:
        super().__init__("Edit the tunnel" if before else "Add a tunnel")
        self._before = before or RuleDraft(host)
        self._editing = before is not None
        self._kept = kept
        self._hosts = tuple(hosts)
        self._check_answer = check
        self._refused: RuleDraft | None = None
        """What was answered last and could not be taken: why stays in sight until it changes."""

    def body(self) -> Iterable[Widget]:
        """Return the fields above what they come to."""
        draft = self._before
        yield RadioSet(
            *(
                Radio(Content(label), value=(kind, proxy) == (draft.kind, draft.proxy))
                for kind, proxy, label in _KINDS
            ),
            compact=True,
            classes="forward-kind",
        )
        yield Vertical(
            self._host_row(draft),
            _row("listen", _input("listen", draft.listen, _LISTEN)),
            _row("target", _input("target", draft.target, _TARGET)),
            _row("name", _input("name", draft.name, "")),
            classes="forward-fields",
        )
        yield Horizontal(
            Tick(Content("open it now"), not self._editing, compact=True, id="start"),
            Tick(Content("keep it for later"), self._kept, compact=True, id="keep"),
            choice(_MORE, "more"),
            classes="forward-ticks",
        )
        yield self._more(draft)
        yield Static(classes="forward-result", markup=False)

    def _host_row(self, draft: RuleDraft) -> Horizontal:
        suggester = SuggestFromList(self._hosts, case_sensitive=False)
        field = _input("host", draft.host, "as in ssh_config, or user@host")
        field.suggester = suggester
        return _row("host", field)

    def _more(self, draft: RuleDraft) -> Vertical:
        colours = [(colour.replace("_", " "), colour) for colour in COLOURS]
        return Vertical(
            _row("note", _input("note", draft.note, "what it is for")),
            _row(
                "tags",
                _input("tags", draft.tags, "prod billing"),
                text("colour", "field-label"),
                _select("colour", [("none", ""), *colours], draft.colour),
            ),
            _row(
                "opens",
                _select("opens", list(_STARTS), draft.start),
                text("group", "field-label"),
                _input("group", draft.group, "one of it at a time"),
            ),
            _row(
                "probe",
                _select("probe", list(_PROBES), draft.probe),
                text("every", "field-label"),
                _input("interval", draft.interval, "seconds"),
            ),
            _row("path", _input("path", draft.path, "/"), id="path-row"),
            Tick(
                Content("refuse clients while it is paused or reconnects (else they wait)"),
                draft.refuse,
                compact=True,
                id="refuse",
            ),
            text("further forwards of the rule, one per line: -L 8080:web:80", "field-label"),
            TextArea(draft.others, id="others", compact=True, classes="field"),
            classes="forward-more",
        )

    def buttons(self) -> Iterable[Button]:
        """Return cancel and the action."""
        action = "Save" if self._editing else "Add"
        return choice("Cancel", "cancel"), choice(action, "accept", "primary")

    def on_mount(self) -> None:
        """Begin with the host where none is given, and show all that is set."""
        self._show_more(self._before.says_more)
        self._check()
        if not self._before.host:
            self.query_one("#host", Input).focus()

    def on_choice(self, name: str) -> None:
        """Answer, unless something is wrong yet; or show more."""
        if name == "more":
            self.action_more()
        else:
            self.action_accept()

    def action_more(self) -> None:
        """Show the rest of the fields, or hide them."""
        more = self.query_one(".forward-more")
        self._show_more(not more.display)
        if more.display:
            self.query_one("#note", Input).focus()
            self.call_after_refresh(more.scroll_visible, animate=False)
        elif self.focused is None or not self.focused.is_on_screen:
            self.query_one("#name", Input).focus()

    def _show_more(self, shown: bool) -> None:
        self.query_one(".forward-more").display = shown
        for button in self.query("Button.choice").results(Button):
            if button.name == "more":
                button.label = Content(_LESS if shown else _MORE)
        rest, done = "less" if shown else "more", "saves" if self._editing else "adds"
        words = f" ctrl+o {rest}  ctrl+s {done}  Esc cancels "
        self.query_one(".dialog").border_subtitle = Content(words)

    # What is typed

    def draft(self) -> RuleDraft:
        """Return what is typed."""
        kind, proxy, _ = _KINDS[max(self.query_one(RadioSet).pressed_index, 0)]
        return RuleDraft(
            self._value("host"),
            kind,
            proxy,
            self._value("listen"),
            "" if proxy else self._value("target"),
            self._value("name"),
            self.query_one("#others", TextArea).text,
            self._value("note"),
            self._value("tags"),
            self._picked("colour"),
            self._value("group"),
            self._picked("opens"),
            self.query_one("#refuse", Tick).value,
            self._picked("probe"),
            self._value("path"),
            self._value("interval"),
        )

    @property
    def is_changed(self) -> bool:
        """Return whether anything was typed that is not as it was."""
        return self.draft() != self._before

    def _value(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value

    def _picked(self, field: str) -> Any:
        return self.query_one(f"#{field}", Select).value

    @on(Input.Changed, "#listen")
    def _take_whole(self, event: Input.Changed) -> None:
        """Spread ``-L 5432:db:5432``, typed or pasted into one field, over the fields."""
        words = event.value.strip()
        if words[:2] not in ("-L", "-R", "-D") or ":" not in words[2:]:
            return
        draft = RuleDraft("host", listen=words)
        if draft.problem():
            return
        whole = RuleDraft.of("", draft.forwards(), None)
        with self.prevent(Input.Changed):
            event.input.value = whole.listen
            self.query_one("#target", Input).value = whole.target
        for index, (kind, proxy, _) in enumerate(_KINDS):
            if (kind, proxy) == (whole.kind, whole.proxy):
                self.query(Radio)[index].value = True
        self._check()

    # What it comes to

    @on(RadioSet.Changed)
    @on(Input.Changed)
    @on(Select.Changed)
    @on(TextArea.Changed)
    def _check(self) -> None:
        draft = self.draft()
        self.query_one("#target", Input).disabled = draft.proxy
        self.query_one("#path-row").display = draft.probe is ProbeKind.HTTP
        self.query_one("#name", Input).placeholder = clean(draft.name_or_usual, 60)
        if draft == self._refused:  # news of a field may come behind the answer
            return
        self._refused = None
        problem = draft.problem()
        result = self.query_one(".forward-result", Static)
        result.set_class(bool(problem), "-wrong")
        result.update(Content(problem) if problem else _preview(draft))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_accept()

    def action_accept(self) -> None:
        """Answer, unless something is wrong yet."""
        draft = self.draft()
        if problem := draft.problem():
            self._tell(problem)
            return
        rule = draft.rule()
        keep = self.query_one("#keep", Tick).value
        named = keep or bool(draft.name.strip()) or draft.says_more
        start = self.query_one("#start", Tick).value
        answer = RuleAnswer(rule.host, rule.forwards, rule if named else None, keep, start)
        if problem := self._check_answer(answer):
            self._refused = draft
            self._tell(problem)
        else:
            self.dismiss(answer)

    def _tell(self, problem: str) -> None:
        """Say what is wrong in the place of what it comes to, and have it in sight."""
        result = self.query_one(".forward-result", Static)
        result.set_class(True, "-wrong")
        result.update(Content(problem))
        result.scroll_visible(animate=False)


def _preview(draft: RuleDraft) -> Content:
    """Return what the forward is for, and the ssh command that means the same."""
    forwards = draft.forwards()
    host = clean(draft.host.strip(), 60)
    first = forwards[0]
    options = " ".join(_option(one) for one in forwards[:_MOST_LINES])
    more = " …" if len(forwards) > _MOST_LINES else ""
    lines = [
        Content(meaning_of(first.kind, *_ends(first), host)),
        Content.styled(f"ssh -N {options}{more} {host}", "$muted"),
    ]
    if exposed := [one for one in forwards if one.exposed]:
        words = f"⚠ {clean(exposed[0].listen_text, 60)}: {exposure(exposed[0].kind)}"
        lines.append(Content.styled(words, "$warning"))
    return Content("\n").join(lines)


def _option(spec: ForwardSpec) -> str:
    return f"-{spec.kind.value} {clean(str(spec), 200)}"


def _ends(spec: ForwardSpec) -> tuple[str, str]:
    return clean(spec.listen_text, 80), "" if spec.is_socks else clean(spec.target_text, 80)


def _row(label: str, *fields: Widget, id: str | None = None) -> Horizontal:  # noqa: A002
    return Horizontal(text(label, "field-label"), *fields, classes="field-row", id=id)


def _input(name: str, value: str, hint: str) -> Input:
    return Input(
        value, placeholder=hint, compact=True, id=name, classes="field", select_on_focus=False
    )


def _select(name: str, options: list[tuple[str, Any]], value: object) -> "Select[Any]":
    return Select(options, value=value, allow_blank=False, compact=True, id=name)
