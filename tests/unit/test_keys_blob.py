"""Public key blobs: type, size, fingerprint."""

from typing import Any

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.keys.blob import (
    BadBlob,
    blob_type,
    decode_blob,
    encode_blob,
    fingerprint,
    key_bits,
    signature_algorithms,
    type_name,
)


@pytest.mark.parametrize(
    ("algorithm", "options", "name", "bits"),
    [
        ("ssh-ed25519", {}, "ED25519", 256),
        ("ecdsa-sha2-nistp256", {}, "ECDSA", 256),
        ("ecdsa-sha2-nistp521", {}, "ECDSA", 521),
        ("ssh-rsa", {"key_size": 2048}, "RSA", 2048),
    ],
)
def test_keys_are_described_as_ssh_keygen_does(
    algorithm: str, options: dict[str, Any], name: str, bits: int
) -> None:
    key = asyncssh.generate_private_key(algorithm, **options)
    blob = key.public_data
    assert blob_type(blob) == algorithm
    assert type_name(blob) == name
    assert key_bits(blob) == bits
    assert fingerprint(blob) == key.get_fingerprint()


def test_type_of_the_line_must_be_the_type_of_the_key() -> None:
    text = encode_blob(asyncssh.generate_private_key("ssh-ed25519").public_data)
    assert blob_type(decode_blob(text, "ssh-ed25519")) == "ssh-ed25519"
    with pytest.raises(BadBlob, match="says"):
        decode_blob(text, "ssh-rsa")


@given(st.text())
def test_any_text_is_a_key_or_bad(text: str) -> None:
    try:
        blob = decode_blob(text)
    except BadBlob:
        return
    assert blob_type(blob) is not None


@given(st.binary())
def test_any_bytes_have_a_type_and_a_size_or_are_bad(data: bytes) -> None:
    try:
        assert key_bits(data) >= 0
        assert type_name(data) is not None
    except BadBlob:
        pass


def test_unknown_types_have_no_size() -> None:
    assert key_bits(b"\0\0\0\x03new") == 0
    assert type_name(b"\0\0\0\x03new") == "new"


def test_rsa_signs_with_sha2_first() -> None:
    assert signature_algorithms("ssh-rsa") == ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
    assert signature_algorithms("ssh-ed25519") == ("ssh-ed25519",)
