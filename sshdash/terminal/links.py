"""Addresses in what a remote shows: where they are, and whether one may be opened.

Pure. An address is chosen by the remote, and so is the text it lies under: what is opened is what
a person was shown in full.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from sshdash.untrusted import clean

LONGEST = 2048
"""Characters of an address that is still opened: it has to be read in full."""
OPENED = ("http", "https", "ssh", "mailto")
_PLAIN = re.compile(r"\b(?:https?|ssh)://[^\s<>\"'`{}|\\^]{1,2048}|\bmailto:[^\s<>\"'`]{3,256}")
_TRAILING = ".,;:!?…"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31}):")
_WORD = re.compile(r"[^\s()\[\]<>]+")
_SSH_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class Link(NamedTuple):
    """A link in view: its address as the remote gave it, and the text it lies under."""

    address: str
    text: str
    column: int
    row: int
    """Where it begins in the viewport."""


class Verdict(NamedTuple):
    """Whether an address may be opened, in words for a person; the texts are cleaned."""

    shown: str
    """The address in full, as it would be opened."""
    scheme: str
    refusal: str = ""
    """Why it is not opened; empty where it may be."""
    warnings: tuple[str, ...] = ()


def find_addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and address of what looks like one in plain text."""
    for found in _PLAIN.finditer(text):
        address = found.group()
        while address[-1] in _TRAILING or (
            address[-1] in _BRACKETS
            and address.count(_BRACKETS[address[-1]]) < address.count(address[-1])
        ):
            address = address[:-1]
        if len(address) > len("https://"):
            yield found.start(), found.start() + len(address), address


def judge(address: str, text: str = "") -> Verdict:
    """Say whether `address` may be opened, and what to know about it, shown under `text`."""
    shown = clean(address, LONGEST)
    scheme = found.group(1).lower() if (found := _SCHEME.match(address)) else ""
    if not scheme:
        return Verdict(shown, "", "it is not a whole address")
    if scheme not in OPENED:
        return Verdict(shown, scheme, f"{scheme}: addresses are never opened")
    if len(address) > LONGEST:
        return Verdict(shown, scheme, f"it is longer than {LONGEST} characters")
    if shown != address or " " in address:
        return Verdict(shown, scheme, "it holds characters that do not show as they are")
    if scheme == "mailto":
        return Verdict(shown, scheme)
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return Verdict(shown, scheme, "it is not a valid address")
    if not host:
        return Verdict(shown, scheme, "it names no host")
    if scheme == "ssh" and not all(map(_SSH_NAME.fullmatch, filter(None, (parts.username, host)))):
        return Verdict(shown, scheme, "the name in it is not one of a host")
    return Verdict(shown, scheme, "", tuple(_warnings(parts, host, text)))


def _warnings(parts: SplitResult, host: str, text: str) -> Iterator[str]:
    if not host.isascii():
        try:
            real = host.encode("idna").decode()
        except UnicodeError:
            real = "not a valid name"
        yield f"letters in the name are not plain ASCII: {real}"
    elif "xn--" in host:
        yield "the name stands for letters that are not plain ASCII"
    if "@" in parts.netloc and parts.scheme != "ssh":
        yield f"what stands before the @ is not the host: that is {clean(host)}"
    if _is_local(host):
        yield "it leads to this machine or the local network, not to the remote"
    if (named := _named_host(text)) and named != host:
        yield f"the text names another host: {clean(named)}"


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _named_host(text: str) -> str:
    """Return the host of an address in a link's text, or of a text that is a name; else empty."""
    words = _WORD.findall(text[:LONGEST])
    for word in words if len(words) == 1 else filter(lambda one: "://" in one, words):
        candidate = word if "://" in word else f"//{word}"
        try:
            host = urlsplit(candidate).hostname or ""
        except ValueError:
            continue
        if "://" in word or re.fullmatch(r"(?:[\w-]+\.)+[a-z]{2,}", host):
            return host
    return ""
