"""The verdict: was each planted incident paged, and how often.

Law: pure. A page belongs to an incident when it comes from the incident's rule and names one of its events as evidence. Pages are
counted for each channel and the largest number counts: one message in Slack and one incident in PagerDuty are one page.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from rulesd.demo.pages import Page
from rulesd.demo.planted import Planted


@dataclass(slots=True, kw_only=True)
class Trace:
    """What was sent of one incident."""

    planted: Planted
    events: set[str] = field(default_factory=set)
    sent_at: float = 0.0
    "When the last of its events left for the first time; 0 while nothing left."


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one incident fared."""

    planted: Planted
    sent: bool
    pages: int
    seconds: float | None
    "From its last event's departure to the first page; ``None`` without one."

    @property
    def detected(self) -> bool:
        """Whether anybody was paged."""
        return self.pages > 0

    @property
    def good(self) -> bool:
        """Exactly one page."""
        return self.pages == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How all of them fared."""

    results: Sequence[Result]
    unexpected: Sequence[Page]
    "Pages about nothing that was planted."

    @property
    def good(self) -> bool:
        """Nothing was missed, nothing was paged twice."""
        return all(result.good for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether every planted incident was paged at least once."""
        return all(result.detected for result in self.results)

    @property
    def p50(self) -> float | None:
        """The median time from departure to page, in seconds."""
        times = [r.seconds for r in self.results if r.seconds is not None]
        return median(times) if times else None


def judge(traces: Sequence[Trace], pages: Sequence[Page]) -> Score:
    """Match pages with incidents."""
    left = {page.key: page for page in pages}
    results = []
    for trace in traces:
        own = [p for p in left.values() if belongs(p, trace)]
        for page in own:
            del left[page.key]
        results.append(_result(trace, own))
    return Score(results=results, unexpected=list(left.values()))


def belongs(page: Page, trace: Trace) -> bool:
    """Whether a page is about this incident."""
    return page.rule == trace.planted.rule and any(e in page.text for e in trace.events)


def _result(trace: Trace, pages: Sequence[Page]) -> Result:
    by_channel: Mapping[str, int] = Counter(page.channel for page in pages)
    first = min((page.at for page in pages), default=None)
    return Result(
        planted=trace.planted,
        sent=trace.sent_at > 0,
        pages=max(by_channel.values(), default=0),
        seconds=max(0.0, first - trace.sent_at) if first is not None else None,
    )
