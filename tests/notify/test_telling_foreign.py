"""Foreign alerts told together read as each would read alone."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.alert import Foreign
from rulesd.model.decision import Status, Told
from rulesd.model.instant import format_instant
from rulesd.notify.compose import compose, decode_notification
from rulesd.notify.telling import FOREIGN_LENGTH, tell
from rulesd.notify.telling_foreign import ForeignTeller
from tests.notify.samples import Links, T, alert, due, plan

FOREIGN = Foreign(
    annotations={},
    generator_url="http://prometheus:9090/graph?g0.expr=up",
    starts_at=T - 60_000,
    ends_at=T + 240_000,
    timeout=False,
    updated_at=T,
)
SAID: tuple[dict[str, str], ...] = (
    {},
    {"summary": "disk\nfull  now"},
    {"description": "long", "zone": "b", "summary": "first", "a": "x"},
    {"runbook_url": "https://runbooks.example.org/disk", "message": "m" * 600},
    {"runbook_url": "javascript:alert(1)", "title": "\u202edrow"},
    {f"note{n}": str(n) for n in range(70)},
)
NAMES = (
    {"alertname": "DiskFull", "owner": "platform", "severity": "critical", "cluster": "c1"},
    {"alertname": "DiskFull", "severity": "page"},
    {"alertname": "Bad\nName", "cluster": "x" * (FOREIGN_LENGTH + 5), "owner": "nobody"},
    {"cluster": "no name"},
)


def one(labels: dict[str, str], **given: Any) -> Told:
    foreign = replace(FOREIGN, **{k: v for k, v in given.items() if hasattr(FOREIGN, k)})
    rest = {k: v for k, v in given.items() if not hasattr(FOREIGN, k)}
    made = alert(
        rule=labels.get("alertname", ""),
        labels=labels,
        context={},
        severity=labels.get("severity", ""),
        owner=labels.get("owner", ""),
        threshold=None,
        causes=(),
        never=False,
        foreign=foreign,
        **rest,
    )
    status = Status.RESOLVED if "ended_at" in given else Status.FIRING
    if given.get("acknowledged_by"):
        status = Status.ACKNOWLEDGED
    return Told(alert=made, status=status, changed=True)


@pytest.mark.parametrize("more", [{}, {"ended_at": T + 90_000}, {"acknowledged_by": "jane  d"}])
def test_every_alert_reads_as_it_would_alone(more: dict[str, Any]) -> None:
    all_of_them = [
        one(labels, annotations=said, **more) for labels, said in itertools.product(NAMES, SAID)
    ]
    for asked in (due(*all_of_them), due(*all_of_them, next_at=T + 600_000, next_to="the lead")):
        together = ForeignTeller(asked, plan(), Links())
        for told in all_of_them:
            assert told.alert.foreign is not None
            assert together.tell(told, told.alert.foreign) == tell(told, asked, plan(), Links())


def test_a_group_is_told_with_what_each_alert_says_of_itself() -> None:
    members = (
        one(NAMES[0], annotations=SAID[1]),
        one(NAMES[1], ended_at=T + 90_000, alert="another"),
    )
    rows = compose(due(*members), plan(), number=7, links=Links())
    group = next(decode_notification(r.body) for r in rows if r.channel == "webhook[0]")
    first, second = group.alerts
    assert (first.summary, second.summary) == ("disk full now", "DiskFull")
    assert (first.ended_at, second.ended_at) == ("", format_instant(T + 90_000))
    assert first.severity_meaning == plan().severities["critical"]
    assert second.severity_meaning == ""
