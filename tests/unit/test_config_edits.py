"""Changing one block of a file and nothing else of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.config.document import Block, Document
from sshdash.config.edits import (
    Edited,
    add_block,
    change_block,
    clone_block,
    drop_name,
    move_after,
    move_before,
    remove_block,
)
from sshdash.errors import UsageError

FILE = b"""\
# My hosts
# vim: set ft=sshconfig:

ServerAliveInterval 30

# --- production ---

# The front door.
Host web
    HostName 10.0.0.1   # moved in May
    User deploy
    # Port 2222

Host db db-ro
\thostname=10.0.0.2
\tuser=admin

# --- staging ---

Host stage
    HostName 10.1.0.1
    # the end of stage

# Host old
#     HostName 10.9.9.9
# Everything else
Host *
    Compression yes
"""


def block(document: Document, name: str) -> int:
    return document.named(name)[0]


def text(edited: Edited) -> str:
    document, _ = edited
    assert Document.parse(bytes(document)) == document, "read again it would be another document"
    return bytes(document).decode()


@pytest.fixture
def document() -> Document:
    return Document.parse(FILE)


def test_a_file_is_the_sum_of_its_pieces(document: Document) -> None:
    assert bytes(document) == FILE


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("web", "# The front door.\nHost web\n    HostName 10.0.0.1   # moved in May\n"
         "    User deploy\n    # Port 2222\n"),
        ("db", "Host db db-ro\n\thostname=10.0.0.2\n\tuser=admin\n"),
        ("stage", "Host stage\n    HostName 10.1.0.1\n    # the end of stage\n"),
        ("*", "# Everything else\nHost *\n    Compression yes\n"),
    ],
)  # fmt: skip
def test_comments_belong_to_the_host_they_speak_of(document: Document, name: str, own: str) -> None:
    assert document.blocks[block(document, name)].text() == own


def test_a_new_host_stands_before_the_defaults(document: Document) -> None:
    after = text(add_block(document, ["cache"], {"hostname": ["10.0.0.3"], "port": ["2200"]}))
    assert after == FILE.decode().replace(
        "    # the end of stage\n\n",
        "    # the end of stage\n\nHost cache\n    HostName 10.0.0.3\n    Port 2200\n\n",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", "Host a\n    User b\n"),
        (b"\n", "\nHost a\n    User b\n"),
        (b"Compression yes", "Compression yes\n\nHost a\n    User b\n"),
        (b"# mine\n", "# mine\n\nHost a\n    User b\n"),
        (b"Host *\n  User c\n", "Host a\n  User b\n\nHost *\n  User c\n"),
        (b"host x\r\n\tuser=c\r\n", "host x\r\n\tuser=c\r\n\r\nhost a\r\n\tuser=b\r\n"),
        (b"Host x\nUser c\nHost y\nUser d\nHost z\nUser e\n",
         "Host x\nUser c\nHost y\nUser d\nHost z\nUser e\nHost a\nUser b\n"),
        (b"Host x\n    User c\n\n\nHost y\n    User d\n\n\nHost *\n    User e\n",
         "Host x\n    User c\n\n\nHost y\n    User d\n\n\nHost a\n    User b\n\n\n"
         "Host *\n    User e\n"),
        (b"Host x\n    User c\n\n# the end\n",
         "Host x\n    User c\n\nHost a\n    User b\n\n# the end\n"),
        (b"Host x\n    HostName   h\n    User       c\n    Port       3\n",
         "Host x\n    HostName   h\n    User       c\n    Port       3\n\n"
         "Host a\n    User       b\n"),
    ],
)  # fmt: skip
def test_a_new_host_looks_like_its_neighbours(before: bytes, after: str) -> None:
    assert text(add_block(Document.parse(before), ["a"], {"user": ["b"]})) == after


def test_a_changed_value_leaves_the_rest_of_its_line(document: Document) -> None:
    after = text(change_block(document, block(document, "web"), {"hostname": ["10.0.0.9"]}))
    assert after == FILE.decode().replace("HostName 10.0.0.1 ", "HostName 10.0.0.9 ")


def test_a_new_setting_is_written_as_those_beside_it(document: Document) -> None:
    after = text(change_block(document, block(document, "db"), {"port": ["2200"]}))
    assert after == FILE.decode().replace("\tuser=admin\n", "\tuser=admin\n\tport=2200\n")


def test_no_value_takes_the_line_away(document: Document) -> None:
    after = text(change_block(document, block(document, "web"), {"user": []}))
    assert after == FILE.decode().replace("    User deploy\n", "")


def test_the_same_value_written_otherwise_is_no_change(document: Document) -> None:
    after = text(change_block(document, block(document, "web"), {"user": ['"deploy"']}))
    assert after == FILE.decode()


def test_several_values_of_one_keyword_keep_their_places() -> None:
    before = b"Host a\n  IdentityFile ~/one # 1\n  User u\n  identityfile ~/two\n  Port 3\n"
    document = Document.parse(before)
    more = text(change_block(document, 1, {"identityfile": ["~/one", "~/2", "~/three"]}))
    assert more == (
        "Host a\n  IdentityFile ~/one # 1\n  User u\n  identityfile ~/2\n"
        "  IdentityFile ~/three\n  Port 3\n"
    )
    less = text(change_block(document, 1, {"identityfile": ["~/two"]}))
    assert less == "Host a\n  IdentityFile ~/two # 1\n  User u\n  Port 3\n"


def test_old_names_of_a_keyword_are_the_same_keyword() -> None:
    document = Document.parse(b"Host a\n  ChallengeResponseAuthentication no\n")
    after = text(change_block(document, 1, {"kbdinteractiveauthentication": ["yes"]}))
    assert after == "Host a\n  ChallengeResponseAuthentication yes\n"


def test_a_command_keeps_its_quotes_and_hashes() -> None:
    document = Document.parse(b"Host a\n  ProxyCommand nc %h %p # no comment\n")
    after = text(change_block(document, 1, {"proxycommand": ["sh -c 'x # y'"]}))
    assert after == "Host a\n  ProxyCommand sh -c 'x # y'\n"


def test_renaming_keeps_what_follows_the_names() -> None:
    document = Document.parse(b"Host  a b  # both\r\n  User u\r\n")
    after = text(change_block(document, 1, {}, names=["c"]))
    assert after == "Host  c  # both\r\n  User u\r\n"
    assert text(drop_name(document, 1, "a")) == "Host  b  # both\r\n  User u\r\n"


def test_a_clone_stands_below_and_leaves_the_words_above_the_original(document: Document) -> None:
    after = text(clone_block(document, block(document, "web"), ["web-2"]))
    copy = "Host web-2\n    HostName 10.0.0.1   # moved in May\n    User deploy\n    # Port 2222\n"
    assert after == FILE.decode().replace("    # Port 2222\n\n", f"    # Port 2222\n\n{copy}\n")


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("web", "# The front door.\nHost web\n    HostName 10.0.0.1   # moved in May\n"
         "    User deploy\n    # Port 2222\n\n"),
        ("db", "Host db db-ro\n\thostname=10.0.0.2\n\tuser=admin\n\n"),
        ("*", "# Everything else\nHost *\n    Compression yes\n"),
    ],
)  # fmt: skip
def test_removing_takes_the_block_its_comments_and_one_gap(
    document: Document, name: str, gone: str
) -> None:
    assert text(remove_block(document, block(document, name))) == FILE.decode().replace(gone, "")


def test_removing_the_last_leaves_no_blank_lines_behind() -> None:
    document = Document.parse(b"Host a\n  User u\n\n\nHost b\n  User v")
    assert text(remove_block(document, 2)) == "Host a\n  User u\n"
    assert text(remove_block(document, 1)) == "Host b\n  User v"


def test_moving_takes_the_comments_along_and_leaves_headings(document: Document) -> None:
    moved, _ = move_before(document, block(document, "stage"), block(document, "web"))
    assert [one.patterns[:1] for one in moved.blocks[1:]] == [("stage",), ("web",), ("db",), ("*",)]
    after = text((moved, 0))
    assert after.index("# --- production") < after.index("Host stage") < after.index("# The front")
    assert sorted(after.splitlines()) == sorted(FILE.decode().splitlines())
    back = move_after(moved, block(moved, "stage"), block(moved, "db"))
    assert text(back).index("Host stage") < text(back).index("# --- staging")


def test_moving_the_last_one_up_ends_its_line() -> None:
    document = Document.parse(b"Host a\n  User u\n\nHost b\n  User v")
    assert text(move_before(document, 2, 1)) == "Host b\n  User v\n\nHost a\n  User u\n"
    assert text(move_after(document, 1, 2)) == "Host b\n  User v\n\nHost a\n  User u\n"


@pytest.mark.parametrize(
    "name", ["*.com", "!x", "a b", "-oProxyCommand=x", "a;b", "", "a\nb", "$x"]
)
def test_names_that_ssh_would_not_take_are_refused(document: Document, name: str) -> None:
    with pytest.raises(UsageError):
        add_block(document, [name], {})


# Any file, any change

LINES = st.sampled_from(
    [
        b"", b"   ", b"# a comment", b"    # an inner comment", b"Host web", b"Host db db-2",
        b"host=a # names", b"Match user bob", b"Host *", b"Host w* !web", b"  HostName 10.0.0.1",
        b"\tUser=bob", b"  Port 22 # standard", b"IdentityFile \"~/a b\"", b"  identityfile ~/k",
        b"  ProxyCommand nc %h %p # x", b"Include conf.d/*", b"  caf\xe9 \xff", b"  Port 2\0x",
        b"Host \"quo ted\"", b"# Host gone", b"#   Port 5", b"# vim: set sw=2:", b"  Ciphers\t+x",
    ]
)  # fmt: skip
FILES = st.builds(
    lambda lines, ending, last: ending.join(lines) + last,
    st.lists(LINES, max_size=24),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\n", b"\n\n"]),
)
VALUES = st.lists(st.sampled_from(["a", "10.0.0.7", '"x y"', "~/k"]), max_size=3)


@given(FILES | st.binary(max_size=200))
def test_any_bytes_are_the_sum_of_their_pieces(data: bytes) -> None:
    document = Document.parse(data)
    assert bytes(document) == data
    numbers = [document.line_of(at) for at in range(1, len(document.blocks))]
    assert [document.block_at(number) for number in numbers] == [*range(1, len(document.blocks))]


def spoken(file: bytes) -> list[bytes]:
    """Return the lines that are not blank, without their endings."""
    return [line.rstrip(b"\r") for line in file.split(b"\n") if line.strip()]


def outside(document: Document, index: int) -> list[bytes]:
    """Return the lines that are not the block's own, blank lines left out, endings left off."""
    kept = [one for at, one in enumerate(document.blocks) if at != index]
    lines = [line.raw for one in kept for line in one.own] + [
        line.raw for one in document.blocks for line in one.gap
    ]
    return sorted(raw.rstrip(b"\r\n") for raw in lines if raw.strip())


