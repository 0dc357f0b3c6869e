"""Other names by a pattern."""

import pytest

from sshdash.errors import UsageError
from sshdash.terminal.pattern import compile_pattern
from sshdash.ui.rename_pattern import Case, RenamePattern, Verdict, verdict


@pytest.mark.parametrize(
    ("find", "regex", "replacement", "case", "new"),
    [
        ("", False, "", Case.AS_IS, [b"IMG_1.JPG", b"IMG_2.JPG"]),
        ("IMG_", False, "photo-", Case.AS_IS, [b"photo-1.JPG", b"photo-2.JPG"]),
        ("", False, "trip-{n:03}{ext}", Case.LOWER, [b"trip-001.jpg", b"trip-002.jpg"]),
        ("", False, "{name}.old{ext}", Case.AS_IS, [b"IMG_1.old.JPG", b"IMG_2.old.JPG"]),
        (r"^(\w+)_(\d)", True, r"\2_\1", Case.AS_IS, [b"1_IMG.JPG", b"2_IMG.JPG"]),
        (r"_(\d)", True, "{n}{n:2}{x}", Case.AS_IS, [b"IMG1 1{x}.JPG", b"IMG2 2{x}.JPG"]),
    ],
)
def test_names_come_out_as_the_pattern_says(
    find: str, regex: bool, replacement: str, case: Case, new: list[bytes]
) -> None:
    found = compile_pattern(find, regex=regex) if find else None
    pattern = RenamePattern(found, replacement, case)
    assert [pattern.apply(name, at) for at, name in enumerate([b"IMG_1.JPG", b"IMG_2.JPG"])] == new


def test_what_a_name_holds_is_never_taken_for_a_field() -> None:
    assert RenamePattern(None, "{name}-{n}").apply(b"{n}{ext}.x", 4) == b"{n}{ext}-5"


def test_names_that_are_not_text_keep_their_bytes() -> None:
    pattern = RenamePattern(compile_pattern("a", regex=False), "b")
    assert pattern.apply(b"a\xff\xfe", 0) == b"b\xff\xfe"


def test_a_group_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="no group 2"):
        RenamePattern(compile_pattern("(a)", regex=True), r"\2").apply(b"a", 0)


def test_what_cannot_be_is_marked() -> None:
    new = [b"same", b"same", b"there", b"a/b", b"", b"x" * 256, b"good"]
    old = [b"same", b"old", b"old", b"old", b"old", b"old", b"old"]
    said = verdict(old, new, {b"there"})
    wrong = ["twice", "twice", "exists", "not a name", "no name", "too long", ""]
    assert said == Verdict(wrong, bad=6, changed=6, first_wrong=0)
    assert verdict([b"a", b"b"], [b"a", b"c"], {b"d"}) == Verdict(["", ""], bad=0, changed=1)
