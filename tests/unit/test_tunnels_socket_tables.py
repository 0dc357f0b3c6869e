"""What the tools of hosts print of listening sockets, as captured, and as nobody would print it."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshdash.tunnels.discover.discovery import _SCRIPT
from sshdash.tunnels.discover.listening import Endpoint, Listening
from sshdash.tunnels.discover.socket_tables import (
    HEAD,
    parse_answer,
    read_lsof,
    read_netstat,
    read_proc,
    read_sockstat,
    read_ss,
)
from sshdash.untrusted import clean

SS_6 = """\
State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
LISTEN 0      4096      127.0.0.53%lo:53         0.0.0.0:*    users:(("systemd-resolve",pid=512,fd=14))
LISTEN 0      244           127.0.0.1:5432       0.0.0.0:*    users:(("postgres",pid=812,fd=6))
LISTEN 0      244               [::1]:5432          [::]:*    users:(("postgres",pid=812,fd=5))
LISTEN 0      511             0.0.0.0:80         0.0.0.0:*    users:(("nginx",pid=902,fd=6),("nginx",pid=901,fd=6))
LISTEN 0      511                [::]:80            [::]:*    users:(("nginx",pid=902,fd=7),("nginx",pid=901,fd=7))
LISTEN 0      4096                  *:9090             *:*
LISTEN 0      100  [::ffff:127.0.0.1]:8005             *:*    users:(("java",pid=77,fd=1))
LISTEN 0      128  [fe80::1%eth0]:546        [::]:*
LISTEN 0      5             127.0.0.1:631        0.0.0.0:*    users:(("tmux: server",pid=4,fd=3))
"""  # noqa: E501
SS_OLD = """\
State       Recv-Q Send-Q        Local Address:Port          Peer Address:Port
LISTEN      0      128                       *:22                       *:*      users:(("sshd",1234,3))
LISTEN      0      128                      :::22                      :::*      users:(("sshd",1234,4))
LISTEN      0      100        ::ffff:127.0.0.1:8005                    :::*      users:(("java",77,40))
"""  # noqa: E501
NETSTAT_LINUX = """\
Active Internet connections (only servers)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 127.0.0.1:5432          0.0.0.0:*               LISTEN      812/postgres
tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      -
tcp6       0      0 :::22                   :::*                    LISTEN      1/sshd: /usr/sbin/s
tcp6       0      0 ::1:631                 :::*                    LISTEN      9/cups browsed
"""
NETSTAT_BUSYBOX = """\
Active Internet connections (only servers)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 0.0.0.0:8080            0.0.0.0:*               LISTEN      1/httpd
tcp        0      0 :::22                   :::*                    LISTEN      17/sshd
"""
NETSTAT_MACOS = """\
tcp4       0      0  127.0.0.1.5432         *.*                    LISTEN
tcp6       0      0  ::1.5432               *.*                    LISTEN
tcp46      0      0  *.8080                 *.*                    LISTEN
tcp6       0      0  fe80::1%lo0.49152      *.*                    LISTEN
tcp4       0      0  *.22                   *.*                    LISTEN
tcp4       0      0  192.168.1.5.50000      17.57.144.1.443        ESTABLISHED
"""
NETSTAT_OPENBSD = """\
Proto   Recv-Q Send-Q  Local Address          Foreign Address        TCP-State
tcp          0      0  127.0.0.1.25           *.*                    LISTEN
tcp6         0      0  ::1.25                 *.*                    LISTEN
"""
PROC = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 23 1 0
   1: 0500A8C0:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24 1 0
   2: 0100007F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000   105        0 25 1 0
   3: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 00:00 00 0
   4: 0000000000000000FFFF00000100007F:1F45 00000000000000000000000000000000:0000 0A 00:00 00 0
"""
LSOF = """\
p812
cpostgres
f6
tIPv6
n[::1]:5432
f7
tIPv4
n127.0.0.1:5432
p99
cControl\\x20Center
f9
tIPv4
n*:7000
f10
tIPv6
n*:5000
"""
SOCKSTAT = """\
USER     COMMAND    PID   FD  PROTO  LOCAL ADDRESS         FOREIGN ADDRESS
root     sshd       1234  4   tcp6   *:22                  *:*
root     sshd       1234  5   tcp4   *:22                  *:*
pgsql    postgres   812   6   tcp4   127.0.0.1:5432        *:*
?        ?          ?     ?   tcp46  *:8080                *:*
"""


