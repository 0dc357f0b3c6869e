"""The list of hosts follows the files."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from sshdash import follower
from sshdash.events import Event
from sshdash.ui.controllers.hosts import HostBoard
from sshdash.ui.widgets.host_card import HostFacts
from tests.patience import PATIENCE

Start = Any


async def following(c: Any) -> None:
    """Wait until the files are followed."""
    await c.until(lambda: c.app.workspace.following.is_following)


def text(file: Path) -> str:
    return file.read_text()


def overwrite(file: Path, text: str) -> None:
    """Write a file as other editors do: the same file holds something else."""
    file.write_text(text)


def link(file: Path, target: Path) -> None:
    file.unlink()
    file.symlink_to(target)


def exchange(file: Path, folder: Path) -> None:
    """Put a folder in the place of a link."""
    file.unlink()
    folder.rename(file)
    folder.symlink_to(file)


def put(file: Path, text: str) -> None:
    """Write a file as editors do: a new one takes the place of the old one."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.chmod(0o600)
    os.replace(new, file)


async def test_an_edit_elsewhere_shows_at_once_and_the_cursor_stays(
    cockpit: Start, config: Path
) -> None:
    async with cockpit() as c:
        await following(c)
        await c.press("down", "down")
        assert c.hosts.host == "db-1"
        put(config, "Host first\n    HostName 192.0.2.7\n" + text(config))
        await c.until(lambda: "first" in c.hosts.shown_hosts)
        assert c.hosts.host == "db-1"
        overwrite(config, text(config).replace("10.0.0.50", "10.0.0.99"))
        await c.until(lambda: "admin@10.0.0.99:22" in c.drawn)
        put(config, text(config).replace("Host db-1", "Host db-9"))
        await c.until(lambda: "db-9" in c.hosts.shown_hosts)


async def test_what_somebody_else_has_read_before_is_shown_too(
    cockpit: Start, config: Path
) -> None:
    async with cockpit() as c:
        await following(c)
        await c.press("down", "down")
        await c.until(lambda: "admin@10.0.0.50:22" in c.drawn)
        put(config, text(config).replace("10.0.0.50", "10.0.0.99"))
        c.backend.resolve("db-1")  # as for a connection
        await c.until(lambda: "admin@10.0.0.99:22" in c.drawn)


async def test_a_card_that_was_being_made_as_a_file_changed_is_made_again(
    cockpit: Start, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, go_on = threading.Event(), threading.Event()
    look_up = HostBoard._look_up

    def late(board: HostBoard, host: str) -> HostFacts:
        facts = look_up(board, host)
        looked.set()
        go_on.wait(PATIENCE)
        return facts

    async with cockpit() as c:
        board = c.app.workspace.board
        monkeypatch.setattr(HostBoard, "_look_up", late)
        making = asyncio.create_task(board.card("db-1"))
        await c.until(looked.is_set)
        put(config, text(config).replace("10.0.0.50", "10.0.0.99"))
        board.forget()
        go_on.set()
        assert "10.0.0.99" in str(await making)
        assert "10.0.0.99" in str(board.live_card("db-1"))


async def test_the_cursor_stays_on_the_heading_of_a_group(cockpit: Start, config: Path) -> None:
    async with cockpit() as c:
        await following(c)
        await c.press("down", "down", "down")
        assert c.hosts.on_heading
        put(config, "Host one\nHost two\n" + text(config))
        await c.until(lambda: "two" in c.hosts.shown_hosts)
        assert c.hosts.on_heading


async def test_included_files_are_followed_and_new_ones_found(cockpit: Start, config: Path) -> None:
    folder = config.parent / "conf.d"
    put(config, f"Include {folder}/*.conf\n" + text(config))
    async with cockpit() as c:
        await following(c)
        folder.mkdir()
        put(folder / "a.conf", "Host in-a\n")
        await c.until(lambda: "in-a" in c.hosts.shown_hosts)
        put(folder / "b.conf", "Host in-b\n")
        await c.until(lambda: "in-b" in c.hosts.shown_hosts)
        (folder / "a.conf").unlink()
        await c.until(lambda: "in-a" not in c.hosts.shown_hosts)
        put(config.parent / "staging.conf", "Host stage-9\n")
        await c.until(lambda: "stage-9" in c.hosts.shown_hosts)


async def test_links_are_followed_to_the_file(cockpit: Start, config: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    put(elsewhere / "ssh", text(config))
    link(config, elsewhere / "ssh")
    async with cockpit() as c:
        await following(c)
        put(elsewhere / "ssh", "Host linked\n")
        await c.until(lambda: c.hosts.shown_hosts == ["linked"])


async def test_folders_that_are_links_or_are_exchanged_are_followed(
    cockpit: Start, config: Path, tmp_path: Path
) -> None:
    real, other = tmp_path / "real", tmp_path / "other"
    for folder in (real, other):
        folder.mkdir()
    put(other / "a.conf", "Host from-other\n")
    named = config.parent / "conf.d"
    named.symlink_to(real)
    put(config, f"Include {named}/*.conf\nHost web\n")
    async with cockpit() as c:
        await following(c)
        put(real / "a.conf", "Host in-link\n")
        await c.until(lambda: "in-link" in c.hosts.shown_hosts)
        exchange(named, other)
        await c.until(lambda: c.hosts.shown_hosts == ["web", "from-other"])
        put(other / "b.conf", "Host second\n")
        await c.until(lambda: "second" in c.hosts.shown_hosts)


async def test_what_is_wrong_is_told_once_and_the_rest_is_listed(
    cockpit: Start, config: Path
) -> None:
    good = text(config)
    async with cockpit() as c:
        await following(c)
        put(config, f"{good}\nHost odd\n    Prot 22\n")
        await c.until(lambda: "odd" in c.hosts.shown_hosts)
        await c.until(lambda: "bad configuration option: prot" in " ".join(c.told))
        put(config, f"{good}\nHost odd even\n    Prot 22\n")
        await c.until(lambda: "even" in c.hosts.shown_hosts)
        assert sum("prot" in words for words in c.told) == 1
        put(config, good)
        await c.until(lambda: "odd" not in c.hosts.shown_hosts)
        assert "db-1" in c.hosts.shown_hosts


async def test_a_burst_is_read_once(
    cockpit: Start, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cockpit() as c:
        await following(c)
        seen: list[Event] = []
        c.backend.events.subscribe(seen.append)
        for number in range(50):
            put(config, f"Host h{number}\n")
        await c.until(lambda: c.hosts.shown_hosts == ["h49"])
        assert len(seen) <= 3


async def test_where_nothing_tells_of_changes_it_is_said_once(
    cockpit: Start, config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 0 0:1 / {config.parent} rw - nfs4 server:/home rw\n")
    monkeypatch.setattr(follower, "_MOUNTS", mounts)
    async with cockpit() as c:
        await c.until(lambda: "is on nfs4" in " ".join(c.told))
        assert "R reads it again" in " ".join(c.told)
        put(config, "Host other\n")
        await c.press("R")
        await c.until(lambda: c.hosts.shown_hosts == ["other"])
        assert sum("nfs4" in words for words in c.told) == 1


async def test_without_a_watch_to_be_had_the_list_still_works(
    cockpit: Start, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    def refuse(*paths: str, **options: object) -> Any:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", refuse)
    async with cockpit() as c:
        await c.until(lambda: "inotify watch limit" in " ".join(c.told))
        put(config, "Host other\n")
        await c.press("R")
        await c.until(lambda: c.hosts.shown_hosts == ["other"])
