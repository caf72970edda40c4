"""A rollout as plain data.

Law: what is dumped is read back as it was.
"""

from dataclasses import asdict

from rulesd.model.event import Json
from rulesd.model.rollout import Criteria, Rollout, Seen


def dump_rollout(rollout: Rollout) -> Json:
    """Plain data."""
    out: dict[str, Json] = asdict(rollout)
    alerts: list[Json] = [asdict(seen) for seen in rollout.alerts]
    criteria: dict[str, Json] = asdict(rollout.criteria) | {
        "fail_on": list(rollout.criteria.fail_on)
    }
    return out | {"alerts": alerts, "criteria": criteria}


def load_rollout(data: Json) -> Rollout:
    """From what ``dump_rollout`` gave."""
    assert isinstance(data, dict)
    criteria, alerts = data["criteria"], data["alerts"]
    assert isinstance(criteria, dict)
    assert isinstance(alerts, list)
    fail_on = criteria["fail_on"]
    assert isinstance(fail_on, list)
    values: dict[str, object] = {
        **data,
        "criteria": Criteria(**{**criteria, "fail_on": tuple(fail_on)}),  # type: ignore[arg-type]
        "alerts": tuple(Seen(**row) for row in alerts if isinstance(row, dict)),  # type: ignore[arg-type]
    }
    return Rollout(**values)  # type: ignore[arg-type]
