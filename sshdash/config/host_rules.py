"""Settings that differ by host: patterns as in ssh_config, each with what holds for its hosts."""

from collections.abc import Mapping
from typing import TypeVar

from sshdash.config.patterns import matches_host

Rule = TypeVar("Rule")


def rule_for(rules: Mapping[str, Rule], host: str) -> Rule | None:
    """Return what the first pattern that matches a host gives it, None where none does.

    A pattern is of the name alone or of ``user@name``.
    """
    name = host.rpartition("@")[2]
    for patterns, rule in rules.items():
        if matches_host(host, patterns) or matches_host(name, patterns):
            return rule
    return None
