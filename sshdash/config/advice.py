"""What bites people in a configuration that is right: each told with its place and a way out."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from sshdash.config.destination import Destination
from sshdash.config.dump import spelled
from sshdash.config.explain import RIVALS
from sshdash.config.keywords import KEYWORDS, Use
from sshdash.config.options import DEFAULT, Origin, Shadowed
from sshdash.config.resolved import ResolvedHost
from sshdash.config.resolver import Resolver
from sshdash.config.spelling import SPELLING
from sshdash.errors import SSHDashError
from sshdash.paths import system_ssh_config
from sshdash.untrusted import clean

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAX_HOPS = 16
_WIDTH = 300
_SHORT = 80


class Advice(Struct, frozen=True):
    """One thing to know about a host's configuration; the texts are cleaned."""

    kind: str
    """``loop``, ``trust``, ``key``, ``order``, ``security`` or ``ignored``."""
    text: str
    short: str
    """The same for a narrow place."""
    hint: str = ""
    origin: Origin = DEFAULT

    @property
    def place(self) -> str:
        """Return where it stands, empty where it has no line."""
        return clean(str(self.origin)) if self.origin != DEFAULT else ""

    def __str__(self) -> str:
        """Return place, text and hint in one line."""
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.text}" + (f" → {self.hint}" if self.hint else "")


def advise(resolved: ResolvedHost, resolver: Resolver) -> tuple[Advice, ...]:
    """Return what to know, the gravest first.

    Looks at key files and resolves the jump hosts, without running commands or asking the
    network.
    """
    return (
        *_loops(resolved, resolver),
        *_trust(resolved),
        *_keys(resolved),
        *_order(resolved),
        *ignored_keywords(resolved),
    )


def advise_all(hosts: Iterable[str], resolver: Resolver) -> Iterator[Advice]:
    """Give what to know about any of the hosts, each thing once.

    A host that does not resolve is passed over: what is wrong is a problem of the list.
    """
    told: set[tuple[str, Origin, str]] = set()
    with resolver.cache.held():
        for host in hosts:
            try:
                found = advise(resolver.preview(host), resolver)
            except SSHDashError:
                continue
            for advice in found:
                mark = (advice.kind, advice.origin, advice.text)
                if mark not in told:
                    told.add(mark)
                    yield advice


def ignored_keywords(resolved: ResolvedHost, *, security_only: bool = False) -> list[Advice]:
    """Return the keywords set for a host on which sshdash does not act, security first."""
    found = []
    for key in resolved.ignored:
        keyword = KEYWORDS[key]
        security = keyword.use is Use.SECURITY
        if security or not (security_only or _is_distribution(resolved.origins[key][0])):
            kind = "security" if security else "ignored"
            name = SPELLING.get(key, key)
            text = f"{name} is not acted on: {keyword.why}"
            found.append(Advice(kind, text, name, origin=resolved.origins[key][0]))
    return sorted(found, key=lambda advice: advice.kind != "security")


def _is_distribution(origin: Origin) -> bool:
    """Return whether a line came with the system: nobody here chose what it says."""
    return Path(origin.file).is_relative_to(system_ssh_config().parent)


def _order(resolved: ResolvedHost) -> Iterator[Advice]:
    """Tell of values for every host that stand before those for this one."""
    groups: dict[tuple[str, str, str], list[tuple[Origin, Shadowed, str]]] = {}
    for key, entries in resolved.options.shadowed.items():
        for lost in entries:
            winner = _winner(resolved, key)
            same = resolved.options.single.get(key) == lost.values
            if winner is None or not winner.general or lost.origin.general or same:
                continue
            group = (winner.file, winner.block, lost.origin.block)
            groups.setdefault(group, []).append((winner, lost, key))
    for (_, general, special), members in groups.items():
        values = [
            f"{SPELLING.get(key, key)} {spelled(key, lost.values)}" for _, lost, key in members
        ]
        winner, lost, _ = members[0]
        where = f"{general} comes" if general else "what stands above the first Host comes"
        text = f"{where} before {special} (line {lost.origin.line}), whose values are not used: "
        short = clean(f"{general or 'line ' + str(winner.line)} hides {', '.join(values)}", _SHORT)
        hint = "the first value wins: put what is for all hosts last"
        yield Advice("order", clean(text + ", ".join(values), _WIDTH), short, hint, winner)


