"""What people do with silences, by Alertmanager's rules: make, change, end; and what it lacks: approve, and see what they do.

Law: a silence is changed in place only when its matchers stay the same and its times allow it; else the old one is ended and another is
made, in one commit. Nobody approves what they wrote themselves. What is refused changes nothing. Sentences are Alertmanager's where
it has one, because programs compare them.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import uuid4

from rulesd.core.engine import Engine
from rulesd.core.silence import KEPT, NEVER_LONGEST, suits_never
from rulesd.core.silence_state import Did, Record
from rulesd.model.alert import Alert
from rulesd.model.inputs import Input, SilenceExpired, SilenceSet
from rulesd.model.instant import Instant
from rulesd.model.silence import Silence, SilenceMatcher, SilenceState
from rulesd.ports.daemon import Done
from rulesd.ports.silences import Preview, SilenceRefusal, SilenceResult, SilenceView
from rulesd.ports.store import Store
from rulesd.runners.crank import Crank
from rulesd.runners.hindsight import Hindsight

MOST_LIVE = 20_000
"Silences that may be pending or active at one time."

MOST_KEPT = 50_000
"... and be kept, those that are over among them."

MOST_MATCHERS = 100
MOST_CHARACTERS = 4_096
"Of a name, a value, a comment or an annotation."

STRIDE = 1_000
"Alerts looked at before the event loop gets a turn."


class Silencing:
    """The silences of one daemon, as its doors see them (``rulesd.ports.daemon``)."""

    def __init__(self, crank: Crank, store: Store) -> None:
        """``crank`` turns the engine that holds them; ``store`` has the decision log."""
        self._crank = crank
        self._hindsight = Hindsight(crank, store)

    @property
    def _engine(self) -> Engine:
        return self._crank.engine

    def _instant(self) -> Instant:
        """Processing time; never behind what the engine knows."""
        return max(self._crank.clock.now(), self._engine.now)

    # ------------------------------------------------------------------ making and changing

    def check_silence(self, silence: Silence) -> SilenceResult:
        """Whether it could be set; changes nothing."""
        return self._check(silence, self._instant()) or SilenceResult(id=silence.id)

    def _check(self, silence: Silence, now: Instant) -> SilenceResult | None:
        if silence.starts_at >= silence.ends_at:
            return _no(
                SilenceRefusal.TIMES,
                "Failed to create silence: start time must be before end time",
            )
        if silence.ends_at < now:
            return _no(
                SilenceRefusal.PAST, "Failed to create silence: end time can't be in the past"
            )
        if silence.id and self._engine.silences.find(silence.id) is None:
            return _no(SilenceRefusal.UNKNOWN, "silence not found")
        said = _invalid(silence, self._engine)
        return _no(SilenceRefusal.INVALID, f"silence invalid: {said}") if said else None

    async def set_silence(self, silence: Silence, by: str, *, whole: bool = False) -> SilenceResult:
        """Make one (no id) or change one; durable when it returns.

        ``whole``: end-on-resolve and windows are as given; else a change keeps what the silence has (API v2 cannot say them).
        """
        now = self._instant()
        found = self._engine.silences.find(silence.id) if silence.id else None
        before = found.silence if found is not None else None
        if before is not None and not whole:
            silence = replace(
                silence,
                end_on_resolve=before.end_on_resolve,
                cron=before.cron,
                lasts=before.lasts,
                timezone=before.timezone,
            )
        refused = self._check(silence, now)
        if refused is not None:
            return refused
        if before is not None and may_update(before, silence, now):
            kept = before.approved_by if _no_wider(before, silence) else ""
            silence = replace(silence, updated_at=now, approved_by=kept)
            await self._crank.act(SilenceSet(silence=silence, by=by))
            return SilenceResult(id=silence.id)
        if full := self._full(now):
            return full
        items: list[Input] = []
        if before is not None and before.state(now) is not SilenceState.EXPIRED:
            items.append(SilenceExpired(id=before.id, by=by))
        starts = max(silence.starts_at, now)
        made = replace(silence, id=str(uuid4()), starts_at=starts, updated_at=now, approved_by="")
        await self._crank.act(*items, SilenceSet(silence=made, by=by))
        return SilenceResult(id=made.id)

    def _full(self, now: Instant) -> SilenceResult | None:
        kept = self._engine.silences.listing()
        live = sum(one.state(now) is not SilenceState.EXPIRED for one in kept)
        if live < MOST_LIVE and len(kept) < MOST_KEPT:
            return None
        most = MOST_LIVE if live >= MOST_LIVE else MOST_KEPT
        return _no(SilenceRefusal.LIMIT, f"exceeded maximum number of silences: {most}")

    async def expire_silence(self, silence: str, by: str) -> Done:
        """End one now."""
        found = self._engine.silences.find(silence)
        if found is None:
            return Done.UNKNOWN
        if found.silence.state(self._instant()) is SilenceState.EXPIRED:
            return Done.ALREADY
        await self._crank.act(SilenceExpired(id=silence, by=by))
        return Done.DONE

    async def approve_silence(self, silence: str, by: str) -> SilenceResult:
        """A second person agrees that it holds back must-never-happen alerts, too."""
        now = self._instant()
        found = self._engine.silences.find(silence)
        if found is None:
            return _no(SilenceRefusal.UNKNOWN, "silence not found")
        before = found.silence
        if before.state(now) is SilenceState.EXPIRED:
            return _no(SilenceRefusal.OVER, f"silence {silence} already expired")
        if person(by) in _authors(found):
            return _no(
                SilenceRefusal.AUTHOR, "whoever wrote or changed a silence cannot approve it"
            )
        if before.ends_at - before.starts_at > NEVER_LONGEST:
            return _no(
                SilenceRefusal.LONG,
                "a silence longer than 4h never holds back must-never-happen alerts, approved or not",
            )
        if not before.approved_by:
            approved = replace(before, approved_by=by, updated_at=now)
            await self._crank.act(SilenceSet(silence=approved, by=by))
        return SilenceResult(id=silence)

    # ------------------------------------------------------------------ seeing

    def silences(self, now: Instant) -> list[Silence]:
        """Every silence that is pending, active, or was over less than 120 h ago."""
        return [one for one in self._engine.silences.listing() if now < one.ends_at + KEPT]

    async def silence_views(self, choose: Callable[[Silence], bool]) -> list[SilenceView]:
        """Those chosen, with what each hides now; newest first."""
        silences, now = self._engine.silences, self._instant()
        chosen = [
            record
            for record in silences.records()
            if now < record.silence.ends_at + KEPT and choose(record.silence)
        ]
        may = silences.glance(record.silence.id for record in chosen)
        hides: dict[str, dict[str, int]] = {}
        unapplied: dict[str, dict[str, int]] = {}
        for n, alert in enumerate(self._firing()):
            if n % STRIDE == STRIDE - 1:
                await asyncio.sleep(0)
            if may(alert):
                _tally(hides, silences.silencing(alert, now), alert)
                _tally(unapplied, silences.unapplied(alert, now), alert)
        out = [
            SilenceView(
                record=record,
                hides=hides.get(record.silence.id, {}),
                unapplied=unapplied.get(record.silence.id, {}),
                suits_never=suits_never(record.silence),
            )
            for record in chosen
        ]
        out.sort(key=lambda view: (-view.record.acts[0].at, view.record.silence.id))
        return out

    async def preview_silence(self, silence: Silence, since: Instant) -> Preview:
        """What it would have held back since then, had it been active."""
        return await self._hindsight.preview(silence, since, self._instant())

    def _firing(self) -> Iterable[Alert]:
        return {alert.alert: alert for alert in self._engine.firing()}.values()


def may_update(before: Silence, after: Silence, now: Instant) -> bool:
    """Alertmanager's rule: whether a silence may be changed in place."""
    if before.matchers != after.matchers:
        return False
    match before.state(now):
        case SilenceState.ACTIVE:
            return after.starts_at == before.starts_at and after.ends_at >= now
        case SilenceState.PENDING:
            return after.starts_at >= now
        case _:
            return False


