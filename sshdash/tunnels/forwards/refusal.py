"""Why a channel to a target was not opened, out of what the server said. Pure."""

from enum import Enum

from sshdash.untrusted import clean

_PROHIBITED, _CONNECT_FAILED, _UNKNOWN_TYPE, _SHORTAGE = 1, 2, 3, 4
"""Reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE, RFC 4254 section 5.1."""


class Refusal(Enum):
    """What stopped a client, in the words a person is shown."""

    PROHIBITED = "the server does not allow it"
    REFUSED = "connection refused"
    NETWORK_UNREACHABLE = "network is unreachable"
    HOST_UNREACHABLE = "no route to host"
    TIMED_OUT = "timed out"
    UNKNOWN_NAME = "name not known there"
    UNSUPPORTED = "the server cannot forward"
    SHORTAGE = "the server is out of resources"
    LOST = "connection lost"
    OTHER = "failed"


_PHRASES = (
    ("refused", Refusal.REFUSED),
    ("network is unreachable", Refusal.NETWORK_UNREACHABLE),
    ("network unreachable", Refusal.NETWORK_UNREACHABLE),
    ("no route", Refusal.HOST_UNREACHABLE),
    ("host is unreachable", Refusal.HOST_UNREACHABLE),
    ("timed out", Refusal.TIMED_OUT),
    ("timeout", Refusal.TIMED_OUT),
    ("name or service not known", Refusal.UNKNOWN_NAME),
    ("name resolution", Refusal.UNKNOWN_NAME),
    ("name nor servname", Refusal.UNKNOWN_NAME),
    ("no address associated", Refusal.UNKNOWN_NAME),
    ("name does not resolve", Refusal.UNKNOWN_NAME),
    ("no usable address", Refusal.UNKNOWN_NAME),
    ("try again", Refusal.UNKNOWN_NAME),
    ("ssh connection closed", Refusal.LOST),
)
"""What servers write as the reason, in lower case: strerror and gai_strerror of many systems."""


def classify(code: int, reason: str) -> Refusal:
    """Return the refusal that a server's reason code and text amount to."""
    if code == _PROHIBITED:
        return Refusal.PROHIBITED
    if code == _UNKNOWN_TYPE:
        return Refusal.UNSUPPORTED
    if code == _SHORTAGE:
        return Refusal.SHORTAGE
    lower = reason.lower()
    return next((refusal for phrase, refusal in _PHRASES if phrase in lower), Refusal.OTHER)


def refusal_text(refusal: Refusal, target: str, reason: str) -> str:
    """Return one cleaned line: the target, what stopped it and what the server called it."""
    said = clean(reason, 120)
    text = f"{clean(target, 120)}: {refusal.value}"
    return text if not said or said.lower() in refusal.value else f"{text} ({said})"
