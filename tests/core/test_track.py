"""When an alert changes, and how seldom it speaks."""

from rulesd.core import track
from rulesd.core.book import NOT_DUE, Book, Entry
from rulesd.core.detectors.never import LastSeen, Never
from rulesd.core.detectors.protocol import Clock, Reading
from rulesd.core.detectors.rate import Rate
from rulesd.core.plan import Rule
from rulesd.model.decision import Decision, Kind
from rulesd.model.event import Document
from rulesd.model.inputs import Acknowledged
from rulesd.model.reasons import AlertState
from tests.core.plans import T0, burst, event, field, plan, rule
from tests.core.world import World


def test_never_fires_at_once_and_gathers_what_follows() -> None:
    w = World(plan(rule())).send(0, model="m1").send(0.2, model="m2").send(0.4)
    assert w.changes() == [(0, "alert.firing", "condition_met")]
    w.at(1)  # what came within the second is published once
    updated = w.last(Kind.UPDATED)
    assert (updated.count, updated.value, updated.causes) == (3, 3.0, ("e1", "e2", "e3"))
    assert updated.context == {"model": "m2"}


def test_never_resolves_a_day_after_the_last_occurrence() -> None:
    w = World(plan(rule())).send(0).send(3600).at(86_400 + 3600)
    assert w.changes(Kind.RESOLVED) == [(90_000, "alert.resolved", "hold_elapsed")]
    assert w.last(Kind.RESOLVED).ended_at == T0 + 90_000_000


def test_never_knows_since_when_even_for_a_late_event() -> None:
    w = World(plan(rule())).send(100, late=100)
    assert w.last(Kind.FIRING).since == T0


def test_a_burst_opens_with_what_its_window_holds() -> None:
    w = World(plan(rule(detector=burst(3)))).send(0).send(10).send(20)
    alert = w.last(Kind.FIRING)
    assert (alert.count, alert.value, alert.threshold, alert.since) == (3, 3.0, 3.0, T0)
    w.send(30).send(40).send(50)
    assert w.changes(Kind.UPDATED) == [(50, "alert.updated", "count_grew")]


def test_a_burst_holds_open_for_its_window_and_then_resolves() -> None:
    w = World(plan(rule(detector=burst(3, 60_000), lateness=30_000))).send(0).send(1).send(2)
    w.at(2_000)
    # The window ends at 60 s, the hold at 120 s; an idle key waits lateness and a minute for stragglers.
    assert w.changes(Kind.RESOLVED) == [(210, "alert.resolved", "hold_elapsed")]


def test_a_return_within_the_hold_is_the_same_episode() -> None:
    w = World(plan(rule(detector=burst(2, 60_000)))).send(0).send(1).send(90).send(91).at(100)
    assert len(w.changes(Kind.FIRING)) == 1
    assert not w.changes(Kind.RESOLVED)


def test_events_of_its_own_stream_move_time_on_too() -> None:
    w = (
        World(plan(rule(detector=burst(2, 60_000), keep_firing_for=0, lateness=0)))
        .send(0)
        .send(1)
        .send(61)
    )
    assert w.changes(Kind.RESOLVED) == [(61, "alert.resolved", "condition_cleared")]


def test_pending_must_last() -> None:
    r = rule(detector=burst(2, 60_000), pending_for=30_000, lateness=0)
    w = World(plan(r)).send(0).send(1).send(10).send(31)
    assert w.changes() == [
        (1, "alert.pending", "condition_met"),
        (31, "alert.firing", "pending_elapsed"),
    ]


def test_pending_fires_by_time_alone_when_its_condition_still_holds() -> None:
    r = rule(detector=burst(2, 60_000), pending_for=30_000, lateness=0)
    w = World(plan(r)).send(0).send(1).at(200)
    assert w.changes()[1] == (
        91,
        "alert.firing",
        "pending_elapsed",
    )  # a minute of patience for stragglers


def test_pending_that_does_not_last_is_nobodys_business() -> None:
    r = rule(detector=burst(2, 20_000), pending_for=30_000, lateness=0)
    w = World(plan(r)).send(0).send(1).at(500)
    assert w.changes()[1][1:] == ("alert.suppressed", "pending_cleared")
    assert not w.told()


def test_a_changed_severity_is_said_at_once() -> None:
    def severity(facts: Document) -> str:
        alert = facts["alert"]
        assert isinstance(alert, dict)
        count = alert["count"]
        assert isinstance(count, int)
        return "critical" if count >= 4 else "medium"

    w = World(plan(rule(detector=burst(3), severity=severity))).send(0).send(1).send(2).send(3)
    assert w.changes(Kind.UPDATED) == [(3, "alert.updated", "severity_changed")]
    assert w.last(Kind.UPDATED).severity == "critical"


