"""What a proxy answers by HTTP in its own name: refusals, and the PAC file. Pure."""

from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.proxy.proxy_request import TurnedAway
from sshdash.tunnels.spec import host_port

PAC_PATH = "/proxy.pac"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_PLAIN = "text/plain; charset=utf-8"
_PAC = "application/x-ns-proxy-autoconfig"
_BAD_GATEWAY = "502 Bad Gateway"
_STATUSES = {
    Refusal.PROHIBITED: "403 Forbidden",
    Refusal.TIMED_OUT: "504 Gateway Timeout",
    Refusal.SHORTAGE: "503 Service Unavailable",
    Refusal.LOST: "503 Service Unavailable",
}
_WHAT_THIS_IS = (
    "This port is a proxy of sshdash: what goes through it comes out at the host of its forward.\n"
    "It speaks SOCKS 4, 4a and 5 and HTTP. Point a program at it as socks5h:// or http:// and\n"
    f"this address, or a browser at http:// and this address and {PAC_PATH}.\n"
)


def refused(host: str, port: int, refusal: Refusal) -> bytes:
    """Return the response where a target could not be reached: a status, and why in words."""
    # Either end may be the one that forbids it.
    why = "not allowed" if refusal is Refusal.PROHIBITED else refusal.value
    text = f"{host_port(host, port)}: {why}\n"
    return _response(_STATUSES.get(refusal, _BAD_GATEWAY), text)


def pac_file(address: str) -> bytes:
    """Return the response with the proxy auto-configuration for a proxy at ``host:port``.

    Everything goes through the proxy and there is no way around it in the file: what a tunnel
    cannot reach fails.
    """
    text = (
        "function FindProxyForURL(url, host) {\n"
        f'  return "SOCKS5 {address}; PROXY {address}";\n'
        "}\n"
    )
    return _response("200 OK", text, _PAC)


def nothing_there() -> bytes:
    """Return the response to whoever looks at the port with a browser."""
    return _response("404 Not Found", _WHAT_THIS_IS)


def headers_only(response: bytes) -> bytes:
    """Return a response as HEAD gets it."""
    head, end, _ = response.partition(b"\r\n\r\n")
    return head + end


def bad_request(reason: str) -> TurnedAway:
    """Return the error for a request that is none."""
    answer = _response("400 Bad Request", f"{reason}.\n{_WHAT_THIS_IS}")
    return TurnedAway(f"a client sent a bad HTTP request: {reason}", answer)


def not_allowed(method: str) -> TurnedAway:
    """Return the error for a method that is asked of the proxy itself."""
    answer = _response(
        "405 Method Not Allowed",
        f"{method} of the proxy itself is not possible.\n{_WHAT_THIS_IS}",
        extra="Allow: GET, HEAD\r\n",
    )
    return TurnedAway(f"a client asked the proxy itself for {method}", answer)


def too_large(limit: int) -> TurnedAway:
    """Return the error for a request line and headers of more than `limit` bytes."""
    answer = _response(
        "431 Request Header Fields Too Large", f"The headers are longer than {limit} bytes.\n"
    )
    return TurnedAway("the headers of a client's HTTP request are too long", answer)


def _response(status: str, text: str, kind: str = _PLAIN, extra: str = "") -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"{extra}Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
