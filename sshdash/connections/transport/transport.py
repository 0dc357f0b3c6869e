"""The SSH library's connection, with what sshdash needs of every connection.

The library has no hook to make connections of another class, so a connection becomes one by
`adopt`, from its first callback on, before anything was sent.
"""

import warnings
from itertools import islice
from typing import Any

import asyncssh
from asyncssh.channel import SSHChannel

from sshdash.connections.idle import IdleChannels, channel_type
from sshdash.connections.network.service_class import ServiceClass
from sshdash.connections.transport import library
from sshdash.connections.transport.inflating import Inflater
from sshdash.connections.transport.low_water import LowWater
from sshdash.connections.transport.receive_mark import ReceiveMark
from sshdash.connections.transport.trunk import Trunk
from sshdash.connections.witness import Witnessed

_BULK = (asyncssh.SSHClientChannel, asyncssh.SSHTCPChannel, asyncssh.SSHUNIXChannel)
"""The kinds of channels that carry bulk, unless they are a terminal."""
_FILES = "sftp"
"""The subsystem for files."""
_MOST_WAITING = 1 << 20
"""Bytes that may wait while something that was received takes its time: a host key that a person
looks at, for one. A server could fill the memory meanwhile."""
_AT_ONCE = 32
"""Channels that learn of a lost connection in one turn of the loop: a thousand would hold it."""


# The library of ciphers tells on stderr, where the screen is, that an exchange is an old one. Who
# talks to old servers has no other, and the timeline says which it was.
warnings.filterwarnings("ignore", "Diffie-Hellman over finite fields", module="asyncssh")