def test_a_severity_falls_only_when_it_has_been_lower_for_the_hold() -> None:
    """Or a value that swings about a bound of the severity map would wake people at every swing."""

    def severity(facts: Document) -> str:
        alert = facts["alert"]
        assert isinstance(alert, dict)
        value = alert["value"]
        assert isinstance(value, float)
        return "critical" if value >= 2 else "medium"

    def said(w: World) -> list[float]:
        return [at for at, _, reason in w.changes(Kind.UPDATED) if reason == "severity_changed"]

    r = rule(detector=burst(1, 60_000), keep_firing_for=100_000, severity=severity)
    w = World(plan(r)).send(0).send(1).send(61.5)
    assert said(w) == [1], "one in this minute, but two a moment ago"
    w.send(121.6)
    assert said(w) == [1, 121.6]
    assert w.last(Kind.UPDATED).severity == "medium"
    w.send(122)
    assert said(w) == [1, 121.6, 122], "it rises at once"


def test_what_happens_again_after_it_was_taken_is_news() -> None:
    w = World(plan(rule())).send(0)
    w.give(Acknowledged(alert=w.last(Kind.FIRING).alert, by="jo"))
    assert w.last(Kind.UPDATED).acknowledged_by == "jo"
    w.send(0.5)
    assert w.changes(Kind.UPDATED)[-1] == (0.5, "alert.updated", "reopened")
    assert w.last(Kind.UPDATED).acknowledged_by == ""


def test_an_evaluation_that_raised_is_an_alert_of_its_own() -> None:
    def when(document: Document) -> bool:
        raise TypeError

    r = rule(worst_severity="critical")
    w = World(plan(r, when={r.id: when})).send(0).send(5, tenant="other")
    alert = w.last(Kind.FIRING)
    assert w.changes() == [(0, "alert.firing", "could_not_evaluate")]
    assert alert.could_not_evaluate
    assert (alert.severity, alert.never) == ("critical", True)
    assert alert.labels == {"problem": "could_not_evaluate", "source": "/svc", "type": "tool.call"}
    assert w.last(Kind.UPDATED).count == 2
    assert w.engine.detection.rule_errors[r.id] == 2


def test_an_ordinary_rule_that_raises_tells_its_owner_and_ends_after_an_hour() -> None:
    def when(document: Document) -> bool:
        raise TypeError

    r = rule(detector=burst(3), pending_for=60_000)
    w = World(plan(r, when={r.id: when})).send(0).at(3_600)
    assert w.changes() == [
        (0, "alert.firing", "could_not_evaluate"),
        (3600, "alert.resolved", "hold_elapsed"),
    ]
    assert w.last(Kind.FIRING).severity == "medium"
    assert not w.engine.detection.books[0].young


class Scripted(Never):
    """A detector that says what it is told to; its own deadline at 50 s clears the condition."""

    name, clock, counts = "scripted", Clock.EVENT, False

    @property
    def hold(self) -> int:
        return 0

    def observe(self, state: object, pool: object, seen: object) -> Reading:  # type: ignore[override]
        return Reading(seen.at, True, 0.5, 0.2, detail={"step": "two"}, causes=("x", "y"))  # type: ignore[attr-defined]

    def advance(self, state: LastSeen, pool: object, watermark: int) -> tuple[Reading, ...]:
        if state.at < 0 or watermark < T0 + 50_000:
            return ()
        state.at = -1
        return (Reading(T0 + 50_000, False, 0.1, 0.2),)

    def deadline(self, state: LastSeen, pool: object) -> int | None:
        return None if state.at < 0 else T0 + 50_000


def test_a_detector_that_clears_by_itself_resolves_without_a_hold() -> None:
    r = rule(detector=Scripted(), never=False, lateness=0, context=(field("model"),))
    w = World(plan(r)).send(0).at(200)
    assert w.changes() == [
        (0, "alert.firing", "condition_met"),
        (110, "alert.resolved", "condition_cleared"),
    ]
    alert = w.last(Kind.FIRING)
    assert (alert.value, alert.count, alert.context, alert.causes) == (
        0.5,
        1,
        {"step": "two"},
        ("x", "y", "e1"),
    )
    assert w.last(Kind.RESOLVED).value == 0.1


