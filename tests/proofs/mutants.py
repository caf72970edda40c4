"""Break every shipped rule in every small way, and see its own tests fail: ``python -m tests.proofs.mutants [RULE OR AREA ...]``.

A mutant is a rule with one thing changed: a number off by one (a bound off by a quarter or more), a duration halved or doubled, a label or a value that
is spelt wrong, a clause of a condition left out, a step, a severity, an action, an event type or a label of ``by`` dropped. Its tests must say so: one that
lives on shows what no test holds. What the compiler refuses counts for nothing. Exit 1 when one lives that ``ALLOWED`` does not know. Ten minutes or so.
"""

import copy
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from rulesd.cli.decoding import offline_decoder
from rulesd.config.files import Files, gather
from rulesd.config.load import load_files
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.runners.simulate import play
from tests.law.tree import ROOT

Tree = Any
"What a YAML file holds."

Mutant = tuple[str, Tree]
"What was changed, and the rule with it."

WINDOWS = ("within", "period", "keep_firing_for", "for", "horizon", "half_life", "again_after")
COUNTS = ("count", "missed", "min_count", "min_denominator")
BOUNDS = ("above", "below", "ratio", "threshold", "cap", "share", "objective", "q", "burn")
FLIPS = {"up": "both", "down": "both", ">=": ">", ">": ">=", "ok": "okay"}

NO_MATTER = (".!.[0].in.[0].var.[1]", ".!==.[0].var.[1]", ".starts_with.[0].var.[1]")
"Defaults that only say *none of these*: any other word says the same."

RELEASE = "the clause about releases is the same in five rules, and test_pack holds them to that; three play one kind each"
SPARES = "the detector passes over what lacks its field or measures nothing: the clause only spares it the look"
ELSEWHERE = "the chain's other conditions, or its detector, say it as well"
OVERLAP = "windows and projections overlap: what one does not see, another does"
CHANCE = "chance decides near the edge of a rate: a test that stood there would hang on one event"
ALLOWED = {
    r"policy.(clarify_rise|refusal_drift|refusal_drop): when.or.\[1\].*": RELEASE,
    r"policy.refusals_by_\w+: (when.or.*|on without deploy.change)": RELEASE,
    r"usage.\w+: when.*(>|>=).*|(usage|review).\w+: when.and without \[\d\]": SPARES,
    r"(retrieval.enumeration|tool.probing_retries|telemetry.events_dropped): when.and without \[\d\]": SPARES,
    r"(policy.jailbreak_users|policy.approval_rise|output.tenant_failure): when.and without \[\d\]": SPARES,
    r"policy.refusal_drop: when.or.\[0\].and without \[1\]|retrieval.new_index: when.*": SPARES,
    r"policy.gate_slo_slow: when.and without \[\d\]": SPARES,
    r"(usage.cap_bypass|tool.injected_action): .*and without \[\d\]": ELSEWHERE,
    r"output.rollout_violations: detect.rollout.change.and without \[0\]": ELSEWHERE,
    r"(telemetry.change_unowned|telemetry.deploy_seen|acting.switch_violated): detect.burst.within.*": ELSEWHERE,
    r"telemetry.heartbeat_loss: severity.*": ELSEWHERE,
    r"policy.gate_slo(_slow)?: (detect.burn_rate.windows.*|when.*without error)": OVERLAP,
    r"usage.spend_projection: detect.budget.(cap|horizon).*": OVERLAP,
    r"feedback.reports_corroborated: detect.composite.within.*": OVERLAP,
    r"(feedback.reports_up|retrieval.filter_errors|output.tenant_failure): when.*without \w+": OVERLAP,
    r".*: detect.*\.(ratio|share|min_count|min_denominator): .*": CHANCE,
    r"(output.rollout_violations|retrieval.new_source|review.queue_depth): detect.*half of.*": CHANCE,
}
"Mutants that no test can or need tell apart: which, and why. Nothing else may live."


def mutants(rule: Tree) -> Iterator[Mutant]:
    """Every mutant of one rule."""
    for part in ("when", "detect", "severity", "for", "keep_firing_for"):
        for name, tree in _inside(rule.get(part), part):
            yield name, {**rule, part: tree}
    for part in ("by", "on", "actions"):
        whole = rule.get(part) or []
        if part == "on" and len(whole) == 1:
            continue
        for i, label in enumerate(whole):
            rest = whole[:i] + whole[i + 1 :]
            yield (
                f"{part} without {label}",
                {k: v for k, v in {**rule, part: rest}.items() if v != []},
            )
    if "for" in rule:
        yield "no for", {k: v for k, v in rule.items() if k != "for"}


