"""How much of what was renamed can be taken back."""

import pytest

from sshdash.ui.controllers.file_renames import _forgotten


@pytest.mark.parametrize(
    ("sizes", "forgotten"),
    [
        ([], 0),
        ([1] * 100, 0),
        ([1] * 103, 3),
        ([100_000, 100_000, 100_000], 1),
        ([1, 500_000], 1),
        ([500_000], 0),
        ([199_999, 1], 0),
    ],
)
def test_the_oldest_are_forgotten_but_never_the_newest(sizes: list[int], forgotten: int) -> None:
    assert _forgotten(sizes) == forgotten
