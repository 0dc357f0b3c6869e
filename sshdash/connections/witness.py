"""Writes what a connection's login does to a timeline, as the SSH library does it.

The library has no hooks for most of it, so these are its own methods with a record around
them: nothing is changed on the way. What this relies on inside the library is tested in
`tests/live/test_timeline.py`, which fails where it moves.
"""

from collections.abc import Sequence
from typing import Any

import asyncssh
from asyncssh.constants import MSG_DISCONNECT, MSG_USERAUTH_FAILURE, MSG_USERAUTH_SUCCESS
from asyncssh.packet import SSHPacket

from sshdash.connections.login.eager import Eager
from sshdash.connections.timeline import Mark, Phase, Timeline
from sshdash.connections.transport.offers import Offers, first_common, read_offers
from sshdash.connections.trust.judged import Judged
from sshdash.keys.blob import BadBlob, blob_type, fingerprint
from sshdash.untrusted import clean

_FOREWORD_LINES = 20
"""Lines before the greeting that are kept."""
_GOODBYE = 200
_SHOWN = 80
"""Characters of each that are."""


class Witnessed(Eager, Judged):
    """A client's connection that records its login; see `watch_login`."""

    timeline: Timeline
    foreword: list[str]
    """What the server said before its greeting, cleaned: a web server's answer, for one."""
    goodbye: str
    """What the server said on ending the connection, cleaned."""
    methods: list[str]
    """What the server takes, as it said last, cleaned."""
    _half: bytes
    _step: Mark | None
    _answered: bool

    def watch_login(self, timeline: Timeline) -> None:
        """Record on `timeline` from now on; nothing was read yet."""
        self.timeline = timeline
        self.foreword = []
        self.methods = []
        self.goodbye = ""
        self._half = b""
        self._answered = False
        self._step = timeline.begin(Phase.GREETING, "waiting for the server's greeting")
        self._recv_handler = self._recv_version

    @property
    def half_said(self) -> str:
        """Return what came before a greeting that is not whole, on one line."""
        return self.foreword[0] if self.foreword else clean(self._half, _SHOWN)

    @property
    def offers(self) -> tuple[Offers | None, Offers | None]:
        """Return what we offered in the key exchange and what the server did."""
        return read_offers(self._client_kexinit), read_offers(self._server_kexinit)

    # -- identification

    def _recv_version(self) -> bool:
        head = bytes(self._inpbuf[: self._inpbuf.find(b"\n") + 1])
        greets = head.startswith((b"SSH-2.0-", b"SSH-1.99-"))
        if head and not greets and len(self.foreword) < _FOREWORD_LINES:
            self.foreword.append(clean(head.rstrip(), _SHOWN))
            self.timeline.note(Phase.GREETING, f"said first: {self.foreword[-1]}", detail=True)
        elif not head:
            self._half = bytes(self._inpbuf[:_SHOWN])
        return super()._recv_version()

    def _send_kexinit(self) -> None:
        if not self._session_id and self._step:
            version = str(self.get_extra_info("server_version") or "")
            self._step.done(version.partition("-")[2].partition("-")[2] or version)
            self._step = self.timeline.begin(Phase.KEX, "agreeing on algorithms")
        super()._send_kexinit()

    # -- key exchange and host key

    def _choose_alg(
        self, alg_type: str, local_algs: Sequence[bytes], remote_algs: Sequence[bytes]
    ) -> bytes:
        if alg_type == "key exchange" and not self._session_id:
            self._note_offers()
        try:
            return super()._choose_alg(alg_type, local_algs, remote_algs)
        except asyncssh.KeyExchangeFailed:
            if self._step:
                self._step.failed(f"no {alg_type} algorithm in common")
            raise

    def host_key_shown(self, data: bytes) -> None:
        """Record the agreement, and that the host key is judged from now on."""
        super().host_key_shown(data)
        if not self._session_id and self._step:
            self._step.done(self._agreement())
            self._step = self.timeline.begin(Phase.HOST_KEY, _key_name(data))

    def validate_server_host_key(self, key_data: bytes) -> asyncssh.SSHKey:
        """Record that the host key is trusted."""
        key = super().validate_server_host_key(key_data)
        if not self._session_id and self._step:
            self._step.done()
            self._step = None
        return key

    def host_key_refused(self) -> None:
        """Record that the host key is not trusted."""
        super().host_key_refused()
        self._end_step("")

    def _agreement(self) -> str:
        """Return the algorithms that both sides agreed on."""
        both: Any = self
        host_key = _first(read_offers(self._client_kexinit), read_offers(self._server_kexinit))
        names = [both._kex.algorithm.decode("ascii", "replace"), host_key]
        for up, down in (
            (both._enc_alg_cs, both._enc_alg_sc),
            (both._mac_alg_cs, both._mac_alg_sc),
            (both._cmp_alg_cs, both._cmp_alg_sc),
        ):
            text = up.decode("ascii", "replace")
            names.append(text if up == down else f"{text} up, {down.decode('ascii')} down")
        if names[3] == names[2]:
            names[3] = "MAC of the cipher"
        names[4] = "no compression" if names[4] == "none" else names[4]
        return ", ".join(name for name in names if name)

    def _note_offers(self) -> None:
        for who, offers in zip(("we offer", "the server offers"), self.offers, strict=True):
            if offers:
                for kind, names in (
                    ("key exchange", offers.kex),
                    ("host keys", offers.host_key),
                    ("ciphers", offers.cipher_up),
                    ("MACs", offers.mac_up),
                    ("compression", offers.compression_up),
                ):
                    text = f"{who} {kind}: {', '.join(names)}"
                    self.timeline.note(Phase.KEX, text, detail=True)

    # -- login

    async def send_userauth_request(
        self, method: bytes, *args: bytes, key: Any = None, trivial: bool = True
    ) -> None:
        """Record a try; the signature for an accepted key belongs to the try of that key."""
        name = method.decode("ascii", "replace")
        if not name.startswith("publickey") or key is None or self._step is None:
            self._end_step("no answer")
            self._step = self.timeline.begin(Phase.AUTH, _try(name, args))
        else:
            self.timeline.note(Phase.AUTH, "the server takes the key; signing", detail=True)
        await super().send_userauth_request(method, *args, key=key, trivial=trivial)

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> Any:
        """Record the answer to a try."""
        if pkttype == MSG_DISCONNECT:
            self.goodbye = _reason(SSHPacket(packet.get_remaining_payload()))
        elif pkttype == MSG_USERAUTH_FAILURE and self._step:
            self._refused(SSHPacket(packet.get_remaining_payload()))
        elif pkttype == MSG_USERAUTH_SUCCESS and self._step:
            self._step.done()
            self._step = None
        return super().process_packet(pkttype, pktid, packet)

    def _refused(self, answer: SSHPacket) -> None:
        assert self._step
        self.methods = [clean(method, 60) for method in answer.get_namelist()]
        methods = clean(", ".join(self.methods), 200) or "nothing"
        if answer.get_boolean():
            self._step.done()
            self.timeline.note(Phase.AUTH, f"accepted, and the server wants more: {methods}")
        elif not self._answered:
            self._step.done(f"the server takes {methods}")
        else:
            self._step.failed(f"refused; the server takes {methods}")
        self._answered = True
        self._step = None

    def _end_step(self, text: str) -> None:
        if self._step:
            self._step.failed(text)
            self._step = None


def _reason(message: SSHPacket) -> str:
    message.get_uint32()
    return clean(message.get_string().strip(), _GOODBYE)


def _try(method: str, arguments: tuple[bytes, ...]) -> str:
    """Return the name of a try, with the key where there is one."""
    if method == "none":
        return "asking which methods the server takes"
    if method.startswith("publickey") and len(arguments) > 2:
        return f"publickey {_key_name(arguments[2][4:])}"
    return method


def _key_name(blob: bytes) -> str:
    try:
        return f"{blob_type(blob)} {fingerprint(blob)}"
    except BadBlob:
        return "no key at all"


def _first(ours: Offers | None, theirs: Offers | None) -> str:
    if ours is None or theirs is None:
        return ""
    return first_common(ours.host_key, theirs.host_key) or ""
