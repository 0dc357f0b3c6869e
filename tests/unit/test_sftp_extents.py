"""Holes and chunks of a file: together they are all of it, once."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp import local_content as content
from sshdash.sftp.extents import chunks, holes

BLOCK = 32 * 1024


@st.composite
def files(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], int, int]:
    """Draw a size, where there is data, where to begin, and the size of chunks."""
    size = draw(st.integers(1, 500))
    cuts = sorted(draw(st.sets(st.integers(0, size), max_size=12)))
    extents = list(zip(cuts[::2], cuts[1::2], strict=False))
    return size, extents, draw(st.integers(0, size)), draw(st.integers(1, 600))


@given(files())
def test_holes_and_chunks_are_all_of_the_rest_once(
    file: tuple[int, list[tuple[int, int]], int, int],
) -> None:
    size, extents, begin, chunk = file
    parts = sorted([*holes(extents, begin, size), *chunks(extents, begin, chunk)])
    at = begin
    for start, stop in parts:
        assert start == at
        assert stop > start
        at = stop
    assert at == size
    assert all(stop - start <= chunk for start, stop in chunks(extents, begin, chunk))


@given(st.lists(st.sampled_from([b"\0" * BLOCK, b"\0" * 10, b"x", b"y" * BLOCK]), max_size=12))
def test_zeros_are_not_written_but_there(pieces: list[bytes]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        content.write_sparse(file.fileno(), 0, pieces)
        content.extend(file.fileno(), sum(map(len, pieces)))
        assert Path(file.name).read_bytes() == b"".join(pieces)


def test_the_system_tells_where_data_is(tmp_path: Path) -> None:
    path = tmp_path / "holes"
    with path.open("wb") as file:
        file.truncate(10_000_000)
        file.seek(4_194_304)
        file.write(b"x" * 65_536)
    if path.stat().st_blocks * 512 >= 10_000_000:
        pytest.skip("this file system has no holes")
    with path.open("rb") as file:
        assert content.extents(file.fileno(), 10_000_000) == [(4_194_304, 4_259_840)]
        assert content.extents(file.fileno(), 4_200_000) == [(4_194_304, 4_200_000)]
        assert content.extents(file.fileno(), 1000) == []
