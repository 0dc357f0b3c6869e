"""Trees that are kept up to date: none outlives who stops it."""

from sshdash.events import EventBus
from sshdash.prompts import ScriptedPrompter
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.sync_keep import Wish
from sshdash.sftp.sync_keepers import Keepers
from sshdash.sftp.sync_plan import Tree
from sshdash.sftp.sync_rules import Rules
from tests.unit.memory_files import MemoryFilesystem


async def test_one_that_is_stopped_before_it_began_is_not_listed_any_more() -> None:
    async def open_end(endpoint: str) -> Filesystem:
        return MemoryFilesystem(endpoint or "local")

    keepers = Keepers(open_end, ScriptedPrompter([]), EventBus())
    number = keepers.start(Wish(Tree("", b"/here"), Tree("far", b"/there"), Rules()))
    await keepers.stop(number)
    assert keepers.snapshots() == []
    await keepers.close()