def person(by: str) -> str:
    """Whom a recorded name stands for: ``ana (token)`` is ana."""
    return by.partition(" (")[0].strip().casefold()


def _tally(counts: dict[str, dict[str, int]], ids: Iterable[str], alert: Alert) -> None:
    name = _name(alert)
    for id_ in ids:
        by_rule = counts.setdefault(id_, {})
        by_rule[name] = by_rule.get(name, 0) + 1


def _name(alert: Alert) -> str:
    """The rule of an alert; for alerts of other systems their name."""
    return alert.rule or alert.labels.get("alertname", "")


def _authors(record: Record) -> frozenset[str]:
    """Everybody who has written on it, by name and by the token that spoke for the name."""
    wrote = [a.by for a in record.acts if a.did in (Did.CREATED, Did.UPDATED)]
    through = [by.partition(" (")[2].removesuffix(")") for by in wrote]
    return frozenset(map(person, (record.silence.created_by, *wrote, *through)))


def _no_wider(before: Silence, after: Silence) -> bool:
    """Whether a change leaves an approval standing: it hides no more, and no longer, than what was approved."""
    windows = (before.cron, before.lasts, before.timezone)
    return (
        before.starts_at <= after.starts_at
        and after.ends_at <= before.ends_at
        and windows == (after.cron, after.lasts, after.timezone)
        and after.end_on_resolve >= before.end_on_resolve
    )


