"""The arguments of LocalForward, RemoteForward and DynamicForward, checked as OpenSSH does."""

from dataclasses import dataclass

from sshdash.config.numbers import port_number

_HOST_LIMIT = 1025
_SOCKET_LIMIT = 108


@dataclass(frozen=True, slots=True)
class Forward:
    """One forward: a listening side and, unless it is dynamic, a target."""

    listen: str
    """``port``, ``[address]:port`` or a socket's path."""
    target: str = ""
    """``[host]:port`` or a socket's path; empty for SOCKS."""
    text: str = ""
    """As written: ``[bind:]port`` or ``[bind:]port host:hostport``."""

    @property
    def canonical(self) -> str:
        """Return the forward as ``ssh -G`` prints it."""
        return f"{self.listen} {self.target}" if self.target else self.listen


def parse_forward(listen: str, target: str | None, *, remote: bool = False) -> Forward | None:
    """Return the forward that the two words of a directive mean, None where they are wrong.

    Without a target it is dynamic (SOCKS).
    """
    spec = listen if target is None else f"{listen}:{target}"
    fields = _fields(spec.lstrip(" \t\n\v\f\r")[:255])
    if fields is None:
        return None
    text = listen if target is None else f"{listen} {target}"
    if target is None:
        return _dynamic(fields, text, remote=remote)
    return _static(fields, text, remote=remote)


def _fields(spec: str) -> list[tuple[str, bool]] | None:
    """Return the colon-separated fields and whether each is a path."""
    fields: list[tuple[str, bool]] = []
    rest = spec
    while rest and len(fields) < 4:
        parsed = _bracketed(rest) if rest.startswith("[") else _bare(rest)
        if parsed is None:
            return None
        field, rest = parsed
        fields.append((field, "/" in field))
    return fields if fields and not rest else None


def _bracketed(text: str) -> tuple[str, str] | None:
    field, bracket, rest = text[1:].partition("]")
    if not bracket or (rest and not rest.startswith(":")):
        return None
    return field, rest[1:]


def _bare(text: str) -> tuple[str, str] | None:
    parts: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == ":":
            return "".join(parts), text[at + 1 :]
        if char == "\\":
            at += 1
            if at == len(text):
                return None
            char = text[at]
        parts.append(char)
        at += 1
    return "".join(parts), ""


def _listen(host: str | None, port: str, *, remote: bool) -> str | None:
    number = port_number(port)
    if number < 0 or (number == 0 and not remote) or len(host or "") >= _HOST_LIMIT:
        return None
    return str(number) if host is None else f"[{host}]:{number}"


def _dynamic(fields: list[tuple[str, bool]], text: str, *, remote: bool) -> Forward | None:
    if len(fields) == 1 and fields[0][1]:
        path = fields[0][0]
        return Forward(path, text=text) if len(path) < _SOCKET_LIMIT else None
    if len(fields) > 2:
        return None
    if len(fields) == 2 and fields[1][1]:
        # A port or a socket, a colon and a socket: both sides in one word.
        return _static(fields, text, remote=remote)
    host = fields[0][0] if len(fields) == 2 else None
    listen = _listen(host, fields[-1][0], remote=remote)
    return Forward(listen, text=text) if listen else None


def _static(fields: list[tuple[str, bool]], text: str, *, remote: bool) -> Forward | None:
    names = [name for name, _ in fields]
    first_is_path, last_is_path = fields[0][1], fields[-1][1]
    if last_is_path and len(fields) in (2, 3):
        target: str | None = names[-1] if len(names[-1]) < _SOCKET_LIMIT else None
        rest = fields[:-1]
    elif len(fields) in (3, 4):
        number = port_number(names[-1])
        usable = number > 0 and len(names[-2]) < _HOST_LIMIT
        target = f"[{names[-2]}]:{number}" if usable else None
        rest = fields[:-2]
    else:
        return None
    if first_is_path and len(rest) == 1:
        listen = names[0] if len(names[0]) < _SOCKET_LIMIT else None
    else:
        host = names[0] if len(rest) == 2 else None
        listen = _listen(host, rest[-1][0], remote=remote)
    return Forward(listen, target, text) if listen and target else None