def test_ss_of_today() -> None:
    assert list(read_ss(SS_6.splitlines())) == [
        Endpoint("127.0.0.53", 53, "systemd-resolve", 512),
        Endpoint("127.0.0.1", 5432, "postgres", 812),
        Endpoint("::1", 5432, "postgres", 812),
        Endpoint("0.0.0.0", 80, "nginx", 901),
        Endpoint("::", 80, "nginx", 901),
        Endpoint("0.0.0.0", 9090),
        Endpoint("::", 9090),
        Endpoint("127.0.0.1", 8005, "java", 77),
        Endpoint("fe80::1%eth0", 546),
        Endpoint("127.0.0.1", 631, "tmux: server", 4),
    ]


def test_ss_of_old() -> None:
    assert list(read_ss(SS_OLD.splitlines())) == [
        Endpoint("0.0.0.0", 22, "sshd", 1234),
        Endpoint("::", 22, "sshd", 1234),
        Endpoint("::", 22, "sshd", 1234),
        Endpoint("127.0.0.1", 8005, "java", 77),
    ]


def test_netstat_of_linux_and_busybox() -> None:
    assert list(read_netstat(NETSTAT_LINUX.splitlines())) == [
        Endpoint("127.0.0.1", 5432, "postgres", 812),
        Endpoint("0.0.0.0", 22),
        Endpoint("::", 22, "sshd", 1),
        Endpoint("::1", 631, "cups browsed", 9),
    ]
    assert list(read_netstat(NETSTAT_BUSYBOX.splitlines())) == [
        Endpoint("0.0.0.0", 8080, "httpd", 1),
        Endpoint("::", 22, "sshd", 17),
    ]


def test_netstat_of_macos_and_openbsd() -> None:
    assert list(read_netstat(NETSTAT_MACOS.splitlines())) == [
        Endpoint("127.0.0.1", 5432),
        Endpoint("::1", 5432),
        Endpoint("0.0.0.0", 8080),
        Endpoint("::", 8080),
        Endpoint("fe80::1%lo0", 49152),
        Endpoint("0.0.0.0", 22),
    ]
    assert list(read_netstat(NETSTAT_OPENBSD.splitlines())) == [
        Endpoint("127.0.0.1", 25),
        Endpoint("::1", 25),
    ]


def test_proc_is_read_as_little_endian_machines_write_it() -> None:
    assert list(read_proc(PROC.splitlines())) == [
        Endpoint("127.0.0.1", 5432),
        Endpoint("192.168.0.5", 22),
        Endpoint("::1", 5432),
        Endpoint("127.0.0.1", 8005),
    ]


def test_lsof_and_sockstat() -> None:
    assert list(read_lsof(LSOF.splitlines())) == [
        Endpoint("::1", 5432, "postgres", 812),
        Endpoint("127.0.0.1", 5432, "postgres", 812),
        Endpoint("0.0.0.0", 7000, "Control\\x20Center", 99),
        Endpoint("0.0.0.0", 5000, "Control\\x20Center", 99),
        Endpoint("::", 5000, "Control\\x20Center", 99),
    ]
    assert list(read_sockstat(SOCKSTAT.splitlines())) == [
        Endpoint("::", 22, "sshd", 1234),
        Endpoint("0.0.0.0", 22, "sshd", 1234),
        Endpoint("127.0.0.1", 5432, "postgres", 812),
        Endpoint("0.0.0.0", 8080),
        Endpoint("::", 8080),
    ]


def answer(*parts: str) -> bytes:
    return b"motd\n" + HEAD + "".join(parts).encode()


def test_an_answer_is_folded_and_sorted_by_port() -> None:
    found = parse_answer(
        answer("@ssh 10.0.0.5 80\n", "@ss\n", SS_6, "@via ss\n", "@socket /run/docker.sock\n@end\n")
    )
    assert found is not None
    assert found.via == ("ss",)
    assert found.complete
    told = [(one.port, one.where, one.target, one.process) for one in found.listening]
    assert told == [
        (53, "127.0.0.53", "127.0.0.53", "systemd-resolve"),
        (80, "*", "localhost", "nginx"),
        (546, "fe80::1%eth0", "fe80::1%eth0", ""),
        (631, "localhost", "127.0.0.1", "tmux: server"),
        (5432, "localhost", "localhost", "postgres"),
        (8005, "localhost", "127.0.0.1", "java"),
        (9090, "*", "localhost", ""),
        (0, "/run/docker.sock", "/run/docker.sock", ""),
    ]
    assert [one.port for one in found.listening if one.carries_us] == [80]
    assert [one.port for one in found.listening if not one.is_loopback] == [80, 546, 9090]


def test_what_one_tool_knows_completes_what_another_says() -> None:
    parts = ("@lsof\n", LSOF, "@via lsof\n", "@netstat\n", NETSTAT_MACOS, "@via netstat\n@end\n")
    found = parse_answer(answer(*parts))
    assert found is not None
    assert found.via == ("lsof", "netstat")
    (postgres,) = [one for one in found.listening if one.port == 5432]
    assert postgres == Listening(5432, ("127.0.0.1", "::1"), "postgres", 812)
    assert found.hides_processes


