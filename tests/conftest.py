"""What every test gets: a home of its own, no agent of the machine, and a look for leftovers."""

import asyncio
import gc
import inspect
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

_GRACE = 10.0
"""Seconds that what a test closed may take to end."""

_OF_THE_MACHINE = (
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "WAYLAND_DISPLAY",
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "SSH_TTY",
    "DISPLAY",
    "TMUX",
    "NO_COLOR",
    "TEXTUAL",
    "COLUMNS",
    "LINES",
)
"""Variables that would let the machine of whoever runs the tests into them."""

CONFIGURATIONS = "configurations compared"
"""The property of a test that compared configurations: how many, of how many hosts, and how
many differed."""

# The same examples each time, so that a change is judged by what it changes; SSHDASH_FUZZ looks for
# more, and what it finds is kept beside its test with @example.
settings.register_profile(
    "sshdash",
    deadline=None,
    database=None,
    derandomize="SSHDASH_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sshdash")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what hypothesis stores out of the checkout."""
    cache = config.rootpath / ".pytest_cache" / "hypothesis"
    set_hypothesis_home_dir(cache)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home with an empty ``.ssh``, and take agent and keyring of the machine."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".ssh").mkdir(mode=0o700)
    for name in _OF_THE_MACHINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    for kind, place in (
        ("CONFIG_HOME", ".config"),
        ("STATE_HOME", ".local/state"),
        ("DATA_HOME", ".local/share"),
        ("CACHE_HOME", ".cache"),
        ("RUNTIME_DIR", ".run"),
    ):
        monkeypatch.setenv(f"XDG_{kind}", str(folder / place))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    return folder


@pytest.fixture(autouse=True)
def unlogged() -> Iterator[None]:
    """Take back what a test sent to a log: `start_log` lasts as long as the program."""
    yield
    for name in ("sshdash", "asyncssh", "asyncio"):
        logger = logging.getLogger(name)
        if not logger.propagate:
            for handler in tuple(logger.handlers):
                logger.removeHandler(handler)
                handler.close()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)  # else pytest keeps every line, of very many at times


@pytest.fixture(autouse=True)
def unburdened(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the garbage collector off what other tests left, where the processor's time counts."""
    if "alone" not in request.keywords:
        yield
        return
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    """Fail the test that leaves a task or a thread behind."""
    threads = set(threading.enumerate())
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_leaked_tasks")
    yield
    left = [thread for thread in threading.enumerate() if _counts(thread, threads)]
    for thread in left:
        thread.join(_GRACE)
    names = [thread.name for thread in left if thread.is_alive()]
    assert not names, f"threads left behind: {', '.join(names)}"


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail the test whose tasks still run when its fixtures are gone."""
    yield
    current = asyncio.current_task()
    left = {task for task in asyncio.all_tasks() if task is not current}
    if left:
        _, left = await asyncio.wait(left, timeout=_GRACE)
    assert not left, "tasks left behind:\n" + "\n".join(map(repr, left))


def _counts(thread: threading.Thread, before: set[threading.Thread]) -> bool:
    """Return whether `thread` is the test's own (the loop's executor ends with the loop)."""
    return thread not in before and not thread.daemon and not thread.name.startswith("asyncio_")


def pytest_report_header() -> str:
    """Say whether the tests run as root: sshd behaves differently then."""
    return f"user: {'root' if os.getuid() == 0 else 'not root'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many configurations meant the same to sshdash and to the installed ssh.

    It is here, and not beside those tests, for a run by several processes ends in another.
    """
    counts = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == CONFIGURATIONS
    ]
    if counts:
        cases, hosts, differences = (sum(numbers) for numbers in zip(*counts, strict=True))
        terminalreporter.write_line(
            f"ssh_config: {cases:,} configurations, {hosts:,} hosts resolved by sshdash and by"
            f" ssh -G: {differences:,} differences"
        )
