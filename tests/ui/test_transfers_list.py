"""The list of copies below the panes, and the question about a target that exists."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.app import App
from textual.widgets import Button, Input, Static

from sshdash.paths import styles_dir
from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion
from sshdash.sftp.job import FileFailure, FileProgress, TransferSnapshot, TransferTotals
from sshdash.states import TransferState
from sshdash.ui.screens.conflict import ConflictScreen
from sshdash.ui.theme import DARK, THEMES, own_variables
from sshdash.ui.widgets.file_messages import ChangeTransfer, TransferStep
from sshdash.ui.widgets.ticks import Tick
from sshdash.ui.widgets.transfer_lines import job_lines, totals_text
from sshdash.ui.widgets.transfer_list import Jobs
from tests.ui.files_app import FilesApp, listed, names, until

RUNNING = TransferSnapshot(
    "1",
    "12 items",
    "local",
    "web",
    "/srv",
    TransferState.COPYING,
    3,
    12,
    500_000,
    1_000_000,
    rate=250_000.0,
    eta=2.0,
    current=(FileProgress("a.bin", 10, 100),),
)
FAILED = replace(
    RUNNING,
    id="2",
    state=TransferState.FAILED,
    reason="connection lost",
    current=(),
    errors=(FileFailure("etc/shadow", "permission denied"),),
    errors_total=5,
)


def test_a_running_job_tells_progress_rate_and_file() -> None:
    lines = [line.text for line in job_lines(RUNNING, False, 100)]
    assert len(lines) == 2
    for part in ("12 items", "local → web:/srv", "50 %", "3/12 files", "250 kB/s", "0:02"):
        assert part in lines[0]
    assert "a.bin" in lines[1]
    assert "10 %" in lines[1]


def test_a_long_path_keeps_its_end() -> None:
    deep = replace(RUNNING, target="local", target_dir="/home/me/some/where/far/down/projects")
    first, *_ = [line.text for line in job_lines(deep, False, 90)]
    assert "local → local:…" in first
    assert "/projects  " in first


def test_files_that_hold_nothing_count_by_themselves() -> None:
    totals = TransferTotals(jobs_running=1, files_done=1, files_total=2)
    bar, text = totals_text(totals, 60)
    assert " 50 %" in text
    assert bar.count("▰") == bar.count("▱")


def test_what_waits_uncounted_makes_a_sum_the_least_there_is() -> None:
    totals = TransferTotals(jobs_running=1, bytes_done=500, bytes_total=2000, eta=9.0)
    assert "500 B of 2.0 kB" in totals_text(totals, 60)[1]
    assert "ETA 0:09" in totals_text(totals, 60)[1]
    more = replace(totals, jobs_queued=2, uncounted=1)
    assert "500 B of ≥ 2.0 kB" in totals_text(more, 60)[1]
    assert "ETA ≥ 0:09" in totals_text(more, 60)[1]


def test_that_some_failed_is_told_once() -> None:
    assert job_lines(FAILED, False, 100)[0].text.count("failed") == 1


def test_what_failed_in_part_is_never_all_done() -> None:
    there = replace(FAILED, files_done=9, files_total=9, bytes_done=3000, bytes_total=3000)
    job = replace(there, files_failed=1, bytes_failed=1000, errors_total=1)
    line = job_lines(job, False, 100)[0].text
    assert "75 %" in line
    assert "9/10 files" in line
    assert "▱" in line
    folder = replace(job, files_failed=0, bytes_failed=0)
    assert "99 %" in job_lines(folder, False, 100)[0].text


def test_large_numbers_are_written_as_in_the_panes() -> None:
    job = replace(RUNNING, files_done=12_345, files_total=100_000, skipped=1_500)
    line = job_lines(job, False, 140)[0].text
    assert "12 345/100 000 files" in line
    assert "1 500 skipped" in line
    totals = TransferTotals(jobs_running=1, files_done=12_345, files_total=100_000)
    assert "12 345/100 000 files" in totals_text(totals, 100)[1]


def test_a_wide_name_is_shown_whole_and_moves_nothing_beside_it() -> None:
    wide = replace(RUNNING, title="日本語の長い名前🎉.txt")
    line = job_lines(wide, False, 120)[0].text
    assert "日本語の長い名前🎉.txt" in line
    assert cell_len(line) == cell_len(job_lines(RUNNING, False, 120)[0].text)
    assert cell_len(line[: line.index("▰")]) == job_lines(RUNNING, False, 120)[0].text.index("▰")


def test_a_name_that_is_too_long_keeps_its_suffix() -> None:
    line = job_lines(replace(RUNNING, title="x" * 80 + ".tar.gz"), False, 90)[0].text
    assert ".tar.gz  ▰" in line


def test_a_failed_job_tells_why() -> None:
    lines = [line.text for line in job_lines(FAILED, True, 100)]
    assert "5 failed" in lines[0]
    assert any("connection lost" in line for line in lines)
    assert any("etc/shadow: permission denied" in line for line in lines)
    assert any("4 more failures" in line for line in lines)


def test_what_was_left_out_is_a_warning_and_no_failure() -> None:
    omitted = (FileFailure("/d/fifo", "not a regular file (FIFO)"), FileFailure("/d/x", "a link"))
    job = replace(RUNNING, state=TransferState.DONE, current=(), left_out=omitted, left_out_total=2)
    lines = job_lines(job, False, 120)
    assert "2 left out" in lines[0].text
    assert "failed" not in lines[0].text
    assert [line.role for line in lines] == ["job", "warning"]
    assert "/d/fifo: not a regular file (FIFO) · and 1 more" in lines[1].text
    assert [line.role for line in job_lines(job, True, 120)] == ["job", "warning", "warning"]


def test_a_copy_that_asks_says_so() -> None:
    texts = [line.text for line in job_lines(replace(RUNNING, asks=True), False, 80)]
    assert any("waits for your answer" in text for text in texts)
    assert not any("answer" in line.text for line in job_lines(RUNNING, False, 80))


def test_a_job_is_not_all_there_before_each_file_has_its_name() -> None:
    unpacking = replace(RUNNING, bytes_done=RUNNING.bytes_total)
    assert " 99 %" in job_lines(unpacking, False, 100)[0].text
    assert "100 %" in job_lines(replace(unpacking, files_done=12), False, 100)[0].text


def test_a_single_file_tells_how_much_of_it_has_gone() -> None:
    single = replace(RUNNING, files_done=0, files_total=1)
    assert "500 kB of 1.0 MB" in job_lines(single, False, 120)[0].text


def test_a_move_says_that_it_is_one() -> None:
    request = replace(RUNNING.request, move=True)
    assert "move local → web" in job_lines(replace(RUNNING, request=request), False, 120)[0].text


async def test_the_list_unfolds_for_what_is_new_not_for_what_ended_before(
    folders: tuple[Path, Path],
) -> None:
    jobs = [replace(RUNNING, state=TransferState.DONE, current=(), ended=-1.0)]
    app = FilesApp(*folders)
    app.panes.transfers._source = lambda: list(jobs)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await until(pilot, lambda: panes.transfers.display)
        assert not panes.transfers.has_class("-open")
        jobs.append(replace(RUNNING, id="3"))
        await until(pilot, lambda: panes.transfers.has_class("-open"))


async def test_what_runs_stands_above_what_ended(folders: tuple[Path, Path]) -> None:
    ended = [
        replace(RUNNING, id=str(n), title=f"old-{n}", state=TransferState.DONE, ended=float(n))
        for n in range(3, 9)
    ]
    queued = replace(RUNNING, id="20", title="waiting", state=TransferState.QUEUED, current=())
    jobs = [*ended, replace(RUNNING, title="current"), queued]
    app = FilesApp(*folders)
    app.panes.transfers._source = lambda: jobs
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await until(pilot, lambda: panes.transfers.display)
        assert [job.title for job in panes.transfers.jobs[:4]] == [
            "current",
            "waiting",
            "old-8",
            "old-7",
        ]
        drawn = panes.transfers.query_one(Jobs)
        lines = ["".join(part.text for part in drawn.render_line(y)) for y in range(4)]
        assert "current" in lines[0]
        assert drawn.size.height == 4
        await pilot.press("t", "end")
        assert drawn.current is not None
        assert drawn.current.title == "old-3"
        await pilot.press("escape")
        await until(pilot, lambda: panes.transfers.display)
        panes.transfers.add_class("-open")
        jobs.append(replace(queued, id="21"))
        await until(pilot, lambda: drawn.scroll_offset.y == 0)


@pytest.mark.parametrize("width", [30, 60, 100, 200])
def test_a_line_fits_where_it_can(width: int) -> None:
    line = job_lines(RUNNING, False, width)[0].text
    assert len(line) + 3 < max(width, 73)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    left, right = tmp_path / "left", tmp_path / "right"
    left.mkdir()
    right.mkdir()
    (left / "a.txt").write_text("new")
    return left, right


async def test_the_list_appears_with_a_job_and_goes_when_cleared(
    folders: tuple[Path, Path],
) -> None:
    app = FilesApp(*folders)
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        assert not panes.transfers.display
        await pilot.press("down", "c")
        await until(pilot, lambda: panes.transfers.display)
        await until(pilot, lambda: "a.txt" in names(panes.right))
        await pilot.press("t")
        assert panes.transfers.has_focus_within
        await until(pilot, lambda: panes.transfers.jobs[0].state is TransferState.DONE)
        head = panes.transfers.query_one(".transfers-head", Static)
        await until(pilot, lambda: "1 done" in str(head.render()))
        await pilot.press("y")
        await until(pilot, lambda: app.copied)
        assert app.copied[0].startswith("scp -r -p -- ")
        assert app.copied[0].endswith(f"a.txt web:{folders[1]}")
        await pilot.press("c")
        await until(pilot, lambda: not panes.transfers.display)
        assert panes.left.rows.has_focus


async def test_cancel_and_retry_are_asked_for(folders: tuple[Path, Path]) -> None:
    app = FilesApp(*folders)
    jobs = [RUNNING, FAILED]
    app.panes.transfers._source = lambda: jobs
    changes: list[Any] = []
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await until(pilot, lambda: panes.transfers.display)
        app.controller.handle = changes.append  # type: ignore[assignment, method-assign]
        await pilot.press("t", "r", "x", "down", "x", "r", "escape")
        assert [(change.step, change.job) for change in changes] == [
            (TransferStep.CANCEL, "1"),
            (TransferStep.RETRY, "2"),
        ]
        assert all(isinstance(change, ChangeTransfer) for change in changes)
        assert panes.left.rows.has_focus


async def test_browsing_goes_on_while_a_copy_waits_for_an_answer(
    folders: tuple[Path, Path],
) -> None:
    left, right = folders
    (right / "a.txt").write_text("old")
    app = FilesApp(left, right, ConflictAnswer(ConflictChoice.RENAME))
    async with app.run_test(size=(100, 30)) as pilot:
        panes = await listed(pilot)
        await pilot.press("down", "c")
        await until(pilot, lambda: len(list(right.iterdir())) == 2)
        assert (right / "a.txt").read_text() == "old"
        await pilot.press("tab", "backspace")
        await until(pilot, lambda: panes.right.browser.path == bytes(right.parent))


QUESTION = ConflictQuestion("local:/a/x.txt", "web:/b/x.txt", 1_843_211, 12, 2e9, 1e9)


class Asking(App[None]):
    """Asks once."""

    def __init__(self, question: ConflictQuestion = QUESTION) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.question = question
        self.answers: list[ConflictAnswer | None] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return own_variables(self.current_theme)

    def on_mount(self) -> None:
        self.push_screen(ConflictScreen(self.question), self.answers.append)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["o"], ConflictAnswer(ConflictChoice.OVERWRITE)),
        (["s"], ConflictAnswer(ConflictChoice.SKIP)),
        (["n"], ConflictAnswer(ConflictChoice.NEWER)),
        (["r", "s"], ConflictAnswer(ConflictChoice.SKIP)),
        (["k"], ConflictAnswer(ConflictChoice.RENAME)),
        (["a", "s"], ConflictAnswer(ConflictChoice.SKIP, for_all=True)),
        (["a", "a", "o"], ConflictAnswer(ConflictChoice.OVERWRITE)),
        (["enter"], ConflictAnswer(ConflictChoice.RENAME)),
        (["escape"], None),
    ],
)
async def test_a_conflict_is_answered_by_key(
    keys: list[str], answer: ConflictAnswer | None
) -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press(*keys)
        await until(pilot, lambda: app.answers)
    assert app.answers == [answer]


@pytest.mark.parametrize(
    ("there", "age"), [(1e9, ["", "newer"]), (2e9, ["", "same time"]), (3e9, ["newer", ""])]
)
async def test_a_conflict_says_which_side_is_the_newer(there: float, age: list[str]) -> None:
    app = Asking(replace(QUESTION, target_time=there))
    async with app.run_test(size=(80, 24)):
        sides = list(app.screen.query(".conflict-newer").results(Static))
        assert [str(side.render()) for side in sides] == age
        assert sides[1].size.width >= len(age[1])


@pytest.mark.parametrize(
    ("more", "label"),
    [(None, ["for all the rest of this copy"]), (1, ["also for the 1 other"]), (0, [])],
)
async def test_an_answer_for_all_says_how_many_there_are(
    more: int | None, label: list[str]
) -> None:
    app = Asking(replace(QUESTION, more=more))
    async with app.run_test(size=(80, 24)) as pilot:
        assert [str(tick.label) for tick in app.screen.query(Tick)] == label
        await pilot.press("a", "s")
        await until(pilot, lambda: app.answers)
    assert app.answers == [ConflictAnswer(ConflictChoice.SKIP, more != 0)]


async def test_the_keys_of_a_conflict_are_in_sight() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        frame = app.screen.query_one(".dialog")
        keys = str(frame.border_subtitle)
        assert "k both  s skip  n newer  o overwrite  a all  Esc cancels" in keys
        assert len(keys) <= frame.outer_size.width - 4


async def test_going_on_with_a_file_is_offered_where_that_can_be() -> None:
    app = Asking(replace(QUESTION, can_resume=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        keys = str(app.screen.query_one(".dialog").border_subtitle)
        assert "r resume" in keys
        assert len(keys) <= app.screen.query_one(".dialog").outer_size.width - 4
        for button in app.screen.query(Button):
            assert app.screen.region.contains_region(button.region)
        await pilot.press("r")
        await until(pilot, lambda: app.answers)
    assert app.answers == [ConflictAnswer(ConflictChoice.RESUME)]


async def test_very_long_paths_leave_the_choices_in_sight() -> None:
    folder = "/".join(f"a-long-folder-name-{number}" for number in range(60))
    question = replace(QUESTION, target=f"web:/{folder}/end.txt", source=f"local:/{folder}/end.txt")
    app = Asking(question)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for button in app.screen.query(Button):
            assert button.region.height == 1
            assert app.screen.region.contains_region(button.region)
        for name in (".conflict-name", ".conflict-source"):
            field = app.screen.query_one(name, Static)
            assert field.size.height <= 3
            assert str(field.render()).endswith("/end.txt")
        app.screen.query_one(".conflict-name", Static).update("x " * 5000)
        await pilot.pause()
        for button in app.screen.query(Button):
            assert app.screen.region.contains_region(button.region)


async def test_a_conflict_shows_both_sides() -> None:
    app = Asking()
    async with app.run_test() as pilot:
        text = "\n".join(str(widget.render()) for widget in app.screen.query(Static))
        assert "1.8 MB" in text
        assert "12 B" in text
        assert "newer" in text
        labels = [str(button.label) for button in app.screen.query(Button)]
        assert labels == ["Keep both", "Skip", "If newer", "Overwrite", "Cancel"]
        for button in app.screen.query(Button):
            assert app.screen.region.contains_region(button.region)
        assert not app.screen.query(Input)
        await pilot.press("escape")
