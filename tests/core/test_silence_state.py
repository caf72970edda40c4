"""A record survives being written down, and what changed is said in words."""

import json
from dataclasses import replace

from rulesd.core.silence_state import Act, Did, Entry, Record, changes, pack, unpack
from rulesd.model.silence import Silence, SilenceMatcher

ONE = Silence(
    id="s1",
    matchers=(SilenceMatcher(name="tool", value="sh.*", is_regex=True, is_equal=False),),
    starts_at=1_000,
    ends_at=2_000,
    updated_at=900,
    created_by="ana",
    comment="planned",
    annotations={"ticket": "OPS-1"},
    approved_by="jo",
    end_on_resolve=True,
    cron="0 3 * * *",
    lasts=60_000,
    timezone="Europe/Berlin",
)


def test_a_record_comes_back_as_it_was() -> None:
    record = Record(
        silence=ONE, acts=(Act(900, "ana", Did.CREATED, ""),), held_back=3, last_held=1_500
    )
    assert unpack(json.loads(json.dumps(pack(record)))) == record


def test_what_changed_is_said() -> None:
    later = replace(ONE, ends_at=3_000, comment="longer", approved_by="")
    assert changes(ONE, later) == (
        Did.UPDATED,
        "ends 1970-01-01T00:00:03.000Z, comment, no longer approved",
    )
    earlier = replace(ONE, starts_at=500, lasts=1, end_on_resolve=False)
    assert changes(ONE, earlier) == (
        Did.UPDATED,
        "starts 1970-01-01T00:00:00.500Z, end on resolve, windows",
    )
    assert changes(replace(ONE, approved_by=""), ONE) == (Did.APPROVED, "")
    assert changes(ONE, ONE) == (Did.UPDATED, "")


def test_it_is_open_between_its_times_and_in_its_windows() -> None:
    plain = Entry(replace(ONE, cron=""))
    assert [plain.open(at) for at in (999, 1_000, 1_999, 2_000)] == [False, True, True, False]
    # Windows nobody can read are never open.
    assert not Entry(ONE).open(1_500)
    every_100 = Entry(replace(ONE, lasts=40), after=lambda at: at // 100 * 100 + 100)
    at = (1_000, 1_039, 1_040, 1_099, 1_100, 1_120, 1_050)
    assert [every_100.open(moment) for moment in at] == [
        True, True, False, False, True, True, False,
    ]  # fmt: skip


def test_what_others_may_see() -> None:
    act = Act(900, "ana", Did.CREATED, "")
    entry = Entry(ONE, [act], held_back=2, last_held=5)
    assert entry.record() == Record(silence=ONE, acts=(act,), held_back=2, last_held=5)
