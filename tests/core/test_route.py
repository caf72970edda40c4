from dataclasses import replace

import pytest

from rulesd.core import route as module
from rulesd.core.plan import Matcher, Owner, Route
from rulesd.core.route import Places, Routes, destinations, label_set, routing_of
from tests.core.plans import plan, rule
from tests.core.test_inhibit import foreign
from tests.model.test_alert import alert


def matcher(name: str, value: str) -> Matcher:
    return Matcher(name=name, op="=", value=value, test=lambda text: text == value)


def test_the_root_takes_what_nobody_else_does() -> None:
    (place,) = destinations(
        plan(rule("tool.x"), root=Route(receiver="default", group_by=("alertname", "tenant"))),
        alert(),
    )
    assert place.receiver == "default"
    assert place.group == '{}:{alertname="tool.x", tenant="acme"}'
    assert place.labels == {"alertname": "tool.x", "tenant": "acme"}


def test_an_owner_with_receivers_is_served_before_the_root() -> None:
    owners = {"safety": Owner(name="safety", receivers={"critical": "pager", "default": "chat"})}
    base = plan(rule("tool.x"), owners=owners)
    assert destinations(base, alert(severity="critical"))[0].receiver == "pager"
    (place,) = destinations(base, alert(severity="low"))
    assert place.receiver == "chat"
    assert place.group.startswith('{}/{owner="safety"}:')


def test_an_owner_without_a_receiver_for_it_falls_back_to_the_root() -> None:
    owners = {"safety": Owner(name="safety", receivers={"critical": "pager"})}
    assert destinations(plan(rule(), owners=owners), alert(severity="low"))[0].receiver == "default"
    assert destinations(plan(rule()), alert(owner="nobody"))[0].receiver == "default"


def test_first_child_wins_unless_it_says_continue() -> None:
    one = Route(receiver="one", matchers=(matcher("tenant", "acme"),), key='{}/{tenant="acme"}')
    two = replace(one, receiver="two")
    inner = Route(receiver="inner", matchers=(matcher("severity", "high"),), key="{}/x/y")
    nested = replace(one, receiver="outer", routes=(inner,), go_on=True)
    root = Route(receiver="default")
    assert [
        d.receiver
        for d in destinations(plan(rule(), root=replace(root, routes=(one, two))), alert())
    ] == ["one"]
    assert [
        d.receiver
        for d in destinations(plan(rule(), root=replace(root, routes=(nested, two))), alert())
    ] == ["inner", "two"]
    other = alert(labels={"tenant": "globex"})
    assert [
        d.receiver for d in destinations(plan(rule(), root=replace(root, routes=(one,))), other)
    ] == ["default"]


def test_group_by_all_means_the_identity_so_a_new_severity_makes_no_new_group() -> None:
    base = plan(rule(), root=Route(receiver="default", group_by_all=True))
    assert (
        destinations(base, alert(severity="low"))[0].group
        == destinations(base, alert(severity="high"))[0].group
    )


def test_a_foreign_alert_is_grouped_by_its_own_labels_alone() -> None:
    base = plan(rule(), root=Route(receiver="default", group_by_all=True))
    outside = foreign("A x=1")
    (place,) = destinations(base, outside)
    assert place.group == '{}:{alertname="A", x="1"}'
    (nameless,) = destinations(base, replace(outside, labels={"x": "1"}, rule=""))
    assert nameless.labels == {"x": "1"}


def test_a_route_is_found_again_by_key_and_receiver_then_by_key() -> None:
    one = Route(receiver="one", matchers=(matcher("a", "b"),), key="{}/{a}")
    two = replace(one, receiver="two", routes=(replace(one, key="{}/{a}/{c}"),))
    base = plan(rule(), root=Route(receiver="default", routes=(one, two)))
    routes = Routes(base)
    assert routes.find("{}/{a}", "two") is two
    assert routes.find("{}/{a}", "three") is one
    assert routes.find("{}/{a}/{c}", "one") is two.routes[0]
    assert routes.find("{}/gone", "x") is base.root
    assert routes.find("{}/gone", "x", one) is one


def test_what_decides_where_alerts_go_is_the_file_and_what_owners_say() -> None:
    base = plan(rule())
    assert routing_of(base) == routing_of(plan(rule("t.other")))
    owners = {"safety": Owner(name="safety", receivers={"critical": "pager"})}
    assert routing_of(base) != routing_of(plan(rule(), owners=owners))
    assert routing_of(base) != routing_of(replace(base, routing_yaml="route: {}"))


def test_label_sets_are_quoted_as_alertmanager_does() -> None:
    assert label_set({"b": 'q"\n', "a": "\\"}) == '{a="\\\\", b="q\\"\\n"}'
    assert label_set({}) == "{}"
    assert str(matcher("a", 'x"')) == 'a="x\\""'


def test_a_last_child_that_says_continue_still_takes_the_alert() -> None:
    audit = Route(receiver="audit", matchers=(matcher("tenant", "acme"),), go_on=True)
    assert [
        d.receiver
        for d in destinations(
            plan(rule(), root=Route(receiver="default", routes=(audit,))), alert()
        )
    ] == ["audit"]


def test_where_foreign_alerts_go_is_remembered_by_what_decides_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_PLACES", 3)
    child = Route(receiver="one", matchers=(matcher("tenant", "acme"),), key="{}/x")
    root = Route(receiver="default", group_by=("alertname", "zone"), routes=(child,))
    owners = {"ops": Owner(name="ops", receivers={"page": "pager", "default": "chat"})}
    made = plan(rule(), root=root, owners=owners)
    places = Places(made)
    texts = ("A", "A zone=b", "A tenant=acme", "A owner=ops", "A owner=ops severity=page", "B x=1")
    for text in (*texts, *texts):
        one = foreign(text)
        labels = one.labels
        one = replace(one, owner=labels.get("owner", ""), severity=labels.get("severity", ""))
        assert list(places.of(one)) == destinations(made, one)
    first = places.of(foreign("A x=1"))
    assert places.of(foreign("A x=2")) is first
    assert places.of(alert()) == destinations(made, alert())


def test_where_a_route_groups_by_all_labels_nothing_is_remembered() -> None:
    made = plan(rule(), root=Route(receiver="default", group_by_all=True))
    places = Places(made)
    assert [p.labels for p in places.of(foreign("A x=1"))] == [{"alertname": "A", "x": "1"}]
    assert [p.labels for p in places.of(foreign("A x=2"))] == [{"alertname": "A", "x": "2"}]
