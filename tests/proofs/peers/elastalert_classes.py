"""The real rule classes of ElastAlert2, asked about series of events: runs in a Python that has ``elastalert2``, and imports nothing of this product.

In: a JSON list of {"rule", "events": [[second, fields]], "ticks"} on standard input. Out: a JSON list of lists of [second, key].
"""

import datetime as dt
import json
import statistics
import sys

from elastalert import ruletypes

ZERO = dt.datetime(2026, 1, 5, tzinfo=dt.timezone.utc)  # noqa: UP017
CLASSES = {
    "any": ruletypes.AnyRule,
    "blacklist": ruletypes.BlacklistRule,
    "whitelist": ruletypes.WhitelistRule,
    "change": ruletypes.ChangeRule,
    "frequency": ruletypes.FrequencyRule,
    "spike": ruletypes.SpikeRule,
    "flatline": ruletypes.FlatlineRule,
    "cardinality": ruletypes.CardinalityRule,
    "percentage_match": ruletypes.PercentageMatchRule,
    "metric_aggregation": ruletypes.MetricAggregationRule,
    "spike_aggregation": ruletypes.SpikeMetricAggregationRule,
}
SUMMED = ("percentage_match", "metric_aggregation", "spike_aggregation")
"What Elasticsearch sums up for it."
FUNCTIONS = {"avg": statistics.fmean, "sum": sum, "min": min, "max": max}


class Terms(ruletypes.NewTermsRule):
    """``new_term`` with its baseline given instead of searched."""

    def get_all_terms(self, args):
        self.seen_values = {self.fields[0]: list(self.rules["baseline"])}


def when(second):
    return ZERO + dt.timedelta(seconds=second)


def configured(rule):
    """The configuration as the loader hands it to a rule class."""
    out = {
        "timestamp_field": "@timestamp",
        "name": "r",
        "index": "i",
        "alert_text_args": [],
        **rule,
    }
    out.pop("type"), out.pop("bucket", None)
    if "timeframe" in out:
        out["timeframe"] = dt.timedelta(seconds=out["timeframe"])
    if "compare_key" in out:
        out["compound_compare_key"] = [out["compare_key"]]
    if rule["type"] == "percentage_match":
        out["match_bucket_filter"] = [{"term": {out.pop("numerator"): True}}]
    if rule["type"] in SUMMED:
        out |= {
            "buffer_time": dt.timedelta(minutes=10),
            "run_every": dt.timedelta(minutes=10),
        }
    return out


def asked(case):
    rule = case["rule"]
    ruletypes.ChangeRule.change_map, ruletypes.ChangeRule.occurrence_time = {}, {}
    made = (
        Terms(configured(rule))
        if rule["type"] == "new_term"
        else CLASSES[rule["type"]](configured(rule))
    )
    events = [({"@timestamp": when(second), **fields}) for second, fields in case["events"]]
    if rule["type"] in SUMMED:
        buckets(made, rule, case["events"])
    elif case["ticks"]:
        left = list(events)
        for tick in case["ticks"]:
            while left and left[0]["@timestamp"] <= when(tick):
                made.add_data([left.pop(0)])
            made.garbage_collect(when(tick))
    else:
        for event in events:
            made.add_data([event])
    return [said(match, rule) for match in made.matches]


def buckets(made, rule, events):
    """The sums that Elasticsearch would give for each bucket and each value of ``query_key``."""
    width = rule["bucket"]
    for start in sorted({second // width * width for second, _ in events}):
        inside = [fields for second, fields in events if start <= second < start + width]
        for key in dict.fromkeys(fields.get(rule.get("query_key")) for fields in inside):
            one = [f for f in inside if f.get(rule.get("query_key")) == key]
            found = aggregated(made, rule, one)
            if rule["type"] == "spike_aggregation":
                made.add_aggregation_data({when(start): found})
            else:
                made.check_matches(when(start), key, found)


def aggregated(made, rule, inside):
    """One bucket as Elasticsearch answers."""
    if "metric_agg_key" in rule:
        values = [fields[rule["metric_agg_key"]] for fields in inside]
        return {made.metric_key: {"value": FUNCTIONS[rule["metric_agg_type"]](values)}}
    hits = sum(fields[rule["numerator"]] for fields in inside)
    found = {"match_bucket": {"doc_count": hits}, "_other_": {"doc_count": len(inside) - hits}}
    return {"percentage_match_aggs": {"buckets": found}}


def said(match, rule):
    at = match.get("@timestamp", ZERO)
    at = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    key = match.get(rule["query_key"]) if "query_key" in rule else "all"
    return [
        int((at - ZERO).total_seconds()),
        match.get("key", key) if rule["type"] == "flatline" else key,
    ]


if __name__ == "__main__":
    json.dump([asked(case) for case in json.load(sys.stdin)], sys.stdout)
