"""The short options that ssh and scp have for what ``-o`` can say too: ``-l -p -i -J``, ``-C``…"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from sshdash.config.tokens import TokenError, expand_tilde
from sshdash.untrusted import clean

_OPTIONS = {
    "-l": ("USER", "log in as USER"),
    "-p": ("PORT", "connect to PORT"),
    "-P": ("PORT", "connect to PORT"),
    "-i": ("FILE", "try the private key in FILE first"),
    "-J": ("DEST", "go through DEST, or through several with commas"),
}


_SWITCHES = {
    "-4": ("AddressFamily=inet", "use IPv4 only"),
    "-6": ("AddressFamily=inet6", "use IPv6 only"),
    "-A": ("ForwardAgent=yes", "lend your agent to the host"),
    "-B": ("BatchMode=yes", "ask for nothing"),
    "-C": ("Compression=yes", "compress what goes over the network"),
    "-a": ("ForwardAgent=no", "lend it no agent"),
    "-g": ("GatewayPorts=yes", "let other machines connect, where no bind address is given"),
    "-q": ("LogLevel=QUIET", "tell of no banners and warnings"),
    "-x": ("ForwardX11=no", "no X11, as always"),
}
_WORDS = {
    "-b": ("ADDRESS", "BindAddress={}", "connect from ADDRESS"),
    "-c": ("CIPHER", "Ciphers={}", "encrypt with CIPHER, or one of several with commas"),
    "-e": ("CHAR", "EscapeChar={}", "the escape character, or none"),
    "-m": ("MAC", "MACs={}", "authenticate what is sent with MAC, or one of several with commas"),
}
SHORT_FORMS = (*_SWITCHES, *_WORDS)
"""All that `add_short_forms` knows."""


def add_ssh_options(
    parser: argparse.ArgumentParser,
    names: Sequence[str] = ("-l", "-p", "-i", "-J"),
    dest: str = "late_option",
) -> None:
    """Add short options to a command; ``-P`` is scp's name for ``-p``.

    They are kept in `dest`, in their order among those of ``-o``.
    """
    for name in names:
        metavar, text = _OPTIONS[name]
        parser.add_argument(
            name,
            dest=dest,
            metavar=metavar,
            action=_Override,
            default=argparse.SUPPRESS,
            help=text,
        )


def add_short_forms(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Add further options of ssh or scp for what ``-o`` can say too, such as ``-C``."""
    for name in names:
        if name in _SWITCHES:
            setting, text = _SWITCHES[name]
            how: dict[str, Any] = {"action": "append_const", "const": setting}
        else:
            metavar, form, text = _WORDS[name]
            how = {"action": "append", "metavar": metavar, "type": form.format}
        parser.add_argument(name, dest="late_option", default=argparse.SUPPRESS, help=text, **how)


def add_forward_options(parser: argparse.ArgumentParser) -> None:
    """Add further options that people give ssh where they want forwards and nothing else."""
    add_short_forms(parser, ("-4", "-6", "-b", "-C", "-c", "-g", "-m", "-q"))
    parser.add_argument(
        "-N", "-T", "-n", dest="no_shell", action="store_true", help="open no shell, as always"
    )
    parser.add_argument("-f", action=_Detach, nargs=0, help=argparse.SUPPRESS)


def add_user_options(parser: argparse.ArgumentParser) -> None:
    """Add what says whose rights are used on the hosts."""
    parser.add_argument(
        "--sudo",
        action="store_const",
        const="root",
        dest="user",
        help="be root on the hosts, by sudo or doas",
    )
    parser.add_argument(
        "--sudo-user", metavar="USER", dest="user", help="be USER on the hosts, by sudo or doas"
    )


class _Detach(argparse.Action):
    """Says by what name ssh's ``-f`` goes here."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        parser.error("for -f of ssh there is --detach, which returns once the forwards are open")


class _Override(argparse.Action):
    """Appends to the same list as ``-o``: among both, the first one wins."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        option = "-p" if option_string == "-P" else str(option_string)
        value = str(values)
        if option == "-i":
            found = _key_file(value)
            if found is None:
                return
            value = found
        taken = getattr(namespace, self.dest, None) or []
        setattr(namespace, self.dest, [*taken, (option, value)])


def _key_file(text: str) -> str | None:
    """Return the path of a key, None with a warning where there is none, as ssh does."""
    try:
        path = expand_tilde(text)
        os.stat(path)
    except (OSError, TokenError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        print(f"sshdash: no key in {clean(text)}: {why}", file=sys.stderr)
        return None
    return path
