"""What is copied reaches the clipboards of the desktop and of a tmux around."""

from pathlib import Path

import pytest

from sshdash.ui.desktop_clipboard import DesktopClipboard, clipboard_commands

PROGRAMS = ("pbcopy", "wl-copy", "xclip", "xsel", "tmux")


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("platform", "set_", "expected"),
    [
        ("linux", (), []),
        ("darwin", (), ["pbcopy"]),
        ("linux", ("DISPLAY",), ["xclip"]),
        ("linux", ("DISPLAY", "WAYLAND_DISPLAY"), ["wl-copy"]),
        ("linux", ("TMUX",), ["tmux"]),
        ("linux", ("TMUX", "DISPLAY"), ["xclip", "tmux"]),
        ("darwin", ("TMUX",), ["pbcopy", "tmux"]),
    ],
)
def test_each_clipboard_has_its_program(
    tmp_path: Path, platform: str, set_: tuple[str, ...], expected: list[str]
) -> None:
    for name in PROGRAMS:
        program(tmp_path, name)
    surroundings = {"PATH": str(tmp_path), **dict.fromkeys(set_, "x")}
    assert [one[0] for one in clipboard_commands(surroundings, platform)] == expected


def test_a_program_that_is_not_there_is_not_asked_for(tmp_path: Path) -> None:
    program(tmp_path, "xsel")
    surroundings = {"PATH": str(tmp_path), "DISPLAY": ":0", "TMUX": "x"}
    assert [one[0] for one in clipboard_commands(surroundings, "linux")] == ["xsel"]


async def test_the_last_text_is_there_at_the_end(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    program(tmp_path, "xclip", f"/bin/cat > '{kept}'")
    clipboard = DesktopClipboard({"PATH": str(tmp_path), "DISPLAY": ":0"})
    for text in ("one", "two\n", "three é 漢 \ud800"):
        clipboard.put(text)
    await clipboard.stop()
    assert kept.read_text() == "three é 漢 ?"


async def test_a_program_that_fails_holds_nothing_up(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    program(tmp_path, "xclip", "exit 1")
    program(tmp_path, "tmux", f"/bin/cat > '{kept}'")
    clipboard = DesktopClipboard({"PATH": str(tmp_path), "DISPLAY": ":0", "TMUX": "x"})
    clipboard.put("text" * 100_000)
    await clipboard.stop()
    assert kept.read_text() == "text" * 100_000


async def test_a_program_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.ui.desktop_clipboard._SECONDS", 0.05)
    program(tmp_path, "xclip", "exec /bin/sleep 60")
    clipboard = DesktopClipboard({"PATH": str(tmp_path), "DISPLAY": ":0"})
    clipboard.put("text")
    await clipboard.stop()
    assert repr(clipboard) == "<DesktopClipboard [idle]>"
