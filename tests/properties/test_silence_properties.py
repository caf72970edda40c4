"""Silences against a model so plain that it can be read as the definition: ask every silence, every time."""

import json
import random
import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.machine import NOT_DUE
from rulesd.core.silence import KEPT, NEVER_LONGEST, Silences
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Decision, Kind, NoticeDue
from rulesd.model.inputs import SilenceExpired, SilenceSet
from rulesd.model.instant import HOUR, MINUTE, Instant
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.silence import Silence, SilenceMatcher
from tests.core.alerts import alert
from tests.core.plans import T0
from tests.core.test_silence import world

_VALUES = ("", "a", "b", "ab", "a.b", "x|y")
_NAMES = ("tool", "tenant", "zone", "model")
_PATTERNS = ("a", "a|b", "a.*", "", ".*", "[ab]+", "x\\|y", "b|", "a b|a-b", "(a|b)?")


class Model:
    """A list of silences, and what each says, spelt out."""

    def __init__(self) -> None:
        self.silences: dict[str, Silence] = {}
        self.covers: dict[str, set[str]] = {}

    def covering(self, one: Alert, now: Instant) -> list[Silence]:
        labels = one.all_labels()
        return [
            s
            for _, s in sorted(self.silences.items())
            if s.starts_at <= now < s.ends_at
            and self.window(s, now)
            and all(self.agrees(m, labels.get(m.name, "")) for m in s.matchers)
        ]

    @staticmethod
    def agrees(matcher: SilenceMatcher, value: str) -> bool:
        if matcher.is_regex:
            same = re.fullmatch(matcher.value, value) is not None
        else:
            same = matcher.value == value
        return same is matcher.is_equal

    @staticmethod
    def window(silence: Silence, now: Instant) -> bool:
        """Windows begin at every full hour."""
        return not silence.cron or now % HOUR < silence.lasts

    @staticmethod
    def applies(silence: Silence, one: Alert) -> bool:
        short = silence.ends_at - silence.starts_at <= NEVER_LONGEST
        return not one.never or (silence.approved_by != "" and short)

    def silencing(self, one: Alert, now: Instant) -> tuple[str, ...]:
        return tuple(s.id for s in self.covering(one, now) if self.applies(s, one))

    def unapplied(self, one: Alert, now: Instant) -> tuple[str, ...]:
        return tuple(s.id for s in self.covering(one, now) if not self.applies(s, one))

    def end(self, id_: str, now: Instant) -> None:
        silence = self.silences.get(id_)
        if silence is not None and now < silence.ends_at:
            self.silences[id_] = replace(
                silence, starts_at=min(now, silence.starts_at), ends_at=now, updated_at=now
            )
            self.covers.pop(id_, None)

    def see(self, firing: dict[str, Alert], now: Instant) -> None:
        """Which alerts each end-on-resolve silence covers, once it has begun."""
        for one in firing.values():
            for id_ in self.silencing(one, now):
                if self.silences[id_].end_on_resolve:
                    self.covers.setdefault(id_, set()).add(one.alert)

    def resolved(self, one: Alert, now: Instant) -> None:
        for id_, covers in list(self.covers.items()):
            if one.alert in covers and now < self.silences[id_].ends_at:
                covers.discard(one.alert)
                if not covers:
                    self.end(id_, now)