class Transport(Witnessed):
    """A client's connection: tells when its socket is full, and marks its packets for IPQoS."""

    trunk: Trunk
    receive_mark: ReceiveMark
    low_water: LowWater
    greeted: bool
    """Whether our version string was sent already, before the library had the socket."""
    service_class: ServiceClass | None
    """Who marks the packets; None where the way leads through another program or host."""
    idle: IdleChannels | None
    """Who closes channels that are idle, where ChannelTimeout is set."""
    round_trip: float | None = None
    """Seconds that the server took to answer the latest keepalive."""
    measured: float = float("-inf")
    """When that was, by the loop's clock."""
    _bulk: set[SSHChannel[Any]]
    _opens_terminal: bool
    _opens_direct: bool
    _held: bool
    _is_over: bool

    def start(self) -> None:
        """Set up what a connection of this class has more than the library's."""
        self.keep_agent()
        self.trunk = Trunk()
        self.receive_mark = ReceiveMark()
        self.low_water = LowWater(self.receive_mark)
        self.service_class = None
        self.greeted = False
        self.idle = None
        self._bulk = set()
        self._opens_terminal = self._opens_direct = self._held = self._is_over = False

    def set_patience(self, count: int) -> None:
        """Take the connection for lost after more than `count` keepalives without an answer."""
        self._keepalive_count_max = count

    def _send_version(self) -> None:
        """Send our version string, unless that is done: what is signed holds it in any case."""
        if not self.greeted:
            super()._send_version()
            return
        self._client_version = b"SSH-2.0-" + self._version
        self.set_extra_info(client_version=self._client_version.decode("ascii"))

    def send_newkeys(self, k: bytes, h: bytes) -> None:
        """Finish a key exchange; its name can be asked for like those of the ciphers."""
        assert self._kex
        self.set_extra_info(kex=self._kex.algorithm.decode("ascii"))
        super().send_newkeys(k, h)
        if self._next_decompressor is not None:
            self._next_decompressor = Inflater(lambda: self._max_recv_pktlen)

    def limit_received(self, chosen: int) -> None:
        """Take note of RekeyLimit, where it counts what is received."""

    def change_keys(self) -> None:
        """Ask for new keys, unless they are being changed."""
        if self._transport is not None and self._kex_complete and self._auth_complete:
            self._send_kexinit()
            self._kexinit_sent = True

    def _recv_data(self) -> None:
        """Handle what was read, and read no more while too much of it waits."""
        super()._recv_data()
        holds = len(self._inpbuf) > _MOST_WAITING
        if holds is not self._held and self._transport is not None:
            self._held = holds
            if holds:
                self._transport.pause_reading()
            elif not self._waits_its_turn():
                self._transport.resume_reading()

    def _waits_its_turn(self) -> bool:
        """Return whether something that was read is for a later turn, and reading is paused."""
        return False

    def pause_writing(self) -> None:
        """Take the loop's notice that the socket is full."""
        self.trunk.pause()

    def resume_writing(self) -> None:
        """Take the loop's notice that there is room again."""
        self.trunk.resume()

    async def create_session(self, *args: Any, **options: Any) -> Any:
        """Open a session, which counts as interactive where it gets a terminal.

        As with sftp(1), one for files has no use for an agent, so it gets none; `lends_agent` says
        so of a command.
        """
        self._opens_terminal = bool(options.get("request_pty"))
        lends = options.pop("lends_agent", options.get("subsystem") != _FILES)
        self.lend_agent(lend=lends)  # the library looks at once
        try:
            return await super().create_session(*args, **options)
        finally:
            self._opens_terminal = False

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        """Open a connection from the server to somewhere else."""
        self._opens_direct = True
        try:
            return await super().create_connection(*args, **options)
        finally:
            self._opens_direct = False

    def direct_channel(self) -> asyncssh.SSHTCPChannel[bytes]:
        """Return a new channel for a connection from the server to somewhere else."""
        self._opens_direct = True
        try:
            return self.create_tcp_channel()
        finally:
            self._opens_direct = False

    async def create_unix_connection(self, *args: Any, **options: Any) -> Any:
        """Open a connection from the server to a Unix socket there."""
        self._opens_direct = True
        try:
            return await super().create_unix_connection(*args, **options)
        finally:
            self._opens_direct = False

    def add_channel(self, chan: SSHChannel[Any]) -> int:
        """Give a new channel its number."""
        number = super().add_channel(chan)
        # Whoever opens one comes here before anybody else can.
        is_terminal, self._opens_terminal = self._opens_terminal, False
        is_direct, self._opens_direct = self._opens_direct, False
        if isinstance(chan, _BULK):
            if not is_terminal:
                self._bulk.add(chan)
                self._classify()
            if self.idle is not None:
                self.idle.add(chan, channel_type(chan, is_direct=is_direct))
        return number

    def remove_channel(self, recv_chan: int) -> None:
        """Forget a channel that is closed."""
        chan = self._channels[recv_chan]
        self._bulk.discard(chan)
        self.low_water.hurry(chan)
        if self.idle is not None:
            self.idle.remove(chan)
        super().remove_channel(recv_chan)
        self._classify()

    def is_closed(self) -> bool:
        """Return whether it has ended; some of its channels may still have to be told."""
        return self._is_over or super().is_closed()

    def _cleanup(self, exc: Exception | None) -> None:
        """Tell the channels that the connection has ended, some in each turn, then all else."""
        self._is_over = True
        self._cancel_keepalive_timer()
        for channel in [*islice(self._channels.values(), _AT_ONCE)]:
            channel.process_connection_close(exc)
        if self._channels:
            self._loop.call_soon(self._cleanup, exc)
        else:
            super()._cleanup(exc)

    async def _make_keepalive_request(self) -> None:
        began = self._loop.time()
        await super()._make_keepalive_request()
        if self._transport is not None:
            self.measured = self._loop.time()
            self.round_trip = self.measured - began

    def _classify(self) -> None:
        if self.service_class is not None:
            self.service_class.choose(bulk=bool(self._bulk))


def adopt(ssh: asyncssh.SSHClientConnection) -> Transport:
    """Turn the library's connection into ours, at any time; twice is once.

    It gets the direct path for bulk where the library is inside as that path assumes.
    """
    if isinstance(ssh, Transport):
        return ssh
    # Here, as the direct path is made of what stands above.
    from sshdash.connections.transport.direct import DirectTransport

    ssh.__class__ = DirectTransport if library.is_as_expected() else Transport
    assert isinstance(ssh, Transport)
    ssh.start()
    return ssh
