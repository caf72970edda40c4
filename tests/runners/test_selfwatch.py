from collections.abc import Mapping

from rulesd.model.instant import MINUTE
from rulesd.runners.selfwatch import REPEAT, SOURCE, Probe, SelfWatch
from tests.core.plans import T0


class Moody:
    def __init__(self) -> None:
        self.bad: dict[str, str] = {}

    def check(self) -> Mapping[str, str]:
        return self.bad


def test_it_speaks_when_something_turns_bad_stays_bad_and_is_well_again() -> None:
    mood = Moody()
    watch = SelfWatch([Probe("outbox", mood.check)])
    assert watch.look(T0) == []
    mood.bad = {"outbox": "stuck"}
    (turned,) = watch.look(T0)
    data = turned.document["data"]
    assert isinstance(data, dict)
    assert (turned.source, turned.type) == (SOURCE, "heartbeat")
    assert data == {"component": "outbox", "kind": "self", "status": "stuck", "subject": "outbox"}
    assert watch.look(T0 + MINUTE) == []
    assert len(watch.look(T0 + REPEAT)) == 1
    mood.bad = {}
    (well,) = watch.look(T0 + REPEAT + 1)
    assert well.document["data"]["status"] == "ok"  # type: ignore[index,call-overload]
    assert watch.look(T0 + REPEAT + 2) == []


def test_every_event_has_an_identity_of_its_own_and_subjects_are_told_apart() -> None:
    mood, other = Moody(), Moody()
    watch = SelfWatch([Probe("receiver", mood.check), Probe("source", other.check)])
    mood.bad, other.bad = {"a": "failing", "b": "failing"}, {"a": "silent"}
    events = watch.look(T0) + watch.look(T0 + REPEAT)
    assert len({e.key for e in events}) == 6
    mood.bad = {"a": "worse"}
    assert [e.document["data"]["status"] for e in watch.look(T0 + REPEAT + 1)] == ["worse", "ok"]  # type: ignore[index,call-overload]
