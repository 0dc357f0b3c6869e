"""Who may import whom, and what must not be loaded before the first frame."""

import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after `statement`."""
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_the_import_contracts_hold() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports; "
            "sys = __import__('sys'); sys.exit(lint_imports(no_cache=True))",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_first_frame_waits_for_neither_the_ssh_library_nor_the_emulator() -> None:
    modules = loaded_by("import sshdash.ui.app, sshdash.ui.screens.workspace")
    assert not modules & {"asyncssh", "pyghostty", "cryptography", "watchfiles", "keyring", "PIL"}


@pytest.mark.parametrize("module", ["sshdash.config.catalog", "sshdash.config.resolver"])
def test_the_configuration_is_read_without_sockets_or_a_loop(module: str) -> None:
    assert not loaded_by(f"import {module}") & {"asyncio", "socket", "asyncssh", "textual"}


def test_the_headless_commands_load_no_screen() -> None:
    modules = loaded_by("import sshdash.cli.main, sshdash.cli.exec, sshdash.cli.exec_session")
    assert not modules & {"textual", "rich"}


def test_a_copy_loads_no_terminal_emulator() -> None:
    program = (
        "import asyncio\n"
        "from sshdash.backend import Backend\n"
        "from sshdash.config.source import ConfigSource\n"
        "from sshdash.prompts import RefusingPrompter\n"
        "from sshdash.settings import Settings\n"
        "async def copy():\n"
        "    async with Backend(Settings(), RefusingPrompter(), ConfigSource(None, None)) as one:\n"
        "        await (await one.filesystem('')).close()\n"
        "asyncio.run(copy())"
    )
    assert "pyghostty" not in loaded_by(program)


def test_a_copy_connects_before_it_loads_what_only_copies_and_no_tunnels() -> None:
    program = (
        "import asyncio\n"
        "import sshdash.cli.cp\n"
        "from sshdash.backend import Backend\n"
        "from sshdash.config.source import ConfigSource\n"
        "from sshdash.prompts import RefusingPrompter\n"
        "from sshdash.settings import Settings\n"
        "async def connect():\n"
        "    async with Backend(Settings(), RefusingPrompter(), ConfigSource(None, None)) as one:\n"
        "        await one.load_connections()\n"
        "asyncio.run(connect())"
    )
    modules = loaded_by(program)
    assert "sshdash.connections.dialer" in modules
    assert not [name for name in modules if name.startswith("sshdash.tunnels.manager")]
    assert not modules & {"sshdash.sftp.queue", "sshdash.sftp.journal", "sqlite3"}
