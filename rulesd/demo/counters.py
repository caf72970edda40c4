"""The daemon's own numbers, read from ``/metrics`` as any Prometheus would.

Law: what the demo shows as matched, unmatched and duplicate is what the daemon counts, not what the demo believes.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """One reading."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    in_flight: int = 0
    firing: int = 0
    notices: Mapping[str, int] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """Events that came, however they ended."""
        return sum(self.outcomes.values())


async def read_counters(session: aiohttp.ClientSession, url: str) -> Counters | None:
    """The numbers now; ``None`` when the daemon does not answer."""
    try:
        timeout = aiohttp.ClientTimeout(total=5)
        async with session.get(f"{url}/metrics", timeout=timeout) as answer:
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return None
    return parse(text) if answer.status == 200 else None


def parse(text: str) -> Counters:
    """Prometheus text into numbers."""
    outcomes: dict[str, int] = defaultdict(int)
    sources: dict[str, int] = defaultdict(int)
    notices: dict[str, int] = defaultdict(int)
    single: dict[str, int] = defaultdict(int)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            value = int(sample.value)
            match sample.name:
                case "rulesd_events_total":
                    outcomes[sample.labels["outcome"]] += value
                    sources[sample.labels["source"]] += value
                case "rulesd_event_notices_total":
                    notices[sample.labels["notice"]] += value
                case "rulesd_events_in_flight":
                    single["in_flight"] = value
                case "rulesd_alerts" if sample.labels.get("state") == "firing":
                    single["firing"] = value
    return Counters(
        outcomes=dict(outcomes),
        sources=dict(sources),
        notices=dict(notices),
        in_flight=single["in_flight"],
        firing=single["firing"],
    )
