"""sshdash's own settings: one YAML file, every field with a default."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sshdash.errors import ConfigError
from sshdash.paths import config_dir

_SECRETS = frozenset({"password", "passphrase", "secret", "token"})
_DAY = 86_400
ClipboardPolicy = Literal["ask", "allow", "deny"]
NotificationPolicy = Literal["show", "mark", "ignore"]
Choice = Literal["auto", "on", "off"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person may choose. Hosts are not settings: they stay in ssh_config."""

    theme: str = "sshdash-dark"
    """A theme's name: ``sshdash-dark``, ``sshdash-light`` or one of Textual's."""
    prefix: Annotated[str, Meta(min_length=1)] = "ctrl+g"
    """The key that speaks to the cockpit from inside a terminal."""
    term: Annotated[str, Meta(min_length=1)] = "xterm-256color"
    """TERM on the remote side."""
    scrollback: Annotated[int, Meta(ge=0, le=10_000_000)] = 10_000
    """Lines kept above the screen of each terminal."""
    scrollbacks: dict[str, Annotated[int, Meta(ge=0, le=10_000_000)]] = {}
    """Host pattern to the lines kept for its terminals, the first match counts: ``db-*: 50000``."""
    blink: bool = True
    """Whether text and cursors that programs want to blink do; the terminal around does it."""
    underlines: Choice = "auto"
    """Whether curly, dotted, dashed and coloured underlines are drawn as such; by default where
    the terminal around is known to draw them."""
    emoji: Choice = "auto"
    """Whether emoji joined of several are drawn as one where programs count them so (mode 2027)."""
    clipboard: ClipboardPolicy | dict[str, ClipboardPolicy] = "ask"
    """Whether programs may put text on the clipboard (OSC 52), for all hosts or by host pattern:
    ``{web-*: allow, "*": deny}``; hosts that match none are asked about. None may read it."""
    notifications: NotificationPolicy | dict[str, NotificationPolicy] = "show"
    """What comes of programs' notifications (OSC 9, 777, 99), for all hosts or by host pattern:
    shown for a moment, only marked on the tab, or nothing."""
    keepalive_interval: Annotated[int, Meta(ge=0, le=_DAY)] = 15
    """Seconds between keepalives where ssh_config sets no ServerAliveInterval; 0 for none."""
    keepalive_count: Annotated[int, Meta(ge=1, le=_DAY)] = 3
    """Unanswered keepalives until a connection counts as lost."""
    connect_timeout: Annotated[int, Meta(ge=0, le=_DAY)] = 30
    """Seconds for each address, then for the key exchange; 0 for no limit. ConnectTimeout wins."""
    reconnect: bool = True
    """Whether a connection that is lost while something needs it is made again."""
    reattach: dict[str, str] = {}
    """Host pattern to the command that a lost shell is opened again with, the first match counts:
    ``web-*: tmux new -A -s main``."""
    restore: bool = False
    """Whether the terminals and files of the last time are opened again at the start."""
    prod: list[str] = []
    """Patterns of hosts that are asked for before they receive what is broadcast."""
    hop_linger: Annotated[int, Meta(ge=0, le=_DAY)] = 60
    """Seconds a jump host's connection stays after the last that went through it."""
    transfers_at_once: Annotated[int, Meta(ge=1, le=64)] = 2
    """Copy jobs that run at the same time."""
    conflict: Literal["ask", "overwrite", "newer", "skip", "resume", "rename"] = "ask"
    """What the screen does with targets of copies that exist: ask, or always the same."""
    checksum: bool = False
    """Whether the screen's copies compare the SHA-256 of both ends before a file gets its name."""
    transfer_limit_kb: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    """Kilobytes (1000 bytes) a second of all copies together; 0 for no limit."""
    notify: Literal["off", "bell", "osc9"] = "off"
    """How the terminal that sshdash runs in is told of a long command that ended out of sight:
    by the bell, or by a notification (OSC 9) where it knows those."""
    notify_after: Annotated[int, Meta(ge=0, le=_DAY)] = 10
    """Seconds from which a command is a long one; 0 tells of none."""
    silence_after: Annotated[int, Meta(ge=1, le=_DAY)] = 15
    """Seconds without output after which a pane is silent, for those who want to be told."""
    audit: bool = True
    """Whether an audit log is kept of connections, sessions, tunnels and copies."""
    record: tuple[str, ...] = ()
    """Host patterns whose shells are recorded from the beginning: ``["prod-*", "!prod-test"]``."""
    record_format: Literal["cast", "text", "both"] = "cast"
    """What recordings are: asciicast, plain text, or both."""
    record_file_mb: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """Megabytes of one file; a longer recording goes on in another."""
    record_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    """Days that recordings are kept; 0 for ever."""
    record_total_mb: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    """Megabytes of all recordings, of which the oldest go first; 0 for no limit."""
    keymap: dict[str, str] = {}
    """Command id to key, for those who want another."""


def settings_file() -> Path:
    """Return where the settings are read from."""
    return config_dir() / "settings.yaml"


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings of `path` (the user's file by default), defaults where it is missing.

    Raises ConfigError with file and line for YAML that does not parse, a field that is not
    known or has the wrong type, and for secrets, which no file of ours may hold.
    """
    path = path or settings_file()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):  # a HOME of /dev/null, as services have
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("Cannot read the settings", path, detail=str(error)) from error
    import yaml  # only now: most people have no settings file, and every start waits for it

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # dates, too deep a nesting
        raise ConfigError.of_yaml("The settings do not parse", path, error) from error
    if data is None:
        return Settings()
    _refuse_secrets(data, path)
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        known = ", ".join(Settings.__struct_fields__)
        raise ConfigError(
            "The settings are wrong",
            path,
            _line_of(node, str(error)),
            detail=str(error),
            hint=f"known settings: {known}",
        ) from error


def _refuse_secrets(data: Any, path: Path) -> None:
    groups = [data, *data.values()] if isinstance(data, dict) else []
    if any(str(key).lower() in _SECRETS for one in groups if isinstance(one, dict) for key in one):
        raise ConfigError(
            "The settings hold a secret",
            path,
            hint="use an SSH agent instead; sshdash keeps no secret in a file",
        )


def _line_of(node: Any, message: str) -> int:
    """Return the line of the field that `message` names, 0 where it names none."""
    from yaml import MappingNode

    if not isinstance(node, MappingNode):
        return 0
    for key, _ in node.value:
        name = key.value
        if any(place in message for place in (f"`{name}`", f"$.{name}`", f"$.{name}[")):
            return int(key.start_mark.line) + 1
    return 0
