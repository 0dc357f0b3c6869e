"""Lets known_hosts follow what a trusted server tells of its keys: see `rotation`."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from sshdash.connections.timeline import Phase, Timeline
from sshdash.connections.trust import rotation
from sshdash.connections.trust.host_policy import HostPolicy
from sshdash.connections.trust.host_trust import HostTrust
from sshdash.connections.trust.hostkey_faults import describe
from sshdash.connections.trust.judged import Judged
from sshdash.connections.trust.rotation import Rotation
from sshdash.keys.known_hosts_file import Rewritten
from sshdash.prompts import ConfirmQuestion
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_LATE = 2.0
"""Seconds after which the file that was replaced is looked at for the last time."""


class KeyUpdate:
    """One server's keys, on one connection."""

    def __init__(
        self, trust: HostTrust, policy: HostPolicy, address: str, timeline: Timeline
    ) -> None:
        self._trust = trust
        self._policy = policy
        self._address = address
        self._timeline = timeline

    async def run(self, connection: Judged, told: Sequence[bytes]) -> None:
        """Bring known_hosts up to date, or record why that is not done; raises nothing."""
        try:
            await self._run(connection, told)
        except ValueError as error:
            self._note(f"the server's keys are not learned: {clean(str(error))}")
        except OSError as error:
            where = error.filename or self._policy.file
            reason = f"cannot write {where}: {error.strerror or error}"
            self._trust.tell("The server's keys could not be updated", reason, self._policy.host)

    async def _run(self, connection: Judged, told: Sequence[bytes]) -> None:
        library: Any = connection
        keys = rotation.usable_keys(told, library._server_host_key_algs or ())
        if not keys:
            return
        update = Rotation(self._policy.name, self._address, keys)
        obstacle = await asyncio.to_thread(rotation.look_up, update, self._policy.user_files)
        if not update.new and not update.gone:
            return
        if obstacle:
            self._note(f"known_hosts is left as it is: {obstacle}")
            return
        proved = await rotation.prove(connection, update.new) if update.new else []
        if self._policy.update == "ask" and not await self._agreed(update, proved):
            self._note("the server's new keys were not accepted")
            return
        done = await asyncio.to_thread(
            rotation.write, update, self._policy.user_files, proved, self._policy.hash_names
        )
        for each in done:
            asyncio.get_running_loop().call_later(_LATE, _close, each)
        for text in _changes(update, proved):
            self._note(text)
            log.info("%s: %s", self._policy.name, text)

    async def _agreed(self, update: Rotation, proved: Sequence[bytes]) -> bool:
        question = ConfirmQuestion(
            f"{clean(self._policy.name)} has updated its host keys",
            detail="its known key vouches for the change\n" + "\n".join(_changes(update, proved)),
            action="Update known_hosts",
            unbidden=True,
        )
        answer: bool | None = await self._trust.prompter.ask(question)
        return bool(answer)

    def _note(self, text: str) -> None:
        self._timeline.note(Phase.HOST_KEY, text)


def _close(rewritten: Rewritten) -> None:
    try:
        rewritten.close()
    except OSError:
        log.exception("lines that came late to known_hosts could not be brought over")


def _changes(update: Rotation, proved: Sequence[bytes]) -> list[str]:
    learned = [f"learned {describe(key)}" for key in proved]
    return [*learned, *(f"removed {describe(key)}" for key in update.gone)]
