"""What a check found, and how findings are shown."""

from dataclasses import asdict, dataclass
from enum import Enum

from sshdash.untrusted import clean

_TEXT = 500


class Mark(Enum):
    """How a check went. Words, because this has to be readable wherever it runs."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding, and what to do about it."""

    name: str
    mark: Mark
    text: str
    hint: str = ""

    def document(self) -> dict[str, str]:
        """Return it for programs."""
        return asdict(self) | {"mark": self.mark.value}

    def lines(self, width: int) -> list[str]:
        """Return it for people; `width` is that of the longest name."""
        lines = [f"{self.mark.value:<5} {self.name:<{width}}  {clean(self.text, _TEXT)}"]
        if self.hint:
            lines.append(f"{'':<{width + 6}}  -> {clean(self.hint, _TEXT)}")
        return lines


def show(checks: list[Check], width: int = 0) -> None:
    """Print findings, their names in one column of at least `width`."""
    width = max([width, *(len(check.name) for check in checks)])
    for check in checks:
        print("\n".join(check.lines(width)))
