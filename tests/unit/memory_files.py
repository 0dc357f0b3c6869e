"""A file system in memory that fails, lies and stops where a test wants it to."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind, is_plain_name, join, name_of, normalize, parent_of
from sshdash.sftp.failures import ExistsError, MissingError
from sshdash.sftp.filesystem import (
    Buffer,
    CopySource,
    Digest,
    Finish,
    Finished,
    Limits,
    Pieces,
    Reader,
    Space,
)

_DAY = 86_400 * 10**9


@dataclass
class Node:
    """One file, directory or link."""

    kind: Kind
    data: bytes = b""
    mode: int = 0o644
    mtime_ns: int = _DAY
    target: bytes = b""
    claims: int | None = None
    """The size that is told instead of the real one."""
    owners: tuple[int, int] = (-1, -1)


class MemoryFilesystem:
    """Files in a dictionary; every operation waits at least once."""

    def __init__(self, label: str = "local", chunk: int = 16) -> None:
        self.label = label
        self.is_local = label == "local"
        self.limits = Limits(chunk=chunk, files=8)
        self.nodes: dict[bytes, Node] = {b"/": Node(Kind.DIRECTORY, mode=0o755)}
        self.at: Callable[[str, bytes], None] = lambda operation, path: None
        """Told each operation before it happens; what it raises is its failure."""
        self.extra_names: dict[bytes, list[bytes]] = {}
        """Names that a directory lists though they cannot be there."""
        self.space: Space | None = Space(10**12, 10**12)
        self.short_reads = 0
        """At most so many bytes per read, where set."""
        self.copies_within = False
        """Whether it copies from file to file by itself."""
        self.open_files = 0
        self.closed = 0

    # -- furnishing

    def file(self, path: bytes, data: bytes = b"", **values: Any) -> None:
        """Put a file in place, its directories too."""
        self.folder(parent_of(path))
        self.nodes[path] = replace(Node(Kind.FILE, data), **values)

    def folder(self, path: bytes, **values: Any) -> None:
        """Put a directory in place, with those above it."""
        while path not in self.nodes:
            self.nodes[path] = replace(Node(Kind.DIRECTORY, mode=0o755), **values)
            path = parent_of(path)

    def link(self, path: bytes, target: bytes) -> None:
        """Put a link in place."""
        self.folder(parent_of(path))
        self.nodes[path] = Node(Kind.SYMLINK, target=target)

    def special(self, path: bytes, kind: Kind) -> None:
        """Put a FIFO or the like in place."""
        self.nodes[path] = Node(kind)

    def below(self, path: bytes) -> dict[bytes, bytes]:
        """Return the content of every file below `path`, by its path from there."""
        start = join(path, b"")
        return {
            name.removeprefix(start): node.data
            for name, node in self.nodes.items()
            if name.startswith(start) and node.kind is Kind.FILE
        }

    # -- the protocol

    def copies_from(self, source: CopySource) -> bool:
        return self.copies_within and source is self

    def home(self) -> bytes:
        return b"/"

    async def expand(self, path: bytes) -> bytes:
        return normalize(b"/" + path)

    async def _step(self, operation: str, path: bytes) -> None:
        await asyncio.sleep(0)
        self.at(operation, path)

    def _node(self, path: bytes) -> Node:
        if path not in self.nodes:
            raise MissingError("cannot stat", path.decode("latin-1"), "nothing there")
        return self.nodes[path]

    def _entry(self, path: bytes) -> Entry:
        node = self._node(path)
        size = len(node.data) if node.claims is None else node.claims
        return Entry(name_of(path), node.kind, size, node.mode, node.mtime_ns, *node.owners)

    async def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        await self._step("list", path)
        start = join(path, b"")
        inside = [n for n in self.nodes if n.startswith(start) and n != path]
        names = [n.removeprefix(start) for n in inside if b"/" not in n.removeprefix(start)]
        for name in self.extra_names.get(path, ()):
            if refused is not None and not is_plain_name(name):
                refused.append(name)
        yield [self._entry(join(path, name)) for name in names]

    async def listdir(self, path: bytes) -> list[Entry]:
        return [entry async for batch in self.scandir(path) for entry in batch]

    async def resolve_links(self, path: bytes, entries: list[Entry]) -> list[Entry]:
        return entries

    async def lstat(self, path: bytes) -> Entry:
        await self._step("stat", path)
        return self._entry(path)

    async def stat(self, path: bytes) -> Entry:
        await self._step("stat", path)
        node = self._node(path)
        return self._entry(node.target) if node.kind is Kind.SYMLINK else self._entry(path)

    async def exists(self, path: bytes) -> Entry | None:
        await self._step("stat", path)
        return self._entry(path) if path in self.nodes else None

    async def realpath(self, path: bytes) -> bytes:
        await self._step("realpath", path)
        self._node(path)
        return path

    async def readlink(self, path: bytes) -> bytes:
        await self._step("readlink", path)
        return self._node(path).target

    async def statvfs(self, path: bytes) -> Space | None:
        await self._step("statvfs", path)
        return self.space

    def _make(self, path: bytes, node: Node) -> None:
        if path in self.nodes:
            raise ExistsError("cannot create", path.decode("latin-1"), "exists")
        if self._node(parent_of(path)).kind is not Kind.DIRECTORY:
            raise FileError("cannot create", path.decode("latin-1"), "not a directory")
        self.nodes[path] = node

    async def mkdir(self, path: bytes, mode: int = 0o777) -> None:
        await self._step("mkdir", path)
        self._make(path, Node(Kind.DIRECTORY, mode=mode))

    async def symlink(self, target: bytes, path: bytes) -> None:
        await self._step("symlink", path)
        self._make(path, Node(Kind.SYMLINK, target=target))

    async def rename(self, old: bytes, new: bytes) -> None:
        await self._step("rename", new)
        self._make(new, self._node(old))
        del self.nodes[old]
        for path in [path for path in self.nodes if path.startswith(join(old, b""))]:
            self.nodes[new + path.removeprefix(old)] = self.nodes.pop(path)

    async def replace(self, old: bytes, new: bytes) -> None:
        await self._step("replace", new)
        self.nodes[new] = self._node(old)
        del self.nodes[old]

    async def unlink(self, path: bytes) -> None:
        await self._step("unlink", path)
        if self._node(path).kind is Kind.DIRECTORY:
            raise FileError("cannot remove", path.decode("latin-1"), "a directory")
        del self.nodes[path]

    async def rmdir(self, path: bytes) -> None:
        await self._step("rmdir", path)
        self._node(path)
        if any(parent_of(other) == path for other in self.nodes if other != b"/"):
            raise FileError("cannot remove", path.decode("latin-1"), "not empty")
        del self.nodes[path]

    async def chmod(self, path: bytes, mode: int) -> None:
        await self._step("chmod", path)
        self._node(path).mode = mode

    async def set_attributes(
        self,
        path: bytes,
        mode: int | None,
        mtime_ns: int | None,
        owner: tuple[int, int] | None = None,
    ) -> None:
        await self._step("attributes", path)
        if mode is not None:
            self._node(path).mode = mode
        if mtime_ns is not None:
            self._node(path).mtime_ns = mtime_ns

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        await self._step("time", path)
        self._node(path).mtime_ns = mtime_ns

    async def set_own_time(self, path: bytes, mtime_ns: int) -> None:
        await self.set_time(path, mtime_ns)

    async def chown(self, path: bytes, uid: int, gid: int) -> None:
        await self._step("chown", path)
        self._node(path).owners = uid, gid

    async def set_itself(
        self, path: bytes, mode: int | None, owner: tuple[int, int] | None = None
    ) -> None:
        if self._node(path).kind is Kind.SYMLINK:
            raise FileError("not changed", path.decode("latin-1"), "a link")
        if owner is not None:
            await self.chown(path, *owner)
        if mode is not None:
            await self.chmod(path, mode)

    async def describe(self, path: bytes) -> Entry:
        return await self.lstat(path)

    async def umask(self, directory: bytes) -> int:
        await self._step("umask", directory)
        return 0o027

    async def read_head(self, path: bytes, limit: int) -> bytes:
        await self._step("read", path)
        return self._node(path).data[:limit]

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        await self._step("read", path)
        data = self._node(path).data[: min(size, self.short_reads or size)]
        await self._step("read end", path)
        return [data] if data else [], structs.replace(self._entry(path), name=b"")

    async def store(self, path: bytes, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        writer = await self.open_write(path)
        try:
            await writer.write(0, pieces)
            return await writer.finish(finish)
        finally:
            await writer.close()

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        await self._step("hash", path)
        return Digest(hashlib.sha256(self._node(path).data).digest(), "memory")

    async def hardlink(self, old: bytes, new: bytes) -> None:
        await self._step("hardlink", new)
        self._make(new, self._node(old))

    async def open_read(self, path: bytes) -> "MemoryFile":
        await self._step("open", path)
        return MemoryFile(self, path, self._node(path))

    async def open_write(self, path: bytes) -> "MemoryFile":
        await self._step("create", path)
        node = Node(Kind.FILE, mode=0o600)
        self._make(path, node)
        return MemoryFile(self, path, node)

    async def open_again(self, path: bytes) -> "MemoryFile":
        await self._step("open again", path)
        return MemoryFile(self, path, self._node(path))

    async def close(self) -> None:
        self.closed += 1


class MemoryFile:
    """An open file."""

    def __init__(self, files: MemoryFilesystem, path: bytes, node: Node) -> None:
        self._files = files
        self._path = path
        self._node = node
        self._is_open = True
        files.open_files += 1

    async def _step(self, operation: str) -> None:
        assert self._is_open, f"{operation} on a closed file"
        await asyncio.sleep(0)
        self._files.at(operation, self._path)

    async def read(self, offset: int, size: int) -> Pieces:
        await self._step("read")
        data = self._node.data[offset : offset + min(size, self._files.short_reads or size)]
        return [data] if data else []

    async def write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        await self._step("write")
        data = bytearray(self._node.data.ljust(offset, b"\0"))
        fresh = b"".join(pieces)
        data[offset : offset + len(fresh)] = fresh
        self._node.data = bytes(data)

    async def widen(self, size: int) -> int:
        """Return that there is one way."""
        return 1

    async def copy_from(self, reader: Reader, offset: int, size: int) -> int:
        assert isinstance(reader, MemoryFile)
        await self._step("copy within")
        pieces = [reader._node.data[offset : offset + size]]
        await self.write(offset, pieces)
        return len(pieces[0])

    async def extents(self, size: int) -> list[tuple[int, int]]:
        await self._step("extents")
        return [(0, size)]

    async def stat(self) -> Entry:
        await self._step("fstat")
        node = self._node
        size = len(node.data) if node.claims is None else node.claims
        return Entry(b"", node.kind, size, node.mode, node.mtime_ns)

    async def store(self, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        await self.write(0, pieces)
        return await self.finish(finish)

    async def finish(self, finish: Finish) -> Finished:
        await self._step("finish")
        if finish.mode is not None:
            self._node.mode = finish.mode
        if finish.mtime_ns is not None:
            self._node.mtime_ns = finish.mtime_ns
        if finish.cut:
            self._node.data = self._node.data[: finish.size]
        await self.close()
        return Finished(len(self._node.data))

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._files.open_files -= 1
