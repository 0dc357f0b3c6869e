"""A connection that is only made to see how it goes: what ``sshdash doctor DEST`` does."""

import argparse
import asyncio

from sshdash.cli.checks import Check, Mark, show
from sshdash.cli.context import source
from sshdash.cli.prompter import choose_prompter
from sshdash.config.advice import advise
from sshdash.config.destination import parse_destination
from sshdash.config.resolver import Resolver
from sshdash.connections.manager import ConnectionManager, Lease
from sshdash.connections.timeline import Entry, Timeline
from sshdash.connections.timeline_text import document, entry_line, milliseconds
from sshdash.errors import SSHDashError
from sshdash.events import BannerReceived, ConnectionChanged, Event, EventBus, WarningRaised
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings, load_settings
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.states import ConnectionState
from sshdash.untrusted import clean

_NAMES = 12
"""As wide as the names of the other checks."""


class Trial:
    """Resolves a destination, connects, logs in, looks whether files can be reached, closes."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.host = str(arguments.destination)
        self.checks: list[Check] = []
        """What was found."""
        self.timeline: Timeline | None = None
        self._quiet = bool(arguments.json)
        self._close_look = arguments.verbose > 1
        self._resolver = Resolver(source(arguments))
        self._prompter = RefusingPrompter() if arguments.batch else choose_prompter()
        self._events = EventBus()

    async def run(self) -> None:
        """Do it all; findings are shown as they come, unless they are for a program."""
        if not self._quiet:
            print(f"\n{clean(self.host)}")
        try:
            await self._look_up()
            await self._connect()
        except SSHDashError as error:
            text = ": ".join(part for part in (error.title, _one_line(error.detail)) if part)
            self._found(Check("failure", Mark.FAIL, text, error.hint))

    def document(self) -> dict[str, object]:
        """Return what was found for programs."""
        return {
            "host": self.host,
            "checks": [check.document() for check in self.checks],
            "timeline": document(self.timeline) if self.timeline else None,
        }

    async def _look_up(self) -> None:
        """Tell what the configuration makes of the name, and what to know of that."""
        destination = parse_destination(self.host)
        resolved = await asyncio.to_thread(self._resolver.resolve, destination)
        route = " → ".join(("you", *map(str, resolved.proxy_jump), resolved.alias))
        address = f"{resolved.user}@{resolved.hostname} port {resolved.port}"
        self._found(Check("means", Mark.OK, f"{address}, {route}"))
        for advice in await asyncio.to_thread(advise, resolved, self._resolver):
            text = f"{advice.place}: {advice.text}" if advice.place else advice.text
            self._found(Check("config", Mark.WARN, text, advice.hint))

    async def _connect(self) -> None:
        settings: Settings = load_settings()
        manager = ConnectionManager(self._resolver, self._prompter, self._events, settings)
        self._events.subscribe(lambda event: self._note(manager, event))
        try:
            async with await manager.lease(self.host, "doctor") as lease:
                self._login(lease)
                await self._files(lease)
        finally:
            await manager.close()

    def _note(self, manager: ConnectionManager, event: Event) -> None:
        if isinstance(event, WarningRaised):
            self._found(Check("warning", Mark.WARN, f"{event.title}: {event.detail}"))
        elif isinstance(event, BannerReceived) and not self._quiet:
            for line in event.text.split("\n"):
                print(f"      | {clean(line, 200)}")
        elif isinstance(event, ConnectionChanged) and event.new is ConnectionState.CONNECTING:
            timeline = manager.status(self.host).timeline
            if timeline is not None and timeline is not self.timeline:
                self.timeline = timeline
                timeline.watch(self._tell)

    def _tell(self, _: int, entry: Entry) -> None:
        shown = self._close_look or not entry.detail
        if shown and entry.outcome != "running" and not self._quiet:
            print(f"      {entry_line(entry)}", flush=True)

    def _login(self, lease: Lease) -> None:
        connection = lease.connection
        took = milliseconds(self.timeline.elapsed) if self.timeline else "no time"
        text = f"by {connection.auth_method}, after {took}"
        self._found(Check("login", Mark.OK, text))
        self._found(Check("cipher", Mark.OK, connection.cipher))
        if lease.resolved.flag("forwardagent"):
            text = "the agent is forwarded: who is root there can use its keys meanwhile"
            self._found(Check("agent", Mark.WARN, text, "ProxyJump needs no ForwardAgent"))

    async def _files(self, lease: Lease) -> None:
        """Open SFTP, the channel that needs nothing to be run on the host."""
        spare = lease.connection.lease("doctor", lease.host, lease.resolved)
        try:
            files = await RemoteFilesystem.open(spare)
        except SSHDashError as error:
            text = ": ".join(part for part in (error.title, error.detail) if part)
            self._found(Check("files", Mark.WARN, text, error.hint))
        else:
            await files.close()
            self._found(Check("files", Mark.OK, "SFTP answers"))

    def _found(self, check: Check) -> None:
        self.checks.append(check)
        if not self._quiet:
            show([check], _NAMES)


def _one_line(detail: str) -> str:
    return "; ".join(detail.split("\n"))
