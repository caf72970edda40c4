"""One rule file to one compiled ``Rule``.

Law: every mistake is reported, not only the first; a rule with a mistake is ``None`` and the plan is not made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from rulesd.config import templates
from rulesd.config.composites import ALERTS
from rulesd.config.conditions import bare_type, condition, logic_problem, type_problems
from rulesd.config.detect import read_detector
from rulesd.config.document import Document, Path_
from rulesd.config.fields import field as read_field
from rulesd.config.owners import unknown_owner
from rulesd.config.parameters import Never, Parameters
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.rule_file import RuleFile
from rulesd.config.runbooks import runbook
from rulesd.config.severity import severity
from rulesd.config.shape import parse_rest
from rulesd.core.field import Field
from rulesd.core.plan import Maturity, Owner, Rule
from rulesd.logic import RuleError, predicate
from rulesd.model.alert import RESERVED_LABELS
from rulesd.model.event import Json
from rulesd.model.instant import MINUTE
from rulesd.model.switch import Switch

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+")
_STAND_INS: Mapping[str, Json] = dict.fromkeys(
    ("id", "title", "owner", "runbook", "detect", "severity"), "-"
)
"In the place of what is wrong or missing, while the rest of the file is judged."

BUILTIN = "rulesd."
"Ids that start so belong to the rules about rulesd itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a rule is checked against."""

    files: Mapping[str, bytes]
    owners: Mapping[str, Owner]
    owners_known: bool
    "``False`` when owners.yaml cannot be read: then no rule is accused of an unknown owner."

    risks: Mapping[str, str] | None
    actions: Mapping[str, Switch]
    types: frozenset[str]
    self_owner: str = ""
    "Who answers for the rules about rulesd itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A rule and what the matcher is given for it."""

    rule: Rule
    condition: Json
    when: Json
    "The part of it that the file wrote."

    document: Document = field(repr=False)


def compile_rule(document: Document, around: Surroundings, problems: Problems) -> Compiled | None:
    """The rule, or ``None`` after reporting everything wrong with it."""
    before = len(problems.errors)
    severity_map, worst = (
        severity(document, problems) if document.node(("severity",)) else (None, "")
    )
    detected = read_detector(document, problems) if document.node(("detect",)) else None
    file, wrong = parse_rest(RuleFile, document, problems, _STAND_INS)
    if file is None:
        return None
    alerts = not file.on and document.node(("detect", "composite")) is not None
    on = (ALERTS,) if alerts else tuple(bare_type(t) for t in file.on)
    own = file.id.startswith(BUILTIN) and document.name.startswith("builtin/")
    if "id" not in wrong:
        _identity(file, document, own, problems)
    owner = (around.self_owner or next(iter(around.owners), "")) if own else file.owner
    known = own or not around.owners_known or file.owner in around.owners
    if not known and "owner" not in wrong:
        problems.at(
            document,
            ("owner",),
            Code.UNKNOWN_OWNER,
            *unknown_owner(file.owner, dict(around.owners)),
        )
    by = _labels("by", file.by, {}, document, problems)
    context = _labels("context", file.context, {f.label: f for f in by}, document, problems)
    type_problems(file.on, document, around.types, problems)
    when = None
    if not wrong & {"on", "when"} or file.when is not None:
        when = _condition(file, on, document, problems)
    _references(file, around, document, problems)
    if not wrong & {"by", "context"}:
        names = {f.label for f in (*by, *context)}
        templates.check(file.summary, ("summary",), names, document, problems)
    if "runbook" in wrong:
        return None
    book = runbook(file.id, file.runbook, document, around.files, problems)
    if detected is not None:
        _waits(file, detected.word, document, problems)
    if len(problems.errors) > before or detected is None or severity_map is None:
        return None
    parameters = detected.parameters
    rule = Rule(
        id=file.id,
        title=file.title,
        summary=file.summary or templates.literal(file.title),
        owner=owner,
        runbook=book,
        maturity=Maturity(file.maturity),
        on=on,
        by=by,
        context=context,
        detector=detected.detector,
        never=detected.word == "never",
        severity=severity_map,
        worst_severity=worst,
        lateness=file.lateness,
        pending_for=file.for_,
        keep_firing_for=file.keep_firing_for,
        again_after=parameters.again_after if isinstance(parameters, Never) else 15 * MINUTE,
        actions=file.actions,
        covers=file.covers,
        review_sample=file.review.sample if file.review is not None else 0.0,
        max_keys=file.max_keys,
        digest=_digest(when, detected.word, parameters, by),
        path=document.shown,
        unit=detected.unit,
    )
    return Compiled(rule=rule, condition=when, when=file.when, document=document)


