"""rulesd about itself: one event when something turns bad, one now and then while it stays so, one when it is over."""

from rulesd.model.instant import MINUTE
from rulesd.runners.selfwatch import REPEAT, SOURCE, Probe, SelfWatch
from tests.core.plans import T0


def watching() -> tuple[SelfWatch, dict[str, str], dict[str, str]]:
    receivers: dict[str, str] = {}
    outbox: dict[str, str] = {}
    return (
        SelfWatch([Probe("receiver", lambda: receivers), Probe("outbox", lambda: outbox)]),
        receivers,
        outbox,
    )


def said(events: list) -> list[tuple[str, str, str]]:
    return [
        (
            e.document["data"]["component"],
            e.document["data"]["subject"],
            e.document["data"]["status"],
        )
        for e in events
    ]


def test_all_well_is_silence() -> None:
    watch, _, _ = watching()
    assert watch.look(T0) == []


def test_what_turns_bad_is_told_once_and_again_after_ten_minutes_and_when_it_is_over() -> None:
    watch, receivers, _ = watching()
    receivers["pager/slack[0]"] = "failing"
    assert said(watch.look(T0)) == [("receiver", "pager/slack[0]", "failing")]
    assert watch.look(T0 + 1000) == []
    assert watch.look(T0 + REPEAT - 1) == []
    assert said(watch.look(T0 + REPEAT)) == [("receiver", "pager/slack[0]", "failing")]
    assert watch.look(T0 + REPEAT + 1000) == []
    receivers.clear()
    assert said(watch.look(T0 + REPEAT + 2000)) == [("receiver", "pager/slack[0]", "ok")]
    assert watch.look(T0 + REPEAT + 3000) == []


def test_another_status_is_news() -> None:
    watch, receivers, _ = watching()
    receivers["pager"] = "failing"
    watch.look(T0)
    receivers["pager"] = "gone"
    assert said(watch.look(T0 + 1)) == [("receiver", "pager", "gone")]


def test_subjects_and_components_do_not_mix() -> None:
    watch, receivers, outbox = watching()
    receivers["a"], outbox["a"] = "failing", "stuck"
    assert said(watch.look(T0)) == [("receiver", "a", "failing"), ("outbox", "a", "stuck")]
    receivers.clear()
    assert said(watch.look(T0 + 1)) == [("receiver", "a", "ok")]


def test_events_are_what_the_built_in_rules_read_and_never_duplicates_of_each_other() -> None:
    watch, receivers, _ = watching()
    receivers["pager"] = "failing"
    (first,) = watch.look(T0)
    (second,) = watch.look(T0 + REPEAT)
    assert first.document["source"] == first.source == SOURCE
    assert first.document["type"] == first.type == "heartbeat"
    assert first.document["data"]["kind"] == "self"
    assert first.at == T0
    assert first.key != second.key


def test_what_could_not_be_taken_is_told_again() -> None:
    watch, receivers, _ = watching()
    receivers["pager"] = "failing"
    lost = watch.look(T0)
    watch.again(lost)
    assert said(watch.look(T0 + 1)) == [("receiver", "pager", "failing")]
    assert watch.look(T0 + MINUTE) == []
    receivers.clear()
    over = watch.look(T0 + 2 * MINUTE)
    watch.again(over)
    assert said(watch.look(T0 + 2 * MINUTE + 1)) == [("receiver", "pager", "ok")]
    assert watch.look(T0 + 2 * MINUTE + 2) == []
