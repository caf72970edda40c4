from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.absence import Absence
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.event import Document
from rulesd.model.instant import DAY, HOUR, MINUTE
from tests.core.detectors.harness import Seen, episodes, run
from tests.core.detectors.metamorphic import same_alerts


def beats(*minutes: float, document: Document | None = None) -> list[Seen]:
    return [Seen(round(at * MINUTE), document or {}) for at in minutes]


def said(detector: Absence, events: list[Seen], until: float) -> list[tuple[int, int | None]]:
    found = episodes(run(detector, events, until=round(until * MINUTE)).get(("k",), []))
    return [(a // MINUTE, b if b is None else b // MINUTE) for a, b in found]


FIVE = Absence(5 * MINUTE, 2)


def test_it_fires_when_two_beats_did_not_come_and_clears_with_the_next() -> None:
    events = beats(0, 5, 10, 40, 45)
    assert said(FIVE, events, 45) == [(21, 40)]
    (found,) = run(FIVE, events[:3], until=HOUR).values()
    assert found == [
        Reading(
            21 * MINUTE + 15_000,
            True,
            2.0,
            2.0,
            detail={"last": "1970-01-01T00:10:00.000Z", "every": "5m"},
            since=10 * MINUTE,
        )
    ]
    assert FIVE.hold == 0


def test_one_missing_beat_and_a_jittery_clock_are_quiet() -> None:
    assert said(FIVE, beats(0, 5, 15.2, 20, 25, 35.9), 36) == []


def test_an_old_beat_that_arrives_late_changes_nothing() -> None:
    assert said(FIVE, beats(0, 5, 3), 16) == []
    assert said(FIVE, beats(0, 5, 3), 17) == [(16, None)]


def test_without_a_period_the_event_tells_it_or_the_gaps_do() -> None:
    learns = Absence(None, 2)
    assert said(learns, beats(0, document={"data": {"interval_s": 300}}), 60) == [(11, None)]
    assert said(learns, beats(0, 10, 20, 30), 600) == []
    assert said(learns, beats(0, 10, 20, 30, 40), 600) == [(62, None)]
    assert said(learns, beats(*range(0, 600, 10)), 640) == [(610, None)]
    odd = [0, -5, True, "300", None, 10**12, 0.5]
    for interval in odd:
        document: Document = {"data": {"interval_s": interval}}
        assert said(learns, beats(0, document=document), 10**5) == []
    assert said(learns, beats(0, document={"data": "none"}), 10**5) == []


def test_an_expected_key_is_watched_from_the_start() -> None:
    detector = Absence(5 * MINUTE, 2, (("k",),))
    state = detector.start(("k",), 100)
    assert detector.deadline(state, None) == 100 + 10 * MINUTE + 75_000
    assert not detector.forgettable(state, DAY)
    other = detector.start(("x",), 100)
    assert detector.deadline(other, None) is None
    assert detector.forgettable(other, DAY)
    late = Observation(99, 99, "e", 1, {})
    assert detector.observe(state, None, late) is None
    assert state.last == 100


def test_a_key_that_always_reports_late_gets_the_time_it_needs() -> None:
    state = FIVE.start(("k",), 0)
    for n in range(20):
        at = n * 5 * MINUTE
        FIVE.observe(state, None, Observation(at, at + 4 * MINUTE, "e", 1, {}))
    due = FIVE.deadline(state, None)
    assert due == 95 * MINUTE + 10 * MINUTE + 15_000 + 3 * MINUTE
    for n in range(20, 40):
        at = n * 5 * MINUTE
        FIVE.observe(state, None, Observation(at, at + DAY, "e", 1, {}))
    assert FIVE.deadline(state, None) == 195 * MINUTE + 10 * MINUTE + 15_000 + 10 * MINUTE
    assert len(state.delays) == 20
    once = FIVE.start(("k",), 0)
    for n in range(20):
        at = n * 5 * MINUTE
        late = 20 * MINUTE if n > 16 else 0
        FIVE.observe(once, None, Observation(at, at + late, "e", 1, {}))
    assert FIVE.deadline(once, None) == 95 * MINUTE + 10 * MINUTE + 15_000


def hourly(at: int) -> int:
    return (at // HOUR + 1) * HOUR


def test_a_scheduled_event_must_come_within_its_grace() -> None:
    job = Absence(None, 1, schedule=hourly)
    assert said(job, beats(61, 121, 179.5), 249) == []
    assert said(job, beats(61, 121), 249) == [(190, None)]
    assert said(job, beats(61, 121, 200), 249) == [(190, 200)]
    assert said(Absence(MINUTE * 2, 1, schedule=hourly), beats(61), 249) == [(122, None)]
    assert said(Absence(None, 3, schedule=hourly), beats(61), 600) == [(250, None)]
    (found,) = run(job, beats(61), until=3 * HOUR).values()
    assert found[0].detail == {"last": "1970-01-01T01:01:00.000Z"}


def test_an_expected_job_that_never_ran_is_missed_at_its_first_time() -> None:
    job = Absence(None, 1, (("k",),), schedule=hourly)
    state = job.start(("k",), 5 * MINUTE)
    assert job.deadline(state, None) == 70 * MINUTE


def test_the_schedule_is_asked_once_for_each_of_its_times() -> None:
    asked = []

    def count(at: int) -> int:
        asked.append(at)
        return hourly(at)

    job = Absence(None, 1, schedule=count)
    state = job.start(("k",), 0)
    for at in range(0, HOUR - 2 * MINUTE, MINUTE):
        job.observe(state, None, Observation(at, at, "e", 1, {}))
    assert len(asked) == 1


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(1, 3), st.integers(0, 9))
def test_order_and_restarts_change_nothing(minutes: list[int], missed: int, seed: int) -> None:
    stamps = sorted({m * MINUTE for m in minutes})
    end = 42 * MINUTE
    fired = same_alerts(Absence(MINUTE, missed), [Seen(at, {}) for at in stamps], seed, until=end)
    limit = missed * MINUTE + MINUTE // 4
    longest = max((b - a for a, b in pairwise([*stamps, end])), default=0)
    assert bool(fired) is (longest > limit)
    same_alerts(Absence(None, missed), [Seen(at, {}) for at in stamps], seed, until=end)


def test_a_steady_key_is_missed_sooner_than_one_whose_clock_jitters() -> None:
    def due(*more: float) -> int:
        state = FIVE.start(("k",), 0)
        for n in range(12):
            at = n * 5 * MINUTE + round(MINUTE * (more[n % len(more)] if more else 0))
            FIVE.observe(state, None, Observation(at, at, "e", 1, {}))
        found = FIVE.deadline(state, None)
        assert found is not None
        return found - state.last - 10 * MINUTE

    assert due() == 15_000
    assert due(0, 0.2) == 24_000
    assert due(0, 2) == 75_000  # never more than a quarter of a period
    few = FIVE.start(("k",), 0)
    for n in range(8):
        FIVE.observe(few, None, Observation(n * 5 * MINUTE, n * 5 * MINUTE, "e", 1, {}))
    assert FIVE.deadline(few, None) == few.last + 10 * MINUTE + 75_000
    gap = FIVE.start(("k",), 0)
    for n in (*range(6), *range(7, 12)):  # one missing beat is no jitter
        FIVE.observe(gap, None, Observation(n * 5 * MINUTE, n * 5 * MINUTE, "e", 1, {}))
    assert FIVE.deadline(gap, None) == gap.last + 10 * MINUTE + 15_000


def test_beats_that_come_together_and_late_are_told_as_late_not_as_lost() -> None:
    state = FIVE.start(("k",), 0)
    for n in range(3):
        FIVE.observe(state, None, Observation(n * 5 * MINUTE, n * 5 * MINUTE, "e", 1, {}))
    (lost,) = FIVE.advance(state, None, 21 * MINUTE + 15_000)
    assert (lost.active, lost.value) == (True, 2.0)

    def beat(minute: int, arrives: int) -> Reading | None:
        return FIVE.observe(state, None, Observation(minute * MINUTE, arrives * MINUTE, "e", 1, {}))

    assert beat(15, 31) == Reading(15 * MINUTE, False, 0.0, 2.0)  # one late beat: they are back
    late = beat(20, 31)
    assert late == Reading(20 * MINUTE, True, 0.0, 2.0, detail={"late": "11m"})
    assert FIVE.load(FIVE.dump(state)).late
    assert beat(25, 31) == Reading(25 * MINUTE, True, 0.0, 2.0, detail={"late": "6m"})
    assert beat(30, 31) == Reading(30 * MINUTE, False, 0.0, 2.0)
    assert beat(35, 35) is None


def test_a_schedule_knows_no_late_beats() -> None:
    daily = Absence(None, 1, schedule=lambda at: (at // DAY + 1) * DAY)
    state = daily.start(("k",), 0)
    for n in range(1, 4):
        assert daily.observe(state, None, Observation(n * DAY, (n + 9) * DAY, "e", 1, {})) is None


@given(
    st.lists(st.integers(-20, 20), min_size=30, max_size=60),
    st.sampled_from([Absence(MINUTE, 2), Absence(None, 2)]),
    st.lists(st.integers(0, 59), max_size=4),
)
def test_what_is_remembered_of_the_gaps_is_what_they_say(
    off: list[int], detector: Absence, missing: list[int]
) -> None:
    state = detector.start(("k",), 0)
    for n, seconds in enumerate(off):
        if n in missing:
            continue
        at = n * MINUTE + seconds * 1_000 // (1 + n % 3) + (0 if n < 50 else DAY)
        late = 2 * MINUTE if seconds > 18 else 0
        detector.observe(state, None, Observation(at, at + late, f"e{n}", 1, {}))
        fresh = detector.load(detector.dump(state))
        assert detector.deadline(state, None) == detector.deadline(fresh, None)


def test_a_steady_beat_is_missed_soon_and_one_odd_gap_is_not_forgotten_too_early() -> None:
    steady = Absence(10 * MINUTE, 1)
    # Gaps of 9:50, 10:00 and 10:10, then ever more of 10:00: the jitter stays at twice ten seconds until the last odd gap has gone.
    stamps = [0.0]
    for gap in (590, 610, *[600] * 14, *[600] * 3):
        stamps.append(stamps[-1] + gap)
    state = steady.start(("k",), 0)
    due = []
    for at in stamps:
        seen = Observation(round(at * 1_000), round(at * 1_000), "e", 1, {})
        steady.observe(state, None, seen)
        deadline = steady.deadline(state, None)
        assert deadline is not None
        due.append(deadline - seen.at - 10 * MINUTE)
    assert due[:8] == [150_000] * 8
    assert due[8:18] == [20_000] * 10
    assert due[18:] == [15_000] * 2