def _winner(resolved: ResolvedHost, key: str) -> Origin | None:
    """Return the line whose value is used; None where it is the command line's."""
    places = resolved.origins.get(key) or resolved.origins.get(RIVALS.get(key, ""), ())
    return places[0] if places and places[0].file else None


def _loops(resolved: ResolvedHost, resolver: Resolver) -> Iterator[Advice]:
    """Tell of jump hosts that lead back to a host on the way."""
    hops = Resolver(resolver.source.of_files_alone())
    hops.cache = resolver.cache
    circle = _circle(resolved, hops, (resolved.alias,))
    if circle:
        path = clean(" → ".join(circle), _WIDTH)
        origin = next(iter(resolved.origins.get("proxyjump", ())), DEFAULT)
        hint = f"give {clean(circle[-2])} ProxyJump none"
        text = f"ProxyJump leads in a circle: {path}"
        yield Advice("loop", text, f"circle: {path}", hint, origin)


def _circle(resolved: ResolvedHost, hops: Resolver, above: tuple[str, ...]) -> tuple[str, ...]:
    for jump in resolved.proxy_jump:
        path = (*above, jump.host)
        if jump.host in above or len(above) >= _MAX_HOPS:
            return path
        found = _circle_behind(jump, hops, path)
        if found:
            return found
    return ()


def _circle_behind(jump: Destination, hops: Resolver, path: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return _circle(hops.preview(jump), hops, path)
    except SSHDashError as error:
        return (*path, jump.host) if "jump host loop" in error.detail else ()


def _trust(resolved: ResolvedHost) -> Iterator[Advice]:
    """Tell of a host that is connected to whatever key it shows."""
    if resolved.options.first("stricthostkeychecking") in ("no", "off"):
        yield Advice(
            "trust",
            "host keys are not checked (StrictHostKeyChecking no): anybody on the way can pose as"
            " the host",
            "host key not checked",
            "accept-new trusts the first key and refuses another one later",
            next(iter(resolved.origins.get("stricthostkeychecking", ())), DEFAULT),
        )


def _keys(resolved: ResolvedHost) -> Iterator[Advice]:
    """Tell of key files that cannot be used."""
    places = resolved.origins.get("identityfile", ())
    try:
        paths = resolved.get_all("identityfile")
        certificates = resolved.get_all("certificatefile")
    except SSHDashError as error:
        detail = clean(error.detail, _WIDTH)
        yield Advice("key", f"{error.title}: {detail}", detail, clean(error.hint))
        return
    for at, path in enumerate(paths):
        origin = places[at] if at < len(places) else DEFAULT
        if path.lower() != "none":
            yield from _key(path, origin)
    for path, origin in zip(certificates, resolved.origins.get("certificatefile", ()), strict=True):
        if not os.path.exists(path):
            text = f"the certificate {clean(path, _WIDTH)} does not exist"
            yield Advice("key", text, f"{_file_name(path)} is missing", origin=origin)


def _key(path: str, origin: Origin) -> Iterator[Advice]:
    name = clean(path, _WIDTH)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if origin != DEFAULT and not os.path.exists(f"{path}.pub"):
            short = f"{_file_name(path)} is missing"
            yield Advice("key", f"the key {name} does not exist", short, origin=origin)
        return
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "the name has a NUL"
        short = f"{_file_name(path)}: {why}"
        yield Advice("key", f"the key {name} cannot be read: {why}", short, origin=origin)
        return
    if found.st_uid == os.getuid() and found.st_mode & _OTHERS and not path.endswith(".pub"):
        mode = stat.S_IMODE(found.st_mode)
        text = f"the key {name} is open to others (mode {mode:04o}), so it is not used"
        short = f"{_file_name(path)} is open to others"
        yield Advice("key", text, short, f"chmod 600 {name}", origin)


def _file_name(path: str) -> str:
    return clean(os.path.basename(path), _SHORT)
