"""What no single file can tell: names that lead nowhere, pages nobody gets, conditions that never hold.

Law: an error only where a page would be lost or a plan would not mean what it says; everything else is a warning, and what
is merely good to know (a cost, a rule inside a wider one) is an info: shown, never counted as a finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from rulesd.config.document import Document, Path_, at_pointer
from rulesd.config.field_names import field_names, inner_conditions
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.routing_schema import RouteEntry
from rulesd.config.rules import BUILTIN, Compiled
from rulesd.core.plan import ChannelSpec, Owner, Receiver, Route
from rulesd.logic import Finding, FindingCode, lint_rule, lint_rules
from rulesd.privacy.fields import lint_schema


def _unknown(name: str, known: frozenset[str]) -> tuple[str, str]:
    said = f'the receiver "{name}" is in neither routing.yaml nor receivers.yaml'
    return said, f"{did_you_mean(name, known)}Known: {listed(known) or 'none'}."


def failovers(
    own: Mapping[str, tuple[tuple[ChannelSpec, ...], str]],
    known: frozenset[str],
    document: Document,
    problems: Problems,
) -> None:
    """A failover must exist, and following failovers must end."""
    for name, (_, failover) in own.items():
        at = ("receivers", name, "failover")
        if not failover:
            continue
        if failover not in known:
            problems.at(document, at, Code.UNKNOWN_RECEIVER, *_unknown(failover, known))
            continue
        step, seen = failover, {name}
        while step and step not in seen:
            seen.add(step)
            step = own[step][1] if step in own else ""
        if step == name:
            said = f'the failover of "{name}" leads back to it'
            problems.at(
                document,
                at,
                Code.FAILOVER_LOOP,
                said,
                "End the chain at a receiver without failover.",
            )


def owners_receivers(
    owners: Mapping[str, Owner],
    receivers: Mapping[str, Receiver],
    document: Document,
    problems: Problems,
) -> None:
    """Receivers that owners name must exist."""
    known = frozenset(receivers)
    for owner in owners.values():
        for severity, name in owner.receivers.items():
            if name not in known:
                at = ("owners", owner.name, "receivers", severity)
                problems.at(document, at, Code.UNKNOWN_RECEIVER, *_unknown(name, known))


def catch_all(
    root: RouteEntry, owners: Mapping[str, Owner], document: Document, problems: Problems
) -> None:
    """A child route without matchers takes every alert before owners are asked."""
    if not any(o.receivers for o in owners.values()):
        return
    for i, child in enumerate(root.routes):
        if not (child.matchers or child.match or child.match_re):
            said = "this route takes every alert, so no alert reaches its owner's receivers"
            hint = "Give it matchers, or make it the root's receiver."
            problems.at(document, ("route", "routes", i), Code.CATCH_ALL, said, hint, warning=True)


def nowhere(
    compiled: list[Compiled],
    owners: Mapping[str, Owner],
    root: Route,
    receivers: Mapping[str, Receiver],
    document: Document,
    problems: Problems,
) -> None:
    """An owner of rules whose pages would reach a receiver without channels."""
    for name in sorted({c.rule.owner for c in compiled if c.rule.owner in owners}):
        owner = owners[name]
        chosen = owner.receivers.get("default") or next(iter(owner.receivers.values()), "")
        rules = [c.rule.id for c in compiled if c.rule.owner == name]
        if not chosen and any(_takes(child, name, rules, receivers) for child in root.routes):
            continue
        chosen = chosen or root.receiver
        if not receivers[chosen].channels:
            said = f'pages of "{name}" go to the receiver "{chosen}", which has no channels'
            hint = "Give it one in receivers.yaml, such as slack or webhook, or *_configs in routing.yaml."
            problems.at(
                document, ("owners", name), Code.NOWHERE, said, hint, key=True, warning=True
            )


def _takes(
    route: Route, owner: str, rules: Sequence[str], receivers: Mapping[str, Receiver]
) -> bool:
    """Whether a child route may take alerts of this owner's rules, and tell somebody: nothing it asks speaks against it."""
    asked = {name: [m for m in route.matchers if m.name == name] for name in ("owner", "alertname")}
    if not all(m.test(owner) for m in asked["owner"]):
        return False
    if not any(all(m.test(rule) for m in asked["alertname"]) for rule in rules):
        return False
    told = receivers.get(route.receiver)
    return bool(told and told.channels) or any(
        _takes(child, owner, rules, receivers) for child in route.routes
    )


def conditions(compiled: list[Compiled], problems: Problems) -> None:
    """What the logic's own lint finds: fields and types nobody sends, comparisons a missing field breaks, rules hidden by others."""
    field_names(compiled, problems)
    schema = lint_schema()
    written = {
        c.rule.id: c for c in compiled if c.when is not None and not c.rule.id.startswith(BUILTIN)
    }
    logics = {name: c.when for name, c in written.items()}
    for found in lint_rules(logics, {name: c.rule.on for name, c in written.items()}, schema):
        if found.rule in written:
            _tell(found, ("when",), written[found.rule], problems)
    for one in compiled:
        if one.rule.id.startswith(BUILTIN):
            continue
        when = orjson.loads(one.when) if isinstance(one.when, str) else one.when
        for path, logic in inner_conditions(one.document):
            # Together with ``when``, which may have guarded what this one compares.
            around, inside = ({"and": [when, logic]}, "/and/1") if when else (logic, "")
            for found in lint_rule(around, one.rule.on, schema):
                mine = found.pointer.startswith(inside)
                if mine and found.code is not FindingCode.EXPENSIVE:
                    inner = replace(found, pointer=found.pointer.removeprefix(inside))
                    _tell(inner, path, one, problems)


def _tell(found: Finding, at: Path_, one: Compiled, problems: Problems) -> None:
    path = (*at, *at_pointer(found.pointer))
    hint = found.hint or "Correct the condition here."
    info = found.severity == "info"
    problems.at(
        one.document, path, str(found.code), found.message, hint, warning=not info, info=info
    )
