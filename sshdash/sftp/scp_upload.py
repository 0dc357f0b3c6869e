"""Copies to a host without SFTP, by ``scp -t``, one file after the other on one channel.

Where the host runs a shell, each file goes under a temporary name and is renamed once all of it
is there; else it is written in its place, as scp does.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import NamedTuple

from msgspec import structs

from sshdash.errors import FileError, SSHDashError
from sshdash.prompts import ConflictChoice, Prompter
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import ExistsError, shown
from sshdash.sftp.filesystem import Filesystem, Reader
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.messages import MalformedError
from sshdash.sftp.names import part_name
from sshdash.sftp.plan import Step, decide
from sshdash.sftp.rcp import header, times
from sshdash.sftp.scp_channel import Refused, ScpChannel
from sshdash.sftp.scp_choices import Choices
from sshdash.sftp.scp_host import Placing, ScpHost
from sshdash.sftp.tasks import finish, undivided
from sshdash.sftp.throttle import Pace
from sshdash.sftp.walk import Source, Walker, reason_of

_ZEROS = bytes(64 * 1024)
_PATIENCE = 10.0
"""Seconds for taking a temporary file away."""
_END = b"E\n"
_BATCH = 64
"""Files that are looked at, or get their names, in one round trip."""
_BYTES = 8 * 1024 * 1024
"""What may wait for its name: large files get theirs at once."""


class Upload:
    """One job. Its failures are noted in the ledger; what ends all of it is raised."""

    def __init__(
        self,
        request: CopyRequest,
        source: Filesystem,
        target: ScpHost,
        ledger: Ledger,
        prompter: Prompter,
        pace: Pace,
    ) -> None:
        self._request = request
        self._source = source
        self._host = target
        self._ledger = ledger
        self._pace = pace
        self._items: list[Source] = []
        self._there: dict[bytes, Entry | None] = {}
        """By place, what is at the targets of the next items."""
        self._sent: list[_Sent] = []
        """What has arrived and lacks its name."""
        labels = source.label, target.label
        self._choices = Choices(request, ledger, prompter, labels, target.exists)

    async def run(self, scanned: Callable[[], None]) -> None:
        """Look at what there is, and copy it."""
        request = self._request
        await self._check_target()
        ledger = self._ledger
        walker = Walker(self._source, None, self._visit, ledger.fail, ledger.leave_out)
        await walker.walk(await self._roots())
        scanned()
        # A directory comes before what is in it, and that before anything else.
        self._items.sort(key=lambda item: item.place.split(b"/"))
        if not self._items:
            return
        words = (b"-t", b"-d", b"-r", *((b"-p",) if request.preserve else ()), request.target_dir)
        async with await self._host.start(*words) as channel:
            await channel.answer()
            await self._send_all(channel)

    async def _check_target(self) -> None:
        if self._host.has_shell:
            if (await self._host.stat(self._request.target_dir)).kind is not Kind.DIRECTORY:
                where, host = shown(self._request.target_dir), self._host.label
                raise FileError("the target is not a directory", where, host=host)
        elif self._request.conflict is not ConflictChoice.OVERWRITE:
            raise SSHDashError(
                "Nobody can tell what exists there",
                "the server has no SFTP and runs no commands",
                "copy again with the choice to overwrite",
                self._host.label,
            )

    async def _roots(self) -> list[Source]:
        roots: list[Source] = []
        look = self._source.stat if self._request.follow else self._source.lstat
        for path in dict.fromkeys(self._request.paths):
            name = self._request.target_name or name_of(path)
            try:
                entry = await look(path)
                if self._request.follow and self._source.is_local:
                    path = await self._source.realpath(path)
            except FileError as error:
                self._ledger.fail(path, reason_of(error))
            else:
                roots.append(Source(path, name, structs.replace(entry, name=name_of(path))))
        return roots

    def _visit(self, source: Source) -> bool:
        """Sort one source into what is to be done; return whether to look into it."""
        if source.key in self._ledger.done:
            return False
        verdict = decide(source.entry, None, self._request.recursive)
        if verdict.step is Step.REFUSE:
            self._ledger.fail(source.path, verdict.reason)
        elif verdict.step is Step.LEAVE:
            self._ledger.leave_out(source.path, verdict.reason)
        elif source.entry.kind is Kind.SYMLINK:
            self._ledger.leave_out(source.path, "a link, which scp cannot make")
        else:
            self._items.append(source)
            if source.entry.kind is Kind.FILE:
                self._ledger.found(source.entry)
            return True
        return False

    # -- sending

    async def _send_all(self, channel: ScpChannel) -> None:
        """Go through the tree as scp does: into a directory, its files, and out again."""
        try:
            await self._walk(channel)
            await self._place_sent()
        except BaseException:
            # What is whole stays, whatever ends the rest.
            with suppress(SSHDashError, TimeoutError):
                await finish(self._place_sent(), _PATIENCE)
            raise

    async def _walk(self, channel: ScpChannel) -> None:
        inside: list[bytes] = []
        broken: bytes | None = None
        for number, item in enumerate(self._items):
            await self._look_ahead(number)
            if broken is not None and item.place.startswith(broken):
                self._fail(item, "its directory could not be made")
                continue
            folders = item.place.split(b"/")[:-1]
            while inside != folders:
                inside.pop()
                await self._place_sent()  # before the directory gets its time
                await channel.send(_END)
                await channel.answer()
            try:
                if item.entry.kind is Kind.DIRECTORY:
                    await self._enter(channel, item)
                    inside.append(name_of(item.place))
                else:
                    await self._send(channel, item)
            except (Refused, ExistsError, _Untakeable) as error:
                self._fail(item, reason_of(error))
                if item.entry.kind is Kind.DIRECTORY:
                    broken = join(item.place, b"")
        for _ in inside:
            await self._place_sent()
            await channel.send(_END)
            await channel.answer()

    async def _look_ahead(self, number: int) -> None:
        """Look at the targets of the next items together, unless that is done.

        Of two that go to the same place, the second is looked at once the first is there.
        """
        if self._items[number].place in self._there:
            return
        await self._place_sent()
        places = dict.fromkeys(item.place for item in self._items[number : number + _BATCH])
        found = await self._host.look_all([self._target(place) for place in places])
        self._there = dict(zip(places, found.values(), strict=True))

    def _fail(self, item: Source, reason: str) -> None:
        is_file = item.entry.kind is Kind.FILE
        self._ledger.fail(item.path, reason, item.entry if is_file else None)

    async def _enter(self, channel: ScpChannel, folder: Source) -> None:
        existing = self._there.pop(folder.place)
        verdict = decide(folder.entry, existing, recursive=True)
        if verdict.step is Step.REFUSE:
            raise _Untakeable(verdict.reason)
        await self._announce(channel, folder.entry, name_of(folder.place))

    async def _send(self, channel: ScpChannel, file: Source) -> None:
        """Send one file, unless it is to be skipped."""
        existing = self._there.pop(file.place)
        verdict = decide(file.entry, existing, recursive=True)
        if verdict.step is Step.REFUSE:
            raise _Untakeable(verdict.reason)
        if existing is not None:
            await self._place_sent()  # they may have the names that are looked for
            file = Source(file.path, file.place, file.entry, existing)
            settled = await self._choices.settle(file, self._request.target_dir)
            if settled is None:
                self._ledger.skip(file)
                return
            file = settled
        if not self._host.has_shell:
            await self._transfer(channel, file, name_of(file.place))
            return
        part = part_name(name_of(file.place), secrets.token_hex(4))
        path = join(parent_of(self._target(file.place)), part)
        self._ledger.leftovers.add(path)
        try:
            await self._ledger.recorded()
            await self._transfer(channel, file, part, path)
        except BaseException:
            cancelled = False
            with suppress(SSHDashError):
                cancelled = await finish(self._discard(path), _PATIENCE)
            if cancelled:
                raise asyncio.CancelledError from None
            raise

    async def _transfer(
        self, channel: ScpChannel, file: Source, name: bytes, part: bytes | None = None
    ) -> None:
        """Send a file's content, and give it its name where it went under another."""
        try:
            reader = await self._source.open_read(file.path)
        except FileError as error:
            raise _Untakeable(error.title, error.detail) from error
        try:
            with ExitStack() as stack:
                track = stack.enter_context(self._ledger.tracking(file))
                if _differs(await reader.stat(), file.entry):
                    raise _Untakeable("the source has changed since")
                await self._announce(channel, file.entry, name)
                await self._pour(channel, reader, file.entry.size, track.advance)
                if _differs(await reader.stat(), file.entry):
                    raise _Untakeable("source changed while copied", "retry")
                if part is not None:
                    self._sent.append(_Sent(file, part, stack.pop_all()))
        finally:
            await reader.close()
        if len(self._sent) >= _BATCH or sum(one.file.entry.size for one in self._sent) >= _BYTES:
            await self._place_sent()

    async def _place_sent(self) -> None:
        """Give what was sent its names; what cannot get one is taken away."""
        sent, self._sent = self._sent, []
        if sent:
            await undivided(self._place(sent), _PATIENCE)

    async def _place(self, sent: "list[_Sent]") -> None:
        parts = [
            Placing(
                one.part,
                self._target(one.file.place),
                one.file.entry.size,
                one.file.existing is None,
            )
            for one in sent
        ]
        try:
            problems = await self._host.place_all(parts)
        except BaseException as error:
            for one in sent:
                one.counting.__exit__(type(error), error, None)
            with suppress(SSHDashError, TimeoutError):
                await finish(self._discard(*(one.part for one in sent)), _PATIENCE)
            raise
        for one, problem in zip(sent, problems, strict=True):
            if problem is None:
                one.counting.close()
                self._ledger.leftovers.discard(one.part)
                continue
            one.counting.__exit__(type(problem), problem, None)
            self._fail(one.file, reason_of(problem))
            with suppress(SSHDashError, TimeoutError):
                await finish(self._discard(one.part), _PATIENCE)

    async def _announce(self, channel: ScpChannel, entry: Entry, name: bytes) -> None:
        """Tell what comes, and wait until it is taken. Raises Refused."""
        try:
            line = header(entry, name, entry.mode)
        except MalformedError as error:
            raise _Untakeable(str(error)) from error
        if self._request.preserve:
            await channel.send(times(entry))
            await channel.answer()
        await channel.send(line)
        await channel.answer()

    async def _pour(
        self, channel: ScpChannel, reader: Reader, size: int, progress: Callable[[int], None]
    ) -> None:
        """Send `size` bytes and what became of them; the other side waits for as many."""
        offset, problem = 0, ""
        while offset < size:
            try:
                wanted = self._pace.most(min(self._source.limits.chunk, size - offset))
                await self._pace.take(wanted)
                pieces = await reader.read(offset, wanted)
                problem = "" if pieces else "the source became shorter while it was copied"
            except FileError as error:
                pieces, problem = [], reason_of(error)
            if problem:
                break
            await channel.send(*pieces)
            length = sum(map(len, pieces))
            offset += length
            progress(length)
        while offset < size:
            await channel.send(_ZEROS[: size - offset])
            offset += min(len(_ZEROS), size - offset)
        if problem:
            await channel.refuse("not all of it could be read")
        else:
            await channel.acknowledge()
        await channel.answer()
        if problem:
            raise _Untakeable(problem)

    def _target(self, place: bytes) -> bytes:
        return join(self._request.target_dir, place)

    async def _discard(self, *paths: bytes) -> None:
        await self._host.unlink_all(paths)
        self._ledger.leftovers.difference_update(paths)


class _Sent(NamedTuple):
    """A file that is there whole under a temporary name."""

    file: Source
    part: bytes
    counting: ExitStack
    """Ends the look at its progress, and counts it."""


class _Untakeable(FileError):
    """One file or directory fails, and the channel is ready for the next."""

    def __init__(self, title: str, detail: str = "") -> None:
        super().__init__(title, "", detail)


def _differs(now: Entry, was: Entry) -> bool:
    return (now.kind, now.size, now.mtime_ns) != (was.kind, was.size, was.mtime_ns)
