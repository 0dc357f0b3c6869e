"""A host in the fields of a form: what is not touched is not written."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.config.document import Document
from sshdash.config.draft import HostDraft
from sshdash.config.edits import change_block
from sshdash.errors import UsageError
from tests.unit.test_config_edits import FILES

TEXT = b"""\
Host web www
    hostname 10.0.0.1 # here
    User "DOMAIN\\\\bob"
    IdentityFile "~/my key"
    ProxyJump bastion,inner
    # keep me
    IdentityFile ~/second
    LocalForward 8080 localhost:80 # web
    Port 22
    Port 23
    SendEnv LANG LC_*
"""


def test_fields_hold_what_is_meant_and_lines_what_is_written() -> None:
    draft = HostDraft.of(Document.parse(TEXT).blocks[1])
    assert draft == HostDraft(
        names="web www",
        hostname="10.0.0.1",
        user="DOMAIN\\bob",
        port="22",
        identity="~/my key",
        jump="bastion,inner",
        others="IdentityFile ~/second\nLocalForward 8080 localhost:80\nSendEnv LANG LC_*",
    )


def test_a_changed_field_changes_its_line_alone() -> None:
    document = Document.parse(TEXT)
    block = document.blocks[1]
    draft = replace(HostDraft.of(block), identity="~/other key", user="")
    settings = draft.settings(block)
    assert settings == {"identityfile": ('"~/other key"', "~/second"), "user": ()}
    after = bytes(change_block(document, 1, settings)[0])
    assert after == TEXT.replace(b"my key", b"other key").replace(
        b'    User "DOMAIN\\\\bob"\n', b""
    )


def test_other_lines_come_go_and_change() -> None:
    document = Document.parse(TEXT)
    block = document.blocks[1]
    draft = replace(HostDraft.of(block), others="LocalForward 9090 localhost:90\nCompression yes")
    settings = draft.settings(block)
    assert settings == {
        "identityfile": ('"~/my key"',),
        "localforward": ("9090 localhost:90",),
        "sendenv": (),
        "compression": ("yes",),
    }


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("User x", "has a field of its own"),
        ("# words", "a comment"),
        ("Host x", "no setting"),
        ("Compression maybe", "line 1: Compression maybe"),
        ("\nServerAliveInterval x", "line 2"),
        ("Compression", "has no value"),
        ("LocalCommand x\x1b]0;y", "control character"),
    ],
)
def test_wrong_lines_are_named(lines: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        HostDraft(names="a", others=lines).settings()


@pytest.mark.parametrize(
    "value",
    ["two words", 'a"b', "a\\b", "#x", "=x", "a\\ b", "'q'", "x\\\\y", "café\udce9", "a b\\"],
)
def test_any_text_is_read_back_as_it_was_meant(value: str) -> None:
    settings = HostDraft(names="a", identity=value).settings()
    document, at = change_block(Document.parse(b"Host a\n"), 1, settings)
    again = Document.parse(bytes(document))
    assert again.blocks[at].settings[0].words == (value.strip(),)
    assert HostDraft.of(again.blocks[at]).identity == value


@given(FILES, st.booleans())
def test_what_is_not_touched_is_not_written(file: bytes, renamed: bool) -> None:
    document = Document.parse(file)
    for index, block in enumerate(document.blocks):
        if not block.plain:
            continue
        draft = HostDraft.of(block)
        try:
            settings = draft.settings(block)
        except UsageError:
            continue  # what is there is wrong already, and said
        assert settings == {}
        names = ["other"] if renamed else draft.name_list
        after = bytes(change_block(document, index, settings, names)[0])
        assert (after == file) is (not renamed)
