"""Messages of SFTP: what is written is read again, and nothing that comes in can hurt."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.entries import Kind
from sshdash.sftp.failures import ExistsError, MissingError, VagueError, from_status
from sshdash.sftp.messages import Attributes, MalformedError, Payload, string, uint32, uint64
from sshdash.sftp.remote_entries import entry_of

U32 = st.integers(0, 2**32 - 1)
ATTRIBUTES = st.builds(
    Attributes,
    size=st.none() | st.integers(0, 2**64 - 1),
    uid=U32,
    gid=U32,
    mode=st.none() | U32,
    atime=U32,
    mtime=U32,
)


@given(ATTRIBUTES)
def test_attributes_are_read_as_written(attributes: Attributes) -> None:
    payload = Payload(attributes.encode())
    assert payload.attributes() == attributes
    assert not payload


@given(st.integers(-(2**70), 2**70))
def test_times_beyond_the_protocol_are_clipped(seconds: int) -> None:
    told = Payload(Attributes(mtime=seconds).encode()).attributes().mtime
    assert told == max(0, min(seconds, 2**32 - 1))


@given(st.binary(max_size=200))
@pytest.mark.parametrize(
    "read",
    [
        Payload.attributes,
        Payload.names,
        Payload.status,
        Payload.volume,
        Payload.limits,
        Payload.extensions,
        Payload.string,
    ],
)
def test_anything_is_read_or_refused(read, data: bytes) -> None:  # type: ignore[no-untyped-def]
    with contextlib.suppress(MalformedError):
        read(Payload(data))


def test_names_are_bytes_in_order() -> None:
    entry = string(b"\xff\n") + string(b"long") + Attributes(mode=0o100644, mtime=5).encode()
    (name,) = Payload(uint32(1) + entry).names()
    assert name.filename == b"\xff\n"
    assert entry_of(name.filename, name.attributes).kind is Kind.FILE


@pytest.mark.parametrize(
    "data",
    [
        uint32(2**31),
        uint32(100_001) + b"x" * 100,
        uint32(1) + uint32(2**32 - 1) + b"abc",
        struct.pack(">I", 0x10),
        uint32(1) + uint64(1),
    ],
)
def test_lies_about_lengths_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Payload(data).names()


def test_extended_attributes_are_skipped() -> None:
    data = struct.pack(">II", 0x80000000, 1) + string(b"name@x") + string(b"value")
    assert Payload(data + b"rest").attributes() == Attributes()


def test_owners_come_from_the_long_name() -> None:
    line = b"-rw-r--r--    1 alice    staff        12 Jan  1 00:00 x"
    entry = entry_of(b"x", Attributes(uid=1, gid=2), line)
    assert (entry.owner, entry.group) == ("alice", "staff")
    entry = entry_of(b"x", Attributes(uid=1, gid=2), b"nothing useful")
    assert (entry.owner, entry.group) == ("1", "2")


@pytest.mark.parametrize(
    ("code", "text", "kind", "words"),
    [
        (2, "No such file", MissingError, "no such file"),
        (3, "Permission denied", Exception, "permission denied"),
        (4, "Failure", VagueError, "said only that it failed"),
        (4, "No space left on device", Exception, "disk full"),
        (4, "File exists", ExistsError, "exists already"),
        (11, "", ExistsError, "exists already"),
        (14, "", Exception, "disk full"),
        (15, "", Exception, "quota"),
        (8, "", Exception, "does not offer"),
        (5, "Bad message", Exception, "too long or not valid"),
        (99, "what?", Exception, '"what?" (99)'),
    ],
)
def test_statuses_are_explained(code: int, text: str, kind: type[Exception], words: str) -> None:
    error = from_status(code, text, "write", b"/tmp/\x1b[x", "web")
    assert isinstance(error, kind)
    assert words in str(error)
    assert str(error).startswith("web:/tmp/\\x1b[x: cannot write")
