"""The table that `make bench` prints."""

from tests.bench.table import Row, draw


def test_columns_line_up() -> None:
    text = draw(
        [
            Row("one file down", "610 MB/s", "scp 600 MB/s", 1.0166, "≥ 0.9×"),
            Row("x", "1 s", "rsync 2 s", 0.5, "≤ 2×", "40 ms away"),
        ]
    )
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("one file down  610 MB/s  scp 600 MB/s  1.02×")
    assert lines[3].index("rsync") == lines[2].index("scp")
