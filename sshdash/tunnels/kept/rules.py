"""The saved rules, as tunnels on the list: read from their file, followed, changed in it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sshdash.config.catalog import Catalog
from sshdash.errors import FileError, SSHDashError, UsageError
from sshdash.events import Event, EventBus, RulesChanged, TunnelChanged, WarningRaised
from sshdash.follower import Follower
from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.kept.rules_file import (
    load_rules,
    remove_rule,
    rules_file,
    save_rule,
    save_rules,
)
from sshdash.tunnels.kept.rules_text import RuleList
from sshdash.tunnels.manager import TunnelManager
from sshdash.tunnels.spec import ForwardSpec
from sshdash.untrusted import clean

Fill = Callable[[str, ForwardSpec], ForwardSpec]
Wrong = dict[tuple[str, str], None]
"""Titles and details of what is wrong, in the order of the file."""
_AWAY = (0.0, 0.5)
"""Seconds before each look for a file that is not there: it may be about to be replaced."""
_AT_REST = (TunnelState.CLOSED, TunnelState.FAILED)


class Rules:
    """Keeps the list of tunnels as the file has its rules.

    What is open stays as it is when its rule goes from the file, until it is closed. `fill`
    replaces the tokens in a forward of a host; it raises SSHDashError.
    """

    def __init__(
        self,
        manager: TunnelManager,
        events: EventBus,
        fill: Fill = lambda _, spec: spec,
        path: Path | None = None,
    ) -> None:
        self.path = path or rules_file()
        self.was_read = False
        """Whether the file was tried once, whatever came of it."""
        self._fill = fill
        self._manager = manager
        self._events = events
        self._listed = RuleList()
        self._tunnels: dict[str, str] = {}
        """The ids of what the rules have on the list, with the name of the rule."""
        self._leaving: set[str] = set()
        """Those that are no rule's any more, and are open."""
        self._wrong: Wrong = {}
        """What was wrong with the file when it was last read: told once, for as long as it is."""
        self._unfollowed = ""
        """Why changes of the file may go unseen, as it was told last."""
        self._unread = ""
        """Why the file could not be read when it was last tried; empty where it could."""
        self._turn = asyncio.Lock()
        self._work: set[asyncio.Task[None]] = set()
        self._follower: Follower | None = None
        self._unsubscribe = events.subscribe(self._note)

    def __repr__(self) -> str:
        return f"<Rules [{', '.join(rule.name for rule in self._listed.rules)}]>"

    @property
    def all(self) -> tuple[Rule, ...]:
        """Return the rules in the order of the file."""
        return self._listed.rules

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the other rules, with file and line."""
        return tuple(str(problem) for problem in self._listed.problems)

    def get(self, name: str) -> Rule:
        """Return a rule. Raises UsageError, which tells why where there is one that is wrong."""
        for rule in self.all:
            if rule.name == name:
                return rule
        line = self._listed.lines.get(name)
        wrong = next((one for one in self._listed.problems if one.line >= (line or 0)), None)
        if line is not None and wrong is not None:
            raise UsageError(wrong.title, wrong.detail)
        known = ", ".join(clean(rule.name) for rule in self.all[:20]) or "none"
        raise UsageError(f"There is no rule {clean(name)}", f"in {self.path}: {known}")

    def tunnels(self, name: str) -> list[str]:
        """Return the ids of the tunnels of a rule, in its order."""
        return [tunnel for tunnel, rule in self._tunnels.items() if rule == name]

    def enlist(self, rule: Rule) -> list[str]:
        """Put the forwards of a rule on the list of tunnels, and return their ids.

        Those that are there already are the rule's from now on. Raises SSHDashError.
        """
        specs = [self._fill(rule.host, spec) for spec in rule.forwards]
        return [self._manager.add(rule.host, spec, "saved", rule) for spec in specs]

    # -- the file

    async def read(self) -> None:
        """Read the file and list nothing of it. Raises ConfigError and FileError."""
        self._listed = await asyncio.to_thread(load_rules, self.path)
        self._tell_of(_problems_of(self._listed))

    async def load(self) -> None:
        """Read the file, and list its rules as tunnels.

        What is wrong is told as a warning; a file that is gone or cannot be read changes nothing.
        """
        async with self._turn:
            try:
                listed = await self._newest()
            except SSHDashError as error:
                self.was_read = True
                if error.detail != self._unread:
                    self._events.emit(WarningRaised(error.title, error.detail))
                self._unread = error.detail
                return
            self._unread = ""
            if self._listed.rules and not listed.lines:
                count = len(self._listed.rules)
                words = f"{self.path}: {count} of them off the list, but for what is open"
                self._events.emit(WarningRaised("The file of the tunnels has no rules now", words))
            await self._take(listed)

    async def _newest(self) -> RuleList:
        """Return what the file has. Raises SSHDashError, also where it had rules and is gone."""
        if self._listed.rules:
            for pause in _AWAY:
                await asyncio.sleep(pause)
                if await asyncio.to_thread(self.path.exists):
                    break
            else:
                words = "its rules stay listed, and the next change of one writes all of them"
                raise FileError("The file of the tunnels is gone", str(self.path), words)
        return await asyncio.to_thread(load_rules, self.path)

    async def follow(self) -> None:
        """Read the file, and again whenever it changes, until this is closed."""
        catalog = Catalog((), files=(str(self.path),))
        self._follower = Follower(lambda: catalog, self._changed, self._impossible)
        await self.load()
        await self._follower.start()

    async def save(self, rule: Rule, old: str = "") -> list[str]:
        """Write a rule, in the place of the one called `old` if any; return its tunnels' ids.

        Raises ConfigError, FileError and ChangedSince, and nothing is changed.
        """
        await self._write(partial(save_rule, rule, old, self.path))
        return self.tunnels(rule.name)

    async def remove(self, name: str) -> None:
        """Take a rule out of the file; what is open stays until it is closed. Raises as `save`."""
        await self._write(partial(remove_rule, name, self.path))

    async def rename(self, old: str, new: str) -> None:
        """Give a rule another name; its tunnels go on. Raises as `save`, and UsageError."""
        await self.save(replace(self.get(old), name=new), old)

    async def close(self) -> None:
        """End following. Idempotent."""
        self._unsubscribe()
        if self._follower is not None:
            await self._follower.stop()
        for task in tuple(self._work):
            task.cancel()
        if self._work:
            await asyncio.wait(tuple(self._work))

    async def _write(self, change: Callable[[], RuleList]) -> None:
        async with self._turn:
            if self._listed.rules and not await asyncio.to_thread(self.path.exists):
                await asyncio.to_thread(save_rules, self._listed.rules, self.path)
            await self._take(await asyncio.to_thread(change), asked=True)

    # -- the list

    async def _take(self, listed: RuleList, asked: bool = False) -> None:
        """Make the list of tunnels like the file; who `asked` for a change is not told of it."""
        wrong = _problems_of(listed)
        changed = listed != self._listed
        self._listed = listed
        before = self._tunnels
        tunnels: dict[str, str] = {}
        for rule in listed.rules:
            try:
                tunnels |= dict.fromkeys(self.enlist(rule), rule.name)
            except SSHDashError as error:
                wrong[f"{clean(rule.name)} is left out", str(error)] = None
            await asyncio.sleep(0)  # each host may have to be looked up
        self._tunnels = tunnels
        self._leaving -= self._tunnels.keys()
        for tunnel in before.keys() - self._tunnels.keys():
            await self._drop(tunnel, "" if asked else before[tunnel])
        self.was_read = True
        self._tell_of(wrong)
        if changed:
            self._events.emit(RulesChanged())

    async def _drop(self, tunnel: str, name: str) -> None:
        """Take a forward off the list whose rule has gone, unless it is open or ssh_config's.

        That it stays is told where there is a `name` for that.
        """
        try:
            snapshot = self._manager.snapshot(tunnel)
        except KeyError:  # somebody has removed it
            return
        if snapshot.source != "saved":
            self._manager.change_rule(tunnel, None)
        elif snapshot.state in _AT_REST:
            await self._manager.remove(tunnel)
        else:
            self._leaving.add(tunnel)
            if not name:
                return
            title = f"{clean(name)} is not in the file any more"
            way = f"-{snapshot.kind.value} {snapshot.spec}"
            detail = f"{clean(way)} is open, and stays until it is closed"
            self._events.emit(WarningRaised(title, detail))

    def _note(self, event: Event) -> None:
        if (
            isinstance(event, TunnelChanged)
            and event.tunnel in self._leaving
            and event.new in _AT_REST
        ):
            self._leaving.discard(event.tunnel)
            self._start(self._manager.remove(event.tunnel))

    def _changed(self) -> None:
        self._start(self._read_again())

    async def _read_again(self) -> None:
        await self.load()
        if self._follower is not None:
            await self._follower.start()

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _impossible(self, reason: str) -> None:
        if reason != self._unfollowed:
            self._unfollowed = reason
            title = "Changes of the tunnels' rules may go unseen"
            self._events.emit(WarningRaised(title, clean(reason, 400)))

    def _tell_of(self, wrong: Wrong) -> None:
        """Tell what is wrong now and was not before."""
        for title, detail in (one for one in wrong if one not in self._wrong):
            self._events.emit(WarningRaised(title, detail))
        self._wrong = wrong


def _problems_of(listed: RuleList) -> Wrong:
    return {(problem.title, problem.detail): None for problem in listed.problems}
