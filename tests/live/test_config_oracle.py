"""The installed OpenSSH as the judge of the resolver: the same values, the same refusals.

``SSHDASH_CONFIG_CASES`` sets how many random configurations are tried (2,000 by default); the
summary of the tests tells how many were compared and how many differed.
"""

import os
from pathlib import Path

import pytest

from sshdash.config.keywords import KEYWORDS
from tests.live.config_generator import random_case, random_value, sample_values
from tests.live.config_oracle import Case, differences, require_oracle
from tests.live.config_shrink import keep_case, kept_cases, shrink
from tests.live.conftest import Compared

_COUNT = int(os.environ.get("SSHDASH_CONFIG_CASES", "2000"))
_BATCH = 250
_ALGORITHMS = "Ciphers MACs KexAlgorithms HostKeyAlgorithms PubkeyAcceptedAlgorithms"


@pytest.fixture(autouse=True)
def oracle() -> None:
    """Need the ssh whose answers are compared with."""
    require_oracle()


CASES = {
    "nothing set": Case(""),
    "first value wins": Case("Host web\nPort 1\nHost *\nPort 2\nUser late", ("web", "db")),
    "patterns and negation": Case(
        "Host *.a.test !x.a.test\nUser one\nHost w?b 10.0.0.*\nUser two\nHost !web *\nPort 9",
        ("y.a.test", "x.a.test", "web", "wxb", "10.0.0.99", "Web"),
    ),
    "a negation alone matches nothing": Case("Host !web\nPort 3", ("web", "db")),
    "case of host patterns counts": Case(
        "Host WEB\nPort 4\nMatch host WEB\nUser m", ("web", "WEB")
    ),
    "comments": Case("# one\n  # two\nPort 2201 # three\nUser a#b\nHostName h#x # y"),
    "equals signs": Case("Port=22\nUser = bob\nHostName\t=\tx\nHost=web\nIdentityFile=~/k"),
    "two equals signs": Case("Port == 22"),
    "quotes": Case('User "two words"\nHostName "h"\nIdentityFile \'a b\'\nIdentityFile c" "d'),
    "escapes": Case('IdentityFile a\\ b\nIdentityFile "c\\"d"\nIdentityFile e\\f\nUser \\\\x'),
    "open quote": Case('User "bob'),
    "quoted keywords": Case('"Port" 23\n"User" bob'),
    "an open quote in a keyword hides the line": Case('"Port 23\nUser bob'),
    "CRLF": Case("Host web\r\n  Port 2222\r\n  User bob\r\n"),
    "form feed at the end": Case("Port 24\f\nUser x \f"),
    "byte order mark": Case("\ufeffHost web\nPort 1"),
    "NUL": Case("Port 25\0 22 3\nUser bob\0by\n\0\n"),
    "bytes that are not UTF-8": Case(
        "User caf\udce9\nHost caf? caf\udce9\nPort 26", ("caf\udce9",)
    ),
    "a very long line": Case(f"Host {'x ' * 20000} web\nPort 27\nProxyCommand {'y' * 9000}"),
    "unknown keyword": Case("Host web\n  Port 1\n  Prot 22\n"),
    "IgnoreUnknown": Case("IgnoreUnknown Prot,Us?l*\nProt 22\nUseLess yes\nPort 5"),
    "IgnoreUnknown after": Case("Prot 22\nIgnoreUnknown Prot"),
    "extra arguments": Case("Port 1 2"),
    "no argument": Case("Port 22\nUser\n"),
    "obsolete keywords": Case("Protocol 2\nCipher x y\nUseRoaming no\nRSAAuthentication yes\n"),
    "errors in blocks that do not apply": Case("Host other\n  Port 0\n"),
    "the first of several errors": Case("User x\nPort 0\nPrat 1\nHost \n"),
    "Match all": Case("Match all\nPort 6"),
    "Match all and more": Case("Match all host x\nPort 6"),
    "Match without criteria": Case("Match # nothing\nPort 6"),
    "Match host sees Hostname": Case("HostName %h.test\nMatch host web.test\nPort 7"),
    "Match originalhost": Case("HostName x\nMatch originalhost web\nPort 8", ("web", "db")),
    "Match user": Case("Match user bob\nPort 9\nMatch !user bob\nPort 10", ("bob@web", "web")),
    "Match user sees User": Case("User bob\nMatch user b*\nPort 11"),
    "Match localuser": Case("Match localuser *,!nobody\nPort 12"),
    "Match final": Case(
        "Match final host x.test\nUser f\nHost web\nHostname x.test\nHost x.test\nPort 13"
    ),
    "Match !final": Case("Match !final\nPort 14\nMatch canonical\nPort 15"),
    "final pass collects again": Case(
        "SendEnv A\nLocalForward 1 a:1\nIdentityFile x\nMatch final\nSendEnv B\nIdentityFile y"
    ),
    "Match exec": Case(
        'Match exec "test %h = web"\nPort 16\nMatch exec "test a=a"\nUser e\nMatch !exec false\n'
        'Compression yes\nMatch host db exec "kill -9 $$"\nUser never',
    ),
    "Match exec tokens": Case(
        "HostName %h.test\nUser bob\nPort 99\nHostKeyAlias k\n"
        "Match exec \"test '%h %k %n %p %r %%' = 'web.test k web 99 bob %%'\"\nProxyCommand yes"
    ),
    "Match exec, unknown token": Case('Match exec "echo %q"\nPort 1'),
    "Match with comment": Case("Match host web # and so on\nPort 17"),
    "Match with an unknown criterion": Case("Host web\nPort 1\nMatch sometimes yes\nPort 2"),
    "Match with equals sign": Case("Match host=web\nPort 18"),
    "Match with quotes": Case('Match host "web" user "root,bob"\nPort 19', ("bob@web",)),
    "Include": Case(
        "Include conf.d/*.conf\nPort 99",
        ("web", "db"),
        {
            "conf.d/b.conf": "Port 2\n",
            "conf.d/a.conf": "Host db\nPort 1",
            "conf.d/.h.conf": "Port 3",
        },
    ),
    "Include in blocks": Case(
        "Host web\n Include in\nUser outer\nHost *\nCompression yes",
        ("web", "db"),
        {"in": "Port 3\nHost db\nPort 4\nHost web\nUser inner\nMatch all\nTCPKeepAlive no"},
    ),
    "Include with tilde and several": Case(
        "Include ~/.ssh/a ~/.ssh/missing b", includes={"a": "Port 5", "b": "User b"}
    ),
    "Include that includes itself": Case("Include self", includes={"self": "Include self\n"}),
    "Include with an error": Case("Include a", includes={"a": "Port 1\nPrt 2\n"}),
    "Include with an error, not applying": Case(
        "Host x\nInclude a", includes={"a": "Host y\nPrt 2"}
    ),
    "Include of a folder": Case("Include conf.d\nPort 6", includes={"conf.d/x": "Port 7"}),
    "Include of nothing": Case('Include ""'),
    "options win": Case("Port 1\nUser x", ("bob@web",), options=("Port=7", "User eve")),
    "options collect": Case("IdentityFile a\nSendEnv A", options=("IdentityFile=b", "SendEnv=B")),
    "options are checked": Case("", options=("Port=0",)),
    "Host as an option": Case("", options=("Host=web",)),
    "short options": Case(
        "Port 1\nUser x\nProxyCommand nc\nIdentityFile b",
        ("web", "me@web", "ssh://you@web:9"),
        short=(("-p", "ssh"), ("-l", "two words"), ("-i", "/etc/passwd"), ("-J", "a,b@c:2")),
    ),
    "short options behind long ones": Case(
        "",
        ("web",),
        options=("Port=1", "User=a", "IdentityFile=z"),
        short=(("-p", "2"), ("-l", "b")),
    ),
    "a jump behind a jump": Case("", options=("ProxyJump=a",), short=(("-J", "b"),)),
    "a jump behind a command": Case("", options=("ProxyCommand=a",), short=(("-J", "b"),)),
    "a jump behind no jump": Case("", options=("ProxyJump=none",), short=(("-J", "b"),)),
    "no jump at all": Case("ProxyJump a\nProxyCommand nc", short=(("-J", "none"),)),
    "a wrong port behind a right one": Case("", short=(("-p", "1"), ("-p", "x"))),
    "times": Case(
        "ServerAliveInterval 1h30m\nConnectTimeout none\nForwardX11Timeout 2d\nRekeyLimit 1G 1w"
    ),
    "none leaves a time unset": Case(
        "ConnectTimeout none\nConnectTimeout 5\nServerAliveInterval none"
    ),
    "batch mode keeps alive": Case("BatchMode yes"),
    "tokens in paths": Case(
        "UserKnownHostsFile ~/.ssh/kh-%h-%k %d/x\nControlPath ~/.ssh/%C-%r@%h:%p\n"
        "IdentityAgent ~/%u.sock\nRemoteCommand echo %n %%\nIdentityFile ~/%h\nHostName real.test"
    ),
    "environment in paths": Case(
        "UserKnownHostsFile ${HOME}/k\nControlPath ${HOME}/c\nIdentityFile ${HOME}/i"
    ),
    "missing variable": Case("UserKnownHostsFile ${SSHDASH_NOT_SET}/k"),
    "unknown token": Case("UserKnownHostsFile ~/%z"),
    "Hostname tokens": Case("Host a\nHostname %h.b\nHost web\nHostname %%x%h", ("a", "web")),
    "unknown token in Hostname": Case("Hostname %p"),
    "known_hosts none": Case("UserKnownHostsFile none\nGlobalKnownHostsFile none"),
    "known_hosts none and more": Case("UserKnownHostsFile none other"),
    "known_hosts lists": Case(
        "UserKnownHostsFile a b c\nUserKnownHostsFile d\nGlobalKnownHostsFile /x /y"
    ),
    "cleared by none": Case(
        "ProxyCommand none\nControlPath none\nLocalCommand none\nRevokedHostKeys NONE\n"
        "PKCS11Provider none\nSecurityKeyProvider none\nKnownHostsCommand none\nRemoteCommand none"
    ),
    "forwards": Case(
        "LocalForward 8080 localhost:80\nLocalForward [::1]:81 [::1]:82\n"
        "LocalForward 8080 localhost:80\n"
        "DynamicForward 1080\nDynamicForward *:1081\nRemoteForward 9000 h:9\nRemoteForward 9001\n"
        "LocalForward /a/%h.sock /b/%p.sock\nLocalForward 82 /c.sock\nRemoteForward 0 x:1\n"
        "LocalForward 83:inner 84"
    ),
    "forwards of services": Case("LocalForward http localhost:https"),
    "forward without target": Case("LocalForward 8080"),
    "forward with a variable": Case("LocalForward ${HOME}/s.sock ${HOME}/t.sock"),
    "ClearAllForwardings": Case(
        "LocalForward 1 a:1\nDynamicForward 2\nTunnel yes\nClearAllForwardings yes"
    ),
    "ProxyJump": Case("ProxyJump bastion"),
    "ProxyJump chain": Case("ProxyJump a,bob@b:2222,ssh://c@d:23,[::1]:24"),
    "ProxyJump none": Case("ProxyJump none\nProxyCommand nc %h %p\nProxyJump b"),
    "ProxyJump none with comment": Case("ProxyJump none # no"),
    "ProxyJump with comment": Case("ProxyJump a,b # c, d"),
    "ProxyJump before ProxyCommand": Case("ProxyJump a\nProxyCommand nc"),
    "ProxyCommand before ProxyJump": Case("ProxyCommand nc %h # x\nProxyJump a"),
    "ProxyJump to itself": Case("ProxyJump web", ("web", "db")),
    "ProxyJump to itself by another user": Case("ProxyJump bob@web"),
    "ProxyJump, wrong": Case("Host never\nProxyJump a:b"),
    "ProxyUseFdpass": Case("ProxyCommand -\nProxyUseFdpass yes"),
    "commands keep their quotes": Case('ProxyCommand  =  sh -c \'x "y"\' # z\nLocalCommand "a b"'),
    "Hostname is lowered": Case("HostName WEB.Test\nHostKeyAlias ALIAS"),
    "addresses": Case(
        "Host a\nHostname 127.1\nHost b\nHostname 0:0::1\nHost c\nHostname 300.1",
        ("a", "b", "c", "::1", "010.1.1.1"),
    ),
    "addresses in odd spellings": Case(
        "",
        (
            "1.0x2",
            "0X7f.1",
            "1.2.3.0XFF",
            "010",
            "1e3",
            "0xg",
            "A::B",
            "FE80::1%Lo",
            "0:0::A",
            "1.2.3.4.5",
            "1..2",
            "256.1.1.1",
            "4294967296",
            "0x100000000",
            "A.B.C:D:E",
            "ABC.",
            "::FFFF:1.2.3.4",
            "::ffff:1.2.3.4",
        ),
    ),
    "canonical domains": Case(
        "CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeMaxDots 0\n"
        "Host web\nPort 3",
        ("web", "a.b", "localhost"),
    ),
    "canonical without fallback": Case(
        "CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeFallbackLocal no"
    ),
    "canonical through a proxy": Case(
        "CanonicalizeHostname yes\nCanonicalDomains invalid\nProxyCommand nc"
    ),
    "canonical and final": Case(
        "CanonicalizeHostname always\nMatch canonical\nPort 9\n"
        "Match final\nUser f\nCanonicalizeMaxDots 5"
    ),
    "canonical settings": Case(
        "CanonicalDomains A.test. b.test\nCanonicalizePermittedCNAMEs A:B *:*.c\n"
        "CanonicalizeHostname no",
        ("127.0.0.1",),
    ),
    "environment": Case('SendEnv A B*\nSendEnv -B*\nSendEnv C\nSetEnv X=1 Y="a b" X=2\nSetEnv Z=3'),
    "wrong SetEnv": Case("SetEnv X"),
    "agents": Case(
        "IdentityAgent $MY_SOCK\nForwardAgent no\nForwardAgent ~/a.sock\nAddKeysToAgent confirm 5m"
    ),
    "AddKeysToAgent": Case("AddKeysToAgent 1h\nIdentityAgent none\nForwardAgent yes"),
    "the log level of quiet": Case("LogLevel QUIET\nUpdateHostKeys ask\nSyslogFacility local3"),
    "UpdateHostKeys": Case("UserKnownHostsFile ~/.ssh/known_hosts"),
    "UpdateHostKeys, own file": Case("UserKnownHostsFile ~/.ssh/other"),
    "UpdateHostKeys ask": Case("UpdateHostKeys ask", ("web",)),
    "UpdateHostKeys ask, shared": Case("UpdateHostKeys ask\nControlPersist 5m\nControlPath /c"),
    "VerifyHostKeyDNS": Case("VerifyHostKeyDNS ask"),
    "strict checking": Case(
        "Host a\nStrictHostKeyChecking off\nHost b\nStrictHostKeyChecking accept-new\n"
        "Host c\nStrictHostKeyChecking yes",
        ("a", "b", "c"),
    ),
    "set in blocks that do not apply": Case(
        "Host x\nStreamLocalBindMask 077\nSyslogFacility AUTH\nPort 1"
    ),
    "escape characters": Case(
        "Host a\nEscapeChar ^X\nHost b\nEscapeChar none\nHost c\n"
        'EscapeChar " "\nHost d\nEscapeChar \\\\',
        ("a", "b", "c", "d"),
    ),
    "quality of service": Case(
        "Host a\nIPQoS ef\nHost b\nIPQoS 0x12 none\nHost c\nIPQoS cs6 8", ("a", "b", "c")
    ),
    **{
        f"service class {name}": Case(f"IPQoS {name} 1")
        for name in (
            "le",
            "reliability",
            "lowdelay",
            "throughput",
            "cs1",
            "af43",
            "EF",
            "none",
            "4",
        )
    },
    "tunnels": Case("Tunnel yes\nTunnelDevice 3:any\nPermitLocalCommand yes"),
    "ConnectionAttempts 0": Case("ConnectionAttempts 0"),
    "fork without a command": Case("ForkAfterAuthentication yes"),
    "permitted targets": Case("PermitRemoteOpen a:1 [::1]:*\nPermitRemoteOpen b:2"),
    "permitted targets, IPv6 bare": Case("PermitRemoteOpen ::1:22"),
    "permitted targets, no host": Case("PermitRemoteOpen :22 *:22"),
    "permitted targets, a path": Case("PermitRemoteOpen a/b:22"),
    "as many files as it takes": Case("UserKnownHostsFile" + " x" * 32),
    "too many files": Case("UserKnownHostsFile" + " x" * 33),
    "too many files where it does not apply": Case("Host y\nUserKnownHostsFile" + " x" * 33),
    "too many domains": Case("\nCanonicalDomains" + " x" * 33),
    "an included file that others can write": Case("Include loose", includes={"loose": "Port 1"}),
    "log verbose": Case("LogVerbose a.c:1:* b\nLogVerbose c"),
    "aliases": Case(
        "KeepAlive no\nChallengeResponseAuthentication no\nDSAAuthentication no\n"
        "IdentityFile2 x\nSmartcardDevice /p"
    ),
    "many keys": Case("\n".join(f"IdentityFile k{n}" for n in range(101))),
    "GSSAPI": Case(
        "GSSAPIAuthentication yes\nGSSAPIClientIdentity me\nGSSAPIKexAlgorithms gss-gex-sha1-"
    ),
    **{
        f"algorithms {prefix}": Case(
            "\n".join(
                f"{name} {prefix}{value}"
                for name, value in zip(_ALGORITHMS.split(), values, strict=True)
            )
        )
        for prefix, values in (
            (
                "",
                (
                    "aes128-ctr",
                    "hmac-sha1",
                    "curve25519-sha256",
                    "ssh-*",
                    "rsa-sha2-512,ssh-ed25519",
                ),
            ),
            ("+", ("aes128-cbc", "hmac-md5", "diffie-hellman-group1-sha1", "ssh-rsa", "ssh-dss")),
            ("-", ("aes*,chacha*", "*etm*", "*nistp*", "*cert*", "*@openssh.com")),
            ("^", ("aes256-ctr", "hmac-sha1", "diffie-hellman-group16-sha512", "ssh-rsa", "rsa-*")),
        )
    },
    "unknown cipher": Case("Ciphers aes128-ctr,rot13"),
    "unknown cipher taken away": Case("Ciphers -rot13"),
}


