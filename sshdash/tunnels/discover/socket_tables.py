"""Reads what the tools of hosts print of listening sockets. Pure.

`ss` of Linux, `netstat` of Linux, busybox, macOS and the BSDs, `/proc/net/tcp`, `lsof` and
`sockstat`. All of it is what a host says: a line that is not understood is passed over.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator

from sshdash.tunnels.discover.listening import Discovered, Endpoint, Listening, endpoint, fold
from sshdash.untrusted import clean

HEAD = b"listening sockets\n"
"""What stands before the answer; a shell may have said something of its own before."""
_MOST = 1000
"""Sockets that are listed: nobody reads on."""
_NAME = 60
_PATH = re.compile(r"/[A-Za-z0-9._/-]{1,99}")
"""The paths that are asked for, with a folder of the account's own at most."""

_SS = re.compile(r"LISTEN\s+\d+\s+\d+\s+(\S+)\s+\S+(?:\s+users:(.*))?")
_SS_USER = re.compile(r'\("([^"]{1,200})",(?:pid=)?(\d{1,10})')
_OWNER = re.compile(r"(\d{1,10})/(.+)")
_SOCKSTAT = re.compile(r"\S+\s+(.+?)\s+(\d{1,10}|\?)\s+(?:\d+|\?)\s+(tcp\d*)\s+(\S+)\s")
_LINE = 2000
"""Characters of a line that are looked at."""

Lines = Iterable[str]


def parse_answer(answer: bytes, complete: bool = True) -> Discovered | None:
    """Return what an answer to the script of `sshdash.tunnels.discover.discovery` tells.

    None where it is none. `complete` says whether all of it was read.
    """
    _, head, rest = answer.partition(HEAD)
    if not head:
        return None
    found: list[Endpoint] = []
    sockets: list[Listening] = []
    via: list[str] = []
    ours: Endpoint | None = None
    read: Callable[[Lines], Iterator[Endpoint]] | None = None
    part: list[str] = []
    for line in (*_lines(rest), "@end"):
        mark, _, words = line.partition(" ")
        if mark not in _MARKS:
            part.append(line)
            continue
        if read is not None:
            found += read(part)
        part, read = [], _TABLES.get(mark)
        if mark == "@via":
            via.append(clean(words, 40))
        elif mark == "@ssh":
            ours = _arrived(words)
        elif mark == "@socket" and _PATH.fullmatch(words):
            sockets.append(Listening(0, (), path=words))
    listening = [*fold(found, ours), *dict.fromkeys(sockets)]
    fits = len(listening) <= _MOST
    return Discovered(tuple(listening[:_MOST]), tuple(via), complete and fits)


def read_ss(lines: Lines) -> Iterator[Endpoint]:
    """Yield what ``ss -ltnp`` of any version tells."""
    for line in lines:
        if matched := _SS.match(line):
            users = [(int(pid), name) for name, pid in _SS_USER.findall(matched[2] or "")]
            pid, name = min(users, default=(None, ""))  # the first of several is their parent
            yield from _at(*_split(matched[1]), clean(name, _NAME), pid)


def read_netstat(lines: Lines) -> Iterator[Endpoint]:
    """Yield what ``netstat -ltnp`` of Linux and ``netstat -an`` of BSD tell."""
    for line in lines:
        words = line.split(None, 6)
        if len(words) < 6 or not words[0].startswith("tcp") or words[5] != "LISTEN":
            continue
        owner = _OWNER.match(words[6].strip()) if len(words) > 6 else None
        name = owner[2].partition(":")[0].strip() if owner else ""
        pid = int(owner[1]) if owner and name else None
        yield from _at(*_split(words[3]), clean(name, _NAME), pid, words[0])


def read_proc(lines: Lines) -> Iterator[Endpoint]:
    """Yield what ``/proc/net/tcp`` and ``tcp6`` of a little-endian machine tell."""
    for line in lines:
        words = line.split(None, 4)
        if len(words) < 4 or words[3] != "0A":
            continue
        packed, _, port = words[1].partition(":")
        try:
            yield from _at(_unpacked(packed), str(int(port, 16)))
        except ValueError:
            continue


def read_lsof(lines: Lines) -> Iterator[Endpoint]:
    """Yield what ``lsof -nP -iTCP -sTCP:LISTEN -F pctn`` tells, a field on each line."""
    pid, name, family = None, "", ""
    for line in lines:
        field, value = line[:1], line[1:]
        if field == "p":
            pid = int(value) if re.fullmatch(r"[0-9]{1,10}", value) else None
            name = family = ""
        elif field == "c":
            name = clean(value, _NAME)
        elif field == "t":
            family = {"IPv4": "tcp4", "IPv6": "tcp46"}.get(value, "")
        elif field == "n":
            yield from _at(*_split(value), name, pid, family)


def read_sockstat(lines: Lines) -> Iterator[Endpoint]:
    """Yield what ``sockstat -46l -P tcp`` of FreeBSD tells."""
    for line in lines:
        if matched := _SOCKSTAT.match(line):
            pid = int(matched[2]) if matched[2] != "?" else None
            name = clean(matched[1], _NAME) if pid is not None else ""
            yield from _at(*_split(matched[4]), name, pid, matched[3])


_TABLES = {
    "@ss": read_ss,
    "@netstat": read_netstat,
    "@proc": read_proc,
    "@lsof": read_lsof,
    "@sockstat": read_sockstat,
}
_MARKS = frozenset({*_TABLES, "@via", "@ssh", "@socket", "@end"})


def _lines(answer: bytes) -> Iterator[str]:
    for line in answer.split(b"\n"):
        yield line[:_LINE].decode("utf-8", "surrogateescape").rstrip("\r")


def _split(local: str) -> tuple[str, str]:
    """Return address and port of ``0.0.0.0:22``, ``[::]:22``, ``:::22``, ``*.22``, ``::1.22``."""
    address, _, port = local.rpartition(":")
    if not port.isdigit():
        address, _, port = local.rpartition(".")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    return address, port


def _at(
    address: str, port: str, process: str = "", pid: int | None = None, family: str = ""
) -> Iterator[Endpoint]:
    """Yield the socket; ``*`` is all addresses of its family, else of both."""
    if address == "*":
        wanted = {"tcp4": ("0.0.0.0",), "tcp6": ("::",)}.get(family, ("0.0.0.0", "::"))
    else:
        wanted = (address,)
    for one in wanted:
        if found := endpoint(one, port, process, pid):
            yield found


def _unpacked(packed: str) -> str:
    """Return the address whose 32-bit words are written as numbers of a little-endian machine.

    Raises ValueError.
    """
    data = bytes.fromhex(packed)
    if len(data) not in (4, 16):
        raise ValueError("no address")
    turned = b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
    return str(ipaddress.ip_address(turned))


def _arrived(words: str) -> Endpoint | None:
    """Return our end of the connection at the host, of the last two words of SSH_CONNECTION."""
    address, _, port = words.partition(" ")
    return endpoint(address, port.strip())