def _no(refused: SilenceRefusal, message: str) -> SilenceResult:
    return SilenceResult(refused=refused, message=message)


def _invalid(silence: Silence, engine: Engine) -> str:
    """What is wrong with it in itself; empty when nothing is."""
    matchers = silence.matchers
    if not matchers:
        return "at least one matcher required"
    if len(matchers) > MOST_MATCHERS:
        return f"more than {MOST_MATCHERS} matchers"
    for n, matcher in enumerate(matchers):
        if said := _bad_matcher(matcher, engine):
            return f"invalid label matcher {n}: {said}"
    if all(_matches_empty(matcher, engine) for matcher in matchers):
        return "at least one matcher must not match the empty string"
    texts = (
        silence.created_by,
        silence.comment,
        *silence.annotations,
        *silence.annotations.values(),
    )
    if any(len(text) > MOST_CHARACTERS for text in texts):
        return f"a text is longer than {MOST_CHARACTERS} characters"
    return _bad_windows(silence, engine)


def _matches_empty(matcher: SilenceMatcher, engine: Engine) -> bool:
    """As Alertmanager counts it: a matcher that excludes a value never does."""
    if not matcher.is_equal:
        return False
    return engine.plan.regex(matcher.value)("") if matcher.is_regex else not matcher.value


def _bad_matcher(matcher: SilenceMatcher, engine: Engine) -> str:
    if not matcher.name or len(matcher.name) > MOST_CHARACTERS:
        return f'invalid label name "{matcher.name[:100]}"'
    if len(matcher.value) > MOST_CHARACTERS:
        return f"a value is longer than {MOST_CHARACTERS} characters"
    if matcher.is_regex:
        try:
            engine.plan.regex(matcher.value)
        except ValueError as error:
            return f'invalid regular expression "{matcher.value[:100]}": {error}'
    return ""


def _bad_windows(silence: Silence, engine: Engine) -> str:
    if not silence.cron:
        if silence.lasts or silence.timezone:
            return "lasts and timezone belong to windows: say when they begin, as cron"
        return ""
    if silence.lasts <= 0:
        return "a window needs a length: say how long it lasts, such as 2h"
    if silence.end_on_resolve:
        return "a silence either ends with its alerts or has windows, not both"
    zone = f"CRON_TZ={silence.timezone} " if silence.timezone else ""
    try:
        engine.plan.schedule(zone + silence.cron)
    except ValueError as error:
        return str(error)
    return ""
