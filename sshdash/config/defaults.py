"""What OpenSSH 9.2p1 of Debian 12 takes where nothing is set."""

from sshdash.config.algorithms import GSS_KEX

GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
IDENTITY_FILES = (
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_xmss",
    "~/.ssh/id_dsa",
)

_YES = (
    "canonicalizefallbacklocal forwardx11trusted kbdinteractiveauthentication "
    "passwordauthentication pubkeyauthentication tcpkeepalive"
)
_NO = (
    "addkeystoagent batchmode canonicalizehostname checkhostip clearallforwardings compression "
    "controlmaster controlpersist enableescapecommandline enablesshkeysign exitonforwardfailure "
    "forkafterauthentication forwardagent forwardx11 gatewayports gssapiauthentication "
    "gssapidelegatecredentials gssapikeyexchange gssapirenewalforcesrekey gssapitrustdns "
    "hashknownhosts hostbasedauthentication identitiesonly nohostauthenticationforlocalhost "
    "permitlocalcommand proxyusefdpass stdinnull streamlocalbindunlink tunnel verifyhostkeydns "
    "visualhostkey"
)
DEFAULTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_YES.split(), ("yes",)),
    **dict.fromkeys(_NO.split(), ("no",)),
    "addressfamily": ("any",),
    "canonicalizemaxdots": ("1",),
    "connectionattempts": ("1",),
    "escapechar": ("~",),
    "fingerprinthash": ("SHA256",),
    "forwardx11timeout": ("1200",),
    "globalknownhostsfile": GLOBAL_KNOWN_HOSTS,
    "gssapikexalgorithms": (",".join(GSS_KEX),),
    "ipqos": ("lowdelay", "throughput"),
    "loglevel": ("INFO",),
    "numberofpasswordprompts": ("3",),
    "port": ("22",),
    "rekeyinterval": ("0",),
    "rekeylimit": ("0",),
    "requesttty": ("auto",),
    "requiredrsasize": ("1024",),
    "securitykeyprovider": ("internal",),
    "serveralivecountmax": ("3",),
    "serveraliveinterval": ("0",),
    "sessiontype": ("default",),
    "streamlocalbindmask": ("177",),
    "stricthostkeychecking": ("ask",),
    "syslogfacility": ("USER",),
    "tunneldevice": ("any:any",),
    "userknownhostsfile": USER_KNOWN_HOSTS,
    "xauthlocation": ("/usr/bin/xauth",),
}
CLEARED_BY_NONE = (
    "controlpath",
    "knownhostscommand",
    "localcommand",
    "pkcs11provider",
    "proxycommand",
    "remotecommand",
    "revokedhostkeys",
    "securitykeyprovider",
)
"""Keywords for which ``none`` means that nothing is set."""
