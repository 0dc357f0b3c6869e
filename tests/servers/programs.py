"""Programs of the machine that some tests cannot do without."""

import glob
import os
import shutil

import pytest

_PLACES = (
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/sbin",
    "/usr/local/bin",
    "/usr/lib/openssh",
    "/usr/libexec",
    "/usr/lib/git-core",
    "/opt/homebrew/opt/git/libexec/git-core",
    *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True),
)
"""Where servers are, which are not on everybody's PATH."""


def require(name: str) -> str:
    """Return the absolute path of a program.

    Skips the test where there is none, or fails it where ``SSHDASH_REQUIRE_SSHD=1`` says that
    this machine has all that the tests need.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), *_PLACES))
    found = shutil.which(name, path=path)
    if found:
        return os.path.abspath(found)
    if os.environ.get("SSHDASH_REQUIRE_SSHD") == "1":
        pytest.fail(f"SSHDASH_REQUIRE_SSHD=1, but there is no {name} on this machine")
    pytest.skip(f"there is no {name} on this machine")


def no_superuser() -> list[str]:
    """Return the words that run a program with the rights of its user alone, root's too.

    The superuser may read, search and write whatever its mode says.
    """
    if os.getuid():
        return []
    return [require("setpriv"), "--bounding-set=-dac_override,-dac_read_search"]
