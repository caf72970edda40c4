"""ElastAlert2's rule types as its documentation describes them, written down once more: small, slow and independent of ours.

Checked against the real classes by ``python -m tests.proofs.elastalert``.
"""

from collections.abc import Callable, Sequence
from math import inf
from statistics import fmean
from typing import Any

from tests.core.detectors.elastalert_cases import Case, Event, Matches


def matches(case: Case) -> Matches:
    """What the rule would match, in order."""
    rule = case.theirs_rule
    name = rule["type"]
    if name == "flatline":
        return _flatline(rule, case.events, case.ticks)
    if name in _WHOLE:
        return [
            (second, key)
            for key in dict.fromkeys(_key(rule, fields) for _, fields in case.events)
            for second in _WHOLE[name](rule, [e for e in case.events if _key(rule, e[1]) == key])
        ]
    found: Matches = []
    memory: dict[str, Any] = {"seen": set(rule.get("baseline", ()))}
    for second, fields in case.events:
        key = _key(rule, fields)
        if _KINDS[name](rule, memory, key, second, fields):
            found.append((second, key))
    return found


def _key(rule: dict[str, Any], fields: dict[str, Any]) -> str:
    return str(fields.get(rule["query_key"])) if "query_key" in rule else "all"


def _any(rule: dict[str, Any], memory: dict[str, Any], key: str, second: int, fields: Any) -> bool:
    return True


def _blacklist(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    return fields.get(rule["compare_key"]) in rule["blacklist"]


def _whitelist(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    value = fields.get(rule["compare_key"])
    return not rule["ignore_null"] if value is None else value not in rule["whitelist"]


def _change(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    value = fields.get(rule["compare_key"])
    if not value and value is not False and rule["ignore_null"]:
        return False
    was, memory[key] = memory.get(key), (value, second)
    if was is None or was[0] == value:
        return False
    return "timeframe" not in rule or second - was[1] <= rule["timeframe"]


def _frequency(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    window = sorted([*memory.get(key, ()), second])
    window = [s for s in window if window[-1] - s < rule["timeframe"]]
    full = len(window) >= rule["num_events"]
    memory[key] = [] if full else window
    return full


def _new_term(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    value = fields.get(rule["fields"][0])
    new = bool(value) and value not in memory["seen"]
    memory["seen"].add(value)
    return new


def _cardinality(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    first = memory.setdefault(("first", key), second)
    last = memory.setdefault(key, {})
    if fields.get(rule["cardinality_field"]) is None:
        return False
    last[fields[rule["cardinality_field"]]] = second
    for value in [v for v, s in last.items() if second - s > rule["timeframe"]]:
        del last[value]
    few = len(last) < rule.get("min_cardinality", 0) and second - first > rule["timeframe"]
    return few or len(last) > rule.get("max_cardinality", 10**9)


def _flatline(rule: Any, events: Sequence[Event], ticks: Sequence[int]) -> Matches:
    found: Matches = []
    first: dict[str, int] = {}
    gone: set[str] = set()
    for tick in ticks:
        seen = [(s, _key(rule, f)) for s, f in events if s <= tick]
        for key in dict.fromkeys(k for _, k in seen):
            first.setdefault(key, min(s for s, k in seen if k == key))
            count = sum(1 for s, k in seen if k == key and tick - s < rule["timeframe"])
            if (
                key not in gone
                and tick - first[key] >= rule["timeframe"]
                and count < rule["threshold"]
            ):
                found.append((tick, key))
                if rule.get("forget_keys"):
                    gone.add(key)
    return found


def _spike(rule: dict[str, Any], events: Sequence[Event]) -> list[int]:
    """Two adjacent windows; silent until both have been full, and again after a match."""
    width, blind = rule["timeframe"], events[0][0] + 2 * rule["timeframe"]
    found: list[int] = []
    for i, (second, _) in enumerate(events):
        now = [s for s, _ in events[: i + 1] if second - s < width]
        before = [s for s, _ in events[: i + 1] if width <= second - s < 2 * width]
        if second < blind or len(now) < rule.get("threshold_cur", 0):
            continue
        if before and len(now) >= rule["spike_height"] * len(before):
            found.append(now[0])
            blind = second + 2 * width
    return found


def _spike_aggregation(rule: dict[str, Any], events: Sequence[Event]) -> list[int]:
    """The same with the means of two windows of buckets."""
    width, bucket = rule["timeframe"], rule["bucket"]
    starts = sorted({s // bucket * bucket for s, _ in events})
    means = {
        s: fmean([f[rule["metric_agg_key"]] for t, f in events if s <= t < s + bucket])
        for s in starts
    }
    blind, found = starts[0] + 2 * width, []
    for second in starts:
        now = [s for s in starts if second - width < s <= second]
        before = [s for s in starts if second - 2 * width < s <= second - width]
        if second < blind or not before:
            continue
        if fmean(means[s] for s in now) >= rule["spike_height"] * fmean(means[s] for s in before):
            found.append(now[0])
            blind = now[0] + 2 * width
    return found


def _buckets(rule: dict[str, Any], events: Sequence[Event]) -> list[int]:
    """What the store would have summed up for each bucket, against fixed bounds: no question of chance."""
    width = rule["bucket"]
    starts = sorted({s // width * width for s, _ in events})
    return [s for s in starts if _outside(rule, [f for t, f in events if s <= t < s + width])]


def _outside(rule: dict[str, Any], inside: Sequence[dict[str, Any]]) -> bool:
    if rule["type"] == "metric_aggregation":
        value = _FUNCTIONS[rule["metric_agg_type"]]([f[rule["metric_agg_key"]] for f in inside])
        return value > rule.get("max_threshold", inf) or value < rule.get("min_threshold", -inf)
    if len(inside) < rule.get("min_denominator", 0):
        return False
    share = 100 * sum(f[rule["numerator"]] for f in inside) / len(inside)
    return share > rule.get("max_percentage", inf) or share < rule.get("min_percentage", -inf)


_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "avg": fmean,
    "sum": sum,
    "min": min,
    "max": max,
}
_WHOLE = {
    "spike": _spike,
    "spike_aggregation": _spike_aggregation,
    "metric_aggregation": _buckets,
    "percentage_match": _buckets,
}
_KINDS = {
    "any": _any,
    "blacklist": _blacklist,
    "whitelist": _whitelist,
    "change": _change,
    "frequency": _frequency,
    "new_term": _new_term,
    "cardinality": _cardinality,
}
