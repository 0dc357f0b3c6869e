"""Where a pane was: back, forward, and what is forgotten."""

from sshdash.sftp.history import History, Spot

A, B, C = (Spot("web", path) for path in (b"/a", b"/b", b"/c"))


def test_goes_back_and_forward_and_stops_at_the_ends() -> None:
    history = History()
    for spot in (A, B, C):
        history.visit(spot)
    assert [history.go(-1), history.go(-1), history.go(-1)] == [B, A, None]
    assert not history.can_go_back
    assert [history.go(1), history.go(1), history.go(1)] == [B, C, None]


def test_a_new_visit_forgets_what_was_gone_back_from() -> None:
    history = History()
    for spot in (A, B):
        history.visit(spot)
    history.go(-1)
    history.visit(C)
    assert not history.can_go_forward
    assert history.go(-1) == A


def test_showing_the_same_again_is_no_visit() -> None:
    history = History()
    for spot in (A, B, B, B):
        history.visit(spot)
    assert history.go(-1) == A
    history.visit(A)
    assert history.can_go_forward


def test_where_one_cannot_go_the_place_stays() -> None:
    history = History()
    for spot in (A, B, C):
        history.visit(spot)
    assert history.go(-1) == B
    history.return_to(C)
    assert not history.can_go_forward
    assert history.go(-1) == B


def test_keeps_a_bounded_number() -> None:
    history = History()
    for number in range(1000):
        history.visit(Spot("", b"/%d" % number))
    steps = 0
    while history.go(-1):
        steps += 1
    assert 50 < steps < 1000
