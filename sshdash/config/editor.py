"""Editing the hosts of a configuration: worked out, looked at, proven, then written."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sshdash.config import edits
from sshdash.config.catalog import load_catalog
from sshdash.config.dependants import jumping_through
from sshdash.config.document import Block, Document
from sshdash.config.edits import Settings
from sshdash.config.history import Entry, History, digest
from sshdash.config.mirror import remove_mirrors
from sshdash.config.parser import FileCache
from sshdash.config.plan import Found, Plan, first_change, short, surprises
from sshdash.config.proof import Proposal, prove
from sshdash.config.saving import (
    ChangedSince,
    Version,
    read_version,
    remove_leftovers,
    replace_file,
    write_failure,
)
from sshdash.config.source import ConfigSource
from sshdash.config.spelling import check_name, check_setting
from sshdash.errors import UsageError
from sshdash.paths import private_dir
from sshdash.untrusted import clean


class ConfigEditor:
    """Edits the files of one configuration; everything it keeps is in `history`."""

    def __init__(
        self, source: ConfigSource, cache: FileCache | None = None, history: History | None = None
    ) -> None:
        self.source = source
        self.history = history or History()
        self._cache = cache or FileCache()
        self.done: list[Entry] = []
        """What was edited with this editor and not undone, the last one last."""

    def __repr__(self) -> str:
        """Return the configuration's main file."""
        return f"<ConfigEditor [{self.source.user_file}]>"

    # Finding

    def find(self, name: str) -> Found:
        """Return the block that a host is listed for. Raises UsageError and FileError."""
        catalog = load_catalog(self.source, self._cache)
        entry = next((host for host in catalog.hosts if host.alias == name), None)
        if entry is None:
            raise UsageError(
                f"There is no host “{clean(name)}” in your configuration",
                hint="sshdash hosts lists them",
            )
        version = read_version(entry.file)
        document = Document.parse(version.data or b"")
        try:
            index = document.block_at(entry.line)
        except LookupError:
            index = 0
        if name not in document.blocks[index].patterns:
            places = document.named(name)
            if not places:
                raise UsageError("The file is being changed", short(entry.file), "try again")
            index = places[0]
        return Found(version, document, index)

    def find_plain(self, name: str) -> Found:
        """Return the block of a host, which must name hosts only. Raises as `find`."""
        found = self.find(name)
        if not found.block.plain:
            raise UsageError(
                f"“{clean(name)}” stands beside patterns",
                f"{found.place}: Host {clean(' '.join(found.block.patterns))}",
                "such a block is for more than one host: edit it in your editor",
            )
        return found

    def files(self) -> list[str]:
        """Return the files of the configuration, the main one first; it may not exist yet.

        Raises UsageError where there is none to edit.
        """
        main = self.source.user_file
        if main is None:
            raise UsageError("There is no configuration to edit", "-F none was given")
        catalog = load_catalog(self.source, self._cache)
        system = str(self.source.system_file) if self.source.system_file else None
        others = [file for file in catalog.files if file not in (str(main), system)]
        return [str(main), *others]

    def file_of_group(self, group: str) -> str:
        """Return the included file that a group is made of. Raises UsageError."""
        stems = {os.path.splitext(os.path.basename(file))[0]: file for file in self.files()[1:]}
        if group in stems:
            return stems[group]
        listed = ", ".join(map(clean, stems)) or "none"
        raise UsageError(
            f"There is no group “{clean(group)}”",
            f"groups are the included files: {listed}",
            "--file names a file of its own",
        )

    def open(self, file: str | None = None) -> Found:
        """Return a file, the main one by default, to add a host to. Raises FileError."""
        version = read_version(file or self.files()[0])
        return Found(version, Document.parse(version.data or b""), 0)

    def known(self) -> dict[str, str]:
        """Return where each host is, as ``file:line``."""
        catalog = load_catalog(self.source, self._cache)
        return {host.alias: f"{short(host.file)}:{host.line}" for host in catalog.hosts}

    def jumping_through(self, names: Sequence[str]) -> str:
        """Return which blocks reach their hosts through others, as a sentence; empty for none."""
        return jumping_through(load_catalog(self.source, self._cache), self._cache, names)

    # Working out

    def add(
        self,
        names: Sequence[str],
        settings: Settings,
        place: Found | None = None,
        known: Mapping[str, str] | None = None,
    ) -> Plan:
        """Return what adds a host, to the main file by default. Raises UsageError.

        `known` are the hosts there are, where they have been looked up already.
        """
        _check(settings)
        _refuse_known(names, self.known() if known is None else known)
        place = place or self.open()
        edited = edits.add_block(place.document, names, settings)
        return _plan(f"{_listed(names)} added", place.version, edited)

    def change(
        self,
        found: Found,
        settings: Settings,
        names: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
    ) -> Plan:
        """Return what gives a host other settings, or other names. Raises UsageError."""
        current = {keyword: found.block.values(keyword) for keyword in settings}
        _check({key: [v for v in vs if v not in current[key]] for key, vs in settings.items()})
        if names is not None:
            new = [one for one in names if one not in found.block.patterns]
            _refuse_known(new, self.known() if known is None else known)
        edited = edits.change_block(found.document, found.index, settings, names)
        old = found.block.patterns
        gone = () if names is None else tuple(one for one in old if one not in names)
        return _plan(f"{_listed(names or old)} changed", found.version, edited, gone)

    def clone(
        self,
        found: Found,
        names: Sequence[str],
        settings: Settings | None = None,
        known: Mapping[str, str] | None = None,
    ) -> Plan:
        """Return what copies a host under another name, right below it. Raises UsageError."""
        _refuse_known(names, self.known() if known is None else known)
        document, index = edits.clone_block(found.document, found.index, names)
        if settings:
            _check(settings)
            document, index = edits.change_block(document, index, settings)
        return _plan(f"{_listed(names)} added", found.version, (document, index))

    def remove(self, found: Found) -> Plan:
        """Return what takes a whole block away."""
        document, _ = edits.remove_block(found.document, found.index)
        title = f"{_listed(found.block.patterns)} removed"
        gone = found.block.patterns
        return Plan(title, found.version, bytes(document), found.line, gone=gone)

    def drop(self, found: Found, name: str) -> Plan:
        """Return what takes one of several names off a Host line."""
        if found.block.patterns == (name,):
            return self.remove(found)
        edited = edits.drop_name(found.document, found.index, name)
        return _plan(f"{clean(name)} removed", found.version, edited, gone=(name,))

    def move(self, found: Found, other: Found, *, after: bool) -> Plan:
        """Return what puts a host right before or after another of its file. Raises UsageError."""
        if found.version.target != other.version.target:
            raise UsageError(
                "The two hosts are in different files",
                f"{found.place} and {other.place}",
                "a block moves within its file; your editor moves it to another",
            )
        if found.index == other.index:
            raise UsageError("Both names are of the same block", found.place)
        step: Callable[[Document, int, int], edits.Edited]
        step = edits.move_after if after else edits.move_before
        edited = step(found.document, found.index, other.index)
        return _plan(f"{_listed(found.block.patterns)} moved", found.version, edited)

    def step(self, found: Found, delta: int) -> Plan:
        """Return what moves a host past the next one of its file, up for -1 or down for 1.

        Blocks with patterns on the way are passed too; where no host follows, one of them is.
        Raises UsageError at the end of the file.
        """
        blocks = found.document.blocks
        way = range(found.index + delta, len(blocks) if delta > 0 else 0, delta)
        target = next((at for at in way if blocks[at].plain), next(iter(way), None))
        if target is None:
            end = "first" if delta < 0 else "last"
            raise UsageError(f"It is the {end} block of its file", found.place)
        move = edits.move_after if delta > 0 else edits.move_before
        edited = move(found.document, found.index, target)
        return _plan(f"{_listed(found.block.patterns)} moved", found.version, edited)

    def undo(self, entry: Entry | None = None) -> Plan:
        """Return what takes back an edit: by default the last one of this configuration's files.

        Raises UsageError where there is none, and ChangedSince where the file has been changed
        by somebody else since.
        """
        entries = [entry] if entry else self.history.entries(self._targets())
        for one in reversed(entries):
            version = read_version(one.path)
            if digest(version.data) == one.after and version.target == one.target:
                before = self.history.before(one)
                line = first_change(version.data, before)
                return Plan(f"undone: {one.title}", version, before, line, undoes=one)
            if digest(version.data) != one.before:
                raise ChangedSince(one.path, self.history.before(one), version.data)
            self.history.forget(one)  # the file is as before it already
        raise UsageError("There is nothing to undo", "no edit of these files is kept")

    # Writing

    def prove(self, plan: Plan) -> list[str]:
        """Return what may surprise in the result. Raises where it must not be written.

        Raises ConfigError where ssh would refuse it, and UsageError.
        """
        version = plan.version
        names = tuple(filter(_can_be_asked, plan.names))
        room = self.history.folder
        proposal = Proposal(self.source, version.path, version.target, plan.after, names, room)
        with self.history.exclusive():
            remove_mirrors(room)
            try:
                found = surprises(plan, prove(proposal, self._cache))
            except OSError as error:
                raise write_failure(str(room), error) from error
        jumps = self.jumping_through(plan.gone) if plan.gone else ""
        return [*found, jumps] if jumps else found

    def save(self, plan: Plan) -> list[str]:
        """Prove and write a change; return what may surprise in the result.

        Raises what `prove` raises, ChangedSince and FileError; then the file is as it was.
        """
        with self.history.exclusive():
            surprising = self.prove(plan)
            if not plan.changes:
                return surprising
            version = plan.version
            if version.data is None:
                private_dir(Path(version.target).parent)
            remove_leftovers(version.target)
            if plan.undoes is not None:
                replace_file(version, plan.after)
                self.history.forget(plan.undoes)
                self.done = [one for one in self.done if one.id != plan.undoes.id]
                return surprising
            entry = self.history.record(
                plan.title,
                os.path.abspath(version.path),
                version.target,
                version.data,
                plan.after,
            )
            try:
                replace_file(version, plan.after)
            except BaseException:
                self.history.forget(entry)
                raise
            self.done.append(entry)
            return surprising

    def _targets(self) -> set[str]:
        return {os.path.realpath(file) for file in self.files()}


def settings_of(block: Block) -> dict[str, tuple[str, ...]]:
    """Return the texts of a block's values by keyword, in the order of the file."""
    return {line.keyword: block.values(line.keyword) for line in block.settings}


def _refuse_known(names: Sequence[str], known: Mapping[str, str]) -> None:
    for name in names:
        if name in known:
            raise UsageError(
                f"There is a host “{clean(name)}” already",
                known[name],
                "edit that one, or take another name",
            )


def _can_be_asked(name: str) -> bool:
    try:
        check_name(name)
    except UsageError:
        return False
    return True


def _check(settings: Settings) -> None:
    for keyword, values in settings.items():
        for value in values:
            check_setting(keyword, value)


def _listed(names: Sequence[str]) -> str:
    return clean(" ".join(names))


def _plan(title: str, version: Version, edited: edits.Edited, gone: tuple[str, ...] = ()) -> Plan:
    document, index = edited
    names = document.blocks[index].patterns
    return Plan(title, version, bytes(document), document.line_of(index), names, gone)
