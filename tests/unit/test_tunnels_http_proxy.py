"""HTTP as the handshake of a proxy reads and answers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.proxy.http_proxy import LONGEST_HEAD, ConnectRequest, PlainRequest
from tests.unit.handshake_kit import CUTS, PORTS, fed

HOSTS = st.from_regex(r"[A-Za-z0-9_.-]{1,255}", fullmatch=True)


@given(host=HOSTS, port=PORTS, early=st.binary(max_size=50), cuts=CUTS)
def test_connect_at_any_cut(host: str, port: int, early: bytes, cuts: list[int]) -> None:
    head = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nProxy-Connection: x\r\n\r\n"
    handshake, answer = fed(head.encode() + early, cuts)
    assert handshake.request == ConnectRequest(host, port)
    assert (answer, handshake.rest, handshake.error) == (b"", early, "")


@pytest.mark.parametrize(
    ("target", "host"),
    [("[::1]:80", "::1"), ("[2001:DB8::0:1]:80", "2001:db8::1"), ("10.0.0.1:80", "10.0.0.1")],
)
def test_connect_to_an_address(target: str, host: str) -> None:
    handshake, _ = fed(f"CONNECT {target} HTTP/1.0\n\n".encode(), [])
    assert handshake.request == ConnectRequest(host, 80)


def test_a_login_to_the_proxy_is_ignored() -> None:
    head = b"CONNECT db:1 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n"
    handshake, _ = fed(head, [])
    assert handshake.request == ConnectRequest("db", 1)
    assert "c2VjcmV0" not in repr(handshake)


@pytest.mark.parametrize(
    "target",
    [
        "db", "db:", "db:0", "db:65536", "db:99999999999", "db:x", "db:²", ":80", "::1:80",
        "[]:80", "[::1:80", "[db]:80", "a@b:80", "a/b:80", "a\0b:80", "bücher:80", "http://a:80",
        f"{'a' * 256}:80", "[fe80::1%\x01]:80", "a:80 x",
    ],
)  # fmt: skip
def test_a_target_that_is_none_is_a_bad_request(target: str) -> None:
    handshake, answer = fed(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode(), [])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "bad HTTP request" in handshake.error
    assert handshake.request is None


@pytest.mark.parametrize("line", ["CONNECT a:1", "CONNECT a:1 HTTP/2.0", "CONNECT  a:1 HTTP/1.1"])
def test_a_request_line_that_is_none_is_a_bad_request(line: str) -> None:
    _, answer = fed(f"{line}\r\n\r\n".encode(), [])
    assert answer.startswith(b"HTTP/1.1 400 ")


@given(
    host=HOSTS,
    path=st.from_regex(r"/[!-~]{0,80}", fullmatch=True).filter(lambda path: "#" not in path),
    body=st.binary(max_size=50),
    cuts=CUTS,
)
def test_a_plain_request_is_made_into_one_for_its_target(
    host: str, path: str, body: bytes, cuts: list[int]
) -> None:
    head = (
        f"POST HTTP://{host}:8080{path} HTTP/1.1\r\nHost: another\r\nAccept:  */*\r\n"
        "Proxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n"
        "Connection: keep-alive, X-Mine\r\nx-mine: 1\r\nKeep-Alive: 5\r\nCookie: \xe4=1\r\n\r\n"
    )
    handshake, answer = fed(head.encode("latin-1") + body, cuts)
    assert handshake.request == PlainRequest(host, 8080)
    assert (answer, handshake.error) == (b"", "")
    expected = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:8080\r\nAccept: */*\r\nCookie: \xe4=1\r\n"
        "Connection: close\r\n\r\n"
    )
    assert handshake.rest == expected.encode("latin-1") + body


@pytest.mark.parametrize(
    ("line", "first", "request_"),
    [
        ("GET http://web HTTP/1.0", b"GET / HTTP/1.0", PlainRequest("web", 80)),
        ("GET http://web?q HTTP/1.1", b"GET /?q HTTP/1.1", PlainRequest("web", 80)),
        ("OPTIONS http://web HTTP/1.1", b"OPTIONS * HTTP/1.1", PlainRequest("web", 80)),
        ("M-SEARCH http://[::1]/a HTTP/1.1", b"M-SEARCH /a HTTP/1.1", PlainRequest("::1", 80)),
        ("GET http://[::1]:81/ HTTP/1.1", b"GET / HTTP/1.1", PlainRequest("::1", 81)),
    ],
)
def test_plain_addresses(line: str, first: bytes, request_: PlainRequest) -> None:
    handshake, _ = fed(f"{line}\r\n\r\n".encode(), [])
    assert handshake.request == request_
    assert handshake.rest.startswith(first + b"\r\nHost: ")


@pytest.mark.parametrize(
    "said",
    [
        "GET https://web/ HTTP/1.1",
        "GET ftp://web/ HTTP/1.1",
        "GET web:80 HTTP/1.1",
        "GET http:///path HTTP/1.1",
        "GET http://me:secret@web/ HTTP/1.1",
        "GET http://web:0/ HTTP/1.1",
        "GET http://web/#part HTTP/1.1",
        "GET http://web/ HTTP/1.1\r\n folded",
        "GET http://web/ HTTP/1.1\r\nno colon",
        "GET http://web/ HTTP/1.1\r\nSpace : x",
        "GET http://web/ HTTP/1.1\r\nA: b\rC: d",
        "GET http://web/ HTTP/1.1\r\nA: b\0",
    ],
)
def test_a_plain_request_that_is_none_is_never_sent_on(said: str) -> None:
    handshake, answer = fed(f"{said}\r\n\r\n".encode(), [])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert handshake.request is None
    assert handshake.rest == b""
    assert b"secret" not in answer


@pytest.mark.parametrize("line", ["POST /", "DELETE /proxy.pac", "OPTIONS *"])
def test_what_cannot_be_asked_of_the_proxy_itself_is_explained(line: str) -> None:
    handshake, answer = fed(f"{line} HTTP/1.1\r\nHost: web\r\n\r\n".encode(), [])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET, HEAD\r\n" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert b"a proxy of sshdash" in body
    assert "the proxy itself" in handshake.error


@pytest.mark.parametrize("ends", [0, -1])
def test_headers_may_have_8_kib_and_no_byte_more(ends: int) -> None:
    start, end = b"CONNECT a:1 HTTP/1.1\r\nX: ", b"\r\n\r\n"
    head = start + b"x" * (LONGEST_HEAD + 1 + ends - len(start) - len(end)) + end
    for cuts in ([], [LONGEST_HEAD // 2]):
        handshake, answer = fed(head + b"early", cuts)
        if ends:
            assert handshake.request == ConnectRequest("a", 1)
        else:
            assert answer.startswith(b"HTTP/1.1 431 ")
            assert handshake.request is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("localhost:1080", "localhost:1080"),
        ("127.0.0.1:1080", "127.0.0.1:1080"),
        ("[::1]:1080", "[::1]:1080"),
        ("[::1]", "[::1]:80"),
        ("gate", "gate:80"),
    ],
)
def test_the_pac_file_names_the_address_the_client_used(host: str, address: str) -> None:
    head = f"GET /proxy.pac?x HTTP/1.1\r\nhost:  {host} \r\n\r\n".encode()
    handshake, answer = fed(head, [20])
    assert (handshake.done, handshake.request, handshake.error) == (True, None, "")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"application/x-ns-proxy-autoconfig" in head
    assert f'return "SOCKS5 {address}; PROXY {address}";'.encode() in body
    _, only_head = fed(f"HEAD /proxy.pac HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), [])
    assert only_head == head + b"\r\n\r\n"


@pytest.mark.parametrize("headers", ["", "Host: a\r\nHost: b\r\n", 'Host: a";alert(1)//\r\n'])
def test_a_pac_file_is_not_made_of_a_bad_address(headers: str) -> None:
    _, answer = fed(f"GET /proxy.pac HTTP/1.1\r\n{headers}\r\n".encode(), [])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"alert" not in answer


def test_whoever_looks_at_the_port_with_a_browser_is_told_what_it_is() -> None:
    handshake, answer = fed(b"GET / HTTP/1.1\r\nHost: localhost:1080\r\n\r\n", [])
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"a proxy of sshdash" in answer
    assert handshake.error == ""


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal.PROHIBITED, 403),
        (Refusal.REFUSED, 502),
        (Refusal.UNKNOWN_NAME, 502),
        (Refusal.OTHER, 502),
        (Refusal.TIMED_OUT, 504),
        (Refusal.LOST, 503),
        (Refusal.SHORTAGE, 503),
    ],
)
def test_replies(refusal: Refusal, status: int) -> None:
    request = ConnectRequest("::1", 80)
    assert request.reply(None) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert PlainRequest("::1", 80).reply(None) == b"", "the target answers by itself"
    assert PlainRequest("::1", 80).reply(refusal) == request.reply(refusal)
    reply = request.reply(refusal)
    assert reply.startswith(f"HTTP/1.1 {status} ".encode())
    why = "not allowed" if refusal is Refusal.PROHIBITED else refusal.value
    assert f"[::1]:80: {why}\n".encode() in reply
