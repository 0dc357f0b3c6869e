"""``sshdash cp`` with ``-`` on one side: standard input or output in the place of a file."""

import argparse
import sys

from msgspec.structs import replace

from sshdash.backend import Backend
from sshdash.cli.copying import resolve_source, resolve_target
from sshdash.cli.cp import CHOICES
from sshdash.cli.operands import Operand
from sshdash.cli.stdio import InputReader, Writer
from sshdash.errors import FileError, UsageError
from sshdash.prompts import ConflictChoice
from sshdash.sftp.conflicts import Conflicts
from sshdash.sftp.copier import Copier, FileCopy
from sshdash.sftp.entries import Kind, join
from sshdash.sftp.failures import ExistsError
from sshdash.sftp.filesystem import Digest, Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.streams import Stream, pour
from sshdash.sftp.throttle import Pace
from sshdash.sftp.walk import Source

_NAME = b"-"


async def copy_stream(
    backend: Backend,
    arguments: argparse.Namespace,
    sources: list[Operand],
    target: Operand,
    pace: Pace,
) -> int:
    """Copy from standard input, or to standard output, and return the exit status.

    Raises SSHDashError, and BrokenPipeError where whoever read the output is gone.
    """
    if len(sources) != 1 or target.is_stream is sources[0].is_stream:
        raise UsageError("One file for one stream", "with - there is one source and one target")
    if arguments.resume:
        raise UsageError("--resume is for files", "a stream cannot be gone on with")
    if target.is_stream:
        files = await backend.filesystem(sources[0].endpoint)
        try:
            return await _pour(files, sources[0], arguments, pace)
        finally:
            await files.close()
    files = await backend.filesystem(target.endpoint)
    try:
        return await _fill(backend, files, target, arguments, pace)
    finally:
        await files.close()


async def _pour(
    files: Filesystem, source: Operand, arguments: argparse.Namespace, pace: Pace
) -> int:
    named = await resolve_source(files, source)
    if len(named) != 1:
        raise UsageError("One file for one stream", f"{source} names {len(named)}")
    try:
        found, grew = await pour(files, named[0].path, Writer(1).write, pace, arguments.checksum)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError("Cannot write the output", "", error.strerror or str(error)) from error
    if found is not None:
        _tell_verified(found, source.endpoint)
    if grew:
        print(f"sshdash: {source}: copied, but {grew}", file=sys.stderr)
    return 1 if grew else 0


async def _fill(
    backend: Backend,
    files: Filesystem,
    target: Operand,
    arguments: argparse.Namespace,
    pace: Pace,
) -> int:
    place = await resolve_target(files, target, many=False)
    if place.name is None:
        raise UsageError("A name is needed", f"{target} is a directory", f"{target}/NAME")
    policy = CHOICES[arguments.on_conflict]
    if policy in (ConflictChoice.NEWER, ConflictChoice.RESUME):
        detail = "standard input has no time, and cannot be gone on with"
        raise UsageError(f"--on-conflict {arguments.on_conflict} is for files", detail)
    stream = Stream(InputReader(0).read)
    source = Source(_NAME, place.name, await stream.lstat(_NAME))
    existing = await files.exists(join(place.folder, place.name))
    settled: Source | None = source
    if existing is not None:
        if existing.kind not in (Kind.FILE, Kind.SYMLINK):
            raise FileError("cannot write to it", str(target), existing.kind.value)
        conflicts = Conflicts(files, files, place.folder, policy, Ledger(), backend.prompter)
        settled = await conflicts.settle(replace(source, existing=existing))
    if settled is None:
        print(f"sshdash: {target} exists and is left as it is", file=sys.stderr)
        return 0
    copier = Copier(stream, files, preserve=False, umask=await files.umask(place.folder))
    copier.pace = pace
    if arguments.checksum:
        copier.checked = lambda ours, theirs: _tell_verified(theirs, target.endpoint)
    path = join(place.folder, settled.place)
    try:
        await copier.copy(FileCopy(_NAME, path, source.entry, settled.existing), lambda size: None)
    except ExistsError:
        detail = "something appeared there meanwhile and was not overwritten"
        raise FileError("cannot write to it", str(target), detail) from None
    return 0


def _tell_verified(found: Digest, endpoint: str) -> None:
    if sys.stderr.isatty():
        by = f"{found.by} on {endpoint}" if endpoint else found.by
        print(f"verified by SHA-256 ({by})", file=sys.stderr)
