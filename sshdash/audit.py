"""The audit log: who connected where, when, how, and what came of it; one JSON object a line.

It is made of the events that the backend tells anyhow, and of nothing that was typed or shown.
All texts are cleaned: a server's words cannot forge a line.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from sshdash.audit_file import AuditFile
from sshdash.events import (
    ConnectionChanged,
    Event,
    EventBus,
    RecordingEnded,
    RecordingsRemoved,
    RecordingStarted,
    SessionChanged,
    SpareChanged,
    TransferChanged,
    TunnelChanged,
    TunnelRemoved,
    TunnelRepointed,
    WarningRaised,
)
from sshdash.paths import audit_log
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.snapshot import ConnectionSnapshot
    from sshdash.sftp.job import TransferSnapshot
    from sshdash.tunnels.snapshot import TunnelSnapshot

_PATIENCE = 2.0
"""Seconds that the disk gets to take the last lines."""
_TEXT = 500
_OVER = {
    SessionState.EXITED: "exited",
    SessionState.LOST: "lost",
    SessionState.FAILED: "failed",
}
_FINISHED = {
    TransferState.DONE: "done",
    TransferState.FAILED: "failed",
    TransferState.CANCELLED: "cancelled",
}
_LIVE = (TunnelState.OPEN, TunnelState.DEGRADED, TunnelState.RECONNECTING)
_ENDED = (TunnelState.CLOSED, TunnelState.FAILED, TunnelState.PAUSED)


def _unknown(name: str) -> NoReturn:
    raise KeyError(name)


class AuditLog:
    """Writes what happens; asks for the details of what an event names.

    `connection`, `tunnel` and `transfer` return how the named thing stands; the last two raise
    KeyError where it is gone already.
    """

    def __init__(
        self,
        events: EventBus,
        connection: "Callable[[str], ConnectionSnapshot]",
        tunnel: "Callable[[str], TunnelSnapshot]" = _unknown,
        transfer: "Callable[[str], TransferSnapshot]" = _unknown,
    ) -> None:
        self._events = events
        self._connection = connection
        self._tunnel = tunnel
        self._transfer = transfer
        self._loop = asyncio.get_running_loop()
        self._file = AuditFile(audit_log(), self._failed_in_thread)
        self._began: dict[str, float] = {}
        """When attempts, connections and sessions began, by the monotonic clock."""
        self._recordings: dict[str, tuple[str, ...]] = {}
        self._leave = events.subscribe(self._hear)

    def __repr__(self) -> str:
        return f"<AuditLog {self._file!r}>"

    async def close(self) -> None:
        """Write what is left and listen no more."""
        self._leave()
        await asyncio.to_thread(self._file.close, _PATIENCE)

    def _hear(self, event: Event) -> None:
        if isinstance(event, ConnectionChanged):
            self._connection_changed(event)
        elif isinstance(event, SessionChanged):
            self._session_changed(event)
        elif isinstance(event, TransferChanged):
            self._transfer_changed(event)
        elif isinstance(event, TunnelChanged):
            self._tunnel_changed(event)
        elif isinstance(event, TunnelRepointed):
            self._write("tunnel_repointed", host=event.host, forward=event.new, before=event.old)
        elif isinstance(event, TunnelRemoved):
            self._write("tunnel_removed", host=event.host, forward=event.forward)
        elif isinstance(event, SpareChanged):
            self._spare_changed(event)
        elif isinstance(event, RecordingStarted | RecordingEnded):
            self._recording_changed(event)
        elif isinstance(event, RecordingsRemoved):
            self._write("recordings_removed", recordings=list(event.paths))

    # -- each kind

    def _connection_changed(self, event: ConnectionChanged) -> None:
        key = f"connection {event.host}"
        if event.new is ConnectionState.CONNECTING:
            self._began[key] = time.monotonic()
        elif event.old is ConnectionState.CONNECTING:
            result = {ConnectionState.CONNECTED: "connected", ConnectionState.FAILED: "failed"}
            one = self._connection(event.host)
            self._write(
                "connect",
                host=event.host,
                user=one.user,
                target=one.target,
                address=one.address,
                via=list(one.via),
                method=one.auth_method,
                result=result.get(event.new, "cancelled"),
                reason=event.reason,
                seconds=self._since(key),
            )
            self._began[key] = time.monotonic()
        elif event.old is ConnectionState.CONNECTED:
            lost = event.new is ConnectionState.LOST
            self._write(
                "disconnect",
                host=event.host,
                result="lost" if lost else "closed",
                reason=event.reason,
                seconds=self._since(key),
            )

    def _spare_changed(self, event: SpareChanged) -> None:
        """Write of a connection made because another was full, by the words of any other."""
        ended = event.new in (ConnectionState.LOST, ConnectionState.IDLE)
        self._write(
            "disconnect" if ended else "connect",
            host=event.host,
            further=True,
            address=event.address,
            result="closed" if event.new is ConnectionState.IDLE else event.new.value,
            reason=event.reason,
        )

    def _session_changed(self, event: SessionChanged) -> None:
        key = f"session {event.session}"
        if event.new is SessionState.RUNNING:
            self._began[key] = time.monotonic()
            self._write("session_opened", host=event.host, session=event.session)
        elif event.new in _OVER:
            self._write(
                "session_ended",
                host=event.host,
                session=event.session,
                result=_OVER[event.new],
                reason=event.reason,
                status=_status(event.reason),
                seconds=self._since(key),
                recordings=list(self._recordings.pop(event.session, ())),
            )

    def _recording_changed(self, event: RecordingStarted | RecordingEnded) -> None:
        started = isinstance(event, RecordingStarted)
        if started:
            self._recordings[event.session] = event.paths
        self._write(
            "recording_started" if started else "recording_ended",
            host=event.host,
            session=event.session,
            recordings=list(event.paths),
            reason="" if isinstance(event, RecordingStarted) else event.reason,
        )

    def _transfer_changed(self, event: TransferChanged) -> None:
        if event.new not in _FINISHED:
            return
        try:
            job = self._transfer(event.job)
        except KeyError:
            return
        took = (job.ended or time.monotonic()) - job.started if job.started else None
        self._write(
            "transfer",
            source=job.source,
            target=job.target,
            what=job.title,
            directory=job.target_dir,
            result=_FINISHED[event.new],
            reason=event.reason or job.reason,
            files=job.files_done,
            bytes=job.bytes_done,
            failures=job.errors_total,
            seconds=took,
        )

    def _tunnel_changed(self, event: TunnelChanged) -> None:
        opened = event.old is TunnelState.OPENING and event.new is TunnelState.OPEN
        closed = event.old in _LIVE and event.new in _ENDED
        failed = event.old is TunnelState.OPENING and event.new is TunnelState.FAILED
        if not (opened or closed or failed):
            return
        try:
            one = self._tunnel(event.tunnel)
        except KeyError:
            return
        counters: dict[str, Any] = {}
        if closed:
            counters = {
                "clients": one.clients_total,
                "bytes_up": one.bytes_up,
                "bytes_down": one.bytes_down,
            }
        self._write(
            "tunnel_opened" if opened else "tunnel_closed",
            host=one.host,
            forward=f"-{one.kind.value} {one.spec}",
            listen=one.listen,
            result=event.new.value,
            reason=event.reason,
            **counters,
        )

    # -- the line

    def _since(self, key: str) -> float | None:
        began = self._began.pop(key, None)
        return None if began is None else time.monotonic() - began

    def _write(self, event: str, **values: Any) -> None:
        line: dict[str, Any] = {"time": _now(), "event": event, "pid": os.getpid()}
        line.update((name, _safe(value)) for name, value in values.items() if value not in _EMPTY)
        self._file.add(json.dumps(line))

    def _failed_in_thread(self, reason: str) -> None:
        warning = WarningRaised("The audit log cannot be written", f"{self._file.path}: {reason}")
        try:
            self._loop.call_soon_threadsafe(self._events.emit, warning)
        except RuntimeError:
            return  # the loop is closed: nobody listens any more


_EMPTY: tuple[object, ...] = ("", None, [])


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, _TEXT)
    if isinstance(value, float):
        return round(value, 3)
    return [clean(one, 4096) for one in value] if isinstance(value, list) else value


def _now() -> str:
    """Return the time with the offset from UTC, as RFC 3339 has it."""
    now = time.time()
    local = time.localtime(now)
    offset = time.strftime("%z", local)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", local)
    return f"{moment}.{int(now * 1000) % 1000:03}{offset[:3]}:{offset[3:]}"


def _status(reason: str) -> int | None:
    """Return the exit status out of how a session ended, None where there was none."""
    words = reason.split()
    known = len(words) >= 2 and words[0] == "exit"
    number = words[1].rstrip(":") if known else ""
    return int(number) if number.isascii() and number.isdecimal() else None
