"""Asking what one more event would do changes nothing."""

import json

from rulesd.core.probe import probe
from tests.core.plans import T0, burst, event, field, plan, rule
from tests.core.world import World


def test_one_more_event_is_asked_about_and_leaves_no_trace() -> None:
    w = World(plan(rule(detector=burst(3), by=(field("tenant"),))))
    w.send(0).send(1)
    before = json.dumps(w.engine.snapshot()[0])
    (book,) = w.engine.detection.books
    found = probe(book, event("x", T0 + 2_000), T0 + 2_000)
    assert found.known
    assert found.reading is not None
    assert (found.needed, found.reading.value, found.reading.threshold) == (1, 3, 3)
    assert found.alert == ""
    assert json.dumps(w.engine.snapshot()[0]) == before
    w.send(2)
    assert probe(book, event("y", T0 + 3_000), T0 + 3_000).alert == w.engine.alerts()[0].alert


def test_a_key_nobody_has_seen() -> None:
    w = World(plan(rule(detector=burst(3), by=(field("tenant"),))))
    (book,) = w.engine.detection.books
    found = probe(book, event("x", T0, tenant="new"), T0)
    assert (found.known, found.key, found.needed) == (False, ("new",), 3)


def test_an_event_that_concerns_all_keys_says_nothing_of_one() -> None:
    w = World(plan(rule(detector=burst(3), by=(field("tenant"),))))
    (book,) = w.engine.detection.books
    book.pooled = True
    detector = book.rule.detector
    cls, had = type(detector), type(detector).observe_pool
    cls.observe_pool = lambda self, pool, seen: True  # type: ignore[method-assign, misc]
    try:
        assert probe(book, event("x", T0), T0)[1:3] == (0, None)
    finally:
        cls.observe_pool = had  # type: ignore[method-assign]


def test_more_of_the_same_may_never_be_enough() -> None:
    w = World(plan(rule(detector=burst(5_000), by=(field("tenant"),))))
    (book,) = w.engine.detection.books
    assert probe(book, event("x", T0), T0).needed == 0
