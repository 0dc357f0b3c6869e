"""Runs one copy job: looks through the trees, makes directories ahead, copies many at once."""

import os
from collections.abc import Callable

from msgspec import structs
from msgspec.structs import replace

from sshdash.errors import ConnectionLost, FileError
from sshdash.prompts import Prompter
from sshdash.sftp.bulk.bulk import Bulk
from sshdash.sftp.claims import Claims
from sshdash.sftp.conflicts import Conflicts
from sshdash.sftp.confusions import Confusions
from sshdash.sftp.copier import Copier
from sshdash.sftp.directories import Directories, NoFolder
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.failures import ExistsError, RefusedError, shown
from sshdash.sftp.filesystem import Digest, Filesystem, Space
from sshdash.sftp.headroom import Need, ensure_room, room_at
from sshdash.sftp.in_place import TORN, Leave, Unreplaceable
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.mover import Mover
from sshdash.sftp.names import is_temporary
from sshdash.sftp.partial import AlreadyThere, may_be_placed, put_all_right
from sshdash.sftp.placed import PlacedFolders
from sshdash.sftp.plan import Step, decide, escapes
from sshdash.sftp.room import Room
from sshdash.sftp.roots import Roots
from sshdash.sftp.seen import ChangedThere, ensure_as_seen, seen_of
from sshdash.sftp.tasks import each, together
from sshdash.sftp.throttle import Pace
from sshdash.sftp.twins import Twins
from sshdash.sftp.under_way import FileCopy
from sshdash.sftp.walk import Source, Walker, reason_of

_WINDOW = 48 * 1024 * 1024
"""Bytes of all files under way together: what a job may hold in memory."""
_LEAST = 16 * 1024
"""What even the smallest file is counted as."""
_MOST = 8 * 1024 * 1024
"""What even the largest file is counted as: the copier holds no more of one."""


class _LeadsOut(FileError):
    """A link that is not made, because it could reach what is not the server's to choose."""


