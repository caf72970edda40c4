"""Whether marks and arrivals come one by one: what a null must keep of a recording so that chance in it is the traffic's own chance.

Law: pure; the same recording gives the same answer. A *mark* is what a detector reads of an event: a hit of its share, its number, its value.

Dispersion of marks: in windows of n events of a key whose marks have mean m and variance v, D = sum (S - n m)**2 / sum n v (1 - n / N): 1 when marks are independent, more when
what belongs together fails together. Dispersion of arrivals: variance over mean of the counts of an hour, beyond the rhythm of the week.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from rulesd.core.labels import label_text
from rulesd.core.plan import Rule
from rulesd.model.event import Document, Event
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds
from rulesd.runners.calibrate_kinds import hit_of, measured
from rulesd.runners.calibrate_traffic import CLUMPED, Dispersion, Key, Traffic, dispersion, traffic
from rulesd.runners.calibrate_watch import Matched, by_key

GAPS: tuple[Milliseconds, ...] = (MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE)
"Events of a key that follow each other sooner than this may be one clump."

_SINGLE = 1.15
"Dispersion up to which clumps count as independent of each other."
_SURE = 5.0
"Standard errors from which a difference between the halves of a recording is one."

Timed = tuple[Event, Instant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """The mean of all marks in the first and in the second half of a recording."""

    first: float
    second: float
    sure: bool
    "Whether chance, with the dispersion measured, does not explain the difference."


def marks(rule: Rule, events: Matched) -> Callable[[Document], float | None] | None:
    """What the detector reads of an event, as a number; ``None``: it reads none."""
    hit, field = hit_of(rule.detector), measured(rule.detector)
    if hit is not None:
        watched = hit

        def share(document: Document) -> float | None:
            said = watched(document)
            return None if said is None else float(bool(said))

        return share
    if field is None:
        return None
    read = [field.get(e.document) for e, _ in events]
    numbers = [v for v in read if isinstance(v, int | float) and not isinstance(v, bool)]
    bound = getattr(rule.detector, "above", None) or getattr(rule.detector, "below", None)
    average = rule.detector.name in ("aggregate", "spike")
    middle = median(numbers) if numbers else 0.0
    if bound is not None and rule.detector.name == "quantile":
        middle = float(bound)
    common = Counter(label_text(v) for v in read).most_common(1)[0][0] if read else ""

    def number(document: Document) -> float | None:
        value = field.get(document)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) if average else float(value > middle)
        return None if average or value is None else float(label_text(value) == common)

    return number


def mark_dispersion(rule: Rule, events: Matched) -> Dispersion:
    """Of the marks in windows as long as the detector's, an hour where it has none."""
    read = marks(rule, events)
    if read is None:
        return Dispersion(value=1.0, error=0.0)
    window = int(getattr(rule.detector, "within", 0) or HOUR)
    found = expected = spread = 0.0
    for mine in by_key(rule, events).values():
        told = [(e.at // window, x) for e, _ in mine if (x := read(e.document)) is not None]
        many = len(told)
        mean = sum(x for _, x in told) / max(many, 1)
        variance = sum((x - mean) ** 2 for _, x in told) / max(many - 1, 1)
        if many < 2 or not variance:
            continue
        tails = sum((x - mean) ** 4 for _, x in told) / many / variance**2 - 3.0
        sums: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for number, x in told:
            sums[number][0] += 1.0
            sums[number][1] += x - mean
        for n, s in sums.values():
            left = n * (1.0 - n / many)
            found += s * s / variance
            expected += left
            spread += max(0.0, 2.0 * left * left + left * tails)
    if expected <= 0.0:
        return Dispersion(value=1.0, error=0.0)
    return Dispersion(value=found / expected, error=sqrt(spread) / expected)


def mark_halves(rule: Rule, events: Matched, began: Instant, ended: Instant, d: float) -> Halves:
    """Whether what is watched was the same in both halves of the recording."""
    read, middle = marks(rule, events), (began + ended) // 2
    told: tuple[list[float], list[float]] = ([], [])
    for event, _ in events if read is not None else ():
        assert read is not None
        if (x := read(event.document)) is not None:
            told[event.at >= middle].append(x)
    if min(map(len, told)) < 2:
        return Halves(first=0.0, second=0.0, sure=False)
    means = [sum(xs) / len(xs) for xs in told]
    off = [
        sum((x - m) ** 2 for x in xs) / len(xs) / len(xs) for xs, m in zip(told, means, strict=True)
    ]
    sure = abs(means[1] - means[0]) > _SURE * sqrt(max(d, 1.0) * sum(off)) > 0.0
    return Halves(first=means[0], second=means[1], sure=sure)


def clumps(mine: Sequence[Timed], gap: Milliseconds) -> list[list[Timed]]:
    """The events of a key in order of time, in runs without a gap."""
    out: list[list[Timed]] = []
    last = -gap - 1
    for pair in sorted(mine, key=lambda pair: (pair[0].at, pair[0].id)):
        if pair[0].at - last > gap or not gap:
            out.append([])
        out[-1].append(pair)
        last = pair[0].at
    return out


def arriving(rule: Rule, events: Matched, began: Instant, ended: Instant, gap: int) -> Traffic:
    """The counts of an hour of what comes in runs of this gap (0: of the events themselves)."""
    counts: dict[Key, Counter[int]] = {}
    for key, mine in by_key(rule, events).items():
        counts[key] = Counter(run[0][0].at // HOUR for run in clumps(mine, gap))
    return traffic(counts, HOUR, began, ended)


def clump_gap(rule: Rule, events: Matched, began: Instant, ended: Instant) -> Milliseconds | None:
    """The gap that parts the traffic into clumps that are independent of each other; 0 when events are, ``None`` when none does."""
    for gap in (0, *GAPS):
        found = dispersion(arriving(rule, events, began, ended, gap))
        if found.value <= (_SINGLE if gap else CLUMPED) or found.value - 1.0 <= 3.0 * found.error:
            return gap
    return None
