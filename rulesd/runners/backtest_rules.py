"""Which rules two sets state differently, and what each then does with the same traffic.

Law: what a rule states is its file without tests and comments, field by field; a rule that neither states nor does anything else is not listed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from rulesd.config.files import Files
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.model.event import Json
from rulesd.runners.backtest import Outcome

Stated = Mapping[str, Mapping[str, str]]
"What each rule states: field to canonical JSON, by id."

_NOT_STATED = ("tests", "id")
"Fields that decide nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """One rule in both sets. Pairs are (before, after)."""

    rule: str
    change: str
    "``added``, ``removed``, ``changed``, or empty: as it was, and yet it does something else (what it reads has changed)."

    fields: tuple[str, ...]
    "What is stated differently, where it was changed."

    alerts: tuple[int, int]
    pages: tuple[int, int]


def stated(files: Files) -> Stated:
    """What every rule file of a set says."""
    out: dict[str, dict[str, str]] = {}
    for name, raw in files.content.items():
        if not name.startswith("rules/") or not name.endswith((".yaml", ".yml", ".json", ".toml")):
            continue
        document = read(name, raw, name, Problems())
        if document is not None and isinstance(document.data, dict) and "id" in document.data:
            out[str(document.data["id"])] = {
                field: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
                for field, value in document.data.items()
                if field not in _NOT_STATED
            }
    return out


def rule_changes(before: Outcome, after: Outcome) -> tuple[RuleChange, ...]:
    """Added, removed and changed rules, and those whose alerts or pages are other ones in number."""
    out: list[RuleChange] = []
    alerts, pages = (_alerts(before), _alerts(after)), (_pages(before), _pages(after))
    told = before.stated and after.stated
    for rule in sorted({*before.rules, *after.rules}):
        ours, theirs = after.stated.get(rule, {}), before.stated.get(rule, {})
        fields = tuple(f for f in sorted({*ours, *theirs}) if ours.get(f) != theirs.get(f))
        change = "changed" if told and fields else ""
        if rule not in before.rules:
            change = "added"
        elif rule not in after.rules:
            change = "removed"
        mine = RuleChange(
            rule=rule,
            change=change,
            fields=fields if change == "changed" else (),
            alerts=(alerts[0][rule], alerts[1][rule]),
            pages=(pages[0][rule], pages[1][rule]),
        )
        if change or mine.alerts[0] != mine.alerts[1] or mine.pages[0] != mine.pages[1]:
            out.append(mine)
    return tuple(out)


def _alerts(outcome: Outcome) -> Counter[str]:
    return Counter(f.rule for f in outcome.firings)


def _pages(outcome: Outcome) -> Counter[str]:
    return Counter(rule for page in outcome.pages for rule in {t.rule for t in page.told})


def body(changes: tuple[RuleChange, ...]) -> list[Json]:
    """As plain data."""
    return [
        {
            "rule": c.rule,
            "change": c.change or None,
            "fields": list(c.fields),
            "alerts_before": c.alerts[0],
            "alerts_after": c.alerts[1],
            "pages_before": c.pages[0],
            "pages_after": c.pages[1],
        }
        for c in changes
    ]
