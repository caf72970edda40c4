"""The shipped rules are fit to be trusted: every one loads, pages and stays quiet as its own tests say, and tells what to do."""

import re
from collections.abc import Iterator
from functools import cache

import pytest

from rulesd.cli.decoding import offline_decoder
from rulesd.config import Loaded, load
from rulesd.config.detect import TABLE
from rulesd.core.plan import Maturity, Rule
from rulesd.runners.simulate import play
from tests.law.tree import ROOT, none_of

SECTIONS = ("What it means", "First five minutes", "Contain", "Verify", "Who else")
LEAST = 8
"Rules a first set has at least."


@cache
def shipped() -> Loaded:
    return load(ROOT / "rules", ROOT / "notifiers")


def rules() -> list[Rule]:
    plan = shipped().plan
    assert plan is not None, shipped().errors
    return [rule for rule in plan.rules if not rule.id.startswith("rulesd.")]


def test_the_shipped_files_have_no_problem_at_all() -> None:
    none_of(shipped().problems, "problems in rules/ and notifiers/")
    assert len(rules()) >= LEAST


def test_half_of_the_first_set_is_about_what_must_never_happen() -> None:
    counted = [rule for rule in rules() if rule.detector.name in ("never", "burst")]
    assert sum(rule.never for rule in counted) * 2 >= len(counted)


def test_every_test_inside_a_rule_passes() -> None:
    plan = shipped().plan
    assert plan is not None
    played = [play(test, plan, offline_decoder()) for test in shipped().tests]
    none_of([f for verdict in played for f in verdict.failures], "failures of rule tests")


def test_every_rule_has_a_case_that_fires_and_one_that_is_quiet() -> None:
    cases: dict[str, set[bool]] = {}
    for test in shipped().tests:
        cases.setdefault(test.rule, set()).add(bool(test.expect))
    wanted = [rule for rule in rules() if rule.maturity is not Maturity.SHADOW]
    none_of([r.id for r in wanted if cases.get(r.id) != {True, False}], "rules without both cases")


def test_every_firing_case_names_time_severity_and_receiver() -> None:
    quiet = {rule.id for rule in rules() if rule.maturity is Maturity.SHADOW}
    rows = [row for test in shipped().tests if test.rule not in quiet for row in test.expect]
    none_of(
        [row for row in rows if not (row.severity and row.receiver)], "rows that say too little"
    )


def test_every_runbook_can_be_followed() -> None:
    none_of(unfit_runbooks(), "runbooks that cannot be followed")


def unfit_runbooks() -> Iterator[str]:
    for rule in rules():
        text = rule.runbook.markdown
        found = re.findall(r"^## (.+)$", text, re.MULTILINE)
        if found != list(SECTIONS):
            yield f"{rule.id}: sections are {found}"
        steps = re.findall(r"^(\d+)\. (.+)$", text, re.MULTILINE)
        if not 2 <= len(steps) <= 6 and rule.maturity is not Maturity.SHADOW:
            yield f"{rule.id}: {len(steps)} steps in the first five minutes"


def test_every_rule_says_which_risks_it_controls() -> None:
    none_of([rule.id for rule in rules() if not rule.covers], "rules that cover no risk")


def test_every_owner_can_be_reached() -> None:
    plan = shipped().plan
    assert plan is not None
    owners = plan.owners.values()
    none_of([o.name for o in owners if not o.contact or "default" not in o.receivers], "owners")


def test_the_table_of_detectors_has_every_detector() -> None:
    text = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")
    first, _, rest = text.partition("## A rule, field by field")
    second = rest.partition("## The detectors")[2]
    none_of([n for n in TABLE if f"`{n}`" not in first], "detectors missing from the first table")
    none_of(
        [n for n in TABLE if f"| `{n}` |" not in second], "detectors without a row of parameters"
    )


def test_rules_that_watch_releases_name_the_same_kinds() -> None:
    watching: dict[str, set[str]] = {}
    for path in sorted((ROOT / "rules").glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        clause = re.search(r"deploy\.change\"\]\n +- in: \[.*data\.kind.*?, (\[.*?\])\]", text)
        if clause and "shift:" in text:
            watching.setdefault(clause[1], set()).add(path.stem)
    assert list(watching) == ["[model, prompt, policy, flag, code]"], watching
    assert len(next(iter(watching.values()))) == 5, watching


def test_the_page_about_the_pack_names_every_rule_and_no_other() -> None:
    text = (ROOT / "docs" / "pack.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z]+\.\w+)`", text))
    plan = shipped().plan
    assert plan is not None
    none_of(sorted(named ^ {rule.id for rule in plan.rules}), "rules and docs/pack.md differ")


def test_no_severity_goes_up_and_down_with_a_value() -> None:
    """An open alert that moves between receivers pages at each rise."""
    swinging = [
        path.stem
        for path in sorted((ROOT / "rules").glob("*/*.yaml"))
        if re.search(r"if: .*alert\.value", path.read_text(encoding="utf-8"))
    ]
    # Late beats (0) and lost ones (1 and more); sessions within a window, which only an attack fills threefold.
    assert swinging == ["instruction_burst", "heartbeat_loss"], swinging


WORDS = {"risks": ("title", "why"), "severities": ("meaning", "wake", "acknowledge_within")}


@pytest.mark.parametrize("name", WORDS)
def test_risks_and_severities_say_why(name: str) -> None:
    text = (ROOT / "rules" / f"{name}.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^  (\w+):\n((?:    .+\n)+)", text, re.MULTILINE)
    assert len(entries) >= 4
    none_of([k for k, said in entries if not all(f"{w}: " in said for w in WORDS[name])], name)
