"""One probe: opens what a client would get, asks, and reads a little of the answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from socket import AF_UNSPEC, AddressFamily
from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.tunnels.causes import refusal_cause
from sshdash.tunnels.forwards.far_socket import open_socket
from sshdash.tunnels.forwards.reaching import Lookups, Unreached, reach_host, reach_socket
from sshdash.tunnels.forwards.refusal import Refusal, classify, refusal_text
from sshdash.tunnels.kept.rule import Probe, ProbeKind
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.probes.answers import LIMIT, Verdict, judge, question
from sshdash.tunnels.snapshot import ProbeResult
from sshdash.tunnels.spec import ForwardSpec, Kind, host_port

DEADLINE = 5.0
"""Seconds that a target has to be reached and to answer."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a client of a forward gets to its target."""

    open: Callable[[Callable[[], Any]], Awaitable[Any]]
    """Connects what a factory makes: an end of a channel, or a protocol of a socket."""
    is_remote: bool
    """Whether it is a channel, whose opening cannot be taken back."""


def opening_of(spec: ForwardSpec, ssh: Transport, lookups: Lookups) -> Opening:
    """Return how a forward that has one target gets there."""
    host, port, path = spec.target_host, spec.target_port, spec.target_path
    if spec.kind is Kind.REMOTE:
        if path:
            return Opening(lambda end: reach_socket(end, path), is_remote=False)
        return Opening(lambda end: reach_host(end, host, port, lookups), is_remote=False)
    if path:
        return Opening(lambda end: open_socket(ssh, end, path), is_remote=True)
    return Opening(lambda end: ssh.create_connection(end, host, port), is_remote=True)


class Asker(asyncssh.SSHTCPSession[bytes]):
    """The end of a channel, or of a socket here, that asks one question.

    The callbacks run inside the SSH library: none of them may raise.
    """

    def __init__(self, probe: Probe, target: str) -> None:
        loop = asyncio.get_running_loop()
        self._kind = probe.kind
        self._question = question(probe, target)
        self._said = b""
        self._transport: Any = None
        self._over = False
        self.verdict: asyncio.Future[Verdict] = loop.create_future()

    def __repr__(self) -> str:
        """Return the kind and how much was said."""
        return f"<Asker [{self._kind.value}, {len(self._said)} bytes]>"

    @property
    def heard(self) -> bool:
        """Return whether the target has said anything."""
        return bool(self._said)

    def connection_made(self, chan: Any) -> None:
        """Ask at once, or give a channel back that came too late."""
        self._transport = chan
        if self._over:
            chan.abort()
            return
        if self._question:
            chan.write(self._question)
        if self._kind is ProbeKind.TCP:
            self._judge(ended=False)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """Look at what came, up to a limit."""
        self._said += data[: LIMIT - len(self._said)]
        self._judge(ended=False)

    def eof_received(self) -> bool:
        """Make do with what was said."""
        self._judge(ended=True)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Make do with what was said; a reset says that nobody there wants to talk."""
        if isinstance(exc, ConnectionResetError) and not self.verdict.done():
            self.verdict.set_result(Verdict(False, "reset the connection"))
        self._judge(ended=True)
        self._transport = None

    def end(self) -> None:
        """Ask no more: close what is open, and whatever opens later."""
        self._over = True
        if self._transport is not None:
            self._transport.close()

    def _judge(self, *, ended: bool) -> None:
        if not self.verdict.done():
            verdict = judge(self._kind, self._said, ended)
            if verdict is not None:
                self.verdict.set_result(verdict)


class Questions:
    """Asks one target, one question at a time; a target here by addresses of one family."""

    def __init__(self, family: AddressFamily = AF_UNSPEC) -> None:
        self._lookups = Lookups(family)
        self._openings: dict[ForwardSpec, asyncio.Future[Any]] = {}
        """Channels that are still being opened, for a question that was perhaps given up."""

    def __repr__(self) -> str:
        """Return how many channels are waited for."""
        return f"<Questions [{len(self._openings)} being opened]>"

    async def ask(
        self, spec: ForwardSpec, ssh: Transport, probe: Probe
    ) -> tuple[ProbeResult, float | None]:
        """Return what was found, and after how many seconds the way was open.

        It takes `DEADLINE` seconds at most. An opening of a channel that takes longer goes on,
        for the protocol cannot take it back, and is given back when it comes; until then no
        other is begun.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        asker = Asker(probe, _host_of(spec))
        opened: float | None = None
        try:
            async with asyncio.timeout(DEADLINE):
                if spec in self._openings:
                    await asyncio.wait({self._openings[spec]})
                    began = loop.time()
                await self._open(spec, opening_of(spec, ssh, self._lookups), asker)
                opened = loop.time() - began
                verdict = await asker.verdict
        except (asyncssh.Error, OSError, ValueError, Unreached) as error:
            return _failure(spec, error, opened is not None), opened
        finally:
            asker.end()
        if verdict.well:
            return ProbeResult(time.time(), loop.time() - began, verdict.text), opened
        # Who says something wrong is there, but not as it should be.
        here = spec.kind is Kind.REMOTE
        cause = Cause.OTHER if asker.heard else refusal_cause(Refusal.REFUSED, here)
        text = f"{spec.target_text}: {verdict.text}"
        return ProbeResult(time.time(), None, text, cause), opened

    async def _open(self, spec: ForwardSpec, opening: Opening, asker: Asker) -> None:
        opened = asyncio.ensure_future(opening.open(lambda: asker))
        if not opening.is_remote:
            await opened
            return
        self._openings[spec] = opened
        opened.add_done_callback(lambda _: self._settle(spec, opened))
        await asyncio.shield(opened)

    def _settle(self, spec: ForwardSpec, opened: "asyncio.Future[Any]") -> None:
        self._openings.pop(spec, None)
        if not opened.cancelled():
            opened.exception()  # looked at: whoever asked may have gone


def _host_of(spec: ForwardSpec) -> str:
    """Return what HTTP calls the target; a socket has no name."""
    return "localhost" if spec.target_path else host_port(spec.target_host, spec.target_port)


def _failure(spec: ForwardSpec, error: Exception, reached: bool) -> ProbeResult:
    target = spec.target_text
    if isinstance(error, TimeoutError):
        what = "no answer" if reached else "not reached"
        text = f"{target}: {what} within {DEADLINE:g} s"
        return ProbeResult(time.time(), None, text, Cause.TARGET_TIMED_OUT)
    if isinstance(error, Unreached):
        cause = refusal_cause(error.refusal, here=True)
        return ProbeResult(time.time(), None, str(error), cause)
    if isinstance(error, asyncssh.ChannelOpenError):
        refusal, reason = classify(error.code, error.reason), error.reason
    else:
        refusal, reason = Refusal.LOST, str(error)
    text = refusal_text(refusal, target, reason)
    return ProbeResult(time.time(), None, text, refusal_cause(refusal))
