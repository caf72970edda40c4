"""An override speaks of its time and no other."""

from typing import Any

from rulesd.model.oncall import OnCallOverride


def override(**fields: Any) -> OnCallOverride:
    values: dict[str, Any] = {
        "id": "o1",
        "schedule": "main",
        "people": ("ben",),
        "begins": 10,
        "ends": 20,
        "by": "ana",
        "reason": "a doctor's appointment",
        "made_at": 5,
    }
    return OnCallOverride(**{**values, **fields})


def test_from_its_beginning_up_to_its_end() -> None:
    assert [override().holds(at) for at in (9, 10, 19, 20)] == [False, True, True, False]
