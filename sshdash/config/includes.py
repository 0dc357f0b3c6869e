"""What an argument of Include names, whether or not there is such a file."""

from fnmatch import fnmatchcase

from sshdash.config.tokens import TokenError, expand_tilde
from sshdash.paths import ssh_dir, system_ssh_config


def include_pattern(word: str, *, user: bool) -> str:
    """Return an argument of Include as a whole path, empty where it names nothing."""
    if word.startswith("~"):
        try:
            return expand_tilde(word)
        except TokenError:
            return ""
    if word.startswith("/"):
        return word
    return str((ssh_dir() if user else system_ssh_config().parent) / word)


def matches_path(pattern: str, path: str) -> bool:
    """Return whether a path matches a pattern as glob(3) takes it."""
    wanted, parts = pattern.split("/"), path.split("/")
    return len(wanted) == len(parts) and begins(wanted, parts)


def begins(pattern: list[str], parts: list[str]) -> bool:
    """Return whether a path is what a pattern names, or a folder on the way there."""
    return len(parts) <= len(pattern) and all(
        fnmatchcase(part, wanted) and part.startswith(".") <= wanted.startswith(".")
        for part, wanted in zip(parts, pattern, strict=False)
    )
