"""Every keyword of ssh_config(5): how it is written, and what sshdash does with it.

The table is data. It covers OpenSSH 9.2 with Debian's additions, and accepts what newer
releases added.
"""

from enum import Enum

from msgspec import Struct


class Use(Enum):
    """What a keyword means to sshdash."""

    ACTS = "acts"
    """sshdash does what it says."""
    SECURITY = "security"
    """sshdash does not act on it and trust depends on it: always shown."""
    IGNORED = "ignored"
    """sshdash does not act on it, and says so where it is set."""
    NOT_APPLICABLE = "not applicable"
    """It speaks of something that sshdash does not have."""


class Kind(Enum):
    """How the arguments of a keyword are read."""

    FLAG = "yes or no"
    CHOICE = "one of some words"
    NUMBER = "number"
    TIME = "time"
    STRING = "one word"
    COMMAND = "rest of the line"
    PORT = "port"
    WORDS = "words, or none"
    FILES = "one file per line, all lines"
    ALGORITHMS = "algorithm list"
    GSS_KEX = "GSSAPI key exchanges"
    FORWARD = "forward"
    PROXY_JUMP = "jump hosts"
    ESCAPE = "escape character"
    REKEY = "size and time"
    SEND_ENV = "environment patterns"
    SET_ENV = "environment values"
    PERSIST = "yes, no or time"
    TUNNEL_DEVICE = "tunnel device"
    QOS = "one or two service classes"
    DOMAINS = "domains, or none"
    CNAMES = "rules, or none"
    MASK = "octal mask"
    LEVEL = "log level"
    FACILITY = "syslog facility"
    HASH = "hash"
    ADD_KEYS = "yes, no, ask, confirm or time"
    AGENT = "socket, name or none"
    FORWARD_AGENT = "yes, no or socket"
    REMOTE_OPEN = "targets, any or none"
    TIMEOUTS = "types and times, or none"
    KEYSTROKES = "yes, no or interval"
    ANYTHING = "anything"
    BLOCK = "starts a block"
    INCLUDE = "files"


class Keyword(Struct, frozen=True):
    """One keyword."""

    name: str
    kind: Kind
    use: Use = Use.IGNORED
    why: str = ""
    """Why sshdash does not act on it."""
    choices: tuple[str, ...] = ()


SINCE: dict[str, str] = {
    "tag": "9.4",
    "obscurekeystroketiming": "9.5",
    "channeltimeout": "9.6",
    "versionaddendum": "10.0",
    "refuseconnection": "10.1",
    "warnweakcrypto": "10.1",
}
"""Keywords that came after OpenSSH 9.2, whose ``ssh -G`` neither takes nor prints them."""
YES_NO_ASK = ("yes", "no", "ask")
_MORE: dict[str, tuple[str, ...]] = {
    "addressfamily": ("inet", "inet6", "any"),
    "canonicalizehostname": ("yes", "no", "always"),
    "compression": ("yes", "no"),
    "controlmaster": ("yes", "no", "auto", "ask", "autoask"),
    "pubkeyauthentication": ("yes", "no", "unbound", "host-bound"),
    "requesttty": ("yes", "no", "force", "auto"),
    "sessiontype": ("none", "subsystem", "default"),
    "stricthostkeychecking": ("yes", "no", "ask", "off", "accept-new"),
    "tunnel": ("ethernet", "point-to-point", "yes", "no"),
    "updatehostkeys": YES_NO_ASK,
    "verifyhostkeydns": YES_NO_ASK,
    "warnweakcrypto": ("yes", "no", "no-pq-kex"),
}
_SHARED = "one connection per host is built in"
_X11 = "there is no X11 forwarding"
_LAYER3 = "there is no layer 3 tunnel"
_GSS = "there is no GSSAPI key exchange"

