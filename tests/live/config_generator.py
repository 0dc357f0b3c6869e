"""Random configurations, the same for the same seed: valid, odd and wrong ones."""

import random

from sshdash.config.keywords import KEYWORDS, Kind
from tests.live.config_oracle import Case

HOSTS = ("web", "db-1", "Db-1", "10.0.0.7", "a.example.com", "bastion", "caf\udce9")
_PATTERNS = (
    "web",
    "db-*",
    "*.example.com",
    "10.0.0.?",
    "*",
    "!bastion",
    "!*.com",
    "w?b",
    "bastion",
    "caf?",
    '"a.example.com"',
    "nobody",
)
_NAMES = ("web.internal", "%h.example.org", "10.9.8.7", "::1", "127.1", "WEB.Example", '"q.test"')
_PATHS = (
    "~/.ssh/id_a",
    "%d/.ssh/%u@%h",
    '"~/with space/%r-%p"',
    "/abs/%%/%n",
    "none",
    "~root/key",
    "rel\\ ative",
    "${HOME}/k",
    "%C",
    "%k-%i",
)
_NEWER = frozenset(name for name, entry in KEYWORDS.items() if entry.kind is Kind.ANYTHING) | {
    "tag"
}
"""Keywords of later releases, which the oracle refuses."""
_GOOD: dict[Kind, tuple[str, ...]] = {
    Kind.FLAG: ("yes", "no", "true", "FALSE", "Yes"),
    Kind.NUMBER: ("1", "7", "+3", "1024"),
    Kind.TIME: ("0", "15", "1m", "1h30m", "2d", "none", "90S", "1w2d3h4m5s"),
    Kind.STRING: _PATHS,
    Kind.COMMAND: ("nc %h %p # not a comment", "none", "  'a b' \"c\"", "ssh -W [%h]:%p j"),
    Kind.PORT: ("22", "2222", "ssh", '"2022"'),
    Kind.WORDS: ("~/.ssh/k1 ~/.ssh/k2", "none", "/a/%h '/b c'", "/dev/null"),
    Kind.FILES: _PATHS,
    Kind.FORWARD: (
        "8080 localhost:80",
        "[::1]:8080 [::1]:80",
        "*:9000 db:5432",
        "/tmp/s.sock /run/d.sock",
        "8081 /run/%h.sock",
        "8080:localhost 80",
        "http localhost:www",
    ),
    Kind.PROXY_JUMP: (
        "bastion",
        "me@bastion:2200",
        "a,b@c:22,[::1]:2222",
        "none",
        "ssh://u@h:22",
        "none # really",
        "10.0.0.1",
        "a,b # c",
    ),
    Kind.ESCAPE: ("~", "none", "^A", "%", '" "', "^?", "\\"),
    Kind.REKEY: ("1G", "500M 1h", "default none", "1.5G", "0 0", "1k"),
    Kind.SEND_ENV: ("LANG LC_*", "-LC_*", "FOO BAR", "FOO"),
    Kind.SET_ENV: ("A=1 B=2", 'A="x y"', "A=1 A=2", "C="),
    Kind.PERSIST: ("yes", "no", "10m", "0", "1h30m", "60"),
    Kind.TUNNEL_DEVICE: ("any", "0:any", "3", "any:5"),
    Kind.QOS: ("af21 cs1", "lowdelay", "0x20", "none", "8 16", "EF", "0xfe 070"),
    Kind.DOMAINS: ("example.com", "a.test b.test.", "none", "Example.COM"),
    Kind.CNAMES: ("none", "*", "A.B:C.D e:f", "*.a:*.b"),
    Kind.MASK: ("0177", "077", "0777", "0"),
    Kind.LEVEL: ("INFO", "debug", "DEBUG3", "quiet"),
    Kind.FACILITY: ("USER", "local3", "AUTH"),
    Kind.HASH: ("sha256", "MD5", "sha512"),
    Kind.ADD_KEYS: ("yes", "no", "ask", "confirm", "confirm 5m", "1h"),
    Kind.AGENT: ("none", "SSH_AUTH_SOCK", "~/.agent", "$MY_SOCK", "${HOME}/a"),
    Kind.FORWARD_AGENT: ("yes", "no", "~/.agent", "${HOME}/a", "$SOCK"),
    Kind.REMOTE_OPEN: ("any", "none", "db:5432", "a:* [::1]:22"),
    Kind.GSS_KEX: ("gss-group14-sha256-", "gss-gex-sha1-,gss-group14-sha1-"),
}
_BAD: dict[Kind, tuple[str, ...]] = {
    Kind.FLAG: ("maybe", "yes no"),
    Kind.NUMBER: ("-1", "2147483648", "0x5", "0"),
    Kind.TIME: ("5x", "-3", "1h 30m"),
    Kind.STRING: ('""', "a b", "%z"),
    Kind.COMMAND: ("'open",),
    Kind.PORT: ("0", "65536", "22x"),
    Kind.WORDS: ("none extra", '""', "a none"),
    Kind.FILES: ("a b",),
    Kind.FORWARD: ("0 x:1", "a:b c:d", "1080", "1 2 3", "80 h", "${NOT_SET} a:1"),
    Kind.PROXY_JUMP: ("bad:port", "a,,b", "j1 , j2", "@h", "-x:1:2", "ssh://a/b"),
    Kind.ESCAPE: ("ab", "^"),
    Kind.REKEY: ("10", "4G 2x", "G", "1K1"),
    Kind.SEND_ENV: ("A=B",),
    Kind.SET_ENV: ("NOVALUE",),
    Kind.PERSIST: ("ask", "YES"),
    Kind.TUNNEL_DEVICE: ("x:1", "1:2:3"),
    Kind.QOS: ("300", "af99", "1 2 3"),
    Kind.DOMAINS: ("-bad", "a..b", "none a"),
    Kind.CNAMES: ("x", "a:", "none *"),
    Kind.MASK: ("999", "1777", "-1"),
    Kind.LEVEL: ("loud",),
    Kind.FACILITY: ("nothing",),
    Kind.HASH: ("crc",),
    Kind.ADD_KEYS: ("ask 5m", "maybe", "confirm x"),
    Kind.AGENT: ("${NOT_SET}", "$-", "${open"),
    Kind.FORWARD_AGENT: ("${NOT_SET}", "$-"),
    Kind.REMOTE_OPEN: ("any x:1", "nohost", "a:b"),
    Kind.GSS_KEX: ("gss-no-",),
}
_ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ciphers": ("aes128-ctr", "+3des-cbc", "-aes*", "^aes256-ctr,aes128-ctr"),
    "macs": ("hmac-sha1", "-*etm*", "+hmac-md5", "hmac-sha2-256,hmac-sha2-512"),
    "kexalgorithms": ("curve25519-sha256", "-diffie*", "^ecdh-sha2-nistp256"),
}
_KEYS = ("ssh-ed25519", "+ssh-rsa", "-*nistp*", "^ssh-rsa", "ecdsa-*,rsa-*", "*")
_BAD_ALGORITHMS = ("nope", "+nope", "none", "rsa,ssh-rsa", "-*", "^", "!ssh-rsa", "a,b")
_FEW_BAD_NAMES = ("-web", "%z", '""', "a b")
_CRITERIA = (
    "all",
    "host web",
    "host *.example.com,!a.example.com",
    "originalhost db-*",
    "!host web",
    "user root,bob",
    "!user root",
    "localuser *",
    "localuser nobody",
    "final",
    "canonical",
    "!final",
    'exec "true"',
    'exec "test %h = web"',
    "exec false",
    '!exec "test a=a"',
    "host=web",
    'host "web,db-1"',
)
_ODD = ('"', "'", "\\", "\0", "\udc80", "=", "#", "\t", "\f", "\r", "\n", "%", "\x1b", "é")
_WRONG_CRITERIA = ("host", "sometimes yes", "all host web", "")
_WRONG_LINES = ("Prot 22", "Host", 'User "open', "Port 1 2", "HostName", 'Host ""', "Match")


