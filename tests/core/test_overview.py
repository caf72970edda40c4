from dataclasses import replace

from rulesd.core.group import Group, Member
from rulesd.core.overview import overview
from tests.core.foreigners import FAST, span
from tests.core.plans import T0
from tests.model.test_alert import alert


def test_groups_with_alerts_in_order_of_key_and_receiver() -> None:
    night = replace(FAST, mute=(span("night", 0, 1),))
    groups = [
        Group(night, name, key, {"a": key}, "i") for key in ("k2", "k1") for name in ("b", "a")
    ]
    for group in groups[:3]:
        group.members = {"f": Member(alert())}
        group.tick = 7
    found = overview({group.id: group for group in groups}, T0)
    assert [(view.key, view.receiver) for view in found] == [("k1", "b"), ("k2", "a"), ("k2", "b")]
    view = found[0]
    assert (view.labels, view.alerts, view.muted_by, view.due) == (
        {"a": "k1"},
        (alert(),),
        ("night",),
        7,
    )
    assert view.route is night
