"""A switch is set and a service goes on all the same: what shows it, and what shows nothing."""

from dataclasses import replace
from typing import Any

import pytest

from rulesd.core import obedience
from rulesd.core.machine import NOT_DUE
from rulesd.core.obedience import EVALUATION, PARTS, Obedience
from rulesd.core.proof import Proof
from rulesd.core.switch_table import SwitchTable
from rulesd.model.decision import SwitchChanged
from rulesd.model.event import Event
from rulesd.model.inputs import HumansOnly
from rulesd.model.instant import HOUR, MINUTE, SECOND
from rulesd.model.reasons import Reason
from rulesd.model.switch import SETTLED, Setting, SettingState, Switch
from tests.core.plans import T0, event, field, plan
from tests.core.test_switch_table import setting

LATER = T0 + MINUTE
LOCK = Switch(
    name="lock_tool", key="tool.{tool}.enabled", type="boolean", safe=False, default=True, scope=("tenant",)
)  # fmt: skip
MODEL = Switch(
    name="safer_model", key="route.model", type="string", safe="small", default="usual", scope=("tenant", "language")
)  # fmt: skip
CAP = Switch(name="cap", key="cap.usd", type="number", safe=10, default=None, scope=("tenant",))
SWITCHES = {s.name: s for s in (LOCK, MODEL, CAP)}


def raises(document: Any) -> bool:
    raise ValueError("it cannot be evaluated")


PROOFS = {
    "tool.call": (
        Proof(
            switch="lock_tool",
            when=lambda d: d["data"].get("outcome") == "ok",  # type: ignore[union-attr]
            labels=(field("tool"), field("tenant")),
        ),
        Proof(switch="gone", when=lambda d: True, labels=()),
    ),
    "output.classification": (
        Proof(
            switch="safer_model",
            when=lambda d: d["data"].get("model") == d["switch"]["default"],  # type: ignore[union-attr, index, call-overload]
            labels=(field("tenant"), field("language")),
        ),
        Proof(switch="safer_model", when=raises, labels=(field("tenant"), field("language"))),
    ),
    "usage.cost": (
        Proof(
            switch="cap",
            when=lambda d: True,
            labels=(field("tenant"),),
            within=HOUR,
            amount=field("cost_usd").get,
        ),
    ),
    "usage.call": (
        Proof(switch="cap", when=lambda d: True, labels=(field("tenant"),), within=HOUR),
        Proof(switch="other", when=lambda d: True, labels=(field("tenant"),)),
    ),
}
PLAN = replace(plan(), proofs=PROOFS, switches=SWITCHES)


def locked(**changes: Any) -> Setting:
    return setting(**{"set_at": T0, "labels": {"tool": "shell"}, **changes})


def slower(**changes: Any) -> Setting:
    values = {
        "id": "m1", "switch": "safer_model", "key": "route.model", "value": "small",
        "scope": {"tenant": "acme", "language": "de"}, "set_at": T0,
    }  # fmt: skip
    return setting(**{**values, **changes})


def capped(**changes: Any) -> Setting:
    return setting(
        **{"id": "c1", "switch": "cap", "key": "cap.usd", "value": 10, "set_at": T0, **changes}
    )


def shown(
    *settings: Setting, now: int = LATER, by: Obedience | None = None, **fields: Any
) -> list[Event]:
    """What one event shows while these are set."""
    at, type_ = fields.pop("at", LATER), fields.pop("type_", "tool.call")
    tenant, weight = fields.pop("tenant", "acme"), fields.pop("weight", 1)
    made = event("e1", at, type_=type_, tenant=tenant, weight=weight, **fields)
    return (by or Obedience(PLAN)).observe(made, SwitchTable(SWITCHES, settings), now)


def test_a_call_that_cannot_happen_while_the_switch_is_obeyed() -> None:
    (found,) = shown(locked(), tool="shell", outcome="ok", service="gateway", secret="no")
    assert (found.id, found.type, found.tenant, found.at) == (
        "e1", "containment.changed", "acme", LATER,
    )  # fmt: skip
    assert found.document["data"] == {
        "service": "gateway",
        "tool": "shell",
        "tenant": "acme",
        "key": "tool.shell.enabled",
        "switch": "lock_tool",
        "state": "active",
        "stage": "violated",
        "value": False,
        "rule": "",
        "shown_by": "tool.call",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "denied"},
        {"tool": "browser"},
        {"tool": None},
        {"tenant": "globex"},
        {"tenant": ""},
        {"at": T0 + SETTLED - 1},
        {"at": LATER + HOUR, "now": T0 + SETTLED - 1},  # A clock that is ahead.
        {"type_": "retrieval.query"},
        {"tool": "Shell"},  # Another tool, of which the flag has the same name.
    ],
)
def test_what_shows_nothing(fields: dict[str, Any]) -> None:
    assert shown(locked(), **{"tool": "shell", "outcome": "ok", **fields}) == []
    assert shown(tool="shell", outcome="ok") == []


def test_from_the_moment_on_at_which_it_must_be_obeyed() -> None:
    assert shown(locked(), tool="shell", outcome="ok", at=T0 + SETTLED)


