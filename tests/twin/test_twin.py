"""Twins: the same file and the same pushes give the same pages as a real Alertmanager 0.25, in the same order, at the same times.

One Alertmanager and one daemon play all scenarios at once, in 40 s of which they sleep most; the engine needs a second for them. More seeds:
``make proof NAME=twin``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from rulesd.core import dedup
from rulesd.core.engine import Engine
from rulesd.model.reasons import Reason
from tests.twin import chance, scenarios
from tests.twin.run import Change, Pages, Record, differences, only, play, rulesd
from tests.twin.story import Scenario

pytestmark = pytest.mark.external

SEEDS = range(20)


@dataclass(frozen=True)
class Played:
    """What both did."""

    scenarios: Sequence[Scenario]
    record: Record
    ours: Pages

    def differ(self, ours: Pages) -> dict[str, list[str]]:
        return differences(self.scenarios, self.record.pages, ours, self.record.until / 1000)

    def changed(self, *names: str, change: Change = lambda engine: engine) -> set[str]:
        """Which of these scenarios (all, without names) a changed engine plays otherwise."""
        chosen, record = self.scenarios, self.record
        if names:
            chosen, record = only(set(names), chosen, record)
        ours = rulesd(chosen, record, change)
        return set(differences(chosen, record.pages, ours, record.until / 1000))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    every = [*scenarios.by_hand(), *(chance.scenario(seed) for seed in SEEDS)]
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    record, ours = play(every, folder, daemon=True)
    return Played(every, record, ours)


def test_the_same_pages_in_every_scenario(played: Played) -> None:
    found = played.differ(played.ours)
    assert found == {}, "\n".join(line for lines in found.values() for line in lines)
    assert len(played.scenarios) >= 60
    assert sum(map(len, played.record.pages.values())) > 400


def test_the_same_pages_from_a_daemon_over_http(played: Played) -> None:
    """Its sweeps are in step with the clock and not with the other's: scenarios in which that matters are left out."""
    until = played.record.until / 1000
    apart: set[str] = set()
    for phase in (-500, 0, 500):  # What a sweep is near to is a matter of luck.
        ours = rulesd(played.scenarios, played.record, phase=phase)
        apart |= set(differences(played.scenarios, played.record.pages, ours, until, 0.5))
    names = {s.name for s in played.scenarios} - apart
    assert len(names) >= 50
    chosen, record = only(names, played.scenarios, played.record)
    found = differences(chosen, record.pages, record.daemon, until, tolerance=1.9)
    assert found == {}, "\n".join(line for lines in found.values() for line in lines)
    assert sum(map(len, record.daemon.values())) > 300


def test_the_same_pages_when_the_daemon_restarts_at_every_moment(played: Played) -> None:
    count = 0

    def restart(engine: Engine) -> Engine:
        nonlocal count
        count += 1
        if count % 9:
            return engine
        again = Engine(engine.plan)
        assert again.restore(*engine.snapshot()) == []
        return again

    assert played.changed(change=restart) == set()


def test_what_was_written_at_checkpoints_is_enough(played: Played) -> None:
    """Only rows that changed are written, as the store does it; a restart in the middle has nothing else."""
    rows: dict[tuple[str, tuple[str, ...]], object] = {}
    count = 0

    def checkpoint(engine: Engine) -> Engine:
        nonlocal count
        count += 1
        if count % 5:
            return engine
        changed = list(engine.changes())
        rows.update({(state.rule, state.key): state for state in changed if state.data is not None})
        for state in changed:
            if state.data is None:
                rows.pop((state.rule, state.key), None)
        again = Engine(engine.plan)
        again.restore(engine.small_state(), list(rows.values()))  # type: ignore[arg-type]
        return again

    assert played.changed(change=checkpoint) == set()


def without_silences(engine: Engine) -> Engine:
    engine.dispatch.gate.silencing = lambda alert, now: ()
    return engine


@pytest.mark.parametrize(
    ("place", "instead", "names"),
    [
        ("rulesd.core.inhibit.Inhibitor.inhibiting", lambda self, aims: (), ["held-back-then-free", "patterns", "one-group-for-both"]),
        ("rulesd.core.inhibit.Inhibitor._forget", lambda self, name: None, ["held-back-then-free", "source-times-out"]),
        ("rulesd.core.dispatch.Dispatch._hasten", lambda self, group, starts_at, now: None, ["old-at-arrival", "old-after-the-sweep"]),
        ("rulesd.core.ended.Ended.recall", lambda self, id_, now: None, ["believed-beyond-the-sweep"]),
        ("rulesd.core.ended.Ended.empty", lambda self, group, now: None, ["back-after-the-sweep"]),
        ("rulesd.core.foreign.merge", lambda old, new, now: new, ["earlier-start-is-kept", "later-end-wins", "earlier-start-of-what-is-over"]),
        ("rulesd.core.flush.muting", lambda route, now: (), ["muted-all-day", "active-another-day", "muted-in-tokyo"]),
    ],
)  # fmt: skip
def test_what_is_taken_away_is_missed(
    played: Played, monkeypatch: pytest.MonkeyPatch, place: str, instead: object, names: list[str]
) -> None:
    """The comparison can fail: without a part of the engine the scenarios it is for are not the same."""
    monkeypatch.setattr(place, instead)
    assert played.changed(*names) == set(names)


def test_silences_that_are_not_asked_are_missed(played: Played) -> None:
    names = {"silenced-from-the-start", "one-of-two-silenced", "ends-while-silenced"}
    assert played.changed(*names, change=without_silences) == names


@pytest.mark.parametrize(
    ("reason", "scenario"),
    [
        (Reason.REPEAT, "repeats"),
        (Reason.NEW_ALERTS, "news-in-a-group"),
        (Reason.SOME_RESOLVED, "some-resolved"),
        (Reason.ALL_RESOLVED, "one-alert"),
    ],
)
def test_every_row_of_the_dedup_table_is_needed(
    played: Played, monkeypatch: pytest.MonkeyPatch, reason: Reason, scenario: str
) -> None:
    right = dedup.reason

    def wrong(*args: object, **more: object) -> Reason:
        found = right(*args, **more)  # type: ignore[arg-type]
        return Reason.UNCHANGED if found is reason else found

    monkeypatch.setattr(dedup, "reason", wrong)
    assert played.changed(scenario) == {scenario}
