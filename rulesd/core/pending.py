"""Whether a condition has held long enough without a break: the spans in which it held, from readings in any order.

Law: pure functions over a sorted list of disjoint spans, flat: start, end, start, end ... A span that is closed by time alone ends when the
watermark has passed it, so that what arrives late within the lateness may still join two of them; order of arrival decides nothing.
"""

from rulesd.model.instant import Instant, Milliseconds

OPEN: Instant = 1 << 62
"The end of a span that nothing has ended."

Spans = list[Instant]
"Start and end in turn."


def hold(spans: Spans, start: Instant, end: Instant | None) -> None:
    """The condition holds from ``start`` until ``end`` (``None``: until further notice)."""
    end = OPEN if end is None else max(start, end)
    joined: Spans = []
    for i in range(0, len(spans), 2):
        if spans[i] <= end and start <= spans[i + 1]:
            start, end = min(start, spans[i]), max(end, spans[i + 1])
        else:
            joined += spans[i : i + 2]
    place = sum(2 for i in range(0, len(joined), 2) if joined[i] < start)
    joined[place:place] = [start, end]
    spans[:] = joined


def stop(spans: Spans, at: Instant) -> None:
    """The condition does not hold at ``at``, nor later until told."""
    kept = [i for i in range(0, len(spans), 2) if spans[i] <= at]
    spans[:] = [each for i in kept for each in (spans[i], min(spans[i + 1], at))]


def lasted(spans: Spans, length: Milliseconds, at: Instant) -> bool:
    """Whether by ``at`` it has held for ``length`` in one piece."""
    due = (spans[i] + length for i in range(0, len(spans), 2) if spans[i] + length <= spans[i + 1])
    return any(moment <= at for moment in due)


def drop(spans: Spans, watermark: Instant) -> None:
    """Forget the spans that nothing can prolong any more."""
    kept = [i for i in range(0, len(spans), 2) if spans[i + 1] >= watermark]
    spans[:] = [each for i in kept for each in spans[i : i + 2]]


def next_look(spans: Spans, length: Milliseconds) -> Instant:
    """The watermark at which there is something to decide."""
    looks = (
        spans[i] + length if spans[i] + length <= spans[i + 1] else spans[i + 1] + 1
        for i in range(0, len(spans), 2)
    )
    return min(looks, default=OPEN)
