"""What a probe asks, and what it makes of whatever a target says."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.tunnels.kept.rule import Probe, ProbeKind
from sshdash.tunnels.probes.answers import LIMIT, Verdict, judge, question
from sshdash.untrusted import clean

_ERROR = b"SFATAL\0C53300\0Msorry, too many clients already\0Fpostmaster.c\0\0"
_POSTGRES_ERROR = b"E" + (len(_ERROR) + 4).to_bytes(4) + _ERROR
TALKING = [kind for kind in ProbeKind if kind is not ProbeKind.TCP]

ANSWERS = [
    (ProbeKind.HTTP, b"HTTP/1.1 200 OK\r\n", True, "200 OK"),
    (ProbeKind.HTTP, b"HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody", True, "404 Not Found"),
    (ProbeKind.HTTP, b"HTTP/1.1 503 Service Unavailable\r\n", False, "503 Service Unavailable"),
    (ProbeKind.HTTP, b"HTTP/1.1 204\r\n", True, "204"),
    (ProbeKind.HTTP, b"HTTP/1.1 200 \r\n", True, "200"),
    (ProbeKind.HTTP, b"HTTP/2 200\n", True, "200"),
    (ProbeKind.HTTP, b"\x15\x03\x01\x00\x02\x02\x46", False, "speaks TLS, not plain HTTP"),
    (ProbeKind.HTTP, b"HTTP/1.1 2000 OK\r\n", False, "not HTTP: HTTP/1.1 2000 OK"),
    (ProbeKind.HTTP, b"HTTP/1.1 200 \x1b[2J\r\n", True, r"200 \x1b[2J"),
    (ProbeKind.POSTGRES, b"S", True, "PostgreSQL, with TLS"),
    (ProbeKind.POSTGRES, b"N", True, "PostgreSQL, without TLS"),
    (ProbeKind.POSTGRES, _POSTGRES_ERROR, False, "sorry, too many clients already"),
    (ProbeKind.POSTGRES, b"H", False, "not PostgreSQL: H"),
    (ProbeKind.REDIS, b"+PONG\r\n", True, "PONG"),
    (ProbeKind.REDIS, b"-NOAUTH Authentication required.\r\n", True, "Redis, with a password"),
    (ProbeKind.REDIS, b"-LOADING in memory\r\n", False, "LOADING in memory"),
    (ProbeKind.REDIS, b"HTTP/1.1 400\r\n", False, "not Redis: HTTP/1.1 400"),
    (ProbeKind.SSH, b"SSH-2.0-OpenSSH_9.2\r\n", True, "SSH-2.0-OpenSSH_9.2"),
    (ProbeKind.SSH, b"hello\r\nSSH-1.99-x\n", True, "SSH-1.99-x"),
    (ProbeKind.SSH, b"SSH-1.5-old\n", False, "SSH-1.5-old"),
]


@pytest.mark.parametrize(("kind", "said", "well", "text"), ANSWERS)
def test_answers(kind: ProbeKind, said: bytes, well: bool, text: str) -> None:
    assert judge(kind, said, ended=False) == Verdict(well, text)


@pytest.mark.parametrize(("kind", "said", "well", "text"), ANSWERS)
def test_an_answer_that_comes_byte_by_byte_means_the_same(
    kind: ProbeKind, said: bytes, well: bool, text: str
) -> None:
    verdicts = (judge(kind, said[:end], ended=False) for end in range(1, len(said) + 1))
    verdict = next(filter(None, verdicts))
    assert verdict.well is well


@pytest.mark.parametrize("kind", TALKING)
def test_a_target_that_says_nothing(kind: ProbeKind) -> None:
    assert judge(kind, b"", ended=False) is None
    assert judge(kind, b"", ended=True) == Verdict(False, "closed without an answer")


@pytest.mark.parametrize("kind", TALKING)
def test_blank_lines_are_no_answer(kind: ProbeKind) -> None:
    verdict = judge(kind, b"\r\n\r\n", ended=True)
    assert verdict
    assert not verdict.well
    assert verdict.text.endswith("blank lines")


def test_a_connection_is_all_that_tcp_wants() -> None:
    assert judge(ProbeKind.TCP, b"", ended=False) == Verdict(True, "connected")
    assert question(Probe(), "db:5432") == b""


@given(st.sampled_from(TALKING), st.binary(max_size=LIMIT + 100))
def test_whatever_a_target_says_is_judged_in_the_end(kind: ProbeKind, said: bytes) -> None:
    verdict = judge(kind, said, ended=True)
    assert verdict is not None
    assert clean(verdict.text) == verdict.text
    assert len(verdict.text) <= 140
    assert judge(kind, said.ljust(LIMIT, b"x"), ended=False) is not None


@given(
    st.sampled_from(TALKING),
    st.sampled_from([said for _, said, _, _ in ANSWERS]),
    st.binary(max_size=200),
    st.integers(0, 60),
)
def test_nothing_makes_a_judge_stumble(
    kind: ProbeKind, start: bytes, more: bytes, cut: int
) -> None:
    said = start[:cut] + more
    for ended in (False, True):
        verdict = judge(kind, said, ended)
        assert verdict is None or clean(verdict.text) == verdict.text


@given(st.text(max_size=300), st.text(max_size=80))
def test_a_path_cannot_add_lines_to_a_request(path: str, target: str) -> None:
    request = question(Probe(ProbeKind.HTTP, path), target)
    lines = request.split(b"\r\n")
    assert lines[0].startswith(b"GET ")
    assert lines[0].endswith(b" HTTP/1.1")
    assert lines[0].count(b" ") == 2
    assert [line.partition(b":")[0] for line in lines[1:]] == [
        b"Host",
        b"User-Agent",
        b"Accept",
        b"Connection",
        b"",
        b"",
    ]
    assert not set(itertools.chain(request)) - set(b"\r\n") - set(range(32, 127))


def test_the_questions() -> None:
    assert question(Probe(ProbeKind.REDIS), "cache:6379") == b"PING\r\n"
    assert question(Probe(ProbeKind.SSH), "box:22") == b""
    assert question(Probe(ProbeKind.POSTGRES), "db:5432") == b"\0\0\0\x08\x04\xd2\x16\x2f"
    request = question(Probe(ProbeKind.HTTP, "/health?deep=1"), "[::1]:80")
    assert request.startswith(b"GET /health?deep=1 HTTP/1.1\r\nHost: [::1]:80\r\n")
