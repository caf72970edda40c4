"""ElastAlert2's rule types as its documentation describes them, written down once more: small, slow and independent of ours.

Checked against the real classes by ``python -m tests.proofs.elastalert``.
"""

from collections.abc import Sequence
from typing import Any

from tests.core.detectors.elastalert_cases import Case, Event, Matches


def matches(case: Case) -> Matches:
    """What the rule would match, in order."""
    rule = case.theirs_rule
    name = rule["type"]
    if name in ("metric_aggregation", "percentage_match"):
        return _buckets(rule, case.events)
    if name == "flatline":
        return _flatline(rule, case.events, case.ticks)
    if name == "spike":
        return _spike(rule, case.events)
    found: Matches = []
    memory: dict[str, Any] = {"seen": set(rule.get("baseline", ()))}
    for second, fields in case.events:
        key = str(fields.get(rule["query_key"])) if "query_key" in rule else "all"
        if _KINDS[name](rule, memory, key, second, fields):
            found.append((second, key))
    return found


def _any(rule: dict[str, Any], memory: dict[str, Any], key: str, second: int, fields: Any) -> bool:
    return True


def _blacklist(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    return fields.get(rule["compare_key"]) in rule["blacklist"]


def _whitelist(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    value = fields.get(rule["compare_key"])
    return not rule["ignore_null"] if value is None else value not in rule["whitelist"]


def _change(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    value = fields.get(rule["compare_key"])
    if not value and rule["ignore_null"]:
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
    new = value is not None and value not in memory["seen"]
    memory["seen"].add(value)
    return new


def _cardinality(rule: Any, memory: Any, key: str, second: int, fields: Any) -> bool:
    first = memory.setdefault(("first", key), second)
    last = memory.setdefault(key, {})
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
        seen = [(s, f[rule["query_key"]]) for s, f in events if s <= tick]
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


def _spike(rule: Any, events: Sequence[Event]) -> Matches:
    """Two adjacent windows; silent until both have been full, and again after a match."""
    width, found, blind = rule["timeframe"], [], events[0][0] + 2 * rule["timeframe"]
    for i, (second, _) in enumerate(events):
        now = [s for s, _ in events[: i + 1] if second - s < width]
        before = [s for s, _ in events[: i + 1] if width <= second - s < 2 * width]
        if second < blind or len(now) < rule.get("threshold_cur", 0):
            continue
        if before and len(now) >= rule["spike_height"] * len(before):
            found.append((now[0], "all"))
            blind = second + 2 * width
    return found


def _buckets(rule: Any, events: Sequence[Event]) -> Matches:
    """What the store would have summed up for each bucket, against fixed bounds: no question of chance."""
    found: Matches = []
    width = rule["bucket"]
    for start in sorted({s // width * width for s, _ in events}):
        inside = [f for s, f in events if start <= s < start + width]
        if rule["type"] == "metric_aggregation":
            values = [f[rule["metric_agg_key"]] for f in inside]
            over = sum(values) / len(values) > rule["max_threshold"]
        else:
            share = 100 * sum(f[rule["numerator"]] for f in inside) / len(inside)
            over = len(inside) >= rule.get("min_denominator", 0) and share > rule["max_percentage"]
        if over:
            found.append((start, "all"))
    return found


_KINDS = {
    "any": _any,
    "blacklist": _blacklist,
    "whitelist": _whitelist,
    "change": _change,
    "frequency": _frequency,
    "new_term": _new_term,
    "cardinality": _cardinality,
}
