"""Where a pane has been, as a web browser keeps it. Pure."""

from dataclasses import dataclass

_MOST = 200


@dataclass(frozen=True, slots=True)
class Spot:
    """A folder of an endpoint."""

    endpoint: str
    """Empty for this machine, else a host as the user names it."""
    path: bytes


class History:
    """The spots that were visited, and which of them is the present one."""

    def __init__(self) -> None:
        self._spots: list[Spot] = []
        self._place = -1

    def __repr__(self) -> str:
        return f"<History [{self._place + 1} of {len(self._spots)}]>"

    @property
    def can_go_back(self) -> bool:
        """Whether there is a spot before the present one."""
        return self._place > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether there is a spot that was gone back from."""
        return self._place < len(self._spots) - 1

    def visit(self, spot: Spot) -> None:
        """Go to a spot; what was gone back from is forgotten, unless it is the present one."""
        if self._spots and self._spots[self._place] == spot:
            return
        self._spots = [*self._spots[: self._place + 1], spot][-_MOST:]
        self._place = len(self._spots) - 1

    def go(self, step: int) -> Spot | None:
        """Go back (-1) or forward (1) and return where that is, None at the ends."""
        if not 0 <= self._place + step < len(self._spots):
            return None
        self._place += step
        return self._spots[self._place]

    def return_to(self, spot: Spot) -> None:
        """Be at a spot again after it turned out that one cannot go where `go` led."""
        near = range(max(self._place - 1, 0), min(self._place + 2, len(self._spots)))
        found = [place for place in near if self._spots[place] == spot]
        if found and self._spots[self._place] != spot:
            self._place = found[0]
