"""What there is to see, for the inbox page, the terminal and the summary alike.

Law: one place holds it; views read it and change nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rulesd.demo.containment import Containment
from rulesd.demo.counters import Counters
from rulesd.demo.pages import read_pages
from rulesd.demo.score import Score, Trace, judge
from rulesd.notify.fakes import Fakes


@dataclass(slots=True, kw_only=True)
class Show:
    """One demo, as it stands."""

    fakes: Fakes
    traces: Sequence[Trace]
    daemon_url: str = ""
    inbox_url: str = ""
    counters: Counters = field(default_factory=Counters)
    containment: Containment = field(default_factory=Containment)
    per_second: float = 0.0
    started: float = field(default_factory=time.monotonic)
    first_page_s: float | None = None
    "From the demo's start to the first page."

    planted_at: float | None = None
    "From the demo's start to the last incident; ``None`` until then."

    over: bool = False
    _read_at: float = 0.0

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def update(self, counters: Counters) -> None:
        """Take a new reading."""
        now = time.monotonic()
        passed = now - self._read_at
        if self._read_at and passed > 0:
            rate = max(0, counters.events - self.counters.events) / passed
            self.per_second = rate if not self.per_second else 0.6 * self.per_second + 0.4 * rate
        self._read_at, self.counters = now, counters

    def score(self) -> Score:
        """The verdict so far."""
        pages = read_pages(self.fakes)
        if pages and self.first_page_s is None:
            self.first_page_s = self.elapsed()
        return judge(self.traces, pages)
