import json

from rulesd.core.rollout_state import dump_rollout, load_rollout
from tests.model.test_rollout import rollout, seen


def test_it_comes_back_as_it_was() -> None:
    one = rollout(alerts=(seen(labels={"a": "b"}),), before={"tool.x": 2}, signed_by="ana")
    assert load_rollout(json.loads(json.dumps(dump_rollout(one)))) == one
