"""Spares the SSH library what X.509 certificates need where it cannot read any.

It loads all that cryptography has for them, as long as a tenth of all the rest, and only then finds
out that pyOpenSSL is missing. OpenSSH knows no such certificates either.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

_MODULE = "asyncssh.crypto.x509"


@contextmanager
def unloaded() -> Iterator[None]:
    """Let the SSH library be imported without that, where its end is known."""
    if _MODULE in sys.modules or find_spec("OpenSSL") is not None:
        yield
        return
    sys.modules[_MODULE] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop(_MODULE, None)
