"""The table of commands."""

from collections import Counter

from sshdash.ui.commands import COMMANDS


def test_no_key_means_two_things_in_one_place() -> None:
    plain = Counter((one.place, key) for one in COMMANDS.values() for key in one.keys)
    after_prefix = Counter(key for one in COMMANDS.values() for key in one.prefix)
    assert not [key for key, count in plain.items() if count > 1]
    assert not [key for key, count in after_prefix.items() if count > 1]
