"""What is typed in the form of a tunnel, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sshdash.config.destination import parse_destination
from sshdash.errors import UsageError
from sshdash.tunnels.discover.services import rule_name, service_of
from sshdash.tunnels.kept.rule import Meanwhile, Probe, ProbeKind, Rule, Start
from sshdash.tunnels.spec import ForwardSpec, Kind, parse_forward
from sshdash.untrusted import clean

_OPTION = re.compile(r"-([LRD])\s*(\S.*)")
_THE_HOST = ("", "localhost", "127.0.0.1", "[::1]")
"""Targets that are on the host itself."""
_SHORTEST_INTERVAL = 1.0
_BAD_FORWARD = "Bad forward"
"""What errors about forwards are called."""


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """The fields as they are typed; nothing is checked yet."""

    host: str = ""
    kind: Kind = Kind.LOCAL
    proxy: bool = False
    """Whether its clients say where it leads."""
    listen: str = ""
    target: str = ""
    name: str = ""
    others: str = ""
    """Further forwards, one per line, as options of ssh."""
    note: str = ""
    tags: str = ""
    colour: str = ""
    group: str = ""
    start: Start = Start.NEVER
    refuse: bool = False
    probe: ProbeKind = ProbeKind.TCP
    path: str = "/"
    interval: str = ""

    @classmethod
    def of(cls, host: str, forwards: Sequence[ForwardSpec], rule: Rule | None) -> RuleDraft:
        """Return what a rule, or a forward that nobody has named, looks like in the fields."""
        first = forwards[0]
        proxy = first.is_socks
        text = str(first)
        target = "" if proxy else first.target_text
        draft = cls(
            host,
            first.kind,
            proxy,
            text.removesuffix(f":{target}") if target else text,
            target,
            others="\n".join(f"-{one.kind.value} {one}" for one in forwards[1:]),
        )
        if rule is None:
            return draft
        interval = rule.probe.interval
        return cls(
            host,
            draft.kind,
            draft.proxy,
            draft.listen,
            draft.target,
            rule.name,
            draft.others,
            rule.note,
            " ".join(rule.tags),
            rule.colour,
            rule.group,
            rule.start,
            rule.meanwhile is Meanwhile.REFUSE,
            rule.probe.kind,
            rule.probe.path,
            "" if interval is None else f"{interval:g}",
        )

    @property
    def says_more(self) -> bool:
        """Whether anything is set besides the forward and the name."""
        plain = RuleDraft(self.host, self.kind, self.proxy, self.listen, self.target, self.name)
        return self != plain

    @property
    def name_or_usual(self) -> str:
        """The name; where none is typed, one made of what it is."""
        if self.name.strip():
            return self.name.strip()
        where, _, port = self.target.strip().rpartition(":")
        if self.kind is Kind.LOCAL and where in _THE_HOST and re.fullmatch("[0-9]{1,5}", port):
            service = service_of(int(port))
            if service is not None:
                return rule_name(self.host, service)
        end = self.listen if self.proxy else self.target
        words = re.sub(r"[^A-Za-z0-9]+", "-", f"{self.host} {end}").strip("-")
        return f"{words}-proxy" if self.proxy else words

    def first(self) -> ForwardSpec:
        """Return the forward that the fields describe. Raises UsageError."""
        listen, target = self.listen.strip(), self.target.strip()
        if not listen:
            raise UsageError(_BAD_FORWARD, "Name the port to listen on")
        if self.proxy:
            return parse_forward(self.kind, listen)
        if not target:
            whole = _whole(self.kind, listen)
            if whole is not None:
                return whole
            raise UsageError(_BAD_FORWARD, "Name the target")
        if target.isascii() and target.isdecimal():
            target = f"localhost:{target}"
        return parse_forward(self.kind, f"{listen} {target}")

    def forwards(self) -> tuple[ForwardSpec, ...]:
        """Return all forwards. Raises UsageError."""
        found = [self.first()]
        for number, line in enumerate(self.others.splitlines(), start=1):
            if not line.strip():
                continue
            option = _OPTION.fullmatch(line.strip())
            if option is None:
                words = f"line {number} of the further forwards begins with -L, -R or -D"
                raise UsageError(_BAD_FORWARD, words)
            spec = parse_forward(Kind(option[1]), option[2])
            if spec in found:
                raise UsageError(_BAD_FORWARD, f"line {number} of the further forwards is twice")
            found.append(spec)
        return tuple(found)

    def rule(self) -> Rule:
        """Return the rule. Raises UsageError."""
        parse_destination(self.host.strip())
        return Rule(
            self.name_or_usual,
            self.host.strip(),
            self.forwards(),
            self.note.strip(),
            tuple(tag.lstrip("#") for tag in self.tags.replace(",", " ").split()),
            self.colour,
            self.start,
            self.group.strip(),
            Meanwhile.REFUSE if self.refuse else Meanwhile.WAIT,
            Probe(self.probe, self.path.strip() or "/", self._interval()),
        )

    def problem(self) -> str:
        """Return what is wrong, an empty string for nothing."""
        if not self.host.strip():
            return "Name a host"
        try:
            self.rule()
        except UsageError as error:
            if error.title != _BAD_FORWARD:
                return ": ".join(filter(None, (error.title, error.detail)))
            # The option that the sentence begins with is what the fields show.
            return error.detail.partition(": ")[2] or error.detail
        return ""

    def _interval(self) -> float | None:
        text = self.interval.strip().removesuffix("s").strip()
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not _SHORTEST_INTERVAL <= seconds <= 86_400:
            words = f"{clean(text, 20)!r} is not a number of seconds from 1 to 86400"
            raise UsageError("Between two probes", words)
        return seconds


def _whole(kind: Kind, text: str) -> ForwardSpec | None:
    """Return the forward that somebody put into one field, as an option of ssh; None if not."""
    option = _OPTION.fullmatch(text)
    try:
        return parse_forward(Kind(option[1]) if option else kind, option[2] if option else text)
    except UsageError:
        return None


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What the form answers."""

    host: str
    forwards: tuple[ForwardSpec, ...]
    rule: Rule | None
    """None for one forward that nobody names."""
    keep: bool
    """Whether it is for later runs too."""
    start: bool
    """Whether to open it at once."""
