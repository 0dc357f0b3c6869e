"""What is answered about targets that exist, where a copy goes by scp."""

from sshdash.prompts import ConflictAnswer, ConflictChoice, ScriptedPrompter
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.scp_choices import Choices
from sshdash.sftp.walk import Source

REQUEST = CopyRequest("", (b"/a", b"/b", b"/c"), "far", b"/to")


def choices(ledger: Ledger, prompter: ScriptedPrompter) -> Choices:
    async def nothing(path: bytes) -> Entry | None:
        return None

    return Choices(REQUEST, ledger, prompter, ("local", "far"), nothing)


def source(name: bytes, time: int = 1) -> Source:
    entry, existing = Entry(name, Kind.FILE, 5), Entry(name, Kind.FILE, 3, mtime_ns=time * 10**9)
    return Source(b"/" + name, name, entry, existing)


async def test_an_answer_for_all_holds_for_later_files_and_for_their_retry() -> None:
    ledger = Ledger()
    prompter = ScriptedPrompter(
        [
            ConflictAnswer(ConflictChoice.SKIP),
            ConflictAnswer(ConflictChoice.OVERWRITE, for_all=True),
            ConflictAnswer(ConflictChoice.SKIP),
        ]
    )
    first = choices(ledger, prompter)
    assert await first.settle(source(b"a"), b"/to") is None
    assert await first.settle(source(b"b"), b"/to") == source(b"b")
    assert await first.settle(source(b"c"), b"/to") == source(b"c")
    assert len(prompter.asked) == 2

    again = choices(ledger, prompter)
    assert await again.settle(source(b"c"), b"/to") == source(b"c")
    assert len(prompter.asked) == 2, "it was answered with all the others"
    changed = source(b"c", time=2)
    assert await choices(ledger, prompter).settle(changed, b"/to") is None
    assert len(prompter.asked) == 3, "nobody said anything about what is there now"
