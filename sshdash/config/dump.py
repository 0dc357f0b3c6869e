"""A resolved host in the format of ``ssh -G`` (OpenSSH 9.2p1 of Debian 12)."""

from collections.abc import Iterator

from sshdash.config.algorithms import assemble
from sshdash.config.jumps import NO_JUMP
from sshdash.config.options import Options
from sshdash.config.resolved import ResolvedHost

_SPOKEN = {"yes": "true", "no": "false"}
_LEVELS = {"QUIET": "SILENT", "DEBUG1": "DEBUG"}
"""The first of OpenSSH's names for a level."""
_WORDS = frozenset(
    {
        "addkeystoagent",
        "canonicalizehostname",
        "controlmaster",
        "pubkeyauthentication",
        "requesttty",
        "stricthostkeychecking",
        "tunnel",
        "updatehostkeys",
        "verifyhostkeydns",
    }
)
"""Keywords with more than two values, of which ``yes`` and ``no`` print as true and false."""
_FIRST = """
    addressfamily batchmode canonicalizefallbacklocal canonicalizehostname checkhostip
    compression controlmaster enablesshkeysign clearallforwardings exitonforwardfailure
    fingerprinthash forwardx11 forwardx11trusted gatewayports gssapiauthentication
    gssapikeyexchange gssapidelegatecredentials gssapitrustdns gssapirenewalforcesrekey
    gssapikexalgorithms hashknownhosts hostbasedauthentication identitiesonly
    kbdinteractiveauthentication nohostauthenticationforlocalhost passwordauthentication
    permitlocalcommand proxyusefdpass pubkeyauthentication requesttty sessiontype stdinnull
    forkafterauthentication streamlocalbindunlink stricthostkeychecking tcpkeepalive tunnel
    verifyhostkeydns visualhostkey updatehostkeys enableescapecommandline canonicalizemaxdots
    connectionattempts forwardx11timeout numberofpasswordprompts serveralivecountmax
    serveraliveinterval requiredrsasize bindaddress bindinterface ciphers controlpath
    hostkeyalgorithms hostkeyalias hostbasedacceptedalgorithms identityagent ignoreunknown
    kbdinteractivedevices kexalgorithms casignaturealgorithms localcommand remotecommand
    loglevel macs pkcs11provider securitykeyprovider preferredauthentications
    pubkeyacceptedalgorithms revokedhostkeys xauthlocation knownhostscommand
"""
_ALGORITHMS = frozenset(
    {
        "ciphers",
        "macs",
        "kexalgorithms",
        "casignaturealgorithms",
        "hostkeyalgorithms",
        "hostbasedacceptedalgorithms",
        "pubkeyacceptedalgorithms",
    }
)


def dump(resolved: ResolvedHost) -> str:
    """Return every value, one per line, as ``ssh -G`` prints them."""
    return "".join(f"{line}\n" for line in lines(resolved))


def lines(resolved: ResolvedHost) -> Iterator[str]:
    """Give the lines of `dump`, each a keyword, a space and its value."""
    options = resolved.options
    yield f"host {resolved.alias}"
    yield f"user {options.first('user')}"
    yield f"hostname {resolved.hostname}"
    yield f"port {resolved.port}"
    yield from _single(options)
    yield from _forwards(options)
    yield from _lists(options)
    yield from _special(options)
    yield from _proxy(options)


def _single(options: Options) -> Iterator[str]:
    for key in _FIRST.split():
        value = options.first(key)
        if key in _ALGORITHMS:
            value = ",".join(assemble(key, value))
        elif key in _WORDS and value is not None:
            value = _SPOKEN.get(value, value)
        elif key == "revokedhostkeys" and value is not None:
            value = " ".join(options.single[key])
        elif key == "loglevel" and value is not None:
            value = _LEVELS.get(value, value)
        if value is not None:
            yield f"{key} {value}"
        if key == "gssapirenewalforcesrekey":
            yield from _gss_identities(options)


def _gss_identities(options: Options) -> Iterator[str]:
    for key in ("gssapiclientidentity", "gssapiserveridentity"):
        value = options.first(key)
        if value is not None:
            yield f"{key} {value}"