_ACTS = {
    Kind.PERSIST: "controlpersist",
    Kind.FLAG: "batchmode canonicalizefallbacklocal checkhostip clearallforwardings "
    "enableescapecommandline "
    "exitonforwardfailure gatewayports gssapiauthentication gssapidelegatecredentials "
    "hashknownhosts identitiesonly kbdinteractiveauthentication "
    "nohostauthenticationforlocalhost passwordauthentication permitlocalcommand stdinnull "
    "streamlocalbindunlink tcpkeepalive visualhostkey",
    Kind.CHOICE: "addressfamily canonicalizehostname compression pubkeyauthentication requesttty "
    "sessiontype stricthostkeychecking updatehostkeys verifyhostkeydns warnweakcrypto",
    Kind.NUMBER: "canonicalizemaxdots connectionattempts numberofpasswordprompts requiredrsasize "
    "serveralivecountmax",
    Kind.TIME: "connecttimeout serveraliveinterval",
    Kind.STRING: "bindaddress bindinterface gssapiserveridentity hostkeyalias hostname "
    "ignoreunknown kbdinteractivedevices preferredauthentications refuseconnection tag user",
    Kind.COMMAND: "knownhostscommand localcommand proxycommand remotecommand",
    Kind.PORT: "port",
    Kind.WORDS: "globalknownhostsfile revokedhostkeys userknownhostsfile",
    Kind.FILES: "certificatefile identityfile",
    Kind.ALGORITHMS: "casignaturealgorithms ciphers hostkeyalgorithms kexalgorithms macs "
    "pubkeyacceptedalgorithms",
    Kind.MASK: "streamlocalbindmask",
    Kind.REMOTE_OPEN: "permitremoteopen",
    Kind.FORWARD: "dynamicforward localforward remoteforward",
    Kind.PROXY_JUMP: "proxyjump",
    Kind.FORWARD_AGENT: "forwardagent",
    Kind.ADD_KEYS: "addkeystoagent",
    Kind.SEND_ENV: "sendenv",
    Kind.SET_ENV: "setenv",
    Kind.DOMAINS: "canonicaldomains",
    Kind.CNAMES: "canonicalizepermittedcnames",
    Kind.AGENT: "identityagent",
    Kind.REKEY: "rekeylimit",
    Kind.QOS: "ipqos",
    Kind.ESCAPE: "escapechar",
    Kind.TIMEOUTS: "channeltimeout",
    Kind.LEVEL: "loglevel",
    Kind.ANYTHING: "versionaddendum",
    Kind.BLOCK: "host match",
    Kind.INCLUDE: "include",
}
_SECURITY: dict[tuple[Kind, str], str] = {}
_IGNORED = {
    (Kind.STRING, "pkcs11provider"): "use it through an agent",
    (Kind.STRING, "securitykeyprovider"): "use it through an agent",
    (Kind.FLAG, "proxyusefdpass"): "a ProxyCommand with it is refused",
    (Kind.FLAG, "hostbasedauthentication"): "there is no host-based authentication",
    (Kind.ALGORITHMS, "hostbasedacceptedalgorithms"): "there is no host-based authentication",
    (Kind.FLAG, "enablesshkeysign"): "there is no host-based authentication",
    (Kind.KEYSTROKES, "obscurekeystroketiming"): "keystroke timing is not hidden",
    (Kind.FLAG, "forwardx11"): _X11,
    (Kind.CHOICE, "tunnel"): _LAYER3,
    (Kind.FLAG, "gssapikeyexchange"): _GSS,
}
_NOT_APPLICABLE = {
    (Kind.CHOICE, "controlmaster"): _SHARED,
    (Kind.STRING, "controlpath"): _SHARED,
    (Kind.HASH, "fingerprinthash"): "fingerprints are SHA256",
    (Kind.FLAG, "forkafterauthentication"): "it stays in the foreground",
    (Kind.FLAG, "forwardx11trusted"): _X11,
    (Kind.TIME, "forwardx11timeout"): _X11,
    (Kind.STRING, "xauthlocation"): _X11,
    (Kind.TUNNEL_DEVICE, "tunneldevice"): _LAYER3,
    (Kind.FLAG, "gssapirenewalforcesrekey"): _GSS,
    (Kind.FLAG, "gssapitrustdns"): "the name is used as it is written",
    (Kind.GSS_KEX, "gssapikexalgorithms"): _GSS,
    (Kind.STRING, "gssapiclientidentity"): "the default credentials are used",
    (Kind.WORDS, "logverbose"): "the timeline tells every step",
    (Kind.FACILITY, "syslogfacility"): "nothing is sent to syslog",
}
ALIASES: dict[str, str] = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "identityfile2": "identityfile",
    "keepalive": "tcpkeepalive",
    "protocolkeepalives": "serveraliveinterval",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "setuptimeout": "serveraliveinterval",
    "skeyauthentication": "kbdinteractiveauthentication",
    "smartcarddevice": "pkcs11provider",
    "tisauthentication": "kbdinteractiveauthentication",
}
OBSOLETE = frozenset(
    {
        "protocol",
        "cipher",
        "fallbacktorsh",
        "globalknownhostsfile2",
        "rhostsauthentication",
        "useblacklistedkeys",
        "userknownhostsfile2",
        "useroaming",
        "usersh",
        "useprivilegedport",
        "afstokenpassing",
        "kerberosauthentication",
        "kerberostgtpassing",
        "rsaauthentication",
        "rhostsrsaauthentication",
        "compressionlevel",
    }
)
"""Accepted and without effect, in OpenSSH too."""


def _table() -> dict[str, Keyword]:
    table = {
        name: Keyword(name, kind, Use.ACTS, choices=_MORE.get(name, ()))
        for kind, names in _ACTS.items()
        for name in names.split()
    }
    for use, group in (
        (Use.SECURITY, _SECURITY),
        (Use.IGNORED, _IGNORED),
        (Use.NOT_APPLICABLE, _NOT_APPLICABLE),
    ):
        for (kind, name), why in group.items():
            table[name] = Keyword(name, kind, use, why, _MORE.get(name, ()))
    return table


KEYWORDS: dict[str, Keyword] = _table()


def find_keyword(name: str) -> Keyword | None:
    """Return the keyword called `name` (in lower case), None where there is none."""
    return KEYWORDS.get(ALIASES.get(name, name))
