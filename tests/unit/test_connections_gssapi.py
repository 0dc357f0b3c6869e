"""GSSAPI: only where it is configured, and only where it is installed."""

from pathlib import Path

import pytest

from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.login import gssapi


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_gssapi_follows_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool, wanted: bool
) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host web\n  HostName web.example\n  GSSAPIAuthentication {'yes' if wanted else 'no'}\n"
        "  GSSAPIDelegateCredentials yes\n"
    )
    config.chmod(0o600)
    monkeypatch.setattr(gssapi, "is_available", lambda: installed)
    resolved = Resolver(ConfigSource.standard(str(config))).resolve("web")
    options = gssapi.gssapi_options(resolved)
    if wanted and installed:
        assert options == {
            "gss_host": "web.example",
            "gss_auth": True,
            "gss_kex": False,
            "gss_delegate_creds": True,
        }
    else:
        assert options == {"gss_host": None}
    assert bool(gssapi.gssapi_problem(resolved)) is (wanted and not installed)
