import pytest

from rulesd.config.fields import field


@pytest.mark.parametrize(
    ("name", "document", "value"),
    [
        ("tenant", {"tenant": "acme"}, "acme"),
        ("tool", {"data": {"tool": "shell"}}, "shell"),
        ("tenant", {"tenant": "acme", "data": {"tenant": "other"}}, "acme"),
        ("tenant", {"tenant": None, "data": {"tenant": "other"}}, "other"),
        ("tool", {}, None),
        ("tool", {"data": None}, None),
        ("tool", {"data": "text"}, None),
        ("data.tool", {"data": {"tool": "shell"}}, "shell"),
        ("data.tenant", {"tenant": "acme", "data": {"tenant": "other"}}, "other"),
        ("region.city", {"data": {"region": {"city": "Ulm"}}}, "Ulm"),
        ("region.city", {"region": "eu", "data": {"region": {"city": "Ulm"}}}, "Ulm"),
        ("region.city", {"data": {"region": "eu"}}, None),
        ("count", {"data": {"count": 0}}, 0),
        ("flag", {"data": {"flag": False}}, False),
    ],
)
def test_an_attribute_wins_over_data(name: str, document: dict, value: object) -> None:  # type: ignore[type-arg]
    assert field(name).get(document) == value


def test_the_label_is_the_last_part() -> None:
    assert field("region.city").label == "city"
    assert field("tool").label == "tool"


@pytest.mark.parametrize("name", ["", "a b", ".a", "a.", "a..b", "1a", "a" * 201])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="a name is"):
        field(name)
