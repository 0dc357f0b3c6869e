"""SFTP servers that lie about names and attributes, and TCP servers that speak no SSH.

The latter are for `sshdash.demo.services.listening`.
"""

import asyncio
import io
import stat
from collections.abc import AsyncIterator, Mapping

import asyncssh


def file_attributes(size: int = 0, **values: int) -> asyncssh.SFTPAttrs:
    """Return the attributes of a regular file, `values` over sensible ones."""
    return _attributes(stat.S_IFREG | 0o644, size, values)


def folder_attributes(**values: int) -> asyncssh.SFTPAttrs:
    """Return the attributes of a directory, `values` over sensible ones."""
    return _attributes(stat.S_IFDIR | 0o755, 4096, values)


def link_attributes(**values: int) -> asyncssh.SFTPAttrs:
    """Return the attributes of a symbolic link, `values` over sensible ones."""
    return _attributes(stat.S_IFLNK | 0o777, 8, values)


def _attributes(mode: int, size: int, values: Mapping[str, int]) -> asyncssh.SFTPAttrs:
    fields = {"size": size, "permissions": mode, "uid": 1, "gid": 1, "atime": 1, "mtime": 1}
    return asyncssh.SFTPAttrs(**{**fields, **values})


def lying_sftp(
    entries: Mapping[bytes, asyncssh.SFTPAttrs],
    content: bytes = b"x",
    target: bytes = b"/etc/passwd",
) -> type[asyncssh.SFTPServer]:
    """Return an SFTP server whose every directory lists `entries`, whatever their names.

    Each opens as a file with `content`; each link leads to `target`.
    """

    class Lying(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            for name, attributes in entries.items():
                yield asyncssh.SFTPName(name, attrs=attributes)

        def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
            return entries.get(path.rpartition(b"/")[2], folder_attributes())

        stat = lstat

        def realpath(self, path: bytes) -> bytes:
            return path if path.startswith(b"/") else b"/"

        def readlink(self, path: bytes) -> bytes:
            return target

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            return io.BytesIO(content)

        def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
            return file_attributes(len(content))

    return Lying


# -- servers that speak no SSH ----------------------------------------------------------------


async def says_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a web server would to a bad request."""
    body = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    writer.write(body)
    await writer.drain()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and be silent until the client leaves."""
    while await reader.read(4096):
        pass


async def dribbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a version line one byte every 100 ms, and never its end."""
    writer.write(b"SSH-2.0-")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.1)


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send 10 MB of lines that are no version."""
    for _ in range(10_000):
        writer.write(b"welcome " * 124 + b"friend\r\n")
        await writer.drain()


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close at once."""
