"""Find mistakes in rules before any event does.

Law: a finding is never a guess about truth: "never true" and "always true" are proved from the rule. Whether a field may be
missing, and what type it has, come from the schema of event types that the caller passes as plain data.

Looked for: parts that are constant or contradict each other, a type that ``on`` excludes, fields nobody sends, values a
field never has, comparisons that a missing field makes true (null equals 0 and ""), rules hidden by others, and rules that
the index cannot help.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, TypeAlias

from rulesd.logic.cost import costs
from rulesd.logic.cover import Atom, Conjunction, Shape, cover
from rulesd.logic.evaluator import Compiled, accept
from rulesd.logic.findings import Finding, FindingCode, Severity
from rulesd.logic.guard import Logic, escape, plain
from rulesd.logic.kinds import mismatches
from rulesd.logic.presence import unguarded
from rulesd.logic.reads import is_opaque, root_paths
from rulesd.logic.simplify import NOTHING, simplify
from rulesd.logic.syntax import FALSE, TRUE, Cmp, Const, Many, Node, Path, Var, parse

Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"Event type -> field (``tenant``, ``data.tool``) -> kind."


def reads(logic: object) -> tuple[Path, ...]:
    """The fields of the document a rule reads, sorted; parts only datalogic understands are asked of datalogic."""
    tree, text = plain(logic)
    return tuple(sorted(_reads(accept(tree, text), text)))


def _reads(node: Node, text: str) -> frozenset[Path]:
    found = root_paths(node)
    return found | frozenset(Compiled(text).reads() or ()) if is_opaque(node) else found


def lint_rule(
    logic: object, on: Sequence[str] = (), schema: Schema | None = None
) -> tuple[Finding, ...]:
    """Every finding about one rule; ``RuleError`` if the rule is not accepted at all."""
    return tuple(_lint("", logic, on, schema or {}))


def lint_rules(
    rules: Mapping[str, object],
    on: Mapping[str, Sequence[str]] | None = None,
    schema: Schema | None = None,
) -> tuple[Finding, ...]:
    """Every finding about each rule, and about rules that hide each other."""
    types = on or {}
    found: list[Finding] = []
    for name, logic in rules.items():
        found.extend(_lint(name, logic, types.get(name, ()), schema or {}))
    found.extend(_shadowed(rules, types))
    return tuple(found)


def _lint(rule: str, logic: object, on: Sequence[str], schema: Schema) -> Iterator[Finding]:
    tree, text = plain(logic)
    node = accept(tree, text)

    def finding(
        code: FindingCode, severity: Severity, pointer: str, message: str, hint: str
    ) -> Finding:
        return Finding(
            rule=rule, code=code, severity=severity, pointer=pointer, message=message, hint=hint
        )

    whole = _constant(node)
    if whole is not None:
        code = FindingCode.ALWAYS_TRUE if whole else FindingCode.NEVER_TRUE
        words = "is true for every event" if whole else "is true for no event"
        yield finding(
            code,
            "warning" if whole else "error",
            "",
            f"the condition {words}",
            "Compare a field with a value it can have.",
        )
    else:
        for pointer, words in _parts(tree, ""):
            yield finding(
                FindingCode.UNREACHABLE,
                "warning",
                pointer,
                words,
                "Remove this part, or correct it.",
            )
    yield from (
        finding(FindingCode.CONTRADICTS_ON, "error", "", *words) for words in _against_on(node, on)
    )
    for pointer, path in _fields(tree, ""):
        yield from (
            finding(code, severity, pointer, *words)
            for code, severity, *words in _field(path, on, schema)
        )
    yield from (
        finding(FindingCode.WRONG_TYPE, "warning", *words)
        for words in mismatches(tree, _kinds(on, schema))
    )
    for pointer, path, holds in unguarded(tree):
        what = "true" if holds else "not true"
        yield finding(
            FindingCode.MAY_BE_MISSING,
            "warning",
            pointer,
            f"`{'.'.join(path)}` may be missing, and this is {what} for an event without it",
            f'Guard it: {{"and": [{{"exists": {_listed(path)}}}, ...]}}, or compare with `===` or `in`.',
        )
    yield from (
        finding(FindingCode.EXPENSIVE, severity, "", *words)
        for severity, *words in costs(node, keyed=bool(on))
    )


def _listed(path: Path) -> str:
    return "[" + ", ".join(f'"{segment}"' for segment in path) + "]"


def _constant(node: Node) -> bool | None:
    """Whether the rule is true, or false, for every document; ``None`` when it depends."""
    residual = simplify(node, NOTHING)
    if residual == TRUE:
        return True
    if residual == FALSE or not [c for c in cover(residual) if not _impossible(c)]:
        return False
    return None


def _impossible(conjunction: Conjunction) -> bool:
    """Whether bounds, prefixes and keys on one field exclude each other."""
    for i, a in enumerate(conjunction):
        for b in conjunction[i + 1 :]:
            if a.path == b.path and a.path and (_exclude(a, b) or _exclude(b, a)):
                return True
    return False


def _exclude(a: Atom, b: Atom) -> bool:
    if a.shape is Shape.ABOVE and b.shape is Shape.BELOW:
        low, high = a.values[0], b.values[0]
        return (
            (not isinstance(low, str))
            and (not isinstance(high, str))
            and (low > high or (low == high and (a.strict or b.strict)))
        )
    if a.shape is Shape.KEY and b.shape in (Shape.PREFIX, Shape.SUFFIX):
        ends = tuple(map(str, b.values))
        return not any(
            str(v).startswith(ends) if b.shape is Shape.PREFIX else str(v).endswith(ends)
            for v in a.values
        )
    if a.shape is Shape.FLAG and b.shape is Shape.FLAG:
        return a.values != b.values
    if a.shape is Shape.NUMBER and b.shape is Shape.NUMBER:
        return not set(a.values) & set(b.values)
    return a.shape is Shape.KEY and b.shape in (Shape.NUMBER, Shape.FLAG)


def _parts(tree: Logic, pointer: str) -> Iterator[tuple[str, str]]:
    """Parts of ``and``, ``or`` and ``if`` that never matter."""
    if not isinstance(tree, dict) or len(tree) != 1:
        return
    ((operator, argument),) = tree.items()
    items = argument if isinstance(argument, list) else [argument]
    base = f"{pointer}/{escape(operator)}"
    listed = isinstance(argument, list)
    for i, item in enumerate(items):
        place = f"{base}/{i}" if listed else base
        if operator in ("and", "or", "if", "?:"):
            known = _constant(parse(item))
            condition = operator in ("and", "or") or (i % 2 == 0 and i + 1 < len(items))
            if known is not None and condition and len(items) > 1:
                yield place, f"this part of `{operator}` is {'always' if known else 'never'} true"
                if known is (operator == "or") and operator in ("and", "or") and i + 1 < len(items):
                    yield f"{base}/{i + 1}", "what follows is never looked at"
                continue
        if operator in ("and", "or", "if", "?:", "!", "!!"):
            yield from _parts(item, place)


def _against_on(node: Node, on: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not on:
        return
    wanted: set[str] = set()
    for conjunction in cover(node):
        keys = [a for a in conjunction if a.path == ("type",) and a.shape is Shape.KEY]
        if not keys:
            return
        wanted.update(str(value) for key in keys for value in key.values)
    if wanted and not wanted & set(on):
        names = ", ".join(f"`{name}`" for name in sorted(wanted))
        yield (
            f"the condition asks for the type {names}, but `on` lists others",
            "Make `on` and the condition name the same types.",
        )


def _fields(tree: Logic, pointer: str) -> Iterator[tuple[str, Path]]:
    """Every field read in the document's scope, with its place."""
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            yield from _fields(item, f"{pointer}/{i}")
    elif isinstance(tree, dict) and len(tree) == 1:
        ((operator, argument),) = tree.items()
        base = f"{pointer}/{escape(operator)}"
        if operator in ("var", "val", "missing", "exists"):
            for path in sorted(root_paths(parse(tree))):
                yield pointer, path
        elif operator in _SCOPED and isinstance(argument, list) and argument:
            yield from _fields(argument[0], f"{base}/0")
        else:
            yield from _fields(argument, base)


