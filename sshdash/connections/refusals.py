"""Configurations that want no connection, or a way there that sshdash does not go."""

from sshdash.config.lexer import LexError, split_words
from sshdash.config.resolver import ResolvedHost
from sshdash.errors import ConnectError
from sshdash.untrusted import clean


def refuse_connection(resolved: ResolvedHost) -> None:
    """Raise ConnectError where the configuration forbids what is about to be tried."""
    message = resolved.get("refuseconnection")
    if message:
        place = next(iter(resolved.origins.get("refuseconnection", ())), "the configuration")
        raise ConnectError(
            "The configuration refuses this connection",
            detail=f"{clean(message, 400)} (RefuseConnection at {place})",
            host=resolved.alias,
        )
    if resolved.proxy_command is None:
        return
    if resolved.flag("proxyusefdpass"):
        raise ConnectError(
            "ProxyUseFdpass is not supported",
            detail="the ProxyCommand would hand over a socket and end; sshdash talks through "
            "its input and output",
            hint="use a ProxyCommand that passes the data on, without ProxyUseFdpass",
            host=resolved.alias,
        )
    if resolved.proxy_command == "-":
        raise ConnectError(
            'ProxyCommand "-" is not supported',
            detail="the way to the server would be sshdash's own input and output",
            hint="use what stands behind them as the ProxyCommand",
            host=resolved.alias,
        )


def first_word(text: str) -> str:
    """Return the first argument of a line, without its quotes; "" where there is none."""
    try:
        return next(iter(split_words(text)), "")
    except LexError:
        return text.strip()
