"""``/v1/reports/pages``: who was paged how often, by rule and hour, how much of it was acknowledged, and what budgets say.

Law: counted from the decision log, so it agrees with what was decided. A token with a tenant sees pages about that tenant alone. What is not
looked at because of its size is said.
"""

import asyncio
from collections.abc import Iterator

import orjson
from aiohttp import web

from rulesd.core.page_count import PageCount
from rulesd.core.people import SHIFT
from rulesd.core.plan import Plan
from rulesd.model.duration import format_duration, parse_duration
from rulesd.model.event import Json
from rulesd.model.instant import DAY, Instant, format_instant, parse_instant
from rulesd.ports.store import DecisionRow, Store
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.tokens import Token

USUAL = 7 * DAY
STRIDE = 1_000
MOST_ROWS = 500_000
"Decisions that are looked at, the latest ones."


async def pages(door: Door, request: web.Request, token: Token) -> web.Response:
    """Pages by owner since a time (``since``: a length such as 7d, or a timestamp)."""
    now = door.daemon.now()
    since = _since(request.query.get("since", ""), now)
    plan = door.daemon.plan
    count = PageCount({rule.id: rule.owner for rule in plan.rules}, token.tenant)
    complete = await asyncio.to_thread(_count, door.daemon.store, since, count)
    owners: list[Json] = [{**one, **_budget(plan, str(one["owner"]))} for one in count.owners()]
    body: dict[str, Json] = {
        "since": format_instant(since),
        "until": format_instant(now),
        "complete": complete,
        "owners": owners,
    }
    return answer(body)


def _since(given: str, now: Instant) -> Instant:
    if not given:
        return now - USUAL
    try:
        return parse_instant(given) if "T" in given else now - parse_duration(given)
    except (ValueError, OverflowError):
        said = "since is neither a length nor a timestamp. Write 7d or 2026-01-05T09:00:00Z"
        raise Refused(400, "invalid_since", said) from None


def _budget(plan: Plan, owner: str) -> dict[str, Json]:
    known = plan.owners.get(owner)
    if known is None or known.page_budget is None:
        return {}
    budget = known.page_budget
    per = "shift" if budget.per == SHIFT else format_duration(budget.per)
    return {"budget": {"pages": budget.pages, "per": per}}


def _count(store: Store, since: Instant, count: PageCount) -> bool:
    """Count every decision since then; ``False`` when there are more than may be read."""
    last = _last(store)
    first = _first(store, last, since)
    floor = max(first, last - MOST_ROWS)
    for row in _rows(store, floor):
        count.see(orjson.loads(row.body))
    return floor == first


def _last(store: Store) -> int:
    """The number of the last decision."""
    low, high = 0, 1
    while store.read_decisions(after_seq=high, limit=1):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if store.read_decisions(after_seq=middle, limit=1):
            low = middle + 1
        else:
            high = middle
    return low


def _first(store: Store, last: int, since: Instant) -> int:
    """The number before the first decision at or after ``since``; numbers grow with time."""
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        rows = store.read_decisions(after_seq=middle, limit=1)
        if not rows or rows[0].at >= since:
            high = middle
        else:
            low = rows[0].seq
    return low


def _rows(store: Store, after: int) -> Iterator[DecisionRow]:
    while rows := store.read_decisions(after_seq=after, limit=STRIDE):
        yield from rows
        after = rows[-1].seq
