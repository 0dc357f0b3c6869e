"""The record of an attempt, without one."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sshdash.connections.timeline import MOST_ENTRIES, Entry, Phase, Timeline
from sshdash.connections.timeline_text import document, entry_line, milliseconds, text_lines
from sshdash.connections.transport.offers import Offers, disagreement, read_offers
from sshdash.errors import HostKeyError, UnreachableError


def test_a_step_ends_once() -> None:
    timeline = Timeline("web")
    mark = timeline.begin(Phase.TCP, "10.0.0.1 port 22")
    mark.failed("connection refused")
    mark.done()
    (entry,) = timeline.entries
    assert (entry.outcome, entry.text) == ("failed", "10.0.0.1 port 22: connection refused")


def test_an_exception_fails_the_step_it_passes() -> None:
    timeline = Timeline("web")
    try:
        with timeline.begin(Phase.RESOLVE, "web"):
            raise UnreachableError("Name does not resolve")
    except UnreachableError:
        pass
    assert timeline.entries[0].text == "web: Name does not resolve"


def test_the_end_fails_what_runs_and_names_it() -> None:
    timeline = Timeline("web")
    timeline.begin(Phase.RESOLVE, "web").done()
    timeline.begin(Phase.TCP, "10.0.0.1 port 22").done()
    timeline.begin(Phase.GREETING, "waiting")
    timeline.finish(UnreachableError("No SSH greeting"))
    assert timeline.last_good
    assert timeline.last_good.phase is Phase.TCP
    assert timeline.broken
    assert timeline.broken.phase is Phase.GREETING
    assert not timeline.is_running
    timeline.finish()
    assert timeline.failure is not None


def test_a_failure_without_a_step_gets_one() -> None:
    timeline = Timeline("web")
    timeline.finish(HostKeyError("Cannot read RevokedHostKeys"))
    assert timeline.broken
    assert (timeline.broken.phase, timeline.broken.text) == (
        Phase.HOST_KEY,
        "Cannot read RevokedHostKeys",
    )


def test_watchers_see_what_was_and_what_comes() -> None:
    timeline = Timeline("web")
    timeline.note(Phase.AUTH, "one")
    seen: list[tuple[int, str]] = []
    leave = timeline.watch(lambda place, entry: seen.append((place, entry.outcome)))
    mark = timeline.begin(Phase.AUTH, "two")
    mark.done()
    leave()
    timeline.note(Phase.AUTH, "three")
    assert seen == [(0, "note"), (1, "running"), (1, "ok")]


def test_a_watcher_that_fails_does_not_end_the_attempt() -> None:
    timeline = Timeline("web")

    def fail(place: int, entry: Entry) -> None:
        raise BrokenPipeError

    timeline.watch(fail)
    timeline.begin(Phase.TCP, "10.0.0.1 port 22").done()
    assert timeline.entries[0].outcome == "ok"


def test_a_jump_host_is_followed_to_its_end() -> None:
    hop, timeline = Timeline("bastion"), Timeline("web")
    before = hop.begin(Phase.TCP, "10.0.0.1 port 22")
    leave = timeline.include("bastion", hop)
    before.done()
    hop.begin(Phase.AUTH, "password").failed("refused")
    leave()
    hop.note(Phase.AUTH, "later")
    assert [(entry.hop, entry.outcome) for entry in timeline.entries] == [
        ("bastion", "ok"),
        ("bastion", "failed"),
    ]


def test_it_is_bounded_and_clean() -> None:
    timeline = Timeline("web")
    for number in range(MOST_ENTRIES + 100):
        timeline.begin(Phase.AUTH, f"{number} \x1b]0;x\x07" + "y" * 5000).done()
    assert len(timeline.entries) == MOST_ENTRIES
    assert all(entry.text.isprintable() for entry in timeline.entries)
    assert max(len(entry.text) for entry in timeline.entries) <= 600


def test_few_steps_are_kept_after_the_end() -> None:
    timeline = Timeline("web")
    timeline.begin(Phase.AUTH, "password").done()
    timeline.finish()
    for _ in range(1000):
        timeline.begin(Phase.CHANNEL, "a session for files").done()
    assert len(timeline.entries) == 21


def test_text_and_document_say_the_same() -> None:
    timeline = Timeline("web")
    timeline.begin(Phase.RESOLVE, "web").done("web is 10.0.0.1")
    timeline.note(Phase.KEX, "we offer a", detail=True)
    timeline.begin(Phase.TCP, "10.0.0.1 port 22").failed("connection refused")
    timeline.finish(UnreachableError("Connection refused", "web port 22", "is sshd running?"))
    text = "\n".join(text_lines(timeline))
    assert "ok      name            web is 10.0.0.1" in text
    assert "we offer" not in text
    assert "we offer" in "\n".join(text_lines(timeline, detail=True))
    assert text.endswith("Connection refused\n  web port 22\n  → is sshd running?")
    report = json.loads(json.dumps(document(timeline)))
    assert report["last_good"] == "name"
    assert report["failed_at"] == "connection"
    assert [step["outcome"] for step in report["steps"]] == ["ok", "note", "failed"]


def test_times_are_short() -> None:
    shown = [milliseconds(seconds) for seconds in (None, 0.0004, 0.012, 1.234, 12.34)]
    assert shown == ["", "0.4 ms", "12 ms", "1.23 s", "12.3 s"]
    entry = Entry(Phase.TCP, "x", 0.001, 0.5, "ok")
    assert entry_line(entry) == "  1.0 ms  ok      connection      x  (500 ms)"


def lists(*names: str) -> bytes:
    """Return an SSH_MSG_KEXINIT with these eight lists."""
    body = b"".join(len(name).to_bytes(4, "big") + name.encode() for name in names)
    return b"\x14" + bytes(16) + body + bytes(13)


def test_offers_are_read_and_compared() -> None:
    ours = read_offers(
        lists("k1,ext-info-c", "h", "aes,gcm@openssh.com", "aes", "m", "m", "n", "n")
    )
    theirs = read_offers(lists("k1", "h", "gcm@openssh.com", "des", "x", "m", "n", "n"))
    assert ours
    assert theirs
    assert ours.kex == ("k1",)
    differing = disagreement(ours, theirs)
    assert differing
    assert (differing.kind, differing.keyword) == ("cipher", "Ciphers")
    assert (differing.ours, differing.theirs) == (("aes",), ("des",))
    assert disagreement(ours, ours) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_offers_or_none(payload: bytes) -> None:
    assert isinstance(read_offers(payload), Offers | None)
