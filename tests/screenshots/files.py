"""Scenes of files."""

from sshdash.ui.widgets.file_panes import FilePanes
from tests.screenshots.stage import Stage, scene


async def _open_files(stage: Stage) -> None:
    await stage.select("web")
    await stage.press("f")
    await stage.until(r"access\.log|many|README")


@scene("files")
async def _files(stage: Stage) -> None:
    await _open_files(stage)


@scene("dragging")
async def _dragging(stage: Stage) -> None:
    await _open_files(stage)
    panes = stage.app.screen.query_one(FilePanes)
    source, target = panes.right.rows, panes.left.rows
    await stage.press("tab", "end", "space", "up", "space")
    last = len(panes.right.browser.rows) - 1
    await stage.pilot.mouse_down(source, offset=(6, last))
    await stage.pilot.hover(source, offset=(8, last))
    await stage.pilot.hover(target, offset=(8, 1))


@scene("conflict")
async def _conflict(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "end", "c")
    await stage.until("1 done")
    await stage.press("c")
    await stage.until("exists")


@scene("transfers")
async def _transfers(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "home", "ctrl+a", "c")
    await stage.until(r"[1-9]\d %|1 done")


@scene("delete")
async def _delete(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("ctrl+a", "d")
    await stage.until("trash")


@scene("sync")
async def _sync(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("equals_sign")
    await stage.until("the same")


@scene("sync-80x24", columns=80, rows=24)
async def _sync_small(stage: Stage) -> None:
    await _sync(stage)


@scene("view")
async def _view(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("end", "v")


@scene("preview")
async def _preview(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("end", "P")
    await stage.until("UTF-8")


@scene("bulk-rename")
async def _bulk_rename(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("ctrl+a", "R")
    await stage.until("replace by")
    await stage.press("tab", "tab")
    await stage.type_into("old-")
    await stage.press("left_curly_bracket")
    await stage.type_into("name")
    await stage.press("right_curly_bracket")
    await stage.until("old-notes")


@scene("properties")
async def _properties(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "down", "p")
    await stage.until("counts it")
    await stage.press("s")


@scene("permissions")
async def _permissions(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("end", "m")


@scene("files-80x24", columns=80, rows=24)
async def _files_small(stage: Stage) -> None:
    await _open_files(stage)


@scene("files-200x60", columns=200, rows=60)
async def _files_large(stage: Stage) -> None:
    await _open_files(stage)


@scene("finding")
async def _finding(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "f")
    await stage.until(r"\d entries")
    await stage.press(*"log")
    await stage.until(" of ")


@scene("pane-tabs")
async def _pane_tabs(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "ctrl+t", "down", "enter")
    await stage.press("z")


@scene("bookmarks", columns=80, rows=24)
async def _bookmarks(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "b", "enter", "b")
    await stage.until("Bookmarks")


@scene("bookmark-drop", columns=80, rows=24)
async def _bookmark_drop(stage: Stage) -> None:
    await _open_files(stage)
    await stage.press("tab", "b", "enter", "tab")
    panes = stage.app.screen.query_one(FilePanes)
    await stage.pilot.mouse_down(panes.left.rows, offset=(6, 2))
    await stage.pilot.hover(panes.right.rows, offset=(6, 5))
    await stage.pilot.hover(panes.right.bookmark_bar, offset=(6, 0))
