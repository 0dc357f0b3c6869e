"""What is run to edit a file."""

from pathlib import Path

import pytest

from sshdash.ui.outside import editor_command


@pytest.mark.parametrize(
    ("editor", "line", "words"),
    [
        ("any -x", 1, ["-x", "/f"]),
        ("any", 7, ["+7", "/f"]),
        ("hx", 7, ["/f:7"]),
        ("code", 1, ["--wait", "--goto", "/f:1"]),
    ],
)
def test_an_editor_gets_the_line_as_it_knows_it_and_none_for_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, editor: str, line: int, words: list[str]
) -> None:
    program = tmp_path / editor.split()[0]
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    assert editor_command("/f", line)[1:] == words
