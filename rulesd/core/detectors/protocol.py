"""What a detector is: parameters in an immutable object, state in a small value, time as an argument.

Law: a detector never reads a clock and never keeps state of its own. It owns its deadlines: the engine calls ``advance``
with the watermark first, then ``observe``; so an in-process run, a replay and a restored crash give the same bytes.

How the engine calls one, for each (rule, key):

A detector is asked to ``advance`` only when the deadline it last told has come (or it has not been asked yet): whatever it has to do by
time, it must tell as a deadline.

1. An observation arrives. ``watermark`` = newest event time of the rule (never moved by an event dated over five minutes ahead)
   minus the rule's ``lateness``, at least ``now - lateness - 60 s`` (contract 1.3). The engine calls ``advance(state, watermark)``: the
   detector settles its own deadlines at or before the watermark, in order, one ``Reading`` for each change.
2. It calls ``observe(state, observation)``: a ``Reading`` when the condition holds, changes or clears, else ``None``. Observations come in
   order of arrival, not of event time. An event dated over five minutes ahead is observed as of its arrival.
3. It asks ``deadline(state)``: the event time at which ``advance`` would have something to say; ``None`` when only events matter. The
   engine wakes the key when processing time reaches deadline + lateness + 60 s (idle keys), or earlier through step 1.
4. It asks ``forgettable(state, watermark)`` now and then: true when dropping the state cannot change any later answer.

A condition inside a detector (``numerator``, ``good``, ``when`` of a step ...) may raise ``ValueError`` on an odd document: let it through; the
engine makes it a "could not evaluate" alert of the rule, as for ``when``.

A detector with ``clock = Clock.ARRIVAL`` lives in processing time: its observations carry ``at`` = arrival, its watermark is ``now``.

A detector that keeps a bounded number of things for a key may have ``dropped(state, pool)``: asked after each observation, it gives its bound and, when that
observation cost something that could still have mattered, a sentence that says so and counts; else an empty one. The engine tells it as ``limit.reached``.

A detector whose condition ends by time alone (``Reading.until``) may have ``current(state, at)``: what it measures at event time ``at``. An alert that resolves so
tells that value, and not the one that kept it open.

A detector whose alerts no event opens (a share is judged when time has passed) may have ``examples(state)``: ids of events that speak for the alert.

A pooled detector to whose pool only deploys matter says so (``deploys = True``): ``observe_pool`` is not asked about anything else.

When a person resolves an alert its key starts afresh, so that only new evidence opens the next episode. A detector whose evidence is not events of its own
may say what is left instead: ``settle(state, pool, now)``.

State must round-trip through ``dump`` (lists, dicts with text keys, numbers, text, booleans, None) and ``load``; ``version`` changes with
the shape. What several keys of one rule share (a baseline all segments borrow from, expected keys) is the ``pool``: made by
``pool()``, passed to every call, dumped and loaded the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from rulesd.model.event import Document, Json
from rulesd.model.instant import Instant, Milliseconds


class Clock(StrEnum):
    """Which time a detector lives in."""

    EVENT = "event"
    ARRIVAL = "arrival"


class Observation(NamedTuple):
    """One matching event as a detector sees it."""

    at: Instant
    "Event time (or arrival, see ``Clock``)."

    now: Instant
    "When it arrived."

    event: str
    "The event's id."

    weight: int
    "How many occurrences it stands for (``sampledrate``)."

    document: Document


@dataclass(frozen=True, slots=True)
class Reading:
    """What a detector says about its condition at one moment."""

    at: Instant
    "The time this reading is about: the observation's, or the deadline's."

    active: bool
    "Whether the condition holds."

    value: float
    "What was measured: a count, a ratio, a sum, a distance."

    threshold: float | None
    "What it was compared with; ``None`` when one occurrence is enough."

    until: Instant | None = None
    "While active: the time at which the condition ends by itself if nothing more happens (the window runs out). ``None``: only ``advance`` or ``observe`` will tell, with an inactive reading."

    detail: Mapping[str, str] | None = None
    "Short facts for the page: the new value, the steps of a chain, the two rates. Labels only, never raw content."

    since: Instant | None = None
    "While active: the time of the first evidence, if it is not ``at``."

    causes: Sequence[str] = ()
    "Ids of the events that are the evidence, if other than the last one observed."


S = TypeVar("S")


class Detector(Protocol[S]):
    """The parameters of one rule's detector; ``S`` is the state of one key."""

    name: ClassVar[str]
    "The word in ``detect:``."

    version: ClassVar[int]
    "Version of the shape of ``dump``."

    clock: ClassVar[Clock]

    counts: ClassVar[bool]
    "Whether ``Reading.value`` counts events, so that an episode that opens at 20 has seen 20."

    pooled: ClassVar[bool]
    "Whether ``observe_pool`` is to be asked first: some observations concern all keys (a deploy, say)."

    @property
    def hold(self) -> Milliseconds:
        """How long an alert stays after its condition was last true, unless ``keep_firing_for`` says otherwise.

        Contract 2.3: the detector's window; never: 24 h.
        """
        ...

    def pool(self) -> object:
        """What the keys of this rule share at the start; ``None`` when nothing."""
        ...

    def start(self, key: tuple[str, ...], at: Instant) -> S:
        """The state of a key first seen at ``at``."""
        ...

    def advance(self, state: S, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Settle own deadlines at or before ``watermark``, in order."""
        ...

    def observe(self, state: S, pool: object, seen: Observation) -> Reading | None:
        """Take one observation."""
        ...

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Take an observation that concerns all keys; ``False`` when it is one of a key. Only asked when ``pooled``."""
        ...

    def deadline(self, state: S, pool: object) -> Instant | None:
        """The next time at which ``advance`` would have something to say."""
        ...

    def forgettable(self, state: S, watermark: Instant) -> bool:
        """True when this state can be dropped without changing any later answer."""
        ...

    def dump(self, state: S) -> Json:
        """The state as plain data."""
        ...

    def load(self, data: Json) -> S:
        """The state from what ``dump`` gave."""
        ...

    def dump_pool(self, pool: object) -> Json:
        """The pool as plain data."""
        ...

    def load_pool(self, data: Json) -> object:
        """The pool from what ``dump_pool`` gave."""
        ...