class Pair:
    """Machine and model through the same story."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.now = chance, T0
        self.firing: dict[str, Alert] = {}
        self.machine = Silences(world(), self.firing.values)
        self.model = Model()
        self.out: list[Decision] = []
        self.saved: dict[Any, Any] = {}

    def pass_time(self) -> None:
        until = self.now + self.chance.choice([1, MINUTE, 7 * MINUTE, HOUR, 3 * HOUR, 40 * HOUR])
        while self.machine.due <= until:
            self.now = max(self.now, self.machine.due)
            self.machine.handle_timer(self.now, self.out)
            self.model.see(self.firing, self.now)
        self.now = until
        for id_, silence in list(self.model.silences.items()):
            if silence.ends_at + KEPT <= self.now:
                del self.model.silences[id_]
            if silence.ends_at <= self.now:
                self.model.covers.pop(id_, None)

    def set(self) -> None:
        chance = self.chance
        starts = self.now + chance.choice([0, 0, MINUTE, HOUR])
        ends_with_alerts = chance.random() < 0.3
        windows = not ends_with_alerts and chance.random() < 0.3
        silence = Silence(
            id=f"s{chance.randrange(8)}",
            matchers=tuple(self.matcher() for _ in range(chance.randrange(1, 4))),
            starts_at=starts,
            ends_at=starts + chance.choice([1, MINUTE, HOUR, 4 * HOUR, 4 * HOUR + 1, 50 * HOUR]),
            updated_at=self.now,
            created_by="ana",
            comment="",
            approved_by=chance.choice(["", "jo"]),
            end_on_resolve=ends_with_alerts,
            cron="0 * * * *" if windows else "",
            lasts=20 * MINUTE if windows else 0,
        )
        self.machine.take(SilenceSet(silence=silence, by="ana"), self.now, self.out)
        self.model.silences[silence.id] = silence
        self.model.covers.pop(silence.id, None)
        self.model.see(self.firing, self.now)

    def matcher(self) -> SilenceMatcher:
        is_regex = self.chance.random() < 0.4
        value = self.chance.choice(_PATTERNS if is_regex else _VALUES)
        return SilenceMatcher(
            name=self.chance.choice(_NAMES),
            value=value,
            is_regex=is_regex,
            is_equal=self.chance.random() < 0.8,
        )

    def expire(self) -> None:
        id_ = f"s{self.chance.randrange(8)}"
        self.machine.take(SilenceExpired(id=id_, by="jo"), self.now, self.out)
        self.model.end(id_, self.now)

    def fire(self) -> None:
        one = self.alert()
        self.firing[one.alert] = one
        self.change(Kind.FIRING, one)
        self.model.see({one.alert: one}, self.now)

    def resolve(self) -> None:
        if self.firing:
            one = self.firing.pop(self.chance.choice(sorted(self.firing)))
            self.change(Kind.RESOLVED, replace(one, state=AlertState.RESOLVED))
            self.model.resolved(one, self.now)

    def change(self, kind: Kind, one: Alert) -> None:
        said = AlertChanged(kind=kind, at=self.now, reason=Reason.CONDITION_MET, alert=one)
        self.machine.follow(said, self.now, self.out)

    def alert(self) -> Alert:
        chance = self.chance
        labels = {n: v for n in _NAMES[:3] if (v := chance.choice(_VALUES))}
        return alert(
            f"a{chance.randrange(6)}",
            labels=labels,
            context={"model": chance.choice(_VALUES)},
            never=chance.random() < 0.3,
        )

    def restart(self) -> None:
        """From a checkpoint that took what changed since the one before."""
        self.saved |= dict(self.machine.changes())
        machine = Silences(world(), self.firing.values)
        for key, data in self.saved.items():
            if data is not None:
                machine.load_row(key, json.loads(json.dumps(data)))
        machine.load(self.machine.dump())
        assert machine.due == self.machine.due
        self.machine = machine

    def compare(self) -> None:
        assert {s.id: s for s in self.machine.listing()} == self.model.silences
        for _ in range(4):
            one = self.alert()
            assert self.machine.silencing(one, self.now) == self.model.silencing(one, self.now)
            assert self.machine.unapplied(one, self.now) == self.model.unapplied(one, self.now)
        for decision in self.out:
            assert isinstance(decision, NoticeDue)
        assert self.machine.due > self.now or self.machine.due == NOT_DUE


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_people_do_the_answers_are_the_models(seed: int) -> None:
    chance = random.Random(seed)
    pair = Pair(chance)
    steps = [pair.set, pair.set, pair.expire, pair.fire, pair.fire, pair.resolve, pair.pass_time]
    for _ in range(40):
        chance.choice([*steps, pair.restart])()
        pair.compare()
