"""Folders that are made ahead: asked for without waiting where a target keeps order."""

import asyncio

from sshdash.errors import FileError
from sshdash.sftp.failures import ExistsError, MissingError
from sshdash.sftp.filesystem import Limits
from sshdash.states import TransferState
from tests.unit.memory_files import MemoryFilesystem
from tests.unit.queue_kit import Kit, kit, reasons

IN_ORDER = Limits(chunk=16, files=8, in_order=True)


def furnish(one: Kit) -> None:
    """Put a tree of three levels in place."""
    one.far.file(b"/x/a/b/file", b"1")
    one.far.file(b"/x/beside", b"2")


async def test_nested_folders_are_asked_for_before_any_is_made() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER
        asked: list[bytes] = []
        all_asked = asyncio.Event()
        make = one.near.mkdir

        async def mkdir(path: bytes, mode: int = 0o777) -> None:
            asked.append(path)
            if len(asked) == 3:
                all_asked.set()
            await all_asked.wait()
            await make(path, mode)

        one.near.mkdir = mkdir  # type: ignore[method-assign]
        async with asyncio.timeout(10):
            done = await one.copy(b"/x")
        assert done.state is TransferState.DONE
        assert asked[:3] == [b"/to/x", b"/to/x/a", b"/to/x/a/b"]
        assert one.near.below(b"/to") == {b"x/a/b/file": b"1", b"x/beside": b"2"}


async def test_a_folder_is_what_it_is_to_be_but_for_the_others_before_it_is_filled() -> None:
    async with kit() as one:
        furnish(one)
        for name, mode in ((b"/x", 0o7777), (b"/x/a", 0o550), (b"/x/a/b", 0o700)):
            one.far.nodes[name].mode = mode
        modes: dict[bytes, int] = {}
        make = one.near.mkdir

        async def mkdir(path: bytes, mode: int = 0o777) -> None:
            modes[path] = mode
            await make(path, mode)

        one.near.mkdir = mkdir  # type: ignore[method-assign]
        done = await one.copy(b"/x", preserve=True)
        assert done.state is TransferState.DONE
        assert modes == {b"/to/x": 0o755, b"/to/x/a": 0o750, b"/to/x/a/b": 0o700}
        assert one.near.nodes[b"/to/x"].mode == 0o1777
        assert one.near.nodes[b"/to/x/a"].mode == 0o550


async def test_files_are_read_while_their_folders_are_made() -> None:
    async with kit() as one:
        furnish(one)
        read = asyncio.Event()
        make, fetch = one.near.mkdir, one.far.fetch

        async def mkdir(path: bytes, mode: int = 0o777) -> None:
            await read.wait()
            await make(path, mode)

        async def fetched(path: bytes, size: int) -> object:
            read.set()
            return await fetch(path, size)

        one.near.mkdir = mkdir  # type: ignore[method-assign]
        one.far.fetch = fetched  # type: ignore[assignment, method-assign]
        async with asyncio.timeout(10):
            done = await one.copy(b"/x")
        assert done.state is TransferState.DONE
        assert one.near.below(b"/to") == {b"x/a/b/file": b"1", b"x/beside": b"2"}


async def test_a_target_that_keeps_no_order_after_all_is_asked_again() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER
        early = {b"/to/x/a", b"/to/x/a/b"}

        def at(operation: str, path: bytes) -> None:
            if operation == "mkdir" and path in early:
                early.remove(path)
                raise MissingError("cannot make the directory", "a", "no such file")

        one.near.at = at
        done = await one.copy(b"/x")
        assert done.state is TransferState.DONE
        assert one.near.below(b"/to") == {b"x/a/b/file": b"1", b"x/beside": b"2"}


async def test_nothing_stays_in_a_folder_that_appeared_meanwhile() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER

        def at(operation: str, path: bytes) -> None:
            if operation == "mkdir" and path == b"/to/x":
                one.near.folder(b"/to/x")
                raise ExistsError("cannot make the directory", "x", "it exists already")

        one.near.at = at
        done = await one.copy(b"/x")
        assert done.state is TransferState.FAILED
        assert "exists" in reasons(done)["/x"]
        for path in ("/x/a/b/file", "/x/beside"):
            assert reasons(done)[path] == "its directory could not be made"
        assert folders(one.near, b"/to/x") == [b"/to/x"]


async def test_a_folder_that_cannot_be_made_costs_what_is_in_it_alone() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER

        def at(operation: str, path: bytes) -> None:
            if operation == "mkdir" and path == b"/to/x/a":
                raise FileError("cannot make the directory", "a", "no permission")

        one.near.at = at
        done = await one.copy(b"/x")
        assert set(reasons(done)) == {"/x/a", "/x/a/b/file"}
        assert one.near.below(b"/to") == {b"x/beside": b"2"}


def folders(files: MemoryFilesystem, start: bytes) -> list[bytes]:
    """Return everything there is from a folder on."""
    return sorted(path for path in files.nodes if path.startswith(start))
