"""Telling facts."""

import logging

import pytest

from sshdash.events import CatalogChanged, Event, EventBus


def test_every_listener_hears_until_it_leaves() -> None:
    bus = EventBus()
    heard: list[Event] = []
    leave = bus.subscribe(heard.append)
    bus.emit(CatalogChanged())
    leave()
    leave()
    bus.emit(CatalogChanged())
    assert heard == [CatalogChanged()]
    assert repr(bus) == "<EventBus [0 listeners]>"


def test_a_listener_that_fails_does_not_silence_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus = EventBus()
    heard: list[Event] = []

    def fail(_: Event) -> None:
        raise ValueError("a defect")

    bus.subscribe(fail)
    bus.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        bus.emit(CatalogChanged())
    assert heard == [CatalogChanged()]
    assert "a listener failed" in caplog.text
