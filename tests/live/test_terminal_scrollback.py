"""What a shell on a real sshd has shown: kept as the settings say, searched and copied."""

from sshdash.settings import Settings
from sshdash.terminal.copy_mode import CopyMode
from sshdash.terminal.grid import Grid
from sshdash.terminal.motions import Place
from sshdash.terminal.pattern import compile_pattern
from sshdash.terminal.prompt_marks import output_row, prompts
from sshdash.terminal.search import Search
from tests.live.conftest import BackendFor
from tests.live.shells import Shell, shell
from tests.servers.sshd import RealSshd

MARKED = (
    r"""PS1='\[\e]133;D\a\e]133;A\a\]sshd$ \[\e]133;B\a\]'; PS0='\e]133;C\a'"""  # what bash marks
)


def found(grid: Grid, text: str, *, regex: bool = False) -> list[str]:
    """Return what matches, a part of its row."""
    search = Search(grid, compile_pattern(text, regex=regex))
    while search.work(1):
        pass
    return [grid.rows(one.row, one.row + 1)[0].text[one.start : one.end] for one in search]


async def test_output_is_searched_as_it_comes(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("seq -f 'line %g' 1 20000; echo d''one")
        await one.shows("^done$")
        grid = Grid(one.session.emulator)
        assert found(grid, "line 1999") == ["line 1999"] * 10
        assert found(grid, r"^line 1\d*7\d$", regex=True)[-1] == "line 19979"
        search = Search(grid, compile_pattern("MORE", regex=False))
        await one.type("for i in 1 2 3; do seq 3000 | sed s/^/MORE-/; done; echo e''nd")
        await one.shows("^end$")
        grid.look()
        while search.work(1):
            pass
        assert len(search) == 9001  # with the one that was typed


async def test_the_output_of_a_command_is_marked_and_copied(sshd: RealSshd) -> None:
    async with shell(sshd.config_file, columns=100) as one:
        await one.type(MARKED)
        await one.type("printf 'first\\nsecond\\n'")
        await one.shows("^second$")
        await one.type("true")
        await one.shows(r"true\s+sshd\$ *$")
        grid = Grid(one.session.emulator)
        rows = [row for row in prompts(grid, grid.end - 1, -1) if row is not None]
        assert len(rows) >= 3
        printed = output_row(grid, rows[2])
        assert one.session.selection.select_output(printed - grid.first)
        assert one.session.selection.text() == "first\nsecond"


async def test_lines_are_copied_by_keys(sshd: RealSshd) -> None:
    async with shell(sshd.config_file) as one:
        await one.type("seq -f 'row %g' 200")
        await one.shows("^row 200$")
        await one.shows(r"sshd\$\s*$")
        grid = Grid(one.session.emulator)
        mode = CopyMode(grid, Place(*grid.cursor), grid.top, grid.columns, grid.height)
        for key in ("5", "0", "k", "V", "2", "j"):
            mode.press(key)
        assert mode.span is not None
        start, end = ((row - grid.first, column) for row, column in mode.span[:2])
        one.session.selection.select(start, end)
        assert one.session.selection.text() == "row 151\nrow 152\nrow 153"


async def test_each_host_keeps_as_many_lines_as_its_pattern_says(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    settings = Settings(scrollback=3000, scrollbacks={"web-*": 5, "ss*": 0})
    backend = await backend_for(sshd.config_file, None, settings)
    session = await backend.open_shell("sshd", 80, 24)
    one = Shell(session, None, "sshd")  # type: ignore[arg-type]
    await one.type("seq 5000; echo d''one")
    await one.shows("^done$")
    assert session.emulator.scroll.total == 24
