"""The meter: every number rulesd shows about itself, under the names of contract 2.8.

Law: one place for metric names; adapters are given a ``Meter`` and never make metrics of their own. Label values come from
enums, rule ids, receivers and channels: bounded, and never from an event's content.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from rulesd import __version__

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Meter:
    """All metrics of one daemon, in a registry of their own."""

    def __init__(self) -> None:
        """Create every metric, so that each is visible from the first scrape."""
        self.registry = CollectorRegistry()
        self._count_events(self.registry)
        self._count_decisions(self.registry)
        self._count_pages(self.registry)
        self._watch_itself(self.registry)

    def _count_events(self, r: CollectorRegistry) -> None:
        self.events = Counter(
            "rulesd_events",
            "Events by how they ended; with those in flight they add up to all that came.",
            ["source", "outcome"],
            registry=r,
        )
        self.in_flight = Gauge(
            "rulesd_events_in_flight", "Events taken but not yet committed.", registry=r
        )
        self.rejected = Counter(
            "rulesd_rejected", "Events refused, by reason.", ["code"], registry=r
        )
        self.notices = Counter(
            "rulesd_event_notices",
            "Things worth knowing about accepted events: id_conflict, time_missing, time_suspect, late, "
            "tenant_disagrees, undeclared_string, arrival_clamped ...",
            ["notice"],
            registry=r,
        )

    def _count_decisions(self, r: CollectorRegistry) -> None:
        self.rule_matches = Counter(
            "rulesd_rule_matches", "Events a rule matched.", ["rule"], registry=r
        )
        self.rule_errors = Counter(
            "rulesd_rule_errors", "Evaluations that raised.", ["rule"], registry=r
        )
        self.alerts = Gauge("rulesd_alerts", "Alerts by state.", ["state"], registry=r)
        self.decisions = Counter("rulesd_decisions", "Decisions.", ["kind", "reason"], registry=r)

    def _count_pages(self, r: CollectorRegistry) -> None:
        self.notifications = Counter(
            "rulesd_notifications",
            "Attempts to deliver, by outcome.",
            ["receiver", "channel", "outcome"],
            registry=r,
        )
        self.outbox_oldest = Gauge(
            "rulesd_outbox_oldest_seconds", "Age of the oldest undelivered page.", registry=r
        )
        self.outbox_pending = Gauge("rulesd_outbox_pending", "Undelivered pages.", registry=r)

    def _watch_itself(self, r: CollectorRegistry) -> None:
        self.commit = Histogram(
            "rulesd_commit_seconds", "One commit, fsync included.", registry=r, buckets=_FAST
        )
        self.page = Histogram(
            "rulesd_page_seconds",
            "From the arrival of the event to the receiver's answer.",
            registry=r,
            buckets=_SLOW,
        )
        self.loop_lag = Gauge(
            "rulesd_loop_lag_seconds",
            "How late the event loop woke, worst of the last ten seconds.",
            registry=r,
        )
        self.keys = Gauge("rulesd_keys", "Live keys by rule.", ["rule"], registry=r)
        self.rules = Gauge("rulesd_rules", "Rules in force.", registry=r)
        self.reloads = Counter("rulesd_reloads", "Reloads by outcome.", ["outcome"], registry=r)
        self.source_up = Gauge(
            "rulesd_source_up", "1 while a source is connected.", ["source"], registry=r
        )
        self.mqtt_messages = Counter(
            "rulesd_mqtt_messages",
            "MQTT messages by what became of them.",
            ["source", "outcome"],
            registry=r,
        )
        self.mqtt_sessions = Counter(
            "rulesd_mqtt_sessions",
            "MQTT sessions: connected, lost, taken_over, refused, unreachable.",
            ["source", "outcome"],
            registry=r,
        )
        self.http = Counter(
            "rulesd_http_requests", "HTTP answers.", ["endpoint", "code"], registry=r
        )
        self.heartbeats = Counter(
            "rulesd_heartbeats",
            "Heartbeats to the dead-man's switch: sent, failed, or withheld while unhealthy.",
            ["outcome"],
            registry=r,
        )
        self.build = Gauge("rulesd_build_info", "Always 1.", ["version"], registry=r)
        self.build.labels(version=__version__).set(1)
