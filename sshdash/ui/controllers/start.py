"""What the start panel tells of the configuration."""

from sshdash.backend import Backend
from sshdash.paths import home
from sshdash.ui.commands import COMMANDS
from sshdash.ui.keymap import Keymap
from sshdash.ui.widgets.start_panel import StartFacts
from sshdash.untrusted import clean

_KEYS = (
    "host.open",
    "host.files",
    "host.tunnels",
    "host.filter",
    "host.copy",
    "host.add",
    "host.connect_to",
    "view.palette",
    "view.help",
    "app.quit",
)
_KEYS_WITHOUT_HOSTS = _KEYS[-5:]


def start_facts(backend: Backend, keymap: Keymap) -> StartFacts:
    """Return where to begin, and what is wrong in ssh_config with file and line."""
    catalog, file = backend.catalog, backend.source.user_file
    listed = _KEYS if catalog.hosts else _KEYS_WITHOUT_HOSTS
    return StartFacts(
        hosts=len(catalog.hosts),
        file=clean(_short(str(file))) if file else "no ssh_config",
        exists=file is not None and file.exists(),
        keys=tuple((keymap.text(COMMANDS[one]), COMMANDS[one].help) for one in listed),
        problems=tuple(
            clean(f"{_short(problem.file)}:{problem.line}: {problem.message}", 200)
            for problem in catalog.problems
        ),
    )


def _short(path: str) -> str:
    folder = str(home())
    return f"~{path[len(folder) :]}" if path.startswith(f"{folder}/") else path
