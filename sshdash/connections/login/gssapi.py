"""GSSAPI (Kerberos): what the SSH library is told of it, where its library is installed at all."""

import functools
import importlib.util
from typing import Any

from sshdash.config.resolver import ResolvedHost


@functools.cache
def is_available() -> bool:
    """Return whether sshdash was installed with its extra ``gssapi``."""
    return importlib.util.find_spec("gssapi") is not None


def gssapi_options(resolved: ResolvedHost) -> dict[str, Any]:
    """Return the library's options: the login alone, never the key exchange."""
    if not (resolved.flag("gssapiauthentication") and is_available()):
        return {"gss_host": None}
    return {
        "gss_host": resolved.get("gssapiserveridentity") or resolved.hostname,
        "gss_auth": True,
        "gss_kex": False,
        "gss_delegate_creds": resolved.flag("gssapidelegatecredentials"),
    }


def gssapi_problem(resolved: ResolvedHost) -> str:
    """Return why GSSAPI is not used though the configuration wants it, "" where it is."""
    if resolved.flag("gssapiauthentication") and not is_available():
        return 'GSSAPI is not installed: pip install "sshdash[gssapi]"'
    return ""
