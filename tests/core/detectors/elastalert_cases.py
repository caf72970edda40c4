"""ElastAlert2's rule types beside our detectors: the same events for both, and what each says.

``theirs`` and ``ours`` are (second, key) of each match. ``tell`` says what is compared: ``each`` match, only which ``keys`` matched (where the two
look at different moments by design), or our ``alerts``, each once, beside their matches. ``better`` names the cases in which we differ on purpose.
Here stands one case or more for every rule type; ``elastalert_edges`` has the edges of each, ``elastalert_better`` what we say otherwise on purpose.
``python -m tests.proofs.elastalert`` runs all of them through the real classes.
"""

from dataclasses import dataclass
from typing import Any, Literal

Event = tuple[int, dict[str, Any]]
Matches = list[tuple[int, str]]
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Case:
    """One rule of theirs, one of ours, one series of events in order of arrival."""

    name: str
    theirs_rule: dict[str, Any]
    ours_rule: str
    "What stands behind ``detect:``, with ``by`` and ``when`` where needed, as YAML."

    events: tuple[Event, ...]
    theirs: Matches
    ours: Matches
    tell: Literal["each", "keys", "alerts"] = "each"
    ticks: tuple[int, ...] = ()
    "Seconds at which theirs is asked whether something is missing."

    until: int = 0
    better: str = ""


def at(*seconds: int, **fields: Any) -> tuple[Event, ...]:
    """The same event at several seconds."""
    return tuple((second, dict(fields)) for second in seconds)


def mixed(*parts: tuple[Event, ...]) -> tuple[Event, ...]:
    """Several series in order of time."""
    return tuple(sorted((event for part in parts for event in part), key=lambda e: e[0]))


FREQUENCY = {"type": "frequency", "num_events": 3, "timeframe": 60}
OURS_FREQUENCY = "{burst: {count: 3, within: 60s, mode: tumbling_on_match}}"
STEADY = tuple(range(0, 3600, 6))
SPIKE = {"type": "spike", "spike_height": 3, "spike_type": "up", "timeframe": 600}
OURS_SPIKE = "{spike: {within: 10m, reference: 1d, min_count: 10, ratio: 3}}"

