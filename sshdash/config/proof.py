"""Whether ssh would accept a configuration: asked before it is written.

Our own reading decides first; where there is an ``ssh``, it decides too.
"""

import logging
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from sshdash.config.mirror import Mirror
from sshdash.config.parser import FileCache
from sshdash.config.reader import check_owner
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.config.spelling import suggestion
from sshdash.errors import ConfigError, UsageError
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

ANYBODY = "host.invalid"
"""Asked where no host in particular is concerned: every line is read for any of them."""
_SECONDS = 10.0
_PLACE = re.compile(r"^(?P<file>/.+?):? line (?P<line>\d+): (?P<said>.*)$", re.MULTILINE)
_UNKNOWN = re.compile(r"bad configuration option: (\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration in which one file holds something else."""

    source: ConfigSource
    path: str
    target: str
    data: bytes | None
    names: tuple[str, ...]
    """The hosts it is asked for."""
    room: Path
    """A private folder."""


Places = dict[str, tuple[str, int]]
"""Where each value of a host is set: keyword to file and line."""


def prove(proposal: Proposal, cache: FileCache) -> dict[str, Places]:
    """Return where the values of the hosts would come from.

    Raises ConfigError where ssh would refuse the files, and UsageError where the file is not part
    of the configuration.
    """
    main = proposal.source.user_file
    if main is None:
        raise UsageError("There is no configuration to edit", "-F none was given")
    explicit = proposal.source.explicit and proposal.target == os.path.realpath(main)
    if os.path.exists(proposal.path) and not explicit:
        check_owner(cache.load(proposal.path))
    with Mirror(main, proposal.target, proposal.data, proposal.room) as mirror:
        if not mirror.reached:
            raise UsageError(
                f"{clean(proposal.path)} is not part of your configuration",
                f"no Include of {main} leads to it",
                f"add a line to {main}: Include {clean(proposal.path)}",
            )
        places = _read_ourselves(mirror, proposal.names, cache)
        _ask_ssh(mirror, proposal.names)
    return places


def _read_ourselves(mirror: Mirror, names: Sequence[str], cache: FileCache) -> dict[str, Places]:
    resolver = Resolver(ConfigSource(Path(mirror.main), None, explicit=True))
    resolver.cache = cache
    try:
        hosts = {name: resolver.preview(name) for name in names or (ANYBODY,)}
    except ConfigError as error:
        said = error.detail.removeprefix(f"{error.file}:{error.line}").removeprefix(": ")
        raise _refused(mirror, error.file, error.line, said) from error
    return {
        name: {
            keyword: (mirror.original(origins[0].file), origins[0].line)
            for keyword, origins in host.origins.items()
            if origins
        }
        for name, host in hosts.items()
    }


def _ask_ssh(mirror: Mirror, names: Sequence[str]) -> None:
    program = which("ssh")
    if program is None:
        return
    for name in names or (ANYBODY,):
        try:
            done = subprocess.run(
                [program, "-F", mirror.main, "-G", "--", os.fsencode(name)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("ssh -G could not be asked: %s", error)
            return
        if done.returncode:
            raise _from_ssh(mirror, os.fsdecode(done.stderr))


def _from_ssh(mirror: Mirror, complaint: str) -> ConfigError:
    found = next((one for one in _PLACE.finditer(complaint)), None)
    if found is None:
        said = mirror.with_originals(complaint.strip().partition("\n")[0])
        return _refused(mirror, mirror.main, 0, said)
    return _refused(mirror, found["file"], int(found["line"]), found["said"])


def _refused(mirror: Mirror, file: str, line: int, said: str) -> ConfigError:
    unknown = _UNKNOWN.search(said)
    meant = suggestion(unknown[1]) if unknown else ""
    return ConfigError(
        "ssh would refuse this configuration",
        mirror.original(file),
        line,
        detail=clean(mirror.with_originals(said), 400),
        hint=f"did you mean {meant}? Nothing was written" if meant else "nothing was written",
    )