def test_a_detector_that_clears_by_itself_keeps_its_hold() -> None:
    r = rule(detector=Scripted(), never=False, lateness=0, keep_firing_for=40_000)
    w = World(plan(r)).send(0).at(300)
    assert w.changes(Kind.RESOLVED) == [(150, "alert.resolved", "hold_elapsed")]


def test_a_detector_that_clears_ends_what_was_only_pending() -> None:
    r = rule(detector=Scripted(), never=False, lateness=0, pending_for=55_000)
    w = World(plan(r)).send(0).at(300)
    assert w.changes()[1] == (110, "alert.suppressed", "pending_cleared")


def book_of(r: Rule) -> tuple[Book, Entry]:
    book = Book(r, None)
    entry = Entry(("acme",), r.detector.start(("acme",), T0))
    return book, entry


def test_what_is_inactive_opens_nothing_and_no_episode_takes_no_signal() -> None:
    out: list[Decision] = []
    book, entry = book_of(rule())
    track.read(book, entry, Reading(T0, False, 0.0, 1.0), None, T0, out)
    track.apply(book, entry, track.Signal.CLEARED, T0, out)
    assert out == []
    entry.due = NOT_DUE
    assert track.wake_at(book, entry) is None


def test_a_reading_by_time_opens_an_episode_too_and_its_first_cause_names_it() -> None:
    out: list[Decision] = []
    book, entry = book_of(rule(detector=burst(2)))
    track.read(
        book, entry, Reading(T0 + 5, True, 1.0, None, since=T0, causes=("gone",)), None, T0 + 9, out
    )
    assert entry.episode is not None
    assert (entry.episode.since, entry.episode.event_time, entry.episode.causes) == (
        T0,
        T0 + 5,
        ["gone"],
    )
    assert entry.episode.state is AlertState.FIRING
    track.apply(book, entry, track.Signal.LASTED, T0, out)  # means nothing in this state
    assert len(out) == 1
    assert event("x").id == "x"


def test_a_break_starts_the_pending_time_anew_whatever_the_order() -> None:
    """Prometheus' ``for``: the condition must hold all the time, not now and then again."""
    r = rule(detector=burst(2, 60_000), pending_for=150_000, lateness=30_000)
    broken = [(0, 0), (1, 0), (70, 0), (71, 0), (125, 0), (126, 0)]
    for order in (broken, [(0, 0), (1, 0), (71, 0), (72, 2), (126, 0), (127, 2)]):
        w = World(plan(r))
        for at, late in order:
            w.send(at, late=late)
        w.at(2_000)
        assert w.changes(Kind.FIRING) == [], order
        assert len(w.changes(Kind.SUPPRESSED)) == 1
    # Two events at 50 s close the gap, in whichever order they come.
    for pair in ([(50, 0), (51, 0)], [(51, 0), (52, 2)]):
        w = World(plan(r))
        for at, late in [(0, 0), (1, 0), *pair, (70, 0), (71, 0), (125, 0), (126, 0)]:
            w.send(at, late=late)
        w.at(2_000)
        kinds = [c[1] for c in w.changes()]
        assert kinds == ["alert.pending", "alert.firing", "alert.resolved"]


def test_a_pending_alert_ends_when_its_condition_does_and_not_when_it_would_have_fired() -> None:
    r = rule(detector=burst(2, 20_000), pending_for=3_600_000, lateness=0)
    w = World(plan(r)).send(0).send(1).at(5_000)
    assert w.changes(Kind.SUPPRESSED) == [(80.001, "alert.suppressed", "pending_cleared")]


def test_a_pending_alert_of_an_older_checkpoint_goes_on() -> None:
    r = rule(detector=burst(2, 60_000), pending_for=30_000, lateness=0)
    w = World(plan(r)).send(0).send(1)
    (book,) = w.engine.detection.books
    (entry,) = book.busy()
    assert entry.episode is not None
    written = entry.episode.dump()
    del written["spans"]
    written["pending_since"] = T0 + 1_000
    entry.episode = type(entry.episode).load(written)
    assert w.send(31).changes(Kind.FIRING) == [(31, "alert.firing", "pending_elapsed")]


def test_an_alert_whose_window_runs_out_resolves_with_what_is_in_it_now() -> None:
    r = rule(detector=burst(3, 60_000), keep_firing_for=30_000, lateness=0)
    w = World(plan(r)).send(0).send(1).send(2).send(80).at(2_000)
    resolved = w.last(Kind.RESOLVED)
    assert (resolved.value, resolved.threshold, resolved.count) == (1.0, 3.0, 4)


