"""What the SSH library loads for certificates that it cannot read."""

import importlib.util
import subprocess
import sys
from typing import Any

import pytest

from sshdash.connections import pyopenssl

LOAD = """
import sys
from sshdash.connections.pyopenssl import unloaded
with unloaded():
    import asyncssh
assert "cryptography.x509" not in sys.modules
assert "asyncssh.crypto.x509" not in sys.modules
print(*asyncssh.public_key.get_x509_certificate_algs())
"""


def test_the_library_is_as_it_is_without_pyopenssl() -> None:
    if importlib.util.find_spec("OpenSSL") is not None:
        pytest.skip("pyOpenSSL is here")
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
    assert not done.stderr


def test_where_pyopenssl_is_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = object()
    monkeypatch.setattr(pyopenssl, "find_spec", lambda name: found)
    monkeypatch.setattr(pyopenssl, "_MODULE", "a.module.that.is.none")
    with pyopenssl.unloaded():
        assert "a.module.that.is.none" not in sys.modules
