"""How the demo ended: the table for people, one JSON object for programs, and the exit code.

Law: exit 1 when a planted incident was missed or paged twice; what was never planted because somebody pressed Ctrl-C is neither.
"""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rulesd.demo.containment import Containment
from rulesd.demo.counters import Counters
from rulesd.demo.score import Result, Score
from rulesd.demo.view import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The end of a demo."""

    score: Score
    counters: Counters
    sent: int
    first_page_s: float | None
    containment: Containment = field(default_factory=Containment)
    interrupted: bool = False
    "Somebody ended it before its time."

    @property
    def judged(self) -> list[Result]:
        """The incidents that count: all, but after an interruption only those that happened."""
        return [r for r in self.score.results if r.sent or not self.interrupted]

    @property
    def good(self) -> bool:
        """Every incident that counts was paged exactly once."""
        return all(result.good for result in self.judged)

    @property
    def missing(self) -> int:
        """Confirmed to their producers and not counted by the daemon: always 0."""
        return max(0, self.sent - self.counters.events)

    def as_json(self) -> dict[str, Any]:
        """``events`` and ``planted`` are the contract; the rest is for the curious."""
        p50 = self.score.p50
        return {
            "events": self.counters.events,
            "planted": [
                {
                    "id": r.planted.id,
                    "rule": r.planted.rule,
                    "detected": r.detected,
                    "pages": r.pages,
                    "seconds": round(r.seconds, 3) if r.seconds is not None else None,
                }
                for r in self.score.results
            ],
            "containment": self.containment.as_json(),
            "duplicates": self.counters.outcomes.get("duplicate", 0),
            "missing": self.missing,
            "unexpected_pages": len(self.score.unexpected),
            "first_page_seconds": _rounded(self.first_page_s),
            "page_seconds_p50": _rounded(p50),
        }

    def as_text(self) -> RenderableType:
        """A table and a sentence."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("PLANTED", "RULE", "DETECTED", "PAGES", "TIME"):
            table.add_column(
                name, justify="right" if name in ("PAGES", "TIME") else "left", overflow="fold"
            )
        for result in self.score.results:
            table.add_row(*_row(result))
        return Group(table, Text(""), *self._sentences())

    def _sentences(self) -> list[Text]:
        c = self.counters
        outcomes = ", ".join(f"{n:,} {name}" for name, n in sorted(c.outcomes.items()))
        sources = " and ".join(f"{n:,} over {name}" for name, n in sorted(c.sources.items()))
        said = [Text(f"{c.events:,} events ({sources}): {outcomes}; {self.missing} lost.")]
        if self.first_page_s is not None:
            middle = duration(self.score.p50)
            said.append(
                Text(
                    f"First page {self.first_page_s:.1f} s after the start; median event to page {middle}."
                )
            )
        if self.containment.said:
            said.append(Text(f"{self.containment.said}."))
        if self.score.unexpected:
            rules = ", ".join(sorted({p.rule or "?" for p in self.score.unexpected}))
            said.append(Text(f"{len(self.score.unexpected)} unexpected pages: {rules}", "red"))
        said.append(self._verdict())
        return said

    def _verdict(self) -> Text:
        missed = [r.planted.id for r in self.judged if not r.detected]
        twice = [r.planted.id for r in self.judged if r.pages > 1]
        if not missed and not twice:
            return Text(
                f"{len(self.judged)} planted incidents, {len(self.judged)} pages.", "bold green"
            )
        parts = [f"missed: {', '.join(missed)}"] if missed else []
        parts += [f"paged more than once: {', '.join(twice)}"] if twice else []
        return Text("; ".join(parts), "bold red")


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 3) if seconds is not None else None


def _row(result: Result) -> tuple[str | Text, ...]:
    detected = Text("yes", "green") if result.detected else Text("no", "red")
    pages = Text(str(result.pages), "green" if result.good else "red")
    if not result.sent:
        detected, pages = Text("not planted", "dim"), Text("–", "dim")
    planted = result.planted
    return (planted.id, planted.rule, detected, pages, duration(result.seconds))