def test_what_was_over_before_it_was_known_is_told_all_the_same() -> None:
    """A producer delivers its backlog: the burst ended an hour ago, and is one alert that stays until it can be told."""
    r = rule(detector=burst(3, 60_000), keep_firing_for=0, lateness=30_000)
    w = World(plan(r)).send(0)
    for n in range(10):
        w.send(7_200 + n, late=3_600)
    assert w.changes() == [(7_202, "alert.firing", "condition_met")]
    w.at(20_000)
    assert w.changes(Kind.RESOLVED) == [(7_509, "alert.resolved", "condition_cleared")]
    assert [reason for _, reason in w.pages()] == ["first_notification"]


def test_late_evidence_holds_as_long_as_the_rule_says() -> None:
    r = rule(detector=burst(2, 60_000), keep_firing_for=900_000, lateness=30_000)
    w = World(plan(r)).send(7_200, late=3_600).send(7_201, late=3_600).at(20_000)
    assert w.changes(Kind.RESOLVED) == [(8_101, "alert.resolved", "hold_elapsed")]


class Backlog(Scripted):
    """A detector that learns in one go that its condition held for ten seconds, an hour ago."""

    def observe(self, state: object, pool: object, seen: object) -> None:  # type: ignore[override]
        return None

    def advance(self, state: LastSeen, pool: object, watermark: int) -> tuple[Reading, ...]:
        if state.at < 0:
            return ()
        state.at = -1
        return (Reading(T0, True, 0.5, 0.2), Reading(T0 + 10_000, False, 0.1, 0.2))

    def deadline(self, state: LastSeen, pool: object) -> int | None:
        return None if state.at < 0 else T0


def test_a_detector_that_says_late_that_it_was_and_is_over_is_told_too() -> None:
    r = rule(detector=Backlog(), never=False, lateness=0, keep_firing_for=0)
    w = World(plan(r)).send(3_600).send(3_601).at(20_000)
    assert w.changes() == [
        (3_600, "alert.firing", "condition_met"),
        (3_900, "alert.resolved", "condition_cleared"),
    ]
    assert w.last(Kind.RESOLVED).value == 0.1
    assert [reason for _, reason in w.pages()] == ["first_notification"]


class Missed(Backlog):
    """As an absence: the silence of an hour ago ends with the event that was missed."""

    def observe(self, state: object, pool: object, seen: object) -> Reading | None:  # type: ignore[override]
        return Reading(seen.at, False, 0.0, 0.2)  # type: ignore[attr-defined]

    def advance(self, state: LastSeen, pool: object, watermark: int) -> tuple[Reading, ...]:
        return super().advance(state, pool, watermark)[:1]


def test_a_silence_that_turns_out_to_be_none_is_not_kept() -> None:
    r = rule(detector=Missed(), never=False, lateness=0, keep_firing_for=0)
    w = World(plan(r)).send(3_600).send(3_601)
    assert w.changes() == [
        (3_600, "alert.firing", "condition_met"),
        (3_600, "alert.resolved", "condition_cleared"),
    ]


def test_late_evidence_of_what_was_told_and_is_over_opens_nothing() -> None:
    r = rule(detector=burst(3, 60_000), lateness=30_000)
    w = World(plan(r)).send(1_000).send(1_001).send(1_002).at(2_000)
    assert w.changes() == [
        (1_002, "alert.firing", "condition_met"),
        (1_210, "alert.resolved", "hold_elapsed"),
    ]
    again = World(plan(r))
    again.engine.restore(*w.engine.snapshot())  # and a restart remembers
    again.engine.duplicates = w.engine.duplicates
    for world in (w, again):
        world.now = w.now
        world._count = 10
        world.send(2_500, late=1_495).send(2_501, late=1_494)
    assert (len(w.changes()), again.changes()) == (2, [])
    # Another time of the same key is news.
    w.send(2_510, late=2_000).send(2_511, late=2_000).send(2_512, late=2_000)
    assert w.changes(Kind.FIRING)[1:] == [(2_512, "alert.firing", "condition_met")]


def test_an_alert_that_no_event_opens_names_events_that_speak_for_it() -> None:
    detector = Rate(
        within=60_000, above=0.2, below=None, min_denominator=5, numerator=lambda _: True
    )
    w = World(plan(rule(detector=detector)))
    for second in range(20):
        w.send(second)
    assert w.at(400).last(Kind.FIRING).causes == ("e18", "e19", "e20")
