"""When the unread slots of a ``shift`` segment can wait, because nothing in them can make it fire.

Law: nothing is decided here. A slot gives the same reading whenever it is read; this says only when reading could have waited too long. The answer is a
bound, and it is kept with how much more may come before it has to be worked out again: most events change no answer, and cost some comparisons.

The evidence of a side with unread hits and misses stays below its threshold A, in whatever order they are read, while

    (R + trials + head start) * exp(hits * up + misses * down) < A        up, down: the most that one of them adds to ln R

which is asked for ``_SPARE`` trials more than there are, and while a release is watched for as long as sixteen slots take. Cost: 4 us for each time it is worked out, which
is when a slot was read and now and then beside.
"""

from math import log

from rulesd.core.detectors.segments import AHEAD, Segments
from rulesd.core.detectors.shift_state import Segment
from rulesd.core.detectors.slots import MANY, WIDTH, share
from rulesd.model.instant import Instant, Milliseconds

_SPARE = 64.0
"Trials more than twice those that there are: an answer is to hold for as many."
_ROUNDING = 1e-9
_PLENTY = 1 << 60


def ask(state: Segment, pool: Segments, due: Instant, often: float, baseline: Milliseconds) -> None:
    """Work out whether a segment's unread slots may tell something (``state.hurries``), and what more would leave that answer as it is.

    ``due``: the end of the oldest. ``often``: directions over budget, what makes a week's trials a threshold.
    """
    state.asked, state.edition = due, pool.edition
    state.spare_hits = state.spare_misses = state.spare_slots = _PLENTY
    state.hurries = due > pool.mature(baseline)
    if not state.hurries or not state.sides:
        return
    slots, deff = state.slots, pool.deff
    counted, counted_hits = share(slots.unread)
    trials, hits = counted / deff, counted_hits / deff
    misses = trials - hits
    volume = pool.volume(due, baseline)
    threshold = volume * state.part * often
    spare = spare_hits = spare_misses = trials + _SPARE
    ahead = trials + spare
    if pool.watched(state.last):
        now, week_ends = (slots.newest + 1) * WIDTH, pool.week_ends(due)
        if now >= week_ends:
            volume, week_ends = pool.volume(now, baseline), pool.week_ends(now)
        until = min(now + (now - state.last) // len(slots.waiting) * MANY, week_ends)
        state.spare_slots = until // WIDTH - 1
        ahead += pool.begun_at_most(state.last, until) * AHEAD * state.share * volume
    for side in state.sides.values():
        evidence = side.evidence
        hit, miss = evidence.steepest
        room = threshold / (evidence.design.overshoot * (evidence.total + ahead))
        slack = log(room) - hit * hits - miss * misses - _ROUNDING
        if slack <= 0.0:
            return
        if slack < spare_hits * hit:
            spare_hits = slack / hit
        if slack < spare_misses * miss:
            spare_misses = slack / miss
    state.hurries = False
    spare_hits = min(spare_hits, spare / 2.0)
    state.spare_hits, state.spare_misses = (
        int(spare_hits * deff),
        int(min(spare_misses, spare - spare_hits) * deff),
    )
