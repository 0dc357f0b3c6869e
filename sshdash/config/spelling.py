"""How keywords and values are written into a file, so that ssh reads back what was meant."""

import unicodedata

from sshdash.config.destination import check_host
from sshdash.config.keywords import ALIASES, Kind, find_keyword
from sshdash.config.lexer import LexError, lower, split_keyword, split_words
from sshdash.config.parser import LineKind, parse_line
from sshdash.config.patterns import is_pattern
from sshdash.errors import UsageError
from sshdash.untrusted import clean

_SPELLED = """
Host Match Include AddKeysToAgent AddressFamily BatchMode BindAddress BindInterface
CASignatureAlgorithms CanonicalDomains CanonicalizeFallbackLocal CanonicalizeHostname
CanonicalizeMaxDots CanonicalizePermittedCNAMEs CertificateFile ChannelTimeout CheckHostIP
Ciphers ClearAllForwardings Compression ConnectTimeout ConnectionAttempts ControlMaster
ControlPath ControlPersist DynamicForward EnableEscapeCommandline EnableSSHKeysign EscapeChar
ExitOnForwardFailure FingerprintHash ForkAfterAuthentication ForwardAgent ForwardX11
ForwardX11Timeout ForwardX11Trusted GSSAPIAuthentication GSSAPIClientIdentity
GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange GSSAPIRenewalForcesRekey
GSSAPIServerIdentity GSSAPITrustDNS GatewayPorts GlobalKnownHostsFile HashKnownHosts
HostKeyAlgorithms HostKeyAlias HostName HostbasedAcceptedAlgorithms HostbasedAuthentication
IPQoS IdentitiesOnly IdentityAgent IdentityFile IgnoreUnknown KbdInteractiveAuthentication
KbdInteractiveDevices KexAlgorithms KnownHostsCommand LocalCommand LocalForward LogLevel
LogVerbose MACs NoHostAuthenticationForLocalhost NumberOfPasswordPrompts ObscureKeystrokeTiming
PKCS11Provider PasswordAuthentication PermitLocalCommand PermitRemoteOpen Port
PreferredAuthentications ProxyCommand ProxyJump ProxyUseFdpass PubkeyAcceptedAlgorithms
PubkeyAuthentication RefuseConnection RekeyLimit RemoteCommand RemoteForward RequestTTY
RequiredRSASize RevokedHostKeys SecurityKeyProvider SendEnv ServerAliveCountMax
ServerAliveInterval SessionType SetEnv StdinNull StreamLocalBindMask StreamLocalBindUnlink
StrictHostKeyChecking SyslogFacility TCPKeepAlive Tag Tunnel TunnelDevice UpdateHostKeys User
UserKnownHostsFile VerifyHostKeyDNS VersionAddendum VisualHostKey WarnWeakCrypto XAuthLocation
"""
SPELLING: dict[str, str] = {name.lower(): name for name in _SPELLED.split()}
"""Keywords as ssh_config(5) writes them, by their name in lower case."""

REPEATED = frozenset(
    {
        "identityfile",
        "certificatefile",
        "localforward",
        "remoteforward",
        "dynamicforward",
        "sendenv",
        "include",
    }
)
"""Keywords of which every line counts; of the others the first."""

WHOLE_LINE = frozenset({Kind.COMMAND, Kind.PROXY_JUMP, Kind.ANYTHING})
"""What is read to the end of the line: neither quotes nor comments mean anything there."""

_BIDIRECTIONAL = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def canonical(keyword: str) -> str:
    """Return a keyword's name in lower case, an old name's present one."""
    name = lower(keyword)
    return ALIASES.get(name, name)


def spelled(keyword: str) -> str:
    """Return a keyword as ssh_config(5) writes it; one that is not known as it is."""
    return SPELLING.get(lower(keyword), keyword)


def reads_whole_line(keyword: str) -> bool:
    """Return whether the value of a keyword reaches to the end of its line."""
    found = find_keyword(lower(keyword))
    return found is not None and found.kind in WHOLE_LINE


def suggestion(keyword: str) -> str:
    """Return the keyword that was probably meant, empty where none is near."""
    import difflib  # it takes as long to load as all tables of keywords

    near = difflib.get_close_matches(lower(keyword), SPELLING, n=1, cutoff=0.75)
    return SPELLING[near[0]] if near else ""


def quoted(word: str) -> str:
    """Return `word` so that ssh reads it as one argument. Raises UsageError."""
    refuse_control(word)
    escaped = "".join(f"\\{char}" if char in '"\\' else char for char in word)
    for text in (word, f'"{word}"', f'"{escaped}"'):
        if word and _words(text) == [word] and _words(f"x {text}") == ["x", word]:
            return text
    raise UsageError(f"“{clean(word)}” cannot be written into ssh_config", "it is empty")


def _words(text: str) -> list[str] | None:
    """Return the arguments of a line with `text` as ssh splits it, None where it cannot."""
    parts = split_keyword(f"Host {text}")
    if parts is None:
        return None
    try:
        return split_words(parts[1])
    except LexError:
        return None


def refuse_control(text: str) -> None:
    """Raise UsageError for what would end the line, hide in it or turn it round."""
    for char in text:
        hidden = unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _BIDIRECTIONAL
        if hidden and char != "\t":
            raise UsageError(
                "There is a control character in the value",
                clean(text),
                "leave it out: ssh_config has one line for each keyword",
            )


def check_name(name: str) -> None:
    """Raise UsageError for what cannot be the plain name of a Host line."""
    refuse_control(name)
    if is_pattern(name):
        raise UsageError(
            f"“{clean(name)}” is a pattern",
            "a host that is listed has a plain name, without * ? and !",
            "write blocks with patterns in your editor",
        )
    try:
        check_host(name)
    except ValueError as error:
        raise UsageError(f"“{clean(name)}” is no name for a host", str(error)) from error
    if name.startswith("#"):
        raise UsageError(f"“{clean(name)}” is no name for a host", "# begins a comment")


def names_text(names: tuple[str, ...]) -> str:
    """Return the arguments of a Host line. Raises UsageError."""
    if not names:
        raise UsageError("A host needs a name", hint="name it as you would type it after ssh")
    seen = set()
    for name in names:
        check_name(name)
        if name in seen:
            raise UsageError(f"“{clean(name)}” is named twice")
        seen.add(name)
    return " ".join(quoted(name) for name in names)


def literal(keyword: str, value: str) -> str:
    """Return the text for one value of a keyword that is meant as it is. Raises UsageError."""
    if reads_whole_line(keyword):
        refuse_control(value)
        return value.strip()
    return quoted(value)


def check_setting(keyword: str, text: str) -> None:
    """Raise UsageError where ssh would refuse the line ``keyword text``.

    A keyword that is not known passes: IgnoreUnknown may allow it.
    """
    refuse_control(keyword + text)
    name = spelled(keyword)
    parts = split_keyword(f"{name} {text}")
    if parts is None or canonical(parts[0]) != canonical(keyword):
        raise UsageError(f"“{clean(keyword)}” is no keyword of ssh_config")
    if parts[0] in ("host", "match"):
        raise UsageError(f"{name} begins another block", hint="it is not a setting of this host")
    if not text.strip():
        raise UsageError(f"{name} has no value")
    line = parse_line(1, *parts)
    if line.kind is LineKind.ERROR:
        raise UsageError(f"{name} {clean(text)}", line.problem)
