"""Changing one rule in a text that a person writes by hand: the rest stays byte for byte. Pure.

Of the rule that changes, only the fields that do are written anew; comments stay, also those
behind a value of one line. A rule in braces is written anew as a whole. What came out is read
again, and refused where any other rule were different.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sshdash.errors import ConfigError
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.rules_text import (
    compose,
    name_problem,
    parse_rules,
    read_rule,
    rule_fields,
    rule_text,
    value_text,
)
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from yaml.nodes import MappingNode
    from yaml.nodes import Node as YamlNode

_TITLE = "The rule cannot be changed"
_HEAD = "# Tunnels of sshdash. A rule has a host, forwards as for ssh, and what else you like.\n"
_Edit = tuple[int, int, str]
"""From, to, and what comes in between."""


def with_rule(text: str, path: Path | str, rule: Rule, old: str = "") -> str:
    """Return the text with a rule added, or changed; `old` is its name until now.

    Raises ConfigError where its name is wrong or taken, or it has to be changed by hand.
    """
    before = parse_rules(text, path)
    if problem := name_problem(rule.name):
        raise ConfigError(_TITLE, path, detail=f"{clean(rule.name)}: {problem}")
    old = old or rule.name
    if rule.name != old and rule.name in before.lines:
        taken = f"{rule.name}: there is a rule of that name already"
        raise ConfigError(_TITLE, path, before.lines[rule.name], taken)
    newline = "\r\n" if "\r\n" in text else "\n"
    if old in before.lines:
        changed = _apply(text, _Editor(text, path, newline).change(old, rule))
    else:
        start = text if text.strip() else text + _HEAD
        changed = _ended(start, newline) + rule_text(rule, newline)
    _prove(text, changed, path, old, rule)
    return changed


def without_rule(text: str, path: Path | str, name: str) -> str:
    """Return the text without a rule; comments above it stay. Raises ConfigError."""
    changed = _apply(text, _Editor(text, path, "\n").drop(name))
    _prove(text, changed, path, name, None)
    return changed


class _Editor:
    """Finds where a rule and its fields are in the text."""

    def __init__(self, text: str, path: Path | str, newline: str) -> None:
        self._text = text
        self._path = path
        self._newline = newline

    def change(self, name: str, rule: Rule) -> list[_Edit]:
        """Return what turns the rule called `name` into `rule`."""
        key, value = self._find(name)
        if rule == self._now(name, value):
            return []
        edits: list[_Edit] = []
        if rule.name != name:
            edits.append((key.start_mark.index, key.end_mark.index, value_text(rule.name)))
        if getattr(value, "flow_style", True) or value.start_mark.index < key.end_mark.index:
            start, end = self._span(key, value)
            return [(start, end, rule_text(rule, self._newline))]
        return edits + self._fields(key, value, rule, name)

    def drop(self, name: str) -> list[_Edit]:
        """Return what takes a rule out."""
        return [(*self._span(*self._find(name)), "")]

    def _fields(self, key: "YamlNode", value: "YamlNode", rule: Rule, name: str) -> list[_Edit]:
        before = self._now(name, value)
        now = rule_fields(before) if before else {}
        wanted = rule_fields(rule)
        edits: list[_Edit] = []
        indent = ""
        written = set()
        for field_key, field_value in value.value:
            field = str(field_key.value)
            written.add(field)
            indent = indent or self._text[self._line(field_key) : field_key.start_mark.index]
            if now and now.get(field) == wanted.get(field):
                continue
            start, end = self._span(field_key, field_value)
            if field not in wanted:
                edits.append((start, end, ""))
            elif (place := self._on_one_line(field_key, field_value)) is not None:
                edits.append((*place, value_text(wanted[field])))
            else:
                edits.append((start, end, self._row(indent, field, wanted[field])))
        end = self._span(key, value)[1]
        new = [one for one in wanted if one not in written]
        added = "".join(self._row(indent, one, wanted[one]) for one in new)
        if added and not self._text[:end].endswith("\n"):
            added = self._newline + added
        return [*edits, (end, end, added)]

    def _now(self, name: str, value: "YamlNode") -> Rule | None:
        """Return the rule as it is, None while it is wrong."""
        try:
            return read_rule(name, value, self._path)
        except ConfigError:
            return None

    def _row(self, indent: str, field: str, value: object) -> str:
        return f"{indent}{field}: {value_text(value)}{self._newline}"

    def _find(self, name: str) -> tuple["YamlNode", "YamlNode"]:
        top = compose(self._text, self._path)
        found = [pair for pair in top.value if str(pair[0].value) == name] if top else []
        if not found:
            raise ConfigError(_TITLE, self._path, detail=f"there is no rule {clean(name)}")
        assert top is not None
        if top.flow_style or len(found) > 1:
            self._by_hand(top, "it is in braces" if top.flow_style else "it is there twice")
        key, value = found[0]
        return key, value

    def _span(self, key: "YamlNode", value: "YamlNode") -> tuple[int, int]:
        """Return where the lines of an entry begin and end."""
        end = max(key.end_mark.index, _end(value, key.end_mark.index))
        return self._line(key), self._line_after(end)

    def _on_one_line(self, key: "YamlNode", value: "YamlNode") -> tuple[int, int] | None:
        """Return where a value is that has no more than its line, what is behind it not counted."""
        from yaml.nodes import ScalarNode

        start, end = value.start_mark, value.end_mark
        plain = isinstance(value, ScalarNode) and value.style in (None, "'", '"')
        if not plain and getattr(value, "flow_style", False) is not True:
            return None
        if start.line != end.line or start.line != key.start_mark.line:
            return None
        return (start.index, end.index) if key.end_mark.index < start.index < end.index else None

    def _line(self, node: "YamlNode") -> int:
        return self._text.rfind("\n", 0, node.start_mark.index) + 1

    def _line_after(self, index: int) -> int:
        if index and self._text[index - 1] == "\n":
            return index  # a text in a block ends with its line
        end = self._text.find("\n", index)
        return len(self._text) if end < 0 else end + 1

    def _by_hand(self, node: "MappingNode", why: str) -> NoReturn:
        raise ConfigError(
            _TITLE,
            self._path,
            node.start_mark.line + 1,
            f"{why}, so others could be changed with it",
            "change it in your editor",
        )


def _end(node: "YamlNode", floor: int) -> int:
    """Return where a node's text ends; what it only refers to, by an alias, is elsewhere."""
    if node.start_mark.index < floor:
        return floor
    if not isinstance(node.value, list) or getattr(node, "flow_style", False):
        return int(node.end_mark.index)
    children = [
        one for each in node.value for one in (each if isinstance(each, tuple) else (each,))
    ]
    end = floor
    for child in children:
        end = max(end, _end(child, floor))
    return end


def _apply(text: str, edits: list[_Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _ended(text: str, newline: str) -> str:
    return text if not text or text.endswith("\n") else text + newline


def _prove(before: str, after: str, path: Path | str, name: str, rule: Rule | None) -> None:
    """Raise ConfigError unless the rule is as wanted and every other one as it was."""
    was = parse_rules(before, path)
    old = {one.name: one for one in was.rules if one.name != name}
    wrong = set(was.lines) - set(old) - {name}
    if rule is not None:
        old[rule.name] = rule
    try:
        read = parse_rules(after, path)
        new = {one.name: one for one in read.rules}
        same = new == old and set(read.lines) - set(new) == wrong
        detail = "" if same else next((str(one.detail) for one in read.problems), "")
    except ConfigError as error:
        same, detail = False, error.detail
    if not same:
        hint = "nothing was changed; change it in your editor"
        raise ConfigError(_TITLE, path, detail=detail or "another rule depends on it", hint=hint)
