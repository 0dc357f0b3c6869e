"""What the fleet's tunnels lead to: a small HTTP service and one that echoes."""

import asyncio
import contextlib
import html
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_LARGEST = 1 << 30
_CHUNK = bytes(range(256)) * 256
_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{name}</title>
<h1>{name}</h1>
<p>You reached this page through a tunnel.</p>
<ul>
<li><a href="/status">/status</a>: JSON
<li><a href="/bytes/10000000">/bytes/N</a>: N bytes, to watch the counters move
</ul>
"""


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """Serve on a free loopback port, which is yielded."""
    tasks: set[asyncio.Task[None]] = set()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            try:
                await serve(reader, writer)
            finally:
                writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(attend(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = tuple(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, and the end after the end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def website(name: str) -> Serve:
    """Return an HTTP/1.1 service with a page, a status and bytes for the counters."""
    started = time.monotonic()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, *_ = head.decode("latin-1").split(" ", 2)
        kind, size, chunks = _answer(name, path, time.monotonic() - started)
        status = "404 Not Found" if kind is None else "200 OK"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind or 'text/plain'}\r\n"
            f"Content-Length: {size}\r\nConnection: close\r\n\r\n".encode()
        )
        if method != "HEAD":
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
        await writer.drain()

    return serve


def _answer(name: str, path: str, age: float) -> tuple[str | None, int, "list[bytes]"]:
    """Return the content type (None: not found), the size and the parts of the body."""
    if path == "/":
        body = _PAGE.format(name=html.escape(name)).encode()
        return "text/html; charset=utf-8", len(body), [body]
    if path == "/status":
        body = json.dumps({"service": name, "uptime": round(age, 1)}).encode() + b"\n"
        return "application/json", len(body), [body]
    count = path.removeprefix("/bytes/")
    if count != path and count.isdecimal():
        size = min(int(count), _LARGEST)
        whole, rest = divmod(size, len(_CHUNK))
        return "application/octet-stream", size, [_CHUNK] * whole + [_CHUNK[:rest]]
    body = b"not found\n"
    return None, len(body), [body]
