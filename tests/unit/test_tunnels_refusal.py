"""Why a server opened no channel, out of what servers of all systems say."""

import pytest

from sshdash.tunnels.forwards.refusal import Refusal, classify, refusal_text

_SAID = {
    Refusal.REFUSED: ("Connection refused",),
    Refusal.NETWORK_UNREACHABLE: (
        "Network is unreachable",
        "Network unreachable",  # musl
    ),
    Refusal.HOST_UNREACHABLE: (
        "No route to host",
        "Host is unreachable",  # musl
    ),
    Refusal.TIMED_OUT: ("Connection timed out", "Operation timed out", "connect timeout"),
    Refusal.UNKNOWN_NAME: (
        "Name or service not known",
        "Temporary failure in name resolution",
        "No address associated with hostname",
        "nodename nor servname provided, or not known",  # macOS
        "hostname nor servname provided, or not known",  # FreeBSD
        "Name does not resolve",  # musl
        "Name has no usable address",
        "Try again",
    ),
    Refusal.LOST: ("SSH connection closed",),
    Refusal.OTHER: ("Connect failed", "open failed", ""),
}


@pytest.mark.parametrize(
    ("said", "refusal"), [(said, refusal) for refusal, all_ in _SAID.items() for said in all_]
)
def test_a_failed_connection(said: str, refusal: Refusal) -> None:
    assert classify(2, said) is refusal
    assert classify(2, f"connect to host: {said.upper()}") is refusal


@pytest.mark.parametrize(
    ("code", "refusal"),
    [(1, Refusal.PROHIBITED), (3, Refusal.UNSUPPORTED), (4, Refusal.SHORTAGE)],
)
def test_the_code_counts_before_the_words(code: int, refusal: Refusal) -> None:
    assert classify(code, "Connection refused") is refusal


def test_what_a_server_says_is_shown_where_it_says_more_and_cleaned() -> None:
    assert refusal_text(Refusal.REFUSED, "db:1", "Connection refused") == "db:1: connection refused"
    assert refusal_text(Refusal.OTHER, "db:1", "no\nway") == r"db:1: failed (no\nway)"
    assert "\x1b" not in refusal_text(Refusal.OTHER, "db\x1b[31m:1", "\x1b]0;x\x07")
