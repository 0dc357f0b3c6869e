"""``-R port``: a proxy on the server whose clients are connected from here.

Names are looked up on this machine, as with ssh, and PermitRemoteOpen says who may be reached.
"""

import asyncio
import contextlib
import logging
from typing import Any

import asyncssh

from sshdash.tunnels.causes import refusal_cause
from sshdash.tunnels.forwards.reaching import Lookups, Unreached, begin_host
from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.forwards.remote import ServerListener
from sshdash.tunnels.proxy.handshake import Handshake
from sshdash.tunnels.proxy.proxy_request import Request
from sshdash.tunnels.spec import host_port
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_DEADLINE = 10.0
"""Seconds a client has for its handshake."""


class RemoteDynamicForwarder(ServerListener):
    """Has the server listen, and serves SOCKS and HTTP to those who come."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lookups = Lookups(self._options.family)
        self._callers: set[_Caller] = set()

    def detach(self) -> None:
        """Let go of a lost SSH connection, with those in their handshake."""
        super().detach()
        self._drop_callers()

    async def close(self) -> None:
        """Have the server free its port and drop the clients. Idempotent."""
        self._drop_callers()
        await super().close()

    def _drop_callers(self) -> None:
        for caller in tuple(self._callers):
            caller.leave()

    async def _welcome(self, origin: tuple[str, int]) -> asyncssh.SSHTCPSession[bytes]:
        """Confirm the channel at once: the client speaks first."""
        caller = _Caller(origin)
        self._callers.add(caller)
        self.clients.greet(caller)
        self.clients.start(self._serve(caller))
        return caller

    async def _serve(self, caller: "_Caller") -> None:
        caller.task = asyncio.current_task()
        try:
            await self._hear_out(caller)
            request = caller.parser.request
            if request is not None and not caller.lost:
                await self._pass_on(caller, request)
        finally:
            self._callers.discard(caller)
            caller.drop()
            self.clients.greeted(caller)

    async def _hear_out(self, caller: "_Caller") -> None:
        """Wait until there is a request, or there will be none."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DEADLINE):
                await caller.finished.wait()
        if caller.parser.request is None and not self._closed:
            mishap = caller.parser.mishap(left=caller.finished.is_set())
            if mishap:
                self._observer.strayed(mishap)

    async def _pass_on(self, caller: "_Caller", request: Request) -> None:
        relay = caller.relay = self._relay(client_is_remote=True)
        self.clients.greeted(caller)
        relay.visit.origin = caller.origin
        relay.visit.target = clean(host_port(request.host, request.port), 120)
        try:
            await self._wait_admitted(relay)
            await self._reach(relay, request)
        except asyncssh.ChannelOpenError:
            relay.refused()
            caller.say(request.reply(Refusal.LOST))
        except Unreached as error:
            relay.refused()
            caller.say(request.reply(error.refusal))
            if not self._closed and error.refusal is not Refusal.LOST:
                self._observer.refused(str(error), refusal_cause(error.refusal, here=True))
        except asyncio.CancelledError:
            relay.refused()
            raise
        else:
            if self._closed or relay.over or relay.socket.lost or caller.lost:
                relay.refused()
                return
            self._observer.answered()
            caller.hand_over(relay, request.reply(None))

    async def _reach(self, relay: Relay, request: Request) -> None:
        host, port = request.host, request.port
        if not self._options.permitted.allows(host, port):
            reason = f"{relay.visit.target}: not permitted by PermitRemoteOpen"
            raise Unreached(Refusal.PROHIBITED, reason)
        loop = asyncio.get_running_loop()
        began = loop.time()
        rest = begin_host(relay.socket, host, port, self._lookups)
        if rest is None or await relay.attempt.make(rest):
            self._traffic.reached(self._spec.target_text, loop.time() - began)


class _Caller(asyncssh.SSHTCPSession[bytes]):
    """Has the channel of one client until its target is reached.

    Its callbacks run inside the SSH library: none of them may raise.
    """

    def __init__(self, origin: tuple[str, int]) -> None:
        self.origin = origin
        self.parser = Handshake()
        self.relay: Relay | None = None
        self.task: asyncio.Task[None] | None = None
        self.finished = asyncio.Event()
        self.lost = False
        self._ended = False
        self._channel: asyncssh.SSHTCPChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self._channel = chan
        if self.lost:
            chan.abort()

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        if self._channel is None or self.parser.done:
            return
        try:
            answer = self.parser.feed(data)
        except Exception:
            # It would end the connection that everything else shares.
            log.exception("a client's handshake could not be read")
            self.leave()
            return
        if self.parser.done:
            self._channel.pause_reading()
            self.finished.set()
        self.say(answer)

    def eof_received(self) -> bool:
        """Take note; a client whose request is complete may still want the answer."""
        self._ended = True
        self.finished.set()
        return self.parser.request is not None

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        self.leave()

    def say(self, data: bytes) -> None:
        """Send something to the client, if it is still there."""
        if self._channel is not None and data:
            try:
                self._channel.write(data)
            except OSError as error:
                log.debug("a SOCKS client of the server has gone: %s", error)

    def hand_over(self, relay: Relay, reply: bytes) -> None:
        """Give the channel to a relay, behind the reply and with what came early."""
        channel, self._channel = self._channel, None
        if channel is None:
            relay.refused()
            return
        try:
            channel.write(reply)
        except OSError:
            relay.refused()
            channel.abort()
            return
        channel._session = relay.channel
        relay.channel.connection_made(channel)
        if self.parser.rest:
            relay.channel.data_received(self.parser.rest)
        if self._ended:
            relay.channel.eof_received()
        channel.resume_reading()

    def abort(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Be served no longer."""
        self.lost = True
        self.finished.set()
        if self.task is not None:
            self.task.cancel()
        self.drop()

    def drop(self) -> None:
        """Close the channel, unless it was handed over; an answer on its way still gets out."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
