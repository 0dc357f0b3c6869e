"""Canonical names, system files and owners: compared with ssh where both see another world."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CONFIGURATIONS
from tests.live.config_oracle import require_oracle

_COUNT = 150
"""Random configurations of canonical names."""
_ROOT = Path(__file__).parent.parent.parent


def _namespaces() -> list[str]:
    """Return the command that starts another in namespaces of its own."""
    private = ["--mount", "--net", "--propagation", "private"]
    return ["unshare", *([] if os.getuid() == 0 else ["--map-root-user"]), *private]


def test_names_owners_and_system_files_mean_the_same(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    require_oracle()
    namespaces = _namespaces()
    if (
        shutil.which("unshare") is None
        or subprocess.run([*namespaces, "true"], check=False).returncode
    ):
        pytest.skip("needs namespaces of its own (unshare)")
    # Python's own folder may be below the home folder, which keeps its place.
    command = [*namespaces, sys.executable, "-m", "tests.live.config_world", str(tmp_path)]
    done = subprocess.run(
        [*command, str(_COUNT)], cwd=_ROOT, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    found = result["differences"]
    request.node.user_properties.append(
        (CONFIGURATIONS, (result["scenes"], result["asked"], len(found)))
    )
    assert result["asked"] > _COUNT
    assert not found, "\n".join(found)
