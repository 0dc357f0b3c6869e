"""A world of its own for ssh and sshdash: other names, other accounts, other system files.

Run in new mount and network namespaces, it puts its own files over those that say who the user
is, which names exist and what the system's ssh_config says, answers DNS on loopback, and
compares what both make of configurations that depend on these. ``python -m
tests.live.config_world FOLDER`` prints one JSON object: how much it compared, and differences.
"""

import fcntl
import grp
import json
import os
import pwd
import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sshdash.config.resolver import Resolver, dump
from sshdash.config.source import ConfigSource, parse_override
from sshdash.errors import ConfigError, UsageError
from tests.live.config_oracle import Answer, agree

ADDRESSES = ("web.a.test", "web.b.test", "real.c.test", "x.y.a.test", "bare", "db.a.test")
CNAMES = {
    "db.b.test": "real.c.test",
    "mail.a.test": "web.b.test",
    "short": "real.c.test",
    "loop.a.test": "nowhere.a.test",
}
SYSTEM = Path("/etc/ssh/ssh_config")
STRANGER = 12345
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


@dataclass(frozen=True)
class Scene:
    """What is asked, with the user's file, the system's, and what is done to files before."""

    user: str | None = ""
    system: str = ""
    hosts: tuple[str, ...] = ("web",)
    options: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    """Further files below ``~/.ssh``."""
    spoil: Callable[[Path], None] | None = None
    """Changes owners or modes below ``~/.ssh``."""


def _mode(mode: int, name: str = "config", group: str = "") -> Callable[[Path], None]:
    def change(ssh: Path) -> None:
        if group:
            os.chown(ssh / name, -1, grp.getgrnam(group).gr_gid)
        (ssh / name).chmod(mode)

    return change


def _give(name: str, owner: int) -> Callable[[Path], None]:
    return lambda ssh: os.chown(ssh / name, owner, -1)


def _link(name: str, target: str) -> Callable[[Path], None]:
    return lambda ssh: (ssh / name).symlink_to(target)


_CANON = "CanonicalizeHostname yes\nCanonicalDomains a.test b.test\n"
_NAMES = ("web", "db", "mail", "nowhere", "web.", "x.y", "web.a.test", "WEB", "127.0.0.1", "short")
_RULES = "CanonicalizePermittedCNAMEs *.b.test:*.c.test,*.d.test mail.a.test:web.b.test\n"

CANONICAL = {
    "domains": Scene(_CANON, hosts=_NAMES),
    "none": Scene("CanonicalizeHostname yes\nCanonicalDomains none\n", hosts=("web", "bare")),
    "no domains": Scene("CanonicalizeHostname yes\n", hosts=("web", "bare", "web.a.test")),
    "dots": Scene(_CANON + "CanonicalizeMaxDots 0\n", hosts=("x.y", "web", "web.a.test")),
    "more dots": Scene(_CANON + "CanonicalizeMaxDots 3\n", hosts=("x.y", "web", "a.b.c.d.e")),
    "no fallback": Scene(_CANON + "CanonicalizeFallbackLocal no\n", hosts=_NAMES),
    "rules": Scene(_CANON + _RULES, hosts=_NAMES),
    "all rules": Scene(_CANON + "CanonicalizePermittedCNAMEs *\n", hosts=_NAMES),
    "rules none": Scene(_CANON + "CanonicalizePermittedCNAMEs none\n", hosts=_NAMES),
    "rules alone": Scene("CanonicalizePermittedCNAMEs short:*\n", hosts=("short", "bare", "no")),
    "rules by proxy": Scene(
        "CanonicalizePermittedCNAMEs short:*\nProxyCommand nc\n", hosts=("short", "bare", "no")
    ),
    "proxy": Scene(_CANON + "ProxyCommand nc\n", hosts=_NAMES),
    "jump": Scene(_CANON + "ProxyJump gate\n", hosts=_NAMES),
    "always by proxy": Scene(
        f"CanonicalizeHostname always\nProxyJump g\n{_RULES}CanonicalDomains a.test b.test\n",
        hosts=_NAMES,
    ),
    "family": Scene(_CANON + "AddressFamily inet6\n", hosts=("web", "::1", "127.0.0.1")),
    "second pass": Scene(
        _CANON + "Host web.a.test\n Port 5\n User u\nMatch canonical host *.b.test\n Port 6\n"
        "Match final\n IdentityFile f\nMatch originalhost web\n Compression yes\n"
        "Match host web\n BatchMode yes\nHost web\n HostName mail\n",
        hosts=("web", "db", "mail"),
    ),
    "settings cannot change in the second pass": Scene(
        _CANON + "Match canonical\n CanonicalizeMaxDots 4\n CanonicalDomains c.test\n"
        "CanonicalizeHostname no\nHostname other\n",
        hosts=("web", "nowhere"),
    ),
    "Hostname": Scene(_CANON + "Hostname %h.a.test\nHost web.a.test\nPort 3\n", hosts=("web",)),
    "port and address": Scene(_CANON + "Match final\nPort 99\n", hosts=("web", "127.1")),
    "final without names": Scene("Match final host web\nPort 7\n", hosts=("web", "nowhere")),
}