def _forwards(options: Options) -> Iterator[str]:
    listeners = _listeners(options)
    for key in ("dynamicforward", "localforward"):
        for listen, target in listeners:
            socks = not target or target.startswith("[socks]:")
            if key == "localforward" and not socks:
                yield f"{key} {listen} {target}"
            elif key == "dynamicforward" and (socks or not target.startswith("[")):
                # ssh -G prints a forward to a socket twice
                yield f"{key} {listen}"
    for canonical, _ in options.collected.get("remoteforward", ()):
        socks = " " not in canonical
        yield f"remoteforward {canonical} [socks]:0" if socks else f"remoteforward {canonical}"


def _listeners(options: Options) -> list[tuple[str, str]]:
    """Return what listens here and its target, in the order of the lines."""
    entries = {
        key: iter(options.collected.get(key, ())) for key in ("localforward", "dynamicforward")
    }
    pairs = [next(entries[key])[0].partition(" ") for key in options.listeners]
    return [(listen, target) for listen, _, target in pairs]


def _lists(options: Options) -> Iterator[str]:
    for (path,) in options.collected["identityfile"]:
        yield f"identityfile {path}"
    yield f"canonicaldomains {_joined(options, 'canonicaldomains')}"
    for (path,) in options.collected.get("certificatefile", ()):
        yield f"certificatefile {path}"
    for key in ("globalknownhostsfile", "userknownhostsfile"):
        yield f"{key} {_joined(options, key)}"
    for name in options.send_env:
        yield f"sendenv {name}"
    for value in options.single.get("setenv", ()):
        yield f"setenv {value}"
    yield f"logverbose {_joined(options, 'logverbose')}"


def _joined(options: Options, key: str, empty: str = "none") -> str:
    return " ".join(options.single.get(key, ())) or empty


def _special(options: Options) -> Iterator[str]:
    single = options.single
    yield f"permitremoteopen {_joined(options, 'permitremoteopen', 'any')}"
    add = single["addkeystoagent"]
    if len(add) == 2:
        yield f"addkeystoagent{' confirm' if add[0] == 'confirm' else ''} {add[1]}"
    else:
        yield f"addkeystoagent {_SPOKEN.get(add[0], add[0])}"
    yield f"forwardagent {options.first('forwardagentpath') or single['forwardagent'][0]}"
    yield f"connecttimeout {options.first('connecttimeout') or 'none'}"
    yield f"tunneldevice {single['tunneldevice'][0]}"
    yield f"canonicalizePermittedcnames {_joined(options, 'canonicalizepermittedcnames')}"
    yield f"controlpersist {single['controlpersist'][0]}"
    yield f"escapechar {_visible(single['escapechar'][0])}"
    yield f"ipqos {single['ipqos'][0]} {single['ipqos'][1]}"
    yield f"rekeylimit {single['rekeylimit'][0]} {single['rekeyinterval'][0]}"
    yield f"streamlocalbindmask 0{single['streamlocalbindmask'][0]}"
    yield f"syslogfacility {single['syslogfacility'][0]}"


def _visible(char: str) -> str:
    """Return an escape character as vis(3) shows it."""
    if char == "none":
        return char
    code = char.encode("utf-8", "surrogateescape")[0]
    meta, code = ("\\M", code & 0x7F) if code & 0x80 else ("", code)
    if code < 32 or code == 127:
        return f"{meta or chr(92)}^{chr(code ^ 64)}"
    if meta:
        return f"{meta}-{chr(code)}" if code != 32 else "\\240"
    return {" ": "\\040", "\\": "\\\\"}.get(char, char)


def _proxy(options: Options) -> Iterator[str]:
    jump = options.single.get("proxyjump")
    if jump is None:
        command = options.first("proxycommand")
        if command is not None:
            yield f"proxycommand {command}"
        return
    yield f"proxyjump {_jump_text(jump)}"


def _jump_text(jump: tuple[str, ...]) -> str:
    before, user, host, port = jump
    numeric = ":" in host or not host.strip("1234567890.")
    shown = f"[{host}]" if numeric else host
    extra = f"{before}," if before else ""
    login = f"{user}@" if user else ""
    tail = f":{port}" if port else ""
    return f"{extra}{login}{shown}{tail}"


def spelled(key: str, values: tuple[str, ...]) -> str:
    """Return the values of one line of a file in the words that `dump` has for them."""
    if key == "proxyjump":
        return "none" if values == NO_JUMP else _jump_text(values)
    if key in _WORDS:
        return _SPOKEN.get(values[0], " ".join(values))
    return " ".join(values)
