"""The meter holds every metric of contract 2.8, under exactly these names and labels."""

import pytest

from rulesd import __version__
from rulesd.ports.meter import Meter

CONTRACT = {
    "rulesd_events_total": ("source", "outcome"),
    "rulesd_events_in_flight": (),
    "rulesd_rejected_total": ("code",),
    "rulesd_rule_matches_total": ("rule",),
    "rulesd_rule_errors_total": ("rule",),
    "rulesd_alerts": ("state",),
    "rulesd_decisions_total": ("kind", "reason"),
    "rulesd_notifications_total": ("receiver", "channel", "outcome"),
    "rulesd_outbox_oldest_seconds": (),
    "rulesd_commit_seconds_count": (),
    "rulesd_page_seconds_count": (),
    "rulesd_loop_lag_seconds": (),
    "rulesd_build_info": ("version",),
}


@pytest.mark.parametrize(("name", "labels"), CONTRACT.items())
def test_every_metric_of_the_contract_exists(name: str, labels: tuple[str, ...]) -> None:
    registry = Meter().registry
    collector = registry._names_to_collectors[name]
    assert collector._labelnames == labels
    if labels:
        collector.labels(*["x"] * len(labels))
    values = dict.fromkeys(labels, "x")
    assert registry.get_sample_value(name, values) is not None


def test_the_version_is_told() -> None:
    value = Meter().registry.get_sample_value("rulesd_build_info", {"version": __version__})
    assert value == 1.0


def test_two_daemons_in_one_process_do_not_share_numbers() -> None:
    one, other = Meter(), Meter()
    one.rules.set(8)
    assert other.registry.get_sample_value("rulesd_rules") == 0.0