def test_the_setting_that_a_service_would_read_decides() -> None:
    usual = {"type_": "output.classification", "model": "usual"}
    assert shown(slower(), language="de", **usual)
    assert shown(slower(), language="fr", **usual) == []
    # Whether a narrower one applies cannot be known without its label.
    wide = slower(id="m2", scope={"tenant": "acme"})
    assert shown(slower(), wide, **usual) == []
    assert shown(slower(), wide, language="fr", **usual)
    # One of another switch decides: its own proofs speak of it.
    other = replace(slower(), id="x", switch="lock_tool", priority=5)
    assert shown(slower(), other, language="de", **usual) == []
    assert shown(slower(), language="de", type_="output.classification", model="small") == []


def test_what_a_service_has_read() -> None:
    read = {"type_": EVALUATION, "language": "de", "key": "route.model"}
    (found,) = shown(slower(), value="usual", **read)
    assert found.document["data"]["seen"] == "usual"  # type: ignore[index, call-overload]
    assert shown(slower(), value="small", **read) == []
    assert shown(slower(), value=False, **read) == []  # Of another type: no value of this flag.
    assert shown(slower(), **read) == []
    assert shown(slower(), value="usual", **{**read, "key": "route.other"}) == []
    assert shown(slower(), value="usual", **{**read, "language": "fr"}) == []
    assert shown(slower(), value="usual", at=T0 + 1, **read) == []
    assert shown(slower(switch="gone"), value="usual", **read) == []
    assert shown(locked(), type_=EVALUATION, key="tool.shell.enabled", value=True)
    bare = event("e1", LATER, type_=EVALUATION)._replace(document={"id": "e1"})
    assert Obedience(PLAN).observe(bare, SwitchTable(SWITCHES, [slower()]), LATER) == []


def test_a_cap_is_passed_by_more_than_it_allows_within_its_time() -> None:
    by = Obedience(PLAN)
    spend = {"type_": "usage.cost", "by": by, "cost_usd": 4.0, "now": LATER + 9 * HOUR}
    assert shown(capped(), **spend) == []
    assert shown(capped(), at=LATER + MINUTE, **spend) == []
    (found,) = shown(capped(), at=LATER + 2 * MINUTE, **spend)
    assert found.document["data"]["seen"] == 12.0  # type: ignore[index, call-overload]
    # Half an hour after the first three only one of the parts has left the window; an hour after, all.
    assert shown(capped(), at=LATER + 30 * MINUTE, **spend)
    assert shown(capped(), at=LATER + 2 * HOUR, **spend) == []
    # What comes later than its window no longer counts.
    assert shown(capped(), at=LATER, **spend) == []


def test_parts_of_a_window_never_count_too_much() -> None:
    by = Obedience(PLAN)
    spend = {"type_": "usage.cost", "by": by, "cost_usd": 6.0, "now": LATER + 9 * HOUR}
    part = HOUR // PARTS
    first = (T0 // part + 2) * part
    assert shown(capped(), at=first, **spend) == []
    assert shown(capped(), at=first + HOUR, **spend) == []
    again = Obedience(PLAN)
    assert shown(capped(), at=first, **{**spend, "by": again}) == []
    assert shown(capped(), at=first + HOUR - part, **{**spend, "by": again})


def test_events_are_counted_with_their_weight_where_nothing_is_added_up() -> None:
    assert shown(capped(), type_="usage.call", weight=11)
    assert shown(capped(), type_="usage.call", weight=10) == []
    assert shown(capped(value="much"), type_="usage.call", weight=11) == []
    assert shown(capped(), type_="usage.cost", cost_usd="much") == []
    assert shown(capped(value=True), type_="usage.call", weight=11) == []


def test_a_setting_that_is_over_is_counted_no_more() -> None:
    by = Obedience(PLAN)
    shown(capped(), type_="usage.cost", by=by, cost_usd=9)
    said = SwitchChanged(at=LATER, reason=Reason.SETTLED, setting=capped(), value=10)
    by.follow(said, LATER, [])
    assert by.dump() == {"c1": [[LATER // (HOUR // PARTS), 9.0]]}
    over = replace(said, setting=capped(state=SettingState.ENDED))
    by.follow(over, LATER, [])
    assert by.dump() == {}


def test_so_many_settings_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obedience, "MOST_METERS", 2)
    by = Obedience(PLAN)
    for n in range(3):
        shown(capped(id=f"c{n}"), type_="usage.cost", by=by, cost_usd=1)
    assert list(by.dump()) == ["c1", "c2"]  # type: ignore[arg-type]


def test_what_is_kept_over_a_restart() -> None:
    one, other = Obedience(PLAN), Obedience(PLAN)
    shown(capped(), type_="usage.cost", by=one, cost_usd=9)
    other.load(one.dump())
    assert other.dump() == one.dump()
    assert shown(capped(), type_="usage.cost", by=other, cost_usd=2)


def test_a_machine_that_is_told_nothing_and_has_no_deadline() -> None:
    one = Obedience(plan())
    assert one.take(HumansOnly(on=True, by="ana"), T0, []) is False
    one.handle_timer(T0 + SECOND, [])
    assert (one.due, one.alerts()) == (NOT_DUE, [])
    one.replace(PLAN, T0, [])
    assert one.plan is PLAN
