"""What the proofs of detection say about targets: which is missed, and by how much."""

from random import Random

import pytest

from tests.proofs.world.incidents import Story
from tests.proofs.world.score import REACH, Score
from tests.proofs.world.settings import draw
from tests.proofs.worlds import verdict


def scored(**more: object) -> Score:
    """A score that reaches everything but for ``more``."""
    good = {"incidents": 100, "found": 100, "in_time": 99, "named": 100, "pages": 104}
    return Score(**(good | {"told": 101, "timeliness": 83.0, "weeks": 4.0} | more))  # type: ignore[arg-type]


def test_a_missed_target_is_named_with_what_is_lacking(capsys: pytest.CaptureFixture[str]) -> None:
    assert not verdict(scored(timeliness=80.3, false={"a": 5}))
    said = capsys.readouterr().out
    assert "NOT reached: timeliness is 0.803: 0.017 short of 0.82" in said
    assert "NOT reached: false pages a week is 1.250: 0.250 over 1" in said
    assert "NOT reached: in time" not in said
    assert "4 of 6 targets reached" in said


def test_all_targets_reached() -> None:
    assert verdict(scored(false={"a": 3}))
    assert {name for name, _, _ in REACH} == set(scored().measures())


def test_people_search_the_sources_of_their_world() -> None:
    story = Story(draw(1), Random(1))
    made = story.act(0.0, "retrieval.query", "t", "u", "c", index="nowhere")
    assert made["data"]["index"] in story.world.indexes