_SCOPED: Final = frozenset(
    ("some", "all", "none", "map", "filter", "reduce", "sort", "group_by", "distinct")
)


def _kinds(on: Sequence[str], schema: Schema) -> Mapping[Path, str]:
    """The kind of each field, where all event types the rule is on agree."""
    result: dict[Path, str] = {}
    clashing: set[Path] = set()
    for name in on or tuple(schema):
        for field, kind in schema.get(name, {}).items():
            path = tuple(field.split("."))
            if result.setdefault(path, kind) != kind:
                clashing.add(path)
    return {path: kind for path, kind in result.items() if path not in clashing}


def _field(
    path: Path, on: Sequence[str], schema: Schema
) -> Iterator[tuple[FindingCode, Severity, str, str]]:
    if not schema:
        return
    known: dict[Path, str] = {}
    for name in on or tuple(schema):
        if name not in schema:
            return  # A type of the operator's own: nothing is known about it.
        known.update({tuple(field.split(".")): kind for field, kind in schema[name].items()})
    if path[:2] == ("data", "content") or known.get(path) == "content":
        yield (
            FindingCode.CONTENT_FIELD,
            "error",
            f"`{'.'.join(path)}` is raw content, which no rule ever sees",
            "Use a label, a score or a classifier's verdict.",
        )
        return
    if path in known or any(
        path[: len(field)] == field or field[: len(path)] == path for field in known
    ):
        return
    names = {".".join(field): field for field in known}
    close = get_close_matches(".".join(path), list(names), n=1, cutoff=0.7)
    hint = (
        f"Did you mean `{close[0]}`?"
        if close
        else "See docs/events.md for the fields of each type."
    )
    yield (
        FindingCode.UNKNOWN_FIELD,
        "warning",
        f"no event of this type is known to have `{'.'.join(path)}`",
        hint,
    )


def _shadowed(rules: Mapping[str, object], on: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Rules whose conditions include all conditions of another rule: the other is true whenever they are."""
    parts: dict[str, frozenset[Node]] = {}
    by_part: dict[Node, list[str]] = {}
    for name, logic in rules.items():
        node = parse(plain(logic)[0])
        items = node.items if isinstance(node, Many) and node.op == "and" else (node,)
        kinds = on.get(name, ())
        typed = (
            *items,
            *(
                Cmp("===", Var("var", ("type",)), Const("const", "str", kind))
                for kind in kinds[:1]
                if len(kinds) == 1
            ),
        )
        parts[name] = frozenset(typed)
        rarest = min(parts[name], key=lambda part: len(by_part.get(part, ())))
        by_part.setdefault(rarest, []).append(name)
    order = {name: i for i, name in enumerate(rules)}
    for name, mine in parts.items():
        for part in sorted(mine, key=repr):
            for other in by_part.get(part, ()):
                same = parts[other] == mine
                if (
                    other != name
                    and parts[other] <= mine
                    and (not same or order[other] < order[name])
                ):
                    words = "has the same condition" if same else "is true whenever this one is"
                    yield Finding(
                        rule=name, code=FindingCode.SHADOWED, severity="warning" if same else "info", pointer="",
                        message=f"`{other}` {words}", hint="Leave it when the two count different things; else merge them, or make their conditions exclude each other.",
                    )  # fmt: skip
