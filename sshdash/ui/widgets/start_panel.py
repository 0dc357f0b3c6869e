"""What stands beside the hosts while no tab is open: where to begin, and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

_NAME = "sshdash"


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What the panel tells; the texts are cleaned."""

    hosts: int
    file: str
    """The ssh_config file in use."""
    exists: bool
    """Whether that file is there."""
    keys: tuple[tuple[str, str], ...] = ()
    """Keys and what they do."""
    problems: tuple[str, ...] = ()
    """What is wrong in the configuration, with file and line."""


class StartPanel(Static):
    """The first thing a person sees beside the list."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, facts: StartFacts) -> None:
        """Show where to begin."""
        lines = _first_steps(facts) if facts.hosts else _no_hosts(facts)
        self.update(Content("\n").join([*lines, *_problems(facts.problems)]))


def _first_steps(facts: StartFacts) -> list[Content]:
    return [
        _title("An SSH cockpit: shells, files and tunnels over one connection per host."),
        Content(""),
        *_keys(facts.keys),
    ]


def _no_hosts(facts: StartFacts) -> list[Content]:
    what = "has no Host entries yet" if facts.exists else "does not exist yet"
    sample = ("Host web", "    HostName 192.0.2.10", "    User alice", "    ProxyJump bastion")
    return [
        _title("Welcome."),
        Content(""),
        Content.styled(
            f"sshdash lists the hosts of your ssh_config, and {facts.file} {what}.", "$foreground"
        ),
        Content.styled("Add a host, here or in your editor:", "$muted"),
        Content(""),
        *(Content.styled(f"    {line}", "$accent") for line in sample),
        Content(""),
        Content.styled("Or connect right away:", "$muted"),
        Content(""),
        *_keys(facts.keys),
        Content(""),
        Content.styled("To try it on servers of its own:  sshdash demo", "$muted"),
    ]


def _title(words: str) -> Content:
    return Content.assemble(
        Content.styled(_NAME, "bold $accent"), "\n", Content.styled(words, "$foreground")
    )


def _keys(keys: Sequence[tuple[str, str]]) -> list[Content]:
    width = max((len(key) for key, _ in keys), default=0)
    return [
        Content.assemble(
            Content.styled(f"{key:>{width}}  ", "bold $foreground"),
            Content.styled(words, "$muted"),
        )
        for key, words in keys
    ]


def _problems(problems: Sequence[str]) -> list[Content]:
    if not problems:
        return []
    shown = problems[:8]
    lines = [Content(""), Content.styled("▲ Not understood in the configuration:", "$warning")]
    lines += [Content.styled(f"  {problem}", "$foreground") for problem in shown]
    if len(problems) > len(shown):
        lines.append(Content.styled(f"  and {len(problems) - len(shown)} more", "$muted"))
    return lines