_IN_GROUPS = (("mine", 0o660), ("shared", 0o660), ("empty", 0o660), ("shared", 0o640))
OWNERS = {
    "sound": Scene("Port 1\n", spoil=_mode(0o644)),
    **{f"mode {mode:o}": Scene("Port 1\n", spoil=_mode(mode)) for mode in (0o666, 0o602, 0o1600)},
    **{
        f"{group} {mode:o}": Scene("Port 1\n", spoil=_mode(mode, group=group))
        for group, mode in _IN_GROUPS
    },
    "a stranger's": Scene("Port 1\n", spoil=_give("config", STRANGER)),
    "a stranger's include": Scene("Include a\n", files={"a": "Port 1"}, spoil=_give("a", STRANGER)),
    "a loose include": Scene("Include a\n", files={"a": "Port 1"}, spoil=_mode(0o606, "a")),
    "a shared include": Scene(
        "Include a\n", files={"a": "Port 1"}, spoil=_mode(0o660, "a", "shared")
    ),
    "an include of mine": Scene(
        "Include a\n", files={"a": "Port 1"}, spoil=_mode(0o660, "a", "mine")
    ),
    "a dangling include": Scene("Include g*\nPort 2\n", spoil=_link("gone", "nothing")),
    "a linked include": Scene("Include l\n", files={"t": "Port 1"}, spoil=_link("l", "t")),
    "an include in a circle": Scene("Include l\nPort 3\n", spoil=_link("l", "l")),
    "no file": Scene(None),
    "a loose include that does not apply": Scene(
        "Host no\n Include a\n", files={"a": "Port 1"}, spoil=_mode(0o606, "a")
    ),
}
FILES = {
    "the user's first": Scene("Port 1\n", "Port 2\nUser sys\n"),
    "blocks": Scene("Host web\n Port 1\n", "Host *\n Port 2\nHost web\n User s\n", ("web", "db")),
    "keys of both": Scene("IdentityFile a\n", "IdentityFile a\nIdentityFile b\n"),
    "environment of both": Scene("SendEnv A\n", "SendEnv B\nSendEnv -A\n"),
    "tilde in the system's": Scene("", "Include ~/.ssh/a\n", files={"a": "Port 1"}),
    "relative in the system's": Scene("", "Include ssh_config\n"),
    "wrong in the system's": Scene("", "Host no\nPrt 1\n"),
    "wrong in both": Scene("Prt 1\n", "Prt 2\n"),
    "final in the system's": Scene("User u\n", "Match final user u\n Port 9\n"),
    "absolute in the user's": Scene("Include /etc/ssh/ssh_config\nPort 1\n", "Port 2\n"),
    "options first": Scene("Port 1\n", "Port 2\n", options=("Port=3", "SendEnv=X")),
    "unknown ignored for both": Scene("IgnoreUnknown Zz\n", "Zz 1\nPort 2\n"),
    "unknown ignored too late": Scene("Zz 1\n", "IgnoreUnknown Zz\n"),
}


def random_scene(seed: int) -> Scene:
    """Return a random scene of names: canonical domains, rules, passes."""
    choose = random.Random(seed)

    def line() -> str:
        return choose.choice(
            (
                f"CanonicalizeHostname {choose.choice(('yes', 'no', 'always'))}",
                f"CanonicalDomains {choose.choice(('a.test', 'b.test a.test', 'none', 'no.test'))}",
                f"CanonicalizeMaxDots {choose.randint(0, 3)}",
                f"CanonicalizeFallbackLocal {choose.choice(('yes', 'yes', 'no'))}",
                _RULES.strip(),
                "CanonicalizePermittedCNAMEs *:*.c.test",
                "CanonicalizePermittedCNAMEs *",
                f"HostName {choose.choice(('%h', '%h.a.test', 'mail', 'WEB', 'db.b.test.'))}",
                f"Port {choose.randint(1, 9)}",
                f"User {choose.choice('uvw')}",
                f"HostKeyAlias {choose.choice(('k', 'K.test'))}",
                "ControlPath /c/%h-%n-%k-%r-%p-%C",
                "UserKnownHostsFile ~/%k ~/%h",
                choose.choice(("ProxyCommand nc", "ProxyJump gate", "ProxyJump none")),
                f"AddressFamily {choose.choice(('inet', 'inet6', 'any'))}",
                "Match canonical",
                "Match final",
                "Match all",
                f"Match host {choose.choice(('*.a.test', 'web*', '*.c.test', '!*.b.test,*'))}",
                f"Match originalhost {choose.choice(('web', 'd*', '*.'))}",
                f"Match canonical host {choose.choice(('*.a.test', '*.b.test'))}",
                f"Match !canonical user {choose.choice('uvw')}",
                f"Host {choose.choice(('web', '*.test', 'db*', '* !web.a.test', 'short'))}",
            )
        )

    text = "".join(f"{line()}\n" for _ in range(choose.randint(2, 14)))
    before = _CANON if choose.random() < 0.7 else ""
    system = "".join(f"{line()}\n" for _ in range(choose.choice((0, 0, 3))))
    return Scene(before + text, system, tuple(choose.sample(_NAMES, 3)))


