"""The wish that a host's connection comes back when it is lost."""

from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self


class Interest:
    """One wish, until it is released."""

    def __init__(self, host: str, purpose: str, release: Callable[["Interest"], None]) -> None:
        self.host = host
        self.purpose = purpose
        self._release: Callable[[Interest], None] | None = release

    def __repr__(self) -> str:
        """Return the purpose, the host and whether it is held."""
        held = "held" if self._release else "released"
        return f"<Interest {self.purpose} in {self.host} [{held}]>"

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release it."""
        self.release()

    def release(self) -> None:
        """Give the wish up; twice is once."""
        release, self._release = self._release, None
        if release:
            release(self)


class Interests:
    """Who wants which hosts back, counted by name."""

    def __init__(self, on_release: Callable[[str], None]) -> None:
        self._counts: Counter[str] = Counter()
        self._on_release = on_release

    def add(self, host: str, purpose: str) -> Interest:
        """Return a new interest in `host`."""
        self._counts[host] += 1
        return Interest(host, purpose, self._drop)

    def any(self, hosts: Iterable[str]) -> bool:
        """Return whether somebody wants one of `hosts` back."""
        return any(self._counts[host] for host in hosts)

    def _drop(self, interest: Interest) -> None:
        self._counts[interest.host] -= 1
        self._counts += Counter()
        self._on_release(interest.host)