@given(st.data(), FILES)
def test_a_change_of_one_block_keeps_every_other_byte(data: st.DataObject, file: bytes) -> None:
    document = Document.parse(file)
    hosts = [at for at, one in enumerate(document.blocks) if one.plain]
    if not hosts:
        return
    index = data.draw(st.sampled_from(hosts))
    settings = data.draw(st.dictionaries(st.sampled_from(["user", "identityfile"]), VALUES))
    names = data.draw(st.sampled_from([None, ["new"], ["web"]]))
    changed, at = change_block(document, index, settings, names)
    after = bytes(changed)
    head = b"".join(line.raw for one in document.blocks[:index] for line in one.lines)
    tail = b"".join(line.raw for one in document.blocks[index + 1 :] for line in one.lines)
    assert at == index
    assert after.startswith(head)
    assert after.endswith(tail)
    again = Document.parse(after)
    for keyword, values in settings.items():
        words = [line.words for line in again.blocks[index].settings if line.keyword == keyword]
        assert words == [
            Document.parse(f"x {one}".encode()).blocks[0].body[0].words for one in values
        ]


@given(st.data(), FILES)
def test_adding_cloning_and_removing_keep_every_other_byte(
    data: st.DataObject, file: bytes
) -> None:
    document = Document.parse(file)
    added, at = add_block(document, ["new"], {"user": ["x"]})
    hosts = [index for index, one in enumerate(document.blocks) if one.plain]
    cloned: bool = bool(hosts) and data.draw(st.sampled_from([True, False]))
    if cloned:
        added, at = clone_block(document, data.draw(st.sampled_from(hosts)), ["new"])
    after = bytes(added)
    again = Document.parse(after)
    assert again.blocks[at].patterns == ("new",)
    inserted = b"".join(line.raw for line in added.blocks[at].own)
    where = after.index(inserted, sum(len(line.raw) for b in added.blocks[:at] for line in b.lines))
    rest = after[:where] + after[where + len(inserted) :]
    assert rest.replace(b"\r\n", b"\n").split() == file.replace(b"\r\n", b"\n").split()
    removed = bytes(remove_block(again, at)[0])
    assert spoken(removed) == spoken(file)


@given(st.data(), FILES)
def test_moving_and_removing_keep_every_other_line(data: st.DataObject, file: bytes) -> None:
    document = Document.parse(file)
    hosts = [index for index, one in enumerate(document.blocks) if one.plain]
    others = range(1, len(document.blocks))
    if not hosts or len(others) < 2:
        return
    index = data.draw(st.sampled_from(hosts))
    before = outside(document, index)
    moved: Block = document.blocks[index]
    removed, _ = remove_block(document, index)
    assert outside(removed, -1) == before
    target = data.draw(st.sampled_from([one for one in others if one != index]))
    move = data.draw(st.sampled_from([move_before, move_after]))
    result, at = move(document, index, target)
    again = Document.parse(bytes(result))
    own = [line.raw.rstrip(b"\r\n") for line in moved.own]
    assert [line.raw.rstrip(b"\r\n") for line in result.blocks[at].own] == own
    assert again.blocks[at].patterns == moved.patterns
    assert outside(result, at) == before
    order = [one.patterns for one in document.blocks]
    order.remove(moved.patterns)
    kept = [one.patterns for one in result.blocks]
    kept.pop(at)
    assert sorted(kept) == sorted(order)
