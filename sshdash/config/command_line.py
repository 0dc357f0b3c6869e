"""What the command line says before any file: ``-o`` and the short options of ssh.

An override is a keyword and its value as for ``-o``, or one of the options ``-l``, ``-p``,
``-i`` and ``-J`` and its argument, which is taken as it is.
"""

from sshdash.config.assignments import BadValue
from sshdash.config.destination import Destination, check_user
from sshdash.config.jumps import parse_jumps
from sshdash.config.lexer import split_keyword
from sshdash.config.numbers import port_number
from sshdash.config.options import COMMAND_LINE, Options, TooMany
from sshdash.config.parser import LineKind, late_values, parse_line
from sshdash.config.patterns import matches_list
from sshdash.errors import SSHConfigError

SHORT_OPTIONS = ("-l", "-p", "-i", "-J")


def read_command_line(
    options: Options, overrides: tuple[tuple[str, str], ...], wanted: Destination
) -> None:
    """Apply the overrides in their order, then what the destination itself names.

    Raises SSHConfigError for what ssh refuses.
    """
    for key, value in overrides:
        if key in SHORT_OPTIONS:
            _short(options, key, value)
        else:
            _long(options, f"{key}={value}")
    if options.first("sessiontype") == "subsystem":
        raise _wrong("-o SessionType=subsystem", "there is no subsystem to invoke")
    user = options.first("user")
    if user is not None:
        try:
            check_user(user)
        except ValueError as error:
            raise _wrong(f"-o User={user}", error) from error
    if wanted.user is not None:
        options.apply((("user", (wanted.user,)),), COMMAND_LINE, user=True)
    if wanted.port is not None:
        options.apply((("port", (str(wanted.port),)),), COMMAND_LINE, user=True)


def _short(options: Options, option: str, value: str) -> None:
    """Apply one short option; a port or user that comes second is not even looked at."""
    if option == "-p" and "port" not in options.single:
        number = port_number(value)
        if number <= 0:
            raise _wrong(f"-p {value}", "bad port")
        options.apply((("port", (str(number),)),), COMMAND_LINE, user=True)
    elif option == "-l":
        options.apply((("user", (value,)),), COMMAND_LINE, user=True)
    elif option == "-i":
        try:
            options.apply((("identityfile", (value,)),), COMMAND_LINE, user=True)
        except TooMany as error:
            raise _wrong(f"-i {value}", error) from error
    elif option == "-J":
        _jump(options, value)


def _jump(options: Options, value: str) -> None:
    if "proxyjump" in options.single:
        raise _wrong(f"-J {value}", "give all jump hosts in one -J, with commas")
    if "proxycommand" in options.single:
        raise _wrong(f"-J {value}", "it cannot be used with ProxyCommand")
    jumps = parse_jumps(value)
    if jumps is None:
        raise _wrong(f"-J {value}", "invalid jump hosts")
    options.apply((("proxyjump", jumps),), COMMAND_LINE, user=True)


def _long(options: Options, text: str) -> None:
    parts = split_keyword(text)
    if parts is None:
        return
    if parts[0] in ("host", "match", "include"):
        raise _wrong(f"-o {text}", f"{parts[0]} is not supported as a command-line option")
    line = parse_line(1, *parts)
    ignored = options.first("ignoreunknown")
    unknown = line.kind is LineKind.UNKNOWN
    if unknown and ignored is not None and matches_list(line.keyword, ignored, fold=True):
        return
    if line.kind in (LineKind.ERROR, LineKind.UNKNOWN):
        raise _wrong(f"-o {text}", line.problem)
    try:
        values = late_values(line) if line.kind is LineKind.LATE else line.values
        options.apply(values, COMMAND_LINE, user=True)
    except (BadValue, TooMany) as error:
        raise _wrong(f"-o {text}", error) from error


def _wrong(argument: str, problem: object) -> SSHConfigError:
    return SSHConfigError(
        "The SSH configuration is wrong", "command line", 0, detail=f"{argument}: {problem}"
    )