CASES = (
    Case(
        "any",
        {"type": "any"},
        "never",
        at(0, 5, 9),
        [(0, "all"), (5, "all"), (9, "all")],
        [(0, "all"), (5, "all"), (9, "all")],
    ),
    Case(
        "blacklist",
        {"type": "blacklist", "compare_key": "reason", "blacklist": ["x", "y"]},
        'never\nwhen: {"in": [{"var": "data.reason"}, [x, y]]}',
        ((0, {"reason": "x"}), (1, {"reason": "z"}), (2, {"reason": "y"}), (3, {})),
        [(0, "all"), (2, "all")],
        [(0, "all"), (2, "all")],
    ),
    Case(
        "whitelist",
        {"type": "whitelist", "compare_key": "reason", "whitelist": ["x"], "ignore_null": True},
        'never\nwhen: {"and": [{"exists": [data, reason]}, {"!": [{"in": [{"var": ["data.reason", ""]}, [x]]}]}]}',
        ((0, {"reason": "x"}), (1, {"reason": "z"}), (2, {})),
        [(1, "all")],
        [(1, "all")],
    ),
    Case(
        "change",
        {"type": "change", "compare_key": "v", "query_key": "k", "ignore_null": True},
        "{change: {field: v}}\nby: [k]",
        (
            (0, {"k": "a", "v": "1"}),
            (1, {"k": "b", "v": "7"}),
            (2, {"k": "a", "v": "1"}),
            (3, {"k": "a", "v": "2"}),
            (4, {"k": "b"}),
            (5, {"k": "b", "v": "8"}),
        ),
        [(3, "a"), (5, "b")],
        [(3, "a"), (5, "b")],
    ),
    Case(
        "change within a time",
        {"type": "change", "compare_key": "v", "query_key": "k", "ignore_null": True, "timeframe": 60},
        "{change: {field: v, within: 60s}}\nby: [k]",
        ((0, {"k": "a", "v": "1"}), (100, {"k": "a", "v": "2"}), (130, {"k": "a", "v": "3"})),
        [(130, "a")],
        [(130, "a")],
    ),
    Case(
        "frequency: an event as old as the window is out",
        FREQUENCY | {"num_events": 2},
        OURS_FREQUENCY.replace("3", "2"),
        at(0, 60, 119),
        [(119, "all")],
        [(119, "all")],
    ),
    Case(
        "frequency: a match uses up its events",
        FREQUENCY,
        OURS_FREQUENCY,
        at(0, 1, 2, 3, 4, 5),
        [(2, "all"), (5, "all")],
        [(2, "all"), (5, "all")],
    ),
    Case(
        "frequency: every key for itself",
        FREQUENCY | {"query_key": "k"},
        OURS_FREQUENCY + "\nby: [k]",
        mixed(at(0, 10, 20, k="a"), at(5, 90, 100, k="b"), at(110, k="b")),
        [(20, "a"), (110, "b")],
        [(20, "a"), (110, "b")],
    ),
    Case(
        "flatline",
        {"type": "flatline", "threshold": 1, "timeframe": 60, "query_key": "k", "forget_keys": True},
        "{absence: {period: 60s, missed: 1}}\nby: [k]",
        mixed(at(*range(0, 400, 10), k="a"), at(*range(0, 200, 10), k="b")),
        [(260, "b")],
        [(265, "b")],
        tell="keys",
        ticks=tuple(range(0, 400, 20)),
        until=440,
    ),
    Case(
        "new_term",
        {"type": "new_term", "fields": ["v"], "baseline": ["a", "b"]},
        "{new_value: {field: v, learn_for: 1d}}",
        mixed(at(0, 60, v="a"), at(30, v="b"), at(DAY + 7200, DAY + 7300, v="c"), at(DAY + 7250, v="a")),
        [(DAY + 7200, "all")],
        [(DAY + 7200, "all")],
    ),
    Case(
        "cardinality, too many",
        {"type": "cardinality", "cardinality_field": "v", "max_cardinality": 3, "timeframe": 60},
        "{cardinality: {field: v, within: 60s, above: 3}}",
        tuple((n * 10, {"v": f"v{n % 5}"}) for n in range(4)) + at(35, v="v0"),
        [(30, "all"), (35, "all")],
        [(30, "all"), (35, "all")],
    ),
    Case(
        "cardinality, too few",
        {"type": "cardinality", "cardinality_field": "v", "min_cardinality": 2, "timeframe": 60},
        "{cardinality: {field: v, within: 60s, below: 2}}",
        at(*range(0, 200, 10), v="only"),
        [(70, "all")],
        [(60, "all")],
        tell="keys",
    ),
    Case(
        "metric_aggregation",
        {"type": "metric_aggregation", "metric_agg_key": "v", "metric_agg_type": "avg", "max_threshold": 5, "bucket": 600},
        "{aggregate: {field: v, fn: avg, above: 5, within: 10m, min_count: 5}}",
        mixed(at(*range(0, 600, 60), v=3), at(*range(600, 1200, 60), v=9)),
        [(600, "all")],
        [(780, "all")],
        tell="keys",
        until=1300,
    ),
    Case(
        "percentage_match",
        {"type": "percentage_match", "numerator": "bad", "max_percentage": 20, "min_denominator": 30, "bucket": 600},
        '{rate: {numerator: {"===": [{"var": "data.bad"}, true]}, above: 0.2, within: 10m, min_denominator: 30}}',
        mixed(at(*range(0, 600, 15), bad=False), at(*range(5, 600, 15), bad=True)),
        [(0, "all")],
        [(240, "all")],
        tell="keys",
        until=700,
    ),
    Case(
        "spike",
        SPIKE | {"threshold_cur": 10},
        OURS_SPIKE,
        mixed(at(*range(0, 7200, 60)), at(*range(7200, 7800, 3))),
        [(7200, "all")],
        [(7260, "all")],
        tell="keys",
        until=7900,
    ),
)  # fmt: skip