def _inside(node: Tree, at: str) -> Iterator[Mutant]:
    """Every tree with one change at or below ``node``."""
    if isinstance(node, dict):
        for key, value in node.items():
            for name, changed in _of_key(str(key), value, f"{at}.{key}"):
                yield name, {**node, **changed} if changed is not None else _less(node, key)
            if key in FLIPS and len(node) == 1:
                yield f"{at}: {FLIPS[key]} for {key}", {FLIPS[key]: value}
            if key == "!" and len(node) == 1:
                yield f"{at}: no !", value[0] if isinstance(value, list) else value
            for name, tree in _inside(value, f"{at}.{key}"):
                yield name, {**node, key: tree}
    elif isinstance(node, list):
        for i, value in enumerate(node):
            if isinstance(value, str) and len(node) > 1 and at.endswith(".[1]"):
                yield f"{at} without {value}", node[:i] + node[i + 1 :]
                continue
            for name, tree in _inside(value, f"{at}.[{i}]"):
                yield name, [*node[:i], tree, *node[i + 1 :]]
    elif isinstance(node, bool):
        yield f"{at}: {not node}", not node
    elif isinstance(node, int | float) and at.endswith("]"):
        yield f"{at}: {node} + 1", node + 1
        yield f"{at}: {node} - 1", node - 1
    elif isinstance(node, str) and at.endswith(NO_MATTER):
        return
    elif isinstance(node, str) and at.endswith("]"):
        yield f"{at}: {node} misspelt", f"{node}x"
    elif isinstance(node, str) and at.endswith(("then", "direction")):
        yield f"{at}: another than {node}", FLIPS.get(node, "high" if node != "high" else "low")
    elif isinstance(node, str) and at == "severity":
        yield "another severity", "high" if node != "high" else "low"


def _of_key(key: str, value: Tree, at: str) -> Iterator[tuple[str, Tree]]:
    """Changes that need the key to be understood; ``None``: the key is left out."""
    if key in COUNTS:
        yield f"{at}: {value} + 1", {key: value + 1}
        yield f"{at}: {value} - 1", {key: value - 1}
    elif key in BOUNDS and not isinstance(value, str):
        if isinstance(value, int) and key in ("above", "below"):
            yield f"{at}: {value} + 1", {key: value + 1}
            yield f"{at}: {value} - 1", {key: value - 1}
        elif key == "objective":
            yield f"{at}: half the budget", {key: 1 - (1 - value) / 2}
            yield f"{at}: twice the budget", {key: 1 - (1 - value) * 2}
        else:
            yield f"{at}: {value} x 1.3", {key: value * 1.3}
            yield f"{at}: {value} / 1.3", {key: value / 1.3}
    elif key in ("within", "period", "horizon", "half_life", "learn_for", "long", "short", "watch"):
        yield f"{at}: twice {value}", {key: _times(value, 2)}
        yield f"{at}: half of {value}", {key: _times(value, 0.5)}
    elif key in ("and", "or", "steps", "windows", "same", "all", "any", "not") and isinstance(
        value, list
    ):
        for i in range(len(value)):
            if len(value) > 1:
                yield f"{at} without [{i}]", {key: value[:i] + value[i + 1 :]}
            elif key == "not":
                yield f"{at} left out", None
    elif key in ("distinct", "without"):
        yield f"{at} left out", None


def _less(node: Tree, key: Tree) -> Tree:
    return {k: v for k, v in node.items() if k != key}


def _times(text: str, factor: float) -> str:
    from rulesd.model.duration import format_duration, parse_duration

    return format_duration(int(parse_duration(text) * factor))


def needed(tree: Tree, texts: dict[str, bytes]) -> list[str]:
    """The rule files whose alerts this rule reads."""
    found = (tree.get("detect") or {}) if isinstance(tree.get("detect"), dict) else {}
    named = [
        n
        for part in (found.get("composite") or {}).values()
        if isinstance(part, list)
        for n in part
    ]
    return [n for n in texts if any(n == f"rules/{name.replace('.', '/')}.yaml" for name in named)]


def lives(files: Files, name: str, tree: Tree) -> bool | None:
    """Whether all tests of the rule pass; ``None``: it is no rule any more."""
    content = {**files.content, f"{name.removesuffix('.yaml')}.json": orjson.dumps(tree)}
    loaded = load_files(replace(files, content=content))
    if loaded.plan is None:
        return None
    tests = [t for t in loaded.tests if t.rule == tree["id"]]
    return all(play(t, loaded.plan, offline_decoder()).passed for t in tests)


def main() -> int:
    """Play them; what lives and is not allowed to is printed."""
    asked = sys.argv[1:]
    problems = Problems()
    everything = gather(ROOT / "rules", ROOT / "notifiers", problems)
    texts = dict(everything.content)
    others = {k: v for k, v in texts.items() if not (k.startswith("rules/") and k.count("/") == 2)}
    tried = spared = survivors = 0
    began = time.monotonic()
    for name in sorted(
        n for n in texts if n.startswith("rules/") and n.count("/") == 2 and n.endswith(".yaml")
    ):
        document = read(name, texts[name], name, problems)
        assert document is not None
        tree = _plain(document.root.data)
        if asked and not any(tree["id"].startswith(a) for a in asked):
            continue
        base = {**others, **{n: texts[n] for n in texts if n.endswith(".md")}}
        base |= {n: texts[n] for n in needed(tree, texts)}
        files = replace(everything, content=base)
        if lives(files, name, tree) is not True:
            print(f"{tree['id']}: its own tests fail as it is")
            return 2
        for change, mutant in mutants(copy.deepcopy(tree)):
            outcome = lives(files, name, mutant)
            tried += outcome is not None
            if outcome:
                named = f"{tree['id']}: {change}"
                known = any(re.fullmatch(pattern, named) for pattern in ALLOWED)
                survivors += not known
                spared += known
                print(f"{'known' if known else 'LIVES'} {named}", flush=True)
    took = f"{time.monotonic() - began:.0f} s"
    print(f"mutants: {tried} played, {spared} known to live, {survivors} lived, {took}")
    return 1 if survivors else 0


def _plain(node: Tree) -> Tree:
    return orjson.loads(orjson.dumps(node, default=dict))


if __name__ == "__main__":
    sys.exit(main())
