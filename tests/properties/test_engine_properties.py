"""What must hold for any traffic under the shipped rules: order, repetition, restarts and hash seeds change no alert."""

import random
from functools import cache

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.cli.decoding import offline_decoder
from rulesd.core.engine import Engine
from rulesd.model.decision import AlertChanged, Decision, Kind, NotificationDue
from rulesd.model.event import Event
from rulesd.model.instant import format_instant
from rulesd.model.reasons import Outcome
from rulesd.runners import codec
from tests.scenarios.story import DAY, shipped

LATENESS = 20_000

_TRAFFIC = (
    ("tool.call", {"tool": "shell", "outcome": "denied", "user_ref": "u1", "session_id": "s1"}),
    ("tool.call", {"tool": "crm", "outcome": "ok", "scope": "out", "user_ref": "u2"}),
    ("tool.call", {"tool": "kb_read", "outcome": "ok", "scope": "in", "user_ref": "u3"}),
    ("retrieval.query", {"index": "kb", "cross_tenant": True, "outcome": "ok", "result_count": 2}),
    ("policy.decision", {"verdict": "deny", "reason_code": "jailbreak_pattern", "user_ref": "u1", "session_id": "s1"}),
    ("output.classification", {"label": "fail", "hazard": "self_harm", "confirmed": True}),
)  # fmt: skip


@cache
def decode(raw: bytes, now: int) -> Event:
    made = offline_decoder()(raw, now, "")
    assert isinstance(made, Event)
    return made


_DENIED = {"tool": "rare_tool", "outcome": "denied", "user_ref": "u9"}


def traffic(seed: int, size: int) -> list[tuple[int, bytes]]:
    """(event time, event), in order of event time."""
    chance = random.Random(seed)
    at, out = DAY, []
    burst = chance.randrange(size)
    for n in range(size + 20):
        # Somewhere in it just as many denials as a burst needs: whichever comes last must complete it.
        inside = burst <= n < burst + 20
        at += 1_000 if inside else chance.choice([500, 2_000, 9_000, 30_000])
        kind, data = ("tool.call", _DENIED) if inside else chance.choice(_TRAFFIC)
        raw = {
            "specversion": "1.0",
            "id": f"e{n}",
            "source": "/svc",
            "type": kind,
            "time": format_instant(at),
            "tenant": "burst" if inside else chance.choice(["a", "b"]),
            "data": data,
        }
        out.append((at, orjson.dumps(raw)))
    return out


def alerts(arrivals: list[tuple[int, bytes]]) -> set[tuple[str, tuple[str, ...]]]:
    """The (rule, key) pairs that fire."""
    engine, fired, last = Engine(shipped()), set(), 0
    decisions = []
    for now, raw in arrivals:
        last = max(last, now)
        decisions += engine.receive(decode(raw, last), last)
    decisions += engine.handle_timer(last + 3_600_000)
    for each in decisions:
        if isinstance(each, AlertChanged) and each.kind is Kind.FIRING:
            fired.add((each.alert.rule, tuple(each.alert.labels.values())))
    return fired


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 80))
def test_the_order_of_arrival_within_the_lateness_changes_no_alert(seed: int, size: int) -> None:
    straight = traffic(seed, size)
    chance = random.Random(seed + 1)
    shuffled = sorted(
        ((at + chance.randrange(LATENESS), raw) for at, raw in straight), key=lambda pair: pair[0]
    )
    assert alerts(straight) == alerts(shuffled)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60))
def test_duplicating_anything_changes_no_decision(seed: int, size: int) -> None:
    once, twice = Engine(shipped()), Engine(shipped())
    chance = random.Random(seed)
    seen: list[bytes] = []
    made: list[Decision] = []
    again: list[Decision] = []
    for now, raw in traffic(seed, size):
        event = decode(raw, now)
        made += once.receive(event, now)
        again += twice.receive(event, now)
        seen.append(raw)
        for _ in range(chance.randrange(3)):
            again += twice.receive(decode(chance.choice(seen), now), now)
    made += once.handle_timer(once.now + 1)
    again += twice.handle_timer(once.now)
    assert made == again
    assert once.outcomes[Outcome.MATCHED] == twice.outcomes[Outcome.MATCHED]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60))
def test_a_restart_through_the_written_form_changes_no_byte(seed: int, size: int) -> None:
    straight, restarted = Engine(shipped()), Engine(shipped())
    chance = random.Random(seed)
    for now, raw in traffic(seed, size):
        if chance.random() < 0.3:
            small, keys = restarted.snapshot()
            written = codec.pack_state(small), [codec.pack_key(k) for k in keys]
            again = Engine(shipped())
            again.restore(codec.unpack_state(written[0]), codec.unpack_keys(written[1]))
            again.duplicates = restarted.duplicates
            restarted = again
        event = decode(raw, now)
        lines = [
            [codec.decision_line(0, d) for d in e.receive(event, now)]
            for e in (straight, restarted)
        ]
        assert lines[0] == lines[1]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60))
def test_a_must_never_happen_event_always_ends_in_exactly_one_page_or_in_one_that_is_there(
    seed: int, size: int
) -> None:
    engine = Engine(shipped())
    told: set[str] = set()
    for now, raw in traffic(seed, size):
        made = engine.receive(decode(raw, now), now) + engine.handle_timer(now + 400)
        told |= {t.alert.alert for d in made if isinstance(d, NotificationDue) for t in d.alerts}
        engine.handle_timer(now + 400)
    for each in engine.handle_timer(engine.now + 5_000):
        if isinstance(each, NotificationDue):
            told |= {t.alert.alert for t in each.alerts}
    assert {a.alert for a in engine.alerts() if a.never} <= told