def main(folder: Path, count: int) -> int:
    """Compare everything and print what came out."""
    home = folder / "home"
    _take_over(folder, home)
    threading.Thread(target=_answer_names, args=(_name_socket(),), daemon=True).start()
    found: list[str] = []
    asked = 0
    scenes = {**CANONICAL, **OWNERS, **FILES}
    scenes |= {f"random {seed}": random_scene(seed) for seed in range(count)}
    for name, scene in scenes.items():
        if not _set_up(scene, home):
            continue
        for host in scene.hosts:
            asked += 1
            theirs, mine = _openssh(scene, host), _ours(scene, host)
            if not agree(theirs, mine):
                found.append(f"{name}, {host}:\n  ssh: {theirs}\n  sshdash: {mine}")
    json.dump({"scenes": len(scenes), "asked": asked, "differences": found}, sys.stdout)
    return 0


def _take_over(folder: Path, home: Path) -> None:
    """Put our own files over the system's; only this namespace sees them."""
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    account = pwd.getpwuid(os.getuid())
    accounts = f"{account.pw_name}:x:{os.getuid()}:{os.getgid()}::{home}:/bin/sh\n"
    group = "mine:x:5001:{0}\nshared:x:5002:{0},other\nempty:x:5003:\nown:x:{1}:\n"
    files = {
        "/etc/passwd": accounts + "other:x:4000:4000::/:/bin/sh\n",
        "/etc/group": group.format(account.pw_name, os.getgid()),
        "/etc/hosts": "127.0.0.1 localhost\n",
        "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n",
        str(SYSTEM): "",
    }
    _raise_loopback()
    for number, (place, text) in enumerate(files.items()):
        own = folder / str(number)
        own.write_text(text, encoding="ascii")
        own.chmod(0o644)
        subprocess.run(["mount", "--bind", str(own), place], check=True)
    os.environ["HOME"] = str(home)


def _raise_loopback() -> None:
    """Bring up the interface ``lo`` of the new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _set_up(scene: Scene, home: Path) -> bool:
    """Write a scene's files; return False where this user may not."""
    ssh = home / ".ssh"
    for file in ssh.iterdir():
        file.unlink()
    SYSTEM.write_text(scene.system, encoding="ascii")
    files = {**scene.files, **({} if scene.user is None else {"config": scene.user})}
    for name, text in files.items():
        (ssh / name).write_text(text, encoding="ascii")
        (ssh / name).chmod(0o600)
    try:
        if scene.spoil is not None:
            scene.spoil(ssh)
    except OSError:
        return False
    return True


def _openssh(scene: Scene, host: str) -> Answer:
    words = [word for option in scene.options for word in ("-o", option)]
    done = subprocess.run(
        ["ssh", *words, "-G", "--", host],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 0:
        return Answer(done.stdout)
    return Answer(refused=True, place=next(_places(done.stderr), ""), words=done.stderr)


def _places(complaint: str) -> Iterator[str]:
    for line in complaint.splitlines():
        file, found, rest = line.replace(": line ", " line ").partition(" line ")
        number = rest.partition(":")[0]
        if found and number.isdecimal():
            yield f"{file}:{number}"


def _ours(scene: Scene, host: str) -> Answer:
    source = ConfigSource.standard(overrides=tuple(map(parse_override, scene.options)))
    try:
        return Answer(dump(Resolver(source).resolve(host)))
    except UsageError as error:
        return Answer(refused=True, words=str(error))
    except ConfigError as error:
        place = f"{error.file}:{error.line}" if error.line else ""
        return Answer(refused=True, place=place, words=str(error))


# Names


def _name_socket() -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    return server


def _answer_names(server: socket.socket) -> None:
    """Answer every question of DNS (RFC 1035) from the two tables."""
    while True:
        query, asker = server.recvfrom(512)
        server.sendto(_name_answer(query), asker)


def _name_answer(query: bytes) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    question = query[12 : at + 5]
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    name = ".".join(labels)
    records = []
    while name in CNAMES:
        records.append(_record(name, 5, _encoded(CNAMES[name])))
        name = CNAMES[name]
    known = name in ADDRESSES
    if known and kind == 1:
        records.append(_record(name, 1, bytes((127, 0, 0, 9))))
    code = 0x8180 if known else 0x8183
    return (
        query[:2]
        + struct.pack(">HHHHH", code, 1, len(records), 0, 0)
        + question
        + b"".join(records)
    )


def _record(name: str, kind: int, data: bytes) -> bytes:
    return _encoded(name) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def _encoded(name: str) -> bytes:
    return b"".join(bytes((len(part),)) + part.encode("ascii") for part in name.split(".")) + b"\0"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
