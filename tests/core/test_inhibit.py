"""Alertmanager's inhibition, to the letter, and the same at a hundred thousand alerts."""

from dataclasses import replace

import pytest

from rulesd.core import inhibit
from rulesd.core.inhibit import Inhibitor
from rulesd.core.plan import InhibitRule
from rulesd.model.alert import Alert, Foreign
from rulesd.model.fingerprint import fingerprint
from rulesd.model.reasons import AlertState
from tests.core.foreigners import matcher, posted, stops
from tests.model.test_alert import alert


def foreign(text: str, **changes: object) -> Alert:
    labels = posted(text).labels
    outside = Foreign(
        annotations={}, generator_url="", starts_at=0, ends_at=1, timeout=False, updated_at=0
    )
    made = alert(labels=labels, context={}, fingerprint=fingerprint(labels), foreign=outside)
    return replace(made, **changes)  # type: ignore[arg-type]


def inhibiting(inhibitor: Inhibitor, target: Alert) -> tuple[str, ...]:
    return inhibitor.inhibiting(inhibitor.aims(target))


DOWN = foreign("Down severity=critical cluster=x")
SLOW = foreign("Slow severity=warning cluster=x")
OVER = AlertState.RESOLVED


def test_a_source_holds_back_targets_with_the_same_labels() -> None:
    inhibitor = Inhibitor((stops(),))
    assert not inhibitor.has_sources
    inhibitor.see(DOWN)
    assert inhibitor.has_sources
    for _ in range(2):  # found, and remembered
        assert inhibiting(inhibitor, SLOW) == (DOWN.fingerprint,)
    assert inhibiting(inhibitor, foreign("Slow severity=warning cluster=y")) == ()
    assert inhibiting(inhibitor, foreign("Slow severity=info cluster=x")) == ()
    assert inhibiting(inhibitor, DOWN) == ()


def test_it_ends_with_the_source_at_once() -> None:
    inhibitor = Inhibitor((stops(),))
    inhibitor.see(DOWN)
    inhibitor.see(replace(DOWN, state=OVER))
    assert inhibiting(inhibitor, SLOW) == ()
    assert not inhibitor.has_sources
    inhibitor.see(replace(DOWN, state=OVER))  # said again
    inhibitor.see(DOWN)
    inhibitor.see(DOWN)
    assert inhibiting(inhibitor, SLOW) == (DOWN.fingerprint,)


def test_one_source_of_two_is_enough() -> None:
    inhibitor = Inhibitor((stops(),))
    second = foreign("Gone severity=critical cluster=x")
    inhibitor.see(DOWN)
    inhibitor.see(second)
    inhibitor.see(replace(DOWN, state=OVER))
    assert inhibiting(inhibitor, SLOW) == (second.fingerprint,)


def test_a_missing_label_is_the_empty_one() -> None:
    inhibitor = Inhibitor((stops(("cluster", "zone")),))
    inhibitor.see(foreign("Down severity=critical"))
    assert inhibiting(inhibitor, foreign("Slow severity=warning")) != ()
    assert inhibiting(inhibitor, SLOW) == ()
    everywhere = Inhibitor((stops(()),))
    everywhere.see(DOWN)
    assert inhibiting(everywhere, foreign("Slow severity=warning")) != ()


def test_what_matches_both_sides_is_not_held_back_by_its_like() -> None:
    inhibitor = Inhibitor((stops(both="1"),))
    one, two = foreign("A a=1 cluster=x"), foreign("B a=1 cluster=x")
    inhibitor.see(one)
    inhibitor.see(two)
    assert inhibiting(inhibitor, one) == ()
    # A pure source does hold back what is on both sides, and one on both sides holds back a pure target.
    wide = InhibitRule(source=(matcher("s", "1"),), target=(matcher("t", "1"),))
    other = Inhibitor((wide,))
    both, source, target = foreign("A s=1 t=1"), foreign("B s=1"), foreign("C t=1")
    other.see(both)
    assert inhibiting(other, both) == ()
    assert inhibiting(other, target) == (both.fingerprint,)
    other.see(source)
    assert inhibiting(other, both) == (source.fingerprint,)
    assert inhibiting(other, target) == (source.fingerprint,)
    assert other.still(other.aims(target), (both.fingerprint,))
    assert not other.still(other.aims(both), (both.fingerprint,))


def test_the_source_that_holds_it_back_stays_the_one_as_long_as_it_does() -> None:
    inhibitor = Inhibitor((stops(), stops(("severity_of_nobody",))))
    names = sorted(foreign(f"D{n} severity=critical cluster=x").fingerprint for n in range(3))
    for n in (2, 0, 1):
        inhibitor.see(foreign(f"D{n} severity=critical cluster=x"))
    aims = inhibitor.aims(SLOW)
    assert inhibitor.inhibiting(aims) == (names[0],)  # the first in order, whatever came first
    assert inhibitor.still(aims, (names[2],))
    assert not inhibitor.still(aims, ("gone",))
    assert not inhibitor.still(aims, ())
    assert not inhibitor.still((), (names[2],))
    assert not Inhibitor((stops(),)).still(aims[:1], (names[0],))


def test_our_own_alerts_are_sources_and_targets_by_all_their_labels() -> None:
    inhibitor = Inhibitor((stops(("tenant",)),))
    ours = alert(severity="critical", fingerprint="own")
    inhibitor.see(ours)
    assert inhibiting(inhibitor, alert(severity="warning")) == ("own",)
    inhibitor.see(ours)  # nothing of it changed
    inhibitor.see(replace(ours, severity="high"))  # no source any more
    assert inhibiting(inhibitor, alert(severity="warning")) == ()


def test_without_rules_nobody_is_looked_at() -> None:
    inhibitor = Inhibitor(())
    inhibitor.see(DOWN)
    assert (inhibitor.has_sources, inhibitor.aims(SLOW)) == (False, ())


def test_targets_of_the_same_share_one_aim_as_long_as_that_is_worth_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inhibit, "MOST_SHARED", 1)
    inhibitor = Inhibitor((stops(),))
    first = inhibitor.aims(SLOW)
    assert inhibitor.aims(foreign("Other severity=warning cluster=x")) is first
    far = foreign("Slow severity=warning cluster=far")
    assert inhibitor.aims(far) == inhibitor.aims(far)
    assert inhibitor.aims(far) is not inhibitor.aims(far)