@pytest.mark.parametrize("name", CASES)
def test_hand_made_configuration_means_the_same(name: str, compared: Compared, home: Path) -> None:
    assert not compared({name: CASES[name]}, home)


@pytest.mark.parametrize("name", kept_cases())
def test_what_once_differed_means_the_same(name: str, compared: Compared, home: Path) -> None:
    assert not compared({name: kept_cases()[name]}, home)


@pytest.mark.parametrize("name", sorted(name for name in KEYWORDS if sample_values(name)))
def test_every_keyword_means_the_same(name: str, compared: Compared, home: Path) -> None:
    cases = {value: Case(f"# {name}\n{name} {value}\n") for value in sample_values(name)}
    found = compared(cases, home)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("start", range(0, _COUNT, _BATCH))
def test_random_configurations_mean_the_same(start: int, compared: Compared, home: Path) -> None:
    cases = {f"{seed}": random_case(seed) for seed in range(start, min(start + _BATCH, _COUNT))}
    assert not told_small(compared(cases, home), cases, home)


@pytest.mark.parametrize("start", range(0, _COUNT, 4 * _BATCH))
def test_values_spoiled_by_chance_mean_the_same(start: int, compared: Compared, home: Path) -> None:
    seeds = range(start // 4, min(start + 4 * _BATCH, _COUNT) // 4)
    cases = {f"value-{seed}": random_value(seed) for seed in seeds}
    assert not told_small(compared(cases, home), cases, home)


def told_small(found: list[str], cases: dict[str, Case], home: Path) -> str:
    """Return the differences as text; the first few are shrunk and kept."""
    told = dict.fromkeys(text.partition(":")[0] for text in found)
    for name in list(told)[:3]:
        small = shrink(cases[name], Differs(home / name))
        path = keep_case(small, f"seed-{name}")
        found.append(f"{name}, shrunk and kept in {path.name}:\n{small.text}\n{small}")
    return "\n".join(found)


class Differs:
    """Whether a case tells a difference."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._asked = 0

    def __call__(self, case: Case) -> bool:
        """Ask both."""
        self._asked += 1
        folder = self._home / f"shrink-{self._asked}"
        folder.mkdir(parents=True)
        return bool(differences({"shrunk": case}, folder))
