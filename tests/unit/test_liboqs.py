"""The SSH library's search for a library that is not there."""

import ctypes.util
import sys
from pathlib import Path

import pytest

from sshdash.connections import liboqs


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return the names that programs were run for; the linker knows none but libz."""
    names: list[str] = []

    def find_library(name: str) -> str:
        names.append(name)
        return f"lib{name}.so"

    monkeypatch.setattr(ctypes.util, "find_library", find_library)
    monkeypatch.setattr(sys, "platform", "linux")
    for variable in ("LD_LIBRARY_PATH", "LIBRARY_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(liboqs, "_CACHE", tmp_path / "cache")
    (tmp_path / "cache").write_bytes(b"libz.so\0")
    return names


def test_no_program_looks_for_what_the_linker_does_not_know(searched: list[str]) -> None:
    with liboqs.unsearched():
        assert ctypes.util.find_library("oqs") is ctypes.util.find_library("liboqs") is None
        assert ctypes.util.find_library("z") == "libz.so"
    assert ctypes.util.find_library("oqs") == "liboqs.so", "only meanwhile"
    assert searched == ["z", "oqs"]


def test_it_is_found_where_it_may_be(
    searched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_bytes(b"libz.so\0liboqs.so.5\0")
    with liboqs.unsearched():
        assert ctypes.util.find_library("oqs")
    (tmp_path / "cache").write_bytes(b"")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    with liboqs.unsearched():
        assert ctypes.util.find_library("oqs")
    monkeypatch.delenv("LD_LIBRARY_PATH")
    (tmp_path / "cache").unlink()
    with liboqs.unsearched():
        assert ctypes.util.find_library("oqs")
    assert searched == ["oqs", "oqs", "oqs"]
