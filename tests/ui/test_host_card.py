"""The card of a host: what matters most is never what a small screen cuts off."""

from sshdash.ui.theme import Mark
from sshdash.ui.widgets.host_card import HostFacts, card_text

FORWARDS = tuple((Mark.IDLE, f"L {port} → db:5432") for port in range(8001, 8013))


def lines(facts: HostFacts) -> list[str]:
    return str(card_text(facts)).splitlines()


def test_the_outage_stands_above_the_forwards() -> None:
    state = (Mark.BUSY, "retry 3 s")
    facts = HostFacts("web", forwards=FORWARDS, state=state, problem="refused", hint="r try now")
    assert lines(facts)[1:4] == [f"{Mark.BUSY.shape} retry 3 s", "refused", "→ r try now"]


def test_of_many_forwards_those_at_work_are_shown() -> None:
    shown = lines(HostFacts("web", forwards=(*FORWARDS, (Mark.UP, "D 1080"))))
    assert shown[1] == f"{Mark.UP.shape} D 1080"
    assert shown[-1] == "  and 10 more"
    assert len(shown) == 5
    assert len(lines(HostFacts("web", forwards=FORWARDS[:4]))) == 5


def test_many_keys_are_cut() -> None:
    assert lines(HostFacts("web", identity=", ".join(["id_ed25519"] * 9)))[-1].endswith("…")
