"""What to do with each source when its target may exist: pure decisions.

Nothing is overwritten without a choice, nothing special is opened, and no link that a server
chose leads out of the folder the person chose.
"""

from enum import Enum

from msgspec import Struct

from sshdash.sftp.entries import Entry, Kind, is_inside


class Step(Enum):
    """What becomes of a source."""

    CREATE = "create"
    """Nothing is there: make it."""
    MERGE = "merge"
    """Both are directories: go on inside."""
    ASK = "ask"
    """Something is there that could be overwritten, skipped or kept beside."""
    LEAVE = "leave out"
    """It is nothing that a copy is for; the reason says what."""
    REFUSE = "refuse"
    """It cannot be copied; the reason says why."""


class Verdict(Struct, frozen=True):
    """A decision and, where nothing is copied, its reason."""

    step: Step
    reason: str = ""
    """Empty where something is copied."""


SAME = "source and target are the same"
_SECOND = 10**9

_CREATE = Verdict(Step.CREATE)
_MERGE = Verdict(Step.MERGE)
_ASK = Verdict(Step.ASK)


def decide(source: Entry, existing: Entry | None, recursive: bool) -> Verdict:
    """Return what to do with `source` where `existing` is at its target."""
    if existing is None and source.kind is Kind.FILE:
        return _CREATE  # as nearly all are
    if source.kind is Kind.OTHER:
        return _refuse("neither a file nor a directory, or its host does not tell what it is")
    if source.kind not in (Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK):
        return Verdict(Step.LEAVE, f"not a regular file ({source.kind.value})")
    if source.kind is Kind.DIRECTORY and not recursive:
        return _refuse("a directory, which only -r copies")
    if existing is None:
        return _CREATE
    if source.kind is Kind.DIRECTORY:
        return _decide_directory(existing)
    if existing.kind is Kind.DIRECTORY:
        return _refuse("the target is a directory")
    if existing.kind not in (Kind.FILE, Kind.SYMLINK):
        return _refuse(f"the target is not a regular file ({existing.kind.value})")
    return _ASK


def _decide_directory(existing: Entry) -> Verdict:
    if existing.kind is Kind.DIRECTORY:
        return _MERGE
    if existing.kind is Kind.SYMLINK:
        return _refuse("the target is a symbolic link, which is never followed into")
    return _refuse("the target is there and is not a directory")


def escapes(place: bytes, target: bytes) -> bool:
    """Return whether a link at `place`, relative to the chosen folder, may lead out of it.

    Absolute targets do, and so do ``..`` beyond the folder. After a named part no ``..`` is
    accepted: the part could be a link itself, and then ``..`` leads elsewhere than it reads.
    """
    if target.startswith(b"/") or not target or b"\0" in target:
        return True
    depth = place.count(b"/")
    named = False
    for part in target.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            depth -= 1
            if named or depth < 0:
                return True
        else:
            named = True
    return False


def refuse_overlap(source: bytes, is_directory: bool, target: bytes) -> str:
    """Return why `source` cannot be copied to `target` in the same file system, or nothing.

    Both are real paths: absolute, normalized and without links.
    """
    if source == target:
        return SAME
    if is_directory and is_inside(target, source):
        return "a directory cannot be copied into itself"
    if is_inside(source, target):
        return "the source is inside what it would replace"
    return ""


def is_newer(source: Entry, existing: Entry) -> bool:
    """Return whether `source` was modified later, in the whole seconds that SFTP tells."""
    return source.mtime_ns // _SECOND > existing.mtime_ns // _SECOND


def may_resume(source: Entry, existing: Entry) -> bool:
    """Return whether `existing` could be the beginning of `source`, or all of it."""
    files = source.kind is Kind.FILE and existing.kind is Kind.FILE
    return files and existing.size <= source.size


def _refuse(reason: str) -> Verdict:
    return Verdict(Step.REFUSE, reason)