def _digest(when: Json, word: str, parameters: Parameters, by: tuple[Field, ...]) -> str:
    """Of what a rule's windows depend on (contract 2.3): condition, detector, ``by``."""
    parts = [
        when,
        word,
        parameters.model_dump(mode="json", by_alias=True, exclude={"again_after"}),
        [f.name for f in by],
    ]
    return sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _identity(file: RuleFile, document: Document, own: bool, problems: Problems) -> None:
    folders = document.name.split("/")[1:-1]
    if not _ID.fullmatch(file.id):
        hint = 'Write <area>.<name> in small letters, digits and _, such as "tool.scope_violation".'
        problems.at(document, ("id",), Code.INVALID_ID, "the id is not <area>.<name>", hint)
    elif file.id.startswith(BUILTIN) and not own:
        hint = "Choose another area."
        problems.at(
            document,
            ("id",),
            Code.RESERVED_ID,
            'ids that start with "rulesd." are rulesd\'s own',
            hint,
        )
    elif folders and not own and file.id.split(".")[0] != folders[-1]:
        said = f'the id\'s area is not the folder "{folders[-1]}"'
        hint = f'Write "{folders[-1]}.{file.id.split(".", 1)[1]}", or move the file.'
        problems.at(document, ("id",), Code.ID_FOLDER, said, hint, warning=True)


def _condition(file: RuleFile, on: tuple[str, ...], document: Document, problems: Problems) -> Json:
    when: Any = file.when
    if isinstance(when, str):
        try:
            when = orjson.loads(when)
        except orjson.JSONDecodeError:
            hint = "Write JSON Logic as a mapping, or as JSON text."
            problems.at(
                document, ("when",), Code.CONDITION, "the condition is text that is not JSON", hint
            )
            return None
    if not on and when is None:
        said, hint = (
            "the rule matches every event",
            'Add "on: [event type]", or "when: ..." with JSON Logic.',
        )
        problems.at(document, (), Code.MISSING_FIELD, said, hint)
        return None
    if when is not None:
        try:
            predicate(when)
        except RuleError as error:
            logic_problem(error, ("when",), document, problems)
            return None
    return condition(on, when)


def _labels(
    word: str,
    names: tuple[str, ...],
    taken: dict[str, Field],
    document: Document,
    problems: Problems,
) -> tuple[Field, ...]:
    """The fields of ``by`` or ``context``; ``taken``: labels that ``by`` has already."""
    out: list[Field] = []
    seen: dict[str, Field] = {}
    node = document.node((word,))
    for i, name in enumerate(names):
        at: Path_ = (word, i) if node is not None and node.items is not None else (word,)
        try:
            made = read_field(name)
        except ValueError as error:
            problems.at(
                document,
                at,
                Code.INVALID_VALUE,
                f'"{name[:60]}": {error}',
                'Write a name such as "tool".',
            )
            continue
        if made.label in RESERVED_LABELS and name != "tenant":
            hint = "Leave it out, or let services send the value under another name."
            problems.at(
                document,
                at,
                Code.RESERVED_LABEL,
                f'the label "{made.label}" has a fixed meaning',
                hint,
            )
        elif made.label in seen:
            said = f'"{name}" and "{seen[made.label].name}" would both be the label "{made.label}"'
            problems.at(document, at, Code.DUPLICATE_LABEL, said, "Keep one of them.")
        elif made.label not in taken:
            out.append(made)
        elif taken[made.label].name != name:
            said = f'"{name}" and "{taken[made.label].name}" in by would both be the label "{made.label}"'
            problems.at(document, at, Code.DUPLICATE_LABEL, said, "Keep one of them.")
        seen[made.label] = made
    return tuple(out)


def _waits(file: RuleFile, word: str, document: Document, problems: Problems) -> None:
    """What must never happen does not wait."""
    if word == "never" and file.for_ > 0:
        said = '"for" does not go with never, which pages at once'
        problems.at(document, ("for",), Code.EXCLUSIVE, said, 'Leave "for" out.', key=True)


def _references(
    file: RuleFile, around: Surroundings, document: Document, problems: Problems
) -> None:
    for word, names, known, code, where in (
        ("covers", file.covers, around.risks, Code.UNKNOWN_RISK, "rules/risks.yaml"),
        ("actions", file.actions, around.actions, Code.UNKNOWN_ACTION, "notifiers/switches.yaml"),
    ):
        node = document.node((word,))
        for i, name in enumerate(names):
            at: Path_ = (word, i) if node is not None and node.items is not None else (word,)
            if known is not None and name not in known:
                hint = (
                    f"{did_you_mean(name, known)}Known: {listed(known) or 'none'}; or add it there."
                )
                problems.at(document, at, code, f'"{name}" is not in {where}', hint)