def test_twins_of_two_processes_are_two() -> None:
    lines = (
        'LISTEN 0 1 127.0.0.1:80 0.0.0.0:* users:(("a",pid=1,fd=1))\n'
        'LISTEN 0 1 [::1]:80 [::]:* users:(("b",pid=2,fd=1))\n'
    )
    found = parse_answer(answer("@ss\n", lines))
    assert found is not None
    assert [(one.target, one.process) for one in found.listening] == [
        ("127.0.0.1", "a"),
        ("::1", "b"),
    ]


def test_what_is_no_answer_is_none() -> None:
    assert parse_answer(b"") is None
    assert parse_answer(b"This account is not available.\n") is None


def test_the_script_names_sockets_that_may_be_used(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as docker:
        docker.bind(str(tmp_path / "docker.sock"))
        docker.listen()
        environment = {"PATH": os.defpath, "XDG_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(
            ("sh",), input=_SCRIPT, capture_output=True, env=environment, check=True, timeout=60
        )
    assert not done.stderr
    found = parse_answer(done.stdout)
    assert found is not None
    assert [one.where for one in found.listening if str(tmp_path) in one.path] == [
        str(tmp_path / "docker.sock")
    ]


def test_an_answer_cut_short_says_so() -> None:
    found = parse_answer(answer("@ss\n", SS_6)[:-20], complete=False)
    assert found is not None
    assert not found.complete
    assert found.listening


def test_more_sockets_than_anybody_reads_are_cut() -> None:
    lines = "".join(f"LISTEN 0 1 10.0.0.1:{port} 0.0.0.0:*\n" for port in range(1, 3000))
    found = parse_answer(answer("@ss\n", lines))
    assert found is not None
    assert len(found.listening) == 1000
    assert not found.complete


def test_hostile_names_are_cleaned() -> None:
    line = 'LISTEN 0 1 127.0.0.1:80 0.0.0.0:* users:(("\x1b[31m[b]\u202e",pid=1,fd=1))\n'
    odd = "".join(
        f"@socket {path}\n" for path in ("/\x1b[2J.sock", "/${HOME}", "/a:b", "/a b", "a")
    )
    parts = ("@ss\n", line, "@via \x1b]0;x\x07\n", odd)
    found = parse_answer(answer(*parts))
    assert found is not None
    assert found.listening[0].process == r"\x1b[31m[b]\u202e"
    assert "\x1b" not in "".join(found.via)
    assert not any(one.path for one in found.listening)


@pytest.mark.parametrize(
    "line",
    [
        "LISTEN 0 1 127.0.0.1:99999 0.0.0.0:*",
        "LISTEN 0 1 127.0.0.1:0 0.0.0.0:*",
        "LISTEN 0 1 evil.example:80 0.0.0.0:*",
        "LISTEN 0 1 [fe80::1%$(reboot)]:80 [::]:*",
        "LISTEN 0 1 127.0.0.1:٣ 0.0.0.0:*",
        "LISTEN 0 1 ::::80 0.0.0.0:*",
    ],
)
def test_what_is_no_address_and_port_is_passed_over(line: str) -> None:
    assert list(read_ss([line])) == []


TABLES = (SS_6, SS_OLD, NETSTAT_LINUX, NETSTAT_MACOS, PROC, LSOF, SOCKSTAT)
MARKS = ("@ss\n", "@netstat\n", "@proc\n", "@lsof\n", "@sockstat\n", "@ssh ", "@socket /", "@via ")


@given(st.lists(st.one_of(st.sampled_from((*MARKS, *TABLES)), st.text(max_size=60))), st.binary())
@example(["@ss\n", 'LISTEN 0 1 127.0.0.1:80 0.0.0.0:* users:(("\U000102d1",pid=1,fd=3))\n'], b"")
def test_garbage_never_raises(parts: list[str], tail: bytes) -> None:
    words = "".join(parts).encode("utf-8", "surrogatepass")
    found = parse_answer(HEAD + words + tail)
    assert found is not None
    for one in found.listening:
        assert one.path or 0 < one.port <= 65535
        assert one.where == clean(one.where)
        assert one.process == clean(one.process)


@given(st.sampled_from(TABLES), st.integers(0, 2000), st.characters())
def test_tables_with_one_wrong_character_never_raise(table: str, at: int, wrong: str) -> None:
    lines = f"{table[:at]}{wrong}{table[at + 1 :]}".splitlines()
    for read in (read_ss, read_netstat, read_proc, read_lsof, read_sockstat):
        for one in read(lines):
            assert 0 < one.port <= 65535
