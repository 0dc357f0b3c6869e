"""What went wrong or needs reading, kept so that nothing flashes by."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sshdash.errors import FileError, SSHDashError
from sshdash.untrusted import clean, clean_lines

Severity = Literal["information", "warning", "error"]

_KEPT = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told to the person; the texts are cleaned."""

    time: datetime
    severity: Severity
    title: str
    detail: str = ""
    hint: str = ""
    host: str = ""

    @classmethod
    def of_error(cls, error: SSHDashError) -> "Notice":
        """Return the notice of an error; one about a path begins with it."""
        path = error.path if isinstance(error, FileError) else ""
        detail = "\n".join(filter(None, (path, error.detail)))
        return cls.of("error", error.title, detail, error.hint, error.host)

    @classmethod
    def of(
        cls, severity: Severity, title: str, detail: str = "", hint: str = "", host: str = ""
    ) -> "Notice":
        """Return a notice of now; texts that were not cleaned are."""
        return cls(
            datetime.now(),
            severity,
            clean(title),
            clean_lines(detail, limit=400),
            clean_lines(hint, limit=400),
            clean(host),
        )

    @property
    def heading(self) -> str:
        """Return the title with the host it is about."""
        return f"{self.host}: {self.title}" if self.host else self.title

    @property
    def body(self) -> str:
        """Return what happened and what to do next, on lines of their own."""
        return "\n".join(filter(None, (self.detail, f"→ {self.hint}" if self.hint else "")))


class NoticeLog:
    """The recent notices, newest last, and how many errors nobody has looked at."""

    def __init__(self) -> None:
        self._notices: deque[Notice] = deque(maxlen=_KEPT)
        self.unread = 0

    def __len__(self) -> int:
        return len(self._notices)

    def add(self, notice: Notice, read: bool = False) -> None:
        """Keep a notice, as one that was read where it is in sight anyhow."""
        self._notices.append(notice)
        if notice.severity != "information" and not read:
            self.unread += 1

    def read(self) -> tuple[Notice, ...]:
        """Return all of them, newest first, as read."""
        self.unread = 0
        return tuple(reversed(self._notices))
