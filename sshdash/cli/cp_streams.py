"""``sshdash cp`` with ``-`` on one side, for standard input or output, or into a device."""

import argparse
import asyncio
import errno
import os
import stat
import sys

from msgspec.structs import replace

from sshdash.backend import Backend
from sshdash.cli.context import tell
from sshdash.cli.copying import resolve_source, resolve_target
from sshdash.cli.cp import CHOICES, is_device
from sshdash.cli.operands import Operand
from sshdash.cli.stdio import InputReader, Writer
from sshdash.errors import FileError, UsageError
from sshdash.prompts import ConflictChoice
from sshdash.sftp.conflicts import Conflicts
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import Kind, join
from sshdash.sftp.failures import ExistsError, from_system
from sshdash.sftp.filesystem import Digest, Filesystem
from sshdash.sftp.in_place import Tears
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.streams import Stream, pour
from sshdash.sftp.throttle import Pace
from sshdash.sftp.under_way import FileCopy
from sshdash.sftp.walk import Source

_NAME = b"-"
_LOOK = 0.05
"""Seconds between two looks whether somebody reads a FIFO."""


async def copy_stream(
    backend: Backend,
    arguments: argparse.Namespace,
    sources: list[Operand],
    target: Operand,
    pace: Pace,
) -> int:
    """Copy from standard input, or to standard output or a device, and return the exit status.

    Raises SSHDashError, and BrokenPipeError where whoever read the output is gone.
    """
    device = is_device(target)
    if len(sources) != 1 or (device or target.is_stream) is sources[0].is_stream:
        raise UsageError("One file for one stream", "with - there is one source and one target")
    if arguments.resume:
        raise UsageError("--resume is for files", "a stream cannot be gone on with")
    if device and CHOICES[arguments.on_conflict] is ConflictChoice.SKIP:
        print(f"sshdash: {target} exists and is left as it is", file=sys.stderr)
        return 0
    if device or target.is_stream:
        files = await backend.filesystem(sources[0].endpoint)
        try:
            if device:
                return await _pour_into(files, sources[0], target, arguments, pace)
            return await _pour(files, sources[0], 1, arguments, pace)
        finally:
            await files.close()
    files = await backend.filesystem(target.endpoint)
    try:
        return await _fill(backend, files, target, arguments, pace)
    finally:
        await files.close()


async def _pour_into(
    files: Filesystem, source: Operand, target: Operand, arguments: argparse.Namespace, pace: Pace
) -> int:
    """Copy into a device or a FIFO, once that is read, and return the exit status."""
    descriptor = await _open_device(target)
    try:
        status = await _pour(files, source, descriptor, arguments, pace)
        if stat.S_ISBLK(os.fstat(descriptor).st_mode):  # which tells only now what it could not do
            await asyncio.to_thread(os.fsync, descriptor)
    except OSError as error:
        raise from_system(error, "write to it", target.path) from error
    finally:
        os.close(descriptor)
    return status


async def _open_device(target: Operand) -> int:
    while True:
        try:
            descriptor = os.open(target.path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno != errno.ENXIO or not is_device(target):
                raise from_system(error, "write to it", target.path) from error
            await asyncio.sleep(_LOOK)
        else:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
            raise FileError("cannot write to it", str(target), "it is another file by now")


async def _pour(
    files: Filesystem,
    source: Operand,
    descriptor: int,
    arguments: argparse.Namespace,
    pace: Pace,
) -> int:
    named = await resolve_source(files, source)
    if len(named) != 1:
        raise UsageError("One file for one stream", f"{source} names {len(named)}")
    try:
        found, grew = await pour(
            files, named[0].path, Writer(descriptor).write, pace, arguments.checksum
        )
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
    copier.torn = Tears(failed=lambda _, reason: tell(f"sshdash: {target}: {reason}"))
    if arguments.checksum:
        copier.checked = lambda ours, theirs: _tell_verified(theirs, target.endpoint)
    path = join(place.folder, settled.place)
    try:
        in_place = arguments.inplace and existing is not None and existing.kind is Kind.FILE
        copy = FileCopy(_NAME, path, source.entry, settled.existing, in_place=in_place)
        await copier.copy(copy, lambda size: None)
    except ExistsError:
        detail = "something appeared there meanwhile and was not overwritten"
        raise FileError("cannot write to it", str(target), detail) from None
    return 0


def _tell_verified(found: Digest, endpoint: str) -> None:
    if sys.stderr.isatty():
        by = f"{found.by} on {endpoint}" if endpoint else found.by
        print(f"verified by SHA-256 ({by})", file=sys.stderr)