def random_case(seed: int) -> Case:
    """Return the case of a seed."""
    source = random.Random(seed)
    return _Generator(source).case()


def sample_values(name: str) -> tuple[str, ...]:
    """Return a few right and wrong values of a keyword; none where the oracle lacks it."""
    entry = KEYWORDS[name]
    if name in _NEWER or entry.kind in (Kind.BLOCK, Kind.INCLUDE):
        return ()
    if entry.kind is Kind.CHOICE:
        return (*entry.choices, "nonsense")
    if entry.kind is Kind.ALGORITHMS:
        return (*_ALGORITHMS.get(name, _KEYS), "nope")
    return (*_GOOD[entry.kind][:4], _BAD[entry.kind][0])


class _Generator:
    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._sound = source.random() < 0.7
        """A sound configuration holds only what ssh accepts, as far as this knows."""
        self._includes: dict[str, str] = {}

    def case(self) -> Case:
        choose = self._source
        text = self._text(depth=0)
        hosts = tuple(choose.sample(HOSTS, 2))
        if choose.random() < 0.3:
            hosts = (f"someone@{hosts[0]}", *hosts[1:])
        options: tuple[str, ...] = ()
        if choose.random() < 0.3:
            options = tuple("=".join(self._pair()) for _ in range(choose.randint(1, 3)))
        return Case(text, hosts, self._includes, options)

    def _text(self, depth: int) -> str:
        lines: list[str] = []
        for _ in range(self._source.randint(1, 6)):
            lines += self._block(depth)
        ending = self._source.choice(("\n", "\n", "\n", "\r\n"))
        text = ending.join(lines) + self._source.choice((ending, ""))
        return text if self._sound else self._spoiled(text)

    def _spoiled(self, text: str) -> str:
        """Return `text` with odd characters put in at random places."""
        choose = self._source
        for _ in range(choose.choice((0, 0, 1, 2))):
            at = choose.randrange(len(text) + 1)
            text = text[:at] + choose.choice(_ODD) + text[at:]
        return text

    def _block(self, depth: int) -> list[str]:
        choose = self._source
        kind = choose.random()
        lines = []
        if kind < 0.5:
            lines.append(f"Host {' '.join(choose.sample(_PATTERNS, choose.randint(1, 3)))}")
        elif kind < 0.8:
            lines.append(f"Match {self._criteria()}")
        count = choose.randint(0, 6)
        lines += [self._indented(self._directive()) for _ in range(count)]
        if depth < 3 and choose.random() < 0.25:
            lines.append(self._indented(self._include(depth)))
        if not self._sound and choose.random() < 0.15:
            lines.append(choose.choice(_WRONG_LINES))
        return lines

    def _criteria(self) -> str:
        choose = self._source
        if not self._sound and choose.random() < 0.1:
            return choose.choice(_WRONG_CRITERIA)
        chosen = choose.sample(_CRITERIA[1:], choose.randint(1, 3))
        if choose.random() < 0.2:
            return "all"
        return " ".join(chosen)

    def _directive(self) -> str:
        choose = self._source
        if choose.random() < 0.08:
            return choose.choice(("# a comment", "", "   ", "\t# another", "IgnoreUnknown Foo*"))
        keyword, value = self._pair()
        written = choose.choice((keyword, keyword.upper(), keyword.title(), f'"{keyword}"'))
        joint = choose.choice((" ", " ", "\t", "=", " = ", "  "))
        if self._sound and written.endswith('"'):
            joint = " "
        tail = choose.choice(("", "", "", " ", "\t", " # tail"))
        if KEYWORDS[keyword].kind in (Kind.COMMAND, Kind.PROXY_JUMP):
            tail = ""
        return f"{written}{joint}{value}{tail}"

    def _pair(self) -> tuple[str, str]:
        choose = self._source
        names = [
            name
            for name, entry in KEYWORDS.items()
            if entry.kind not in (Kind.BLOCK, Kind.INCLUDE) and name not in _NEWER
        ]
        name = choose.choice(("hostname", "user", "port", *choose.sample(names, 3)))
        return name, self._value(name)

    def _value(self, name: str) -> str:
        choose = self._source
        entry = KEYWORDS[name]
        if not self._sound and choose.random() < 0.1:
            return choose.choice(self._bad_values(name))
        values: tuple[str, ...] = _GOOD.get(entry.kind, ())
        if name == "hostname":
            values = _NAMES
        elif name == "user":
            values = ("bob", '"two words"', "root", "Al\udce9")
        elif name in ("canonicalizehostname", "forkafterauthentication"):
            values = ("no", "false")
        elif name == "dynamicforward":
            values = ("1080", "127.0.0.1:1081", "/tmp/socks.sock")
        elif entry.kind is Kind.CHOICE:
            values = entry.choices
        elif entry.kind is Kind.ALGORITHMS:
            values = _ALGORITHMS.get(name, _KEYS)
        return choose.choice(values)

    def _bad_values(self, name: str) -> tuple[str, ...]:
        entry = KEYWORDS[name]
        if name in ("hostname", "user"):
            return _FEW_BAD_NAMES
        if entry.kind is Kind.CHOICE:
            return ("nonsense", "true true")
        return _BAD_ALGORITHMS if entry.kind is Kind.ALGORITHMS else _BAD[entry.kind]

    def _include(self, depth: int) -> str:
        number = len(self._includes)
        names = [f"conf.d/{number}-{part}" for part in "ba"[: self._source.randint(1, 2)]]
        for name in names:
            self._includes[name] = ""
        for name in names:
            self._includes[name] = self._text(depth + 1)
        pattern = self._source.choice((f"conf.d/{number}-*", f"~/.ssh/conf.d/{number}-[ab]"))
        return f"Include {pattern}"

    def _indented(self, line: str) -> str:
        return self._source.choice(("", "  ", "\t", "    ")) + line
