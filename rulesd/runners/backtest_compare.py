"""The difference between two rule sets on the same traffic: pages that come, pages that go, pages that move.

Law: a page of one run and a page of the other are the same when they tell the same receiver of the same rule and labels within an hour;
each is matched at most once, nearest first. What is left over on either side is the difference, and so is another severity.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rulesd.model.event import Json
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds, format_instant
from rulesd.runners import backtest_rules
from rulesd.runners.backtest import Outcome, Telling, key_text
from rulesd.runners.backtest_rules import RuleChange, rule_changes

NEAR: Milliseconds = HOUR
"Within this two pages are the same."

MOVED: Milliseconds = MINUTE
"The same page counts as moved from this on."


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changes for people when ``after`` replaces ``before``."""

    before: str
    after: str
    added: tuple[Telling, ...]
    removed: tuple[Telling, ...]
    moved: tuple[tuple[Telling, Milliseconds], ...]
    "Pages of ``after`` and how much later (earlier, when negative) they come."

    pages: tuple[int, int]
    "Pages of both, which may tell of several alerts each."

    graded: tuple[tuple[Telling, str], ...] = ()
    "Pages of ``after`` that had another severity before, and which."

    rules: tuple[RuleChange, ...] = ()
    "Rules that are stated differently, or do something else."

    @property
    def empty(self) -> bool:
        """Whether nobody would notice."""
        return not (self.added or self.removed or self.moved or self.graded)

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose pages change."""
        moved = [t for t, _ in (*self.moved, *self.graded)]
        return tuple(sorted({t.owner for t in (*self.added, *self.removed, *moved)}))

    def by_owner(self) -> tuple[tuple[str, int, int, int], ...]:
        """Owner, pages that come, go, and move."""
        return tuple(
            (
                owner,
                sum(t.owner == owner for t in self.added),
                sum(t.owner == owner for t in self.removed),
                sum(t.owner == owner for t, _ in self.moved),
            )
            for owner in self.owners
        )


def compare(before: Outcome, after: Outcome) -> Difference:
    """Match the pages of two outcomes of one recording."""
    left: defaultdict[tuple[str, str, str], list[Telling]] = defaultdict(list)
    right: defaultdict[tuple[str, str, str], list[Telling]] = defaultdict(list)
    for telling in before.tellings:
        left[telling.subject].append(telling)
    for telling in after.tellings:
        right[telling.subject].append(telling)
    added: list[Telling] = []
    removed: list[Telling] = []
    moved: list[tuple[Telling, Milliseconds]] = []
    graded: list[tuple[Telling, str]] = []
    for subject in sorted({*left, *right}):
        pairs, gone, new = _pair(left[subject], right[subject])
        removed += gone
        added += new
        moved += [(b, b.at - a.at) for a, b in pairs if abs(b.at - a.at) >= MOVED]
        graded += [(b, a.severity) for a, b in pairs if a.severity != b.severity]
    return Difference(
        before=before.name,
        after=after.name,
        added=tuple(sorted(added, key=_order)),
        removed=tuple(sorted(removed, key=_order)),
        moved=tuple(sorted(moved, key=lambda m: _order(m[0]))),
        pages=(len(before.pages), len(after.pages)),
        graded=tuple(sorted(graded, key=lambda g: _order(g[0]))),
        rules=rule_changes(before, after),
    )


def _order(telling: Telling) -> tuple[Instant, tuple[str, str, str]]:
    return telling.at, telling.subject


def _pair(
    left: Sequence[Telling], right: Sequence[Telling]
) -> tuple[list[tuple[Telling, Telling]], list[Telling], list[Telling]]:
    """Pairs, and what is left over of both; nearest pairs first."""
    near = sorted(
        (abs(a.at - b.at), i, j)
        for i, a in enumerate(left)
        for j, b in enumerate(right)
        if abs(a.at - b.at) <= NEAR
    )
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    pairs: list[tuple[Telling, Telling]] = []
    for _, i, j in near:
        if i not in taken_left and j not in taken_right:
            taken_left.add(i)
            taken_right.add(j)
            pairs.append((left[i], right[j]))
    gone = [a for i, a in enumerate(left) if i not in taken_left]
    new = [b for j, b in enumerate(right) if j not in taken_right]
    return pairs, gone, new


def body(difference: Difference) -> dict[str, Json]:
    """The difference as plain data."""
    return {
        "before": difference.before,
        "after": difference.after,
        "pages_before": difference.pages[0],
        "pages_after": difference.pages[1],
        "added": [_plain(t) for t in difference.added],
        "removed": [_plain(t) for t in difference.removed],
        "moved": [{**_plain(t), "later_s": round(by / 1000, 3)} for t, by in difference.moved],
        "other_severity": [{**_plain(t), "before": was} for t, was in difference.graded],
        "rules": backtest_rules.body(difference.rules),
        "owners": [
            {"owner": owner, "added": added, "removed": removed, "moved": moved}
            for owner, added, removed, moved in difference.by_owner()
        ],
    }


def _plain(telling: Telling) -> dict[str, Json]:
    return {
        "at": format_instant(telling.at),
        "receiver": telling.receiver,
        "rule": telling.rule,
        "owner": telling.owner,
        "severity": telling.severity,
        "labels": dict(telling.labels),
        "key": key_text(telling.labels),
    }
