import pytest

from rulesd.sources.mqtt_topics import Topics


@pytest.mark.parametrize(
    ("filters", "topic", "tenant"),
    [
        (["safety/+/events/#"], "safety/acme/events/tool", "acme"),
        (["safety/+/events/#"], "safety/acme/events", "acme"),
        (["safety/+/events/#"], "safety/acme/events/a/b/c", "acme"),
        (["safety/+/events/#"], "safety//events/a", None),
        (["safety/+/events/#"], "safety/a b/events/a", None),
        (["safety/+/events/#"], "safety/" + "x" * 129 + "/events/a", None),
        (["safety/+/events/#"], "other/acme/events", None),
        (["$share/g/safety/+/events/#"], "safety/acme/events/x", "acme"),
        (["events/+/+"], "events/acme/tool", "acme"),
        (["one/events"], "one/events", ""),
        (["all/#"], "all/of/it", ""),
        (["#"], "x", ""),
        (["a/x", "a/+"], "a/x", ""),
        (["a/x", "a/+"], "a/y", "y"),
        (["+"], "acme", "acme"),
        (["a/+"], "a/b/c", None),
    ],
)
def test_tenant(filters: list[str], topic: str, tenant: str | None) -> None:
    topics = Topics(filters)
    for _ in range(2):
        assert topics.tenant(topic) == tenant


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.sources.mqtt_topics._TABLE_LIMIT", 10)
    topics = Topics(["a/+"])
    for number in range(100):
        assert topics.tenant(f"a/{number}") == str(number)
    assert len(topics._known) <= 10
