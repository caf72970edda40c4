from rulesd.ports.echo import ACKNOWLEDGED, RESOLVED, acknowledged_there, resolved_there


def test_only_the_mark_at_the_end_counts_and_each_says_one_thing() -> None:
    assert acknowledged_there(f"Jane{ACKNOWLEDGED}")
    assert resolved_there(f"Jane{RESOLVED}")
    assert not resolved_there(f"Jane{ACKNOWLEDGED}")
    assert not acknowledged_there(f"Jane{RESOLVED}")
    assert not acknowledged_there(f"Jane{ACKNOWLEDGED} (tickets)")
