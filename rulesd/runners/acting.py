"""Kill switches and reviews of the running daemon: a person's wish becomes an input, and is answered when that is durable.

Law: this file decides nothing. What is set, refused or ended the engine says; here its decisions are found again for whoever asked.
What is read here is durable: a setting whose commit is not through yet is not shown, not told, and not obeyed, so that no crash can take
back what a service has been told.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from uuid import uuid4

from rulesd.core.reviews import Review
from rulesd.core.switch_guard import REFUSED, misfit
from rulesd.core.switch_table import SwitchTable, scope_of
from rulesd.model.decision import SwitchChanged
from rulesd.model.inputs import (
    HumansOnly,
    Input,
    ReviewAsked,
    ReviewCompleted,
    RolloutFinished,
    RolloutSigned,
    SwitchApproved,
    SwitchReverted,
    SwitchSet,
)
from rulesd.model.instant import format_instant
from rulesd.model.reasons import Reason
from rulesd.model.rollout import Finding, Rollout
from rulesd.model.switch import Setting, Switch, fill
from rulesd.ports.acting import Completed, SwitchAnswer, Wish
from rulesd.runners.crank import Crank

POLL_S = 0.05
"How often a waiting reader looks whether something changed."


class LocalActing:
    """Switches and reviews, as the daemon's doors see them."""

    def __init__(self, crank: Crank) -> None:
        """``crank`` turns the engine that holds them."""
        self._crank = crank

    # ------------------------------------------------------------------ reading

    @property
    def table(self) -> SwitchTable:
        """What services read."""
        return self._crank.shown.table

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._crank.shown.version

    @property
    def humans_only(self) -> bool:
        """Whether only people may set switches."""
        return self._crank.shown.humans_only

    def settings(self) -> Sequence[Setting]:
        """Open settings, in the order in which they were made."""
        return self._crank.shown.settings

    def history(self) -> Sequence[Setting]:
        """Ended and refused ones, the latest first."""
        return self._crank.engine.switches.history()

    def reviews(self) -> Sequence[Review]:
        """Open items, the most urgent first, then closed ones, the latest first."""
        machine = self._crank.engine.reviews
        return [
            *sorted(machine.open.values(), key=lambda r: (not r.locked, r.due_at)),
            *reversed(machine.closed),
        ]

    def rollouts(self) -> Sequence[tuple[Rollout, Finding]]:
        """Open watches, then those that are over, the latest first, each with its verdict now."""
        machine = self._crank.engine.rollouts
        rows = [*reversed(machine.open.values()), *reversed(machine.closed)]
        return [(rollout, machine.finding(rollout)) for rollout in rows]

    async def changed(self, version: int, timeout_s: float) -> bool:
        """Wait until ``version`` is no longer the latest."""
        ends = asyncio.get_running_loop().time() + timeout_s
        while self.version == version:
            if asyncio.get_running_loop().time() >= ends:
                return False
            await asyncio.sleep(POLL_S)
        return True

    # ------------------------------------------------------------------ acts

    async def set(self, wish: Wish) -> SwitchAnswer:
        """Set a switch."""
        if wish.switch not in self._crank.engine.plan.switches:
            return SwitchAnswer(reason=None, setting=None)
        id_ = wish.id or uuid4().hex[:16]
        item = SwitchSet(
            id=id_,
            switch=wish.switch,
            by=wish.by,
            reason=wish.reason,
            labels=dict(wish.labels),
            value="" if wish.value is None else json.dumps(wish.value),
            origin=wish.origin,
            alert=wish.alert,
            ttl=wish.ttl,
            dry_run=wish.dry_run,
        )
        decisions = await self._crank.act(item)
        # Deadlines that were due came first: only what is about this wish is its answer.
        again = (Reason.SET_AGAIN, Reason.MOVED)
        said = [d for d in decisions if isinstance(d, SwitchChanged)]
        mine = [d for d in said if d.setting.id == id_]
        mine += [d for d in said if d.reason in again and _means(d.setting, wish, self.table)]
        if mine:
            return _answer(mine[0], self._crank.engine.plan.switches[wish.switch], wish)
        rows = (*self.settings(), *self.history())
        known = next((s for s in rows if s.id == id_), None)
        standing = (s for s in self.settings() if _means(s, wish, self.table))
        return SwitchAnswer(reason=Reason.SET_AGAIN, setting=known or next(standing, None))

    async def contain(self, alert: str, by: str) -> Sequence[SwitchAnswer] | None:
        """Carry out what the rule of an open alert names in ``actions``."""
        engine = self._crank.engine
        found = engine.alert(alert)
        if found is None:
            return None
        position = engine.plan.by_id.get(found.rule) if found.foreign is None else None
        actions = () if position is None else engine.plan.rules[position].actions
        labels, why = found.all_labels(), f"contained from the page about {found.rule}"
        return [
            await self.set(Wish(switch=name, by=by, reason=why, labels=labels, alert=alert))
            for name in actions
            if name in engine.plan.switches
        ]

    async def approve(self, setting: str, by: str) -> SwitchAnswer:
        """A second person agrees."""
        return await self._about(setting, SwitchApproved(id=setting, by=by))

    async def revert(self, setting: str, by: str, reason: str) -> SwitchAnswer:
        """End a setting now."""
        return await self._about(setting, SwitchReverted(id=setting, by=by, reason=reason))

    async def _about(self, setting: str, item: SwitchApproved | SwitchReverted) -> SwitchAnswer:
        known = next((s for s in (*self.settings(), *self.history()) if s.id == setting), None)
        if known is None:
            return SwitchAnswer(reason=None, setting=None)
        decisions = await self._crank.act(item)
        wanted = _ABOUT[type(item)]
        said = [
            d
            for d in decisions
            if isinstance(d, SwitchChanged) and d.setting.id == setting and d.reason in wanted
        ]
        if said:
            return _answer(said[0])
        rows = (*self.settings(), *self.history())
        known = next((s for s in rows if s.id == setting), known)
        words = "it has ended already"
        if isinstance(item, SwitchApproved):
            words = "it is not waiting for approval"
        if known.ended_at is not None:
            words += f": {known.ended_why} at {format_instant(known.ended_at)}"
        return SwitchAnswer(reason=Reason.UNCHANGED, setting=known, refused=words)

    async def only_people(self, on: bool, by: str, reason: str) -> None:
        """Let only people set switches, or let rules and hooks again."""
        await self._crank.act(HumansOnly(on=on, by=by, reason=reason))

    async def sign_off(self, change: str, by: str, note: str) -> None:
        """The owner signs off."""
        await self._crank.act(RolloutSigned(change=change, by=by, note=note))

    async def finish(self, change: str, by: str, note: str) -> None:
        """End a watch."""
        await self._crank.act(RolloutFinished(change=change, by=by, note=note))

    async def open_review(self, alert: str, by: str, note: str) -> Review | None:
        """Ask that somebody looks."""
        await self._crank.act(ReviewAsked(alert=alert, by=by, note=note))
        items = self._crank.engine.reviews.open.values()
        return next((r for r in items if r.alert.alert == alert), None)

    async def complete(
        self, review: str, by: str, verdict: str, note: str, next_: str
    ) -> Completed:
        """Give a verdict."""
        machine = self._crank.engine.reviews
        if review not in machine.open:
            over = any(r.id == review for r in machine.closed)
            return Completed.ALREADY if over else Completed.UNKNOWN
        item = ReviewCompleted(review=review, by=by, verdict=verdict, note=note, next=next_)
        await self._crank.act(item)
        return Completed.DONE


_ABOUT: Mapping[type[Input], tuple[Reason, ...]] = {
    SwitchApproved: (Reason.APPROVED, Reason.REFUSED_APPROVER),
    SwitchReverted: (Reason.REVERTED,),
}
"What the engine says when it has done as it was told, or refuses."


def _means(setting: Setting, wish: Wish, table: SwitchTable) -> bool:
    """Whether a setting is what the wish asks for."""
    switch = table.switches.get(wish.switch)
    if switch is None or setting.switch != wish.switch:
        return False
    value = switch.safe if wish.value is None else wish.value
    return (setting.key, setting.scope, setting.value) == (
        fill(switch.key, wish.labels), scope_of(switch, wish.labels), value,
    )  # fmt: skip


def _answer(
    said: SwitchChanged, switch: Switch | None = None, wish: Wish | None = None
) -> SwitchAnswer:
    words = REFUSED.get(said.reason, "")
    if said.reason is Reason.REFUSED_SCOPE and switch is not None and wish is not None:
        words = misfit(switch, wish.labels) or words
    return SwitchAnswer(reason=said.reason, setting=said.setting, refused=words)