class Runner:
    """One run of a job. Raises Cancelled where the person dismissed a question.

    What a lost connection interrupts is kept for another run where the job is `resumable`.
    """

    def __init__(
        self,
        request: CopyRequest,
        source: Filesystem,
        target: Filesystem,
        ledger: Ledger,
        prompter: Prompter,
        resumable: bool = False,
    ) -> None:
        self._request = request
        self._source = source
        self._target = target
        self._ledger = ledger
        self._prompter = prompter
        self._choice = request.conflict
        self._target_dir = request.target_dir
        self._directories: list[Source] = []
        self._files: list[Source] = []
        self._need = Need(request.conflict or ledger.choice)
        self._space: Space | None = None
        self._twins = Twins(request.preserve)
        self._claims = Claims()
        self._bulk: Bulk | None = None
        self._conflicts: list[Source] = []
        self._seen = dict(zip(request.paths, request.seen, strict=bool(request.seen)))
        self._folders: Directories | None = None
        self._closed: RefusedError | None = None
        """Why nothing can be made in the target folder itself."""
        self._confusions = Confusions(target, request.target_dir)
        self._placed = PlacedFolders()
        self._room = Room(_WINDOW)
        self._copier = Copier(source, target)
        self._mover = Mover(source, target, self._target_dir, ledger, request.move)
        self._resumable = resumable
        self._leave = Leave(prompter, False if request.move else request.in_place)
        self.pace = Pace()
        """How fast it may go."""

    async def run(self, scanned: Callable[[], None]) -> None:
        """Copy everything; `scanned` is called once it is known what there is to copy."""
        request, ledger = self._request, self._ledger
        roots = Roots(request, self._source, self._target, ledger, self._mover, self._reason)
        walker = Walker(self._source, self._target, self._visit, ledger.fail, ledger.leave_out)
        await put_all_right(self._target, ledger.others | ledger.unfinished())
        await self._look(roots, walker)
        self._confusions = Confusions(self._target, self._target_dir)
        self._furnish_copier()
        self._mover = Mover(self._source, self._target, self._target_dir, ledger, request.move)
        await self._placed.find(ledger, self._target)
        await self._copier.remove_leftovers()
        found, self._claims = await self._mover.rename_roots(await roots.found()), roots.claims
        ends, merges = (self._source, self._target, self._target_dir), bool(self._claims.folders)
        self._bulk = bulk = Bulk(request, *ends, ledger, self._copier, merges)
        try:
            bulk.expect(found, walker)
            await self._copy_found(found, walker, scanned)
        finally:
            await bulk.close()

    async def _copy_found(
        self, found: list[Source], walker: Walker, scanned: Callable[[], None]
    ) -> None:
        """Copy what was asked for and is there, and all that is in it."""
        request, ledger = self._request, self._ledger
        await together(self._claims.walk(walker, found, self._target_dir), self._ask_umask())
        if self._closed is not None and not self._conflicts:
            raise self._closed
        await self._ensure_room()
        scanned()
        ends = self._target, self._target_dir, ledger, self._confusions, self._reason
        directories = Directories(*ends, merge_modes=request.folder_modes)
        self._copier.folders = self._folders = directories
        if request.like is not None:
            looks = self._source.stat(request.like), self._target.stat(self._target_dir)
            directories.merge(Source(request.like, b"", *await together(*looks)))
        await self._fill(directories)
        self._twins.found = directories.reachable(self._twins.found)
        rest = self._target, self._target_dir, ledger, self._mover, self._fail
        await self._copy_all(await self._twins.link_all(*rest))
        await directories.finish(self._copier, request.preserve)
        await self._mover.remove_folders(self._directories)
        self._placed.forget(ledger)
        await self._copier.remove_leftovers()

    def _furnish_copier(self) -> None:
        request, ledger = self._request, self._ledger
        copier = self._copier = Copier(self._source, self._target, request.preserve)
        copier.pace = self.pace
        copier.leftovers = ledger.leftovers
        copier.keeps_owner = request.owner
        copier.replacing = self._may_replace
        if request.xattrs and isinstance(self._target, LocalFilesystem):
            copier.xattrs = self._target.copy_xattrs
        copier.under_way = ledger.under_way
        copier.recorded = ledger.recorded
        copier.durable = request.move
        if self._resumable:
            copier.partials = ledger.partials
        if request.verify:
            copier.checked = self._checked
        copier.restarted = self._restarted
        copier.resumed = self._resumed
        copier.torn = ledger.torn

    async def _fill(self, directories: Directories) -> None:
        """Make the directories and copy what goes into them."""
        if self._bulk is not None and not self._conflicts:  # whoever is to be asked is at once
            more = bool(self._twins.found)
            copied = await self._bulk.copy_folders(self._directories, self._files, more)
            self._directories, self._files = copied
        work = [
            directories.make(self._directories, self._copier.mode),
            self._copy_new(directories),
            self._settle_conflicts(),
        ]
        if not (self._request.move or self._conflicts or self._twins.found):
            preserve, files = self._request.preserve, len(self._files)
            work.insert(0, directories.finish_behind(files, self._copier, preserve))
        await together(*work)

    def suspend(self) -> None:
        """Keep what is under way for another run, as its end is near."""
        self._copier.interrupted = True

    async def _look(self, roots: Roots, walker: Walker) -> None:
        """Look at both ends, all that can be asked at once within one round trip."""
        request = self._request
        walks = request.recursive and request.base is None and not request.move
        listed = request.paths if walks else ()
        if request.source == request.target:
            await self._find_target()  # what is within what is told by names without links
            await together(roots.look(self._target_dir), walker.look_ahead(listed))
        else:
            looking = roots.look(request.target_dir)
            await together(self._find_target(), looking, walker.look_ahead(listed))

    async def _find_target(self) -> None:
        """Look at the target folder, and go by its name without links.

        Raises FileError where it is none.
        """
        folder, target = self._request.target_dir, self._target
        asked = target.stat(folder), target.realpath(folder), room_at(target, folder)
        found, real, self._space = await together(*asked)
        if found.kind is not Kind.DIRECTORY:
            host = "" if target.is_local else target.label
            raise FileError("the target is not a directory", shown(folder), host=host)
        self._target_dir = bytes(real)
        if isinstance(target, LocalFilesystem):
            await target.confine(self._target_dir)

    async def _ask_umask(self) -> None:
        if not self._request.preserve:
            try:
                self._copier.umask = await self._target.umask(self._target_dir)
            except RefusedError as error:
                self._closed = error

    # -- what there is

    def _visit(self, source: Source) -> bool:
        """Sort one source into what is to be done; return whether to look into it."""
        claimed = self._claims.settled(source, self._ledger.fail)
        if isinstance(claimed, bool):
            return claimed
        source = claimed
        if self._ledger.done and source.key in self._ledger.done:
            self._twins.know(source)
            return False
        verdict = decide(source.entry, source.existing, self._request.recursive)
        if verdict.reason:
            if verdict.step is Step.REFUSE:
                self._ledger.fail(source.path, verdict.reason)
            else:
                self._leave_out(source, verdict.reason)
            return False
        if source.entry.kind is Kind.DIRECTORY:
            self._directories.append(source)
            if source.existing is None:
                self._need.add(source)
            return self._request.base is None
        self._ledger.found(source.entry)
        if self._placed.hold(source, self._target_dir, self._request.preserve):
            self._ledger.arrive(source)
            self._twins.know(source)
        elif not (verdict.step is Step.CREATE and self._twins.take(source)):
            self._add(source, verdict.step)
        return False

    def _add(self, source: Source, step: Step) -> None:
        self._need.add(source)
        if step is Step.CREATE:
            self._files.append(source)
        elif begun := self._begun(source):
            self._files.append(begun)
        elif source.existing and not self._is_as_seen(source.path, source.existing):
            self._ledger.abandon(join(self._target_dir, source.place))
            self._ledger.fail(source.path, reason_of(ChangedThere(source.path)), source.entry)
        else:
            self._conflicts.append(source)

    def _is_as_seen(self, path: bytes, existing: Entry) -> bool:
        return not self._seen or self._seen.get(path) == seen_of(existing)

    async def _may_replace(self, file: FileCopy, part: bytes) -> None:
        """Raise FileError where what is there is not what was seen, or is the source itself."""
        if self._seen and file.existing is not None:
            await ensure_as_seen(self._target, file.target, file.existing)
        await self._mover.ensure_apart(file.source, part)

    def _begun(self, source: Source) -> Source | None:
        """Return a source whose target needs no question: it was answered, or is its own."""
        partial = self._ledger.partials.get(join(self._target_dir, source.place))
        if partial is not None and partial.replacing and source.existing is not None:
            has_name = may_be_placed(partial, source.existing, self._request.preserve)
            agreed = self._ledger.agrees(source) and self._is_as_seen(source.path, source.existing)
            return source if has_name or agreed else None
        if partial is not None and partial.placing:
            return replace(source, existing=None)
        return None

    def _checked(self, ours: Digest, theirs: Digest) -> None:
        self._ledger.verified += 1
        for place, digest in ((self._source, ours), (self._target, theirs)):
            by = "here" if place.is_local else f"{digest.by} on {place.label}"
            self._ledger.verified_by.setdefault(by)

    def _restarted(self, file: FileCopy, reason: str) -> None:
        self._ledger.restarted[file.source] = reason

    def _resumed(self, file: FileCopy, done: int) -> None:
        self._ledger.resumed += 1

    def _reason(self, error: FileError) -> str:
        """Return why a source was not copied, and where that is where it is not its own end."""
        if error.host == ("" if self._source.is_local else self._source.label):
            folder, _, name = error.path.rpartition("/")
            # Both ends are one machine, and it was the copy that could not be written.
            return reason_of(error, f"in {folder}" if is_temporary(os.fsencode(name)) else "")
        return reason_of(error, f"on {error.host}" if error.host else "here")

    def _leave_out(self, source: Source, reason: str, counted: Entry | None = None) -> None:
        self._ledger.leave_out(source.path, reason, counted)
        self._ledger.settle(source)

    async def _ensure_room(self) -> None:
        """Ask, once, where what is to be copied does not fit."""
        ledger = self._ledger
        if ledger.fits:
            return
        # What was kept of interrupted copies takes its room already.
        needed = self._need.size - sum(partial.done for partial in ledger.partials.values())
        place = self._target, self._target_dir
        await ensure_room(self._space, *place, needed, self._need.files, self._prompter)
        ledger.fits = True

    # -- files

    async def _copy_new(self, directories: Directories) -> None:
        """Copy what replaces nothing, very many small files in bulk."""
        files = self._files
        bulk = None if self._bulk is None else self._bulk.for_files(directories)
        if bulk is not None:
            chosen, others = await bulk.choose(files)
            files, _ = await together(bulk.copy(chosen), self._copy_all(others))
        await self._copy_all(files)

    async def _copy_all(self, files: list[Source]) -> None:
        # Large ones first would starve the small; as listed, both are always under way.
        width = min(self._source.limits.files, self._target.limits.files, len(files))
        await each(files, width, self._copy)

    async def _copy(self, file: Source) -> None:
        """Copy one file or link; its failure is noted and the others go on."""
        weight = max(_LEAST, min(file.entry.size, _MOST))
        async with self._room.take(weight):
            try:
                with self._ledger.tracking(file) as track:
                    complaint = await self._move(file, track.advance)
            except ExistsError:
                reason = await self._confusions.explain(file.place)
                reason = reason or "something appeared at the target meanwhile"
                self._ledger.fail(file.path, f"{reason}; it was not overwritten", file.entry)
            except AlreadyThere:
                self._ledger.skip(file)
            except _LeadsOut as error:
                self._leave_out(file, error.title, file.entry)
            except NoFolder as error:
                self._ledger.fail(file.path, error.title, file.entry)
            except FileError as error:
                self._fail(file, error)
            except ConnectionLost:
                self._copier.interrupted = True  # before the copies beside it are cancelled
                raise
            else:
                if complaint:
                    self._ledger.fail(file.path, f"copied, but {complaint}")
            finally:
                if self._folders is not None:
                    self._folders.ended(file)

    async def _move(self, file: Source, progress: Callable[[int], None]) -> str:
        """Copy, and where it is to be moved let the source go, if there is nothing to complain of.

        A rename does both.
        """
        await self._mover.ensure_other(file)
        if self._request.move:
            await self._copier.folders.ready(join(self._target_dir, file.place))
        if await self._mover.rename(file, progress):
            return ""
        return await self._mover.after(self._transfer(file, progress), file)

    async def _transfer(self, file: Source, progress: Callable[[int], None]) -> str:
        target = join(self._target_dir, file.place)
        is_file = file.existing is not None and file.existing.kind is file.entry.kind is Kind.FILE
        in_place = is_file and not file.resume and self._request.in_place is True
        copy = FileCopy(file.path, target, file.entry, file.existing, file.resume, in_place)
        if file.entry.kind is Kind.FILE:
            try:
                return await self._copier.copy(copy, progress)
            except Unreplaceable as error:
                if not await self._leave.given(error):
                    raise
                return await self._copier.copy(structs.replace(copy, in_place=True), progress)
        pointed = await self._source.readlink(file.path)
        if not self._source.is_local and escapes(file.place, pointed):
            raise _LeadsOut(f"the link leads out of the copied folder, to {shown(pointed)}")
        await self._copier.copy_link(copy, pointed)
        return ""

    # -- conflicts

    async def _settle_conflicts(self) -> None:
        """Settle what is to be done about each target that exists, while the rest is copied."""
        rest = self._choice, self._ledger, self._prompter
        ends = self._source, self._target, self._target_dir
        conflicts = Conflicts(*ends, *rest, self._claims)
        try:
            accepted = await conflicts.settle_all(self._conflicts, self._fail)
        except ConnectionLost:
            self._copier.interrupted = True
            raise
        await self._copy_all(accepted)

    def _fail(self, file: Source, error: FileError) -> None:
        torn = f"; {TORN}" if file.path in self._ledger.torn else ""
        self._ledger.fail(file.path, self._reason(error) + torn, file.entry)
