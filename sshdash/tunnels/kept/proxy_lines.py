"""Lines to copy that send programs through the proxy of a dynamic forward. Pure.

``socks5h`` and not ``socks5``: the h leaves names to the far side.
"""

from sshdash.quoting import quoted

Line = tuple[str, str]
"""What it is for, and the text."""


def proxy_lines(address: str) -> list[Line]:
    """Return the lines for a proxy at ``host:port``; words in capitals are left to the reader."""
    socks, http = f"socks5h://{address}", f"http://{address}"
    variables = ("http_proxy", "https_proxy", "HTTPS_PROXY")
    settings = " ".join(f"{name}={quoted(http)}" for name in variables)
    through_nc = f"ProxyCommand=nc -X 5 -x {address} %h %p"
    return [
        ("curl", f"curl --proxy {quoted(socks)} https://HOST/"),
        ("environment", f"export ALL_PROXY={quoted(socks)} {settings}"),
        ("PAC file", f"{http}/proxy.pac"),
        ("Chromium", f"chromium --proxy-server={quoted(f'socks5://{address}')}"),
        ("git", f"git -c http.proxy={quoted(socks)} clone https://HOST/REPOSITORY"),
        ("ssh", f"ssh -o {quoted(through_nc)} HOST"),
        ("address", address),
    ]


def socket_proxy_lines(path: str) -> list[Line]:
    """Return the lines for a proxy on a Unix socket, which few programs can use."""
    proxy = f"socks5h://localhost{path}"
    return [("curl", f"curl --proxy {quoted(proxy)} https://HOST/"), ("address", path)]
