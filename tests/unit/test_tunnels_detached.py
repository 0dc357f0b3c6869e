"""What is told of a process that could not run tunnels."""

from sshdash.tunnels.owners.detached import failure_in


def test_its_errors_are_told_and_not_what_its_tunnels_did() -> None:
    said = (
        "opening  taken: L localhost:5432 → db\n"
        "failed   taken: L localhost:5432 → db: Port 5432 is in use\n"
        "sshdash: Port 5432 is in use\n"
        "  held by postgres (pid 812)\n"
        "  → port 5433 is free\n"
        "closed   taken: L localhost:5432 → db"
    )
    assert failure_in(said) == (
        "Port 5432 is in use\n  held by postgres (pid 812)\n  → port 5433 is free"
    )


def test_what_says_nothing_of_the_kind_is_told_as_it_is() -> None:
    assert failure_in("Traceback\n  somewhere") == "Traceback\n  somewhere"
    assert failure_in("") == ""
