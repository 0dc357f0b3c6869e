"""Folders that are made ahead: asked for without waiting where a target keeps order."""

import asyncio
from functools import partial

from sshdash.errors import FileError
from sshdash.sftp.failures import ExistsError, MissingError
from sshdash.sftp.filesystem import Limits
from sshdash.states import TransferState
from tests.patience import PATIENCE
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
        async with asyncio.timeout(PATIENCE):
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
        async with asyncio.timeout(PATIENCE):
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


async def test_files_are_opened_before_their_folders_are_known_to_be_made() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER
        opened, made = asyncio.Event(), one.near.mkdir
        written: list[bytes] = []

        async def mkdir(path: bytes, mode: int = 0o777) -> None:
            await made(path, mode)
            await opened.wait()

        def at(operation: str, path: bytes) -> None:
            if operation == "create":
                opened.set()
            if operation == "write":
                written.append(path)
            assert operation != "create" or not written

        one.near.mkdir = mkdir  # type: ignore[method-assign]
        one.near.at = at
        async with asyncio.timeout(PATIENCE):
            done = await one.copy(b"/x")
        assert done.state is TransferState.DONE
        assert one.near.below(b"/to") == {b"x/a/b/file": b"1", b"x/beside": b"2"}


async def test_nothing_is_written_into_a_folder_that_is_not_ours() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER
        one.near.folder(b"/elsewhere")
        opened, made = asyncio.Event(), one.near.mkdir

        async def mkdir(path: bytes, mode: int = 0o777) -> None:
            if path != b"/to/x":
                return await made(path, mode)
            one.near.folder(path)  # somebody else was faster
            await opened.wait()
            raise ExistsError("cannot make the directory", "x", "it exists already")

        def at(operation: str, path: bytes) -> None:
            if operation == "create" and path.startswith(b"/to/x/."):
                opened.set()
            assert operation not in ("write", "rename")

        one.near.mkdir = mkdir  # type: ignore[method-assign]
        one.near.at = at
        async with asyncio.timeout(PATIENCE):
            done = await one.copy(b"/x")
        assert reasons(done)["/x/beside"] == "its directory could not be made"
        assert folders(one.near, b"/to/x") == [b"/to/x"]


async def test_folders_get_their_times_behind_the_last_name() -> None:
    async with kit() as one:
        furnish(one)
        one.near.limits = IN_ORDER
        finished, rename = asyncio.Event(), one.near.rename
        missing = {b"/to/x", b"/to/x/a", b"/to/x/a/b"}

        async def renamed(old: bytes, new: bytes) -> None:
            await rename(old, new)
            await finished.wait()

        def at(operation: str, path: bytes) -> None:
            if operation == "attributes":
                missing.discard(path)
                if not missing:
                    finished.set()

        one.near.rename = renamed  # type: ignore[method-assign]
        one.near.at = at
        async with asyncio.timeout(PATIENCE):
            done = await one.copy(b"/x")
        assert done.state is TransferState.DONE


async def test_folders_get_their_times_again_where_the_last_name_was_refused() -> None:
    async with kit() as one:
        furnish(one)
        one.far.nodes[b"/x"].mtime_ns = 5
        one.near.limits = IN_ORDER
        steps: list[str] = []

        def at(operation: str, path: bytes) -> None:
            if path == b"/to/x" and operation == "attributes":
                steps.append("time")
            if operation == "rename" and path == b"/to/x/beside":
                raise FileError("cannot rename", "beside", "no permission")
            if operation == "unlink" and path.startswith(b"/to/x/."):
                steps.append("removed")

        one.near.at = at
        done = await one.copy(b"/x")
        assert set(reasons(done)) == {"/x/beside"}
        assert steps[-1] == "time"
        assert "removed" in steps
        assert one.near.nodes[b"/to/x"].mtime_ns == 5


async def test_a_folder_that_is_read_only_gets_its_mode_once_all_is_in_it() -> None:
    async with kit() as one:
        furnish(one)
        one.far.nodes[b"/x/a/b"].mode = 0o555
        one.near.limits = IN_ORDER
        steps: list[tuple[str, bytes]] = []
        rename = one.near.rename

        async def renamed(old: bytes, new: bytes) -> None:
            await rename(old, new)
            steps.append(("named", new))

        one.near.rename = renamed  # type: ignore[method-assign]
        one.near.at = lambda operation, path: steps.append((operation, path))
        done = await one.copy(b"/x")
        assert done.state is TransferState.DONE
        named = [at for at, (step, _) in enumerate(steps) if step == "named"]
        assert steps.index(("attributes", b"/to/x/a/b")) > max(named)
        assert one.near.nodes[b"/to/x/a/b"].mode == 0o555


async def test_folders_that_were_there_get_their_times_and_modes_where_asked() -> None:
    for in_order in (False, True):
        for asked in (False, True):
            async with kit() as one:
                furnish(one)
                if in_order:
                    one.near.limits = IN_ORDER
                for path in (b"/x", b"/x/a"):
                    one.far.nodes[path].mtime_ns = 7
                    one.far.nodes[path].mode = 0o6775
                    one.near.folder(b"/to" + path)
                    one.near.nodes[b"/to" + path].mode = 0o700
                one.near.nodes[b"/to/x"].mode = 0o2700
                steps: list[tuple[str, bytes]] = []
                one.near.at = partial(note, steps)
                done = await one.copy(b"/x", folder_modes=asked)
                assert done.state is TransferState.DONE, reasons(done)
                found = [one.near.nodes[b"/to" + path] for path in (b"/x", b"/x/a")]
                assert [node.mtime_ns for node in found] == [7, 7]
                modes = [0o2775, 0o775] if asked else [0o2700, 0o700]
                assert [node.mode for node in found] == modes
                b, a, x = (
                    steps.index(("attributes", b"/to" + path))
                    for path in (b"/x/a/b", b"/x/a", b"/x")
                )
                assert b < a < x


async def test_folders_of_others_are_told_only_where_their_modes_were_asked_for() -> None:
    for asked in (False, True):
        async with kit() as one:
            furnish(one)
            one.near.folder(b"/to/x")

            def at(step: str, path: bytes) -> None:
                if step == "attributes" and path == b"/to/x":
                    raise FileError("cannot set owner, mode or time", "x", "no permission")

            one.near.at = at
            done = await one.copy(b"/x", folder_modes=asked)
            assert set(reasons(done)) == ({"/x"} if asked else set())
            assert one.near.below(b"/to") == {b"x/a/b/file": b"1", b"x/beside": b"2"}


async def test_folders_that_were_there_stay_as_they_were_where_nothing_is_kept() -> None:
    async with kit() as one:
        furnish(one)
        one.near.folder(b"/to/x")
        one.near.nodes[b"/to/x"].mode = 0o711
        asked: list[bytes] = []
        one.near.at = lambda step, path: asked.append(path) if step == "attributes" else None
        done = await one.copy(b"/x", preserve=False, folder_modes=True)
        assert done.state is TransferState.DONE
        assert b"/to/x" not in asked
        assert one.near.nodes[b"/to/x"].mode == 0o711


def note(steps: list[tuple[str, bytes]], step: str, path: bytes) -> None:
    """Note what is done to a path."""
    steps.append((step, path))


def folders(files: MemoryFilesystem, start: bytes) -> list[bytes]:
    """Return everything there is from a folder on."""
    return sorted(path for path in files.nodes if path.startswith(start))
