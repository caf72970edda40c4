"""Find the evaluations that raise although the index has no reason to look at their rule.

Law: for every document, every rule whose evaluation raises is reached either by the index or from here. A place that can
raise (``Trouble``) needs no watching when everything the index asks before it reaches the rule is already true there, as
in the usual rule that asks for exact keys first and compares numbers after.
"""

from collections.abc import Iterable, Mapping, Sequence

from rulesd.logic.cover import Atom, Conjunction, Shape, cover
from rulesd.logic.raises import Trouble, troubles
from rulesd.logic.shapes import Child, Shapes
from rulesd.logic.syntax import Many, Node, Path
from rulesd.logic.tree import Builder, Entry


def watch(rules: Sequence[Node], builder: Builder, shapes: Shapes) -> tuple[Child, ...]:
    """Children to run beside the index when it matters which evaluations raise."""
    typed: dict[Path, dict[frozenset[type], list[tuple[int, Trouble]]]] = {}
    entries: list[Entry] = []
    for position, rule in enumerate(rules):
        for trouble in troubles(rule):
            if _reached(trouble, builder.leaves.get(position, {})):
                continue
            if trouble.path is None:
                guards = cover(Many("and", trouble.guards)) if trouble.guards else ((),)
                entries.extend(Entry(position, 0, conjunction, (), ()) for conjunction in guards)
            else:
                typed.setdefault(trouble.path, {}).setdefault(trouble.types, []).append((position, trouble))
    return (*_typed(typed, shapes), *builder.build(entries))


def _typed(
    typed: dict[Path, dict[frozenset[type], list[tuple[int, Trouble]]]], shapes: Shapes
) -> Iterable[Child]:
    """One look at the type of each field that matters; an event with the usual types goes no further."""
    for path in sorted(typed):
        number = shapes.node("types", path)
        kinds = typed[path]
        children = tuple((number, (types, _guarded(kinds[types], shapes))) for types in kinds)
        yield number, (frozenset().union(*kinds), children)


def _guarded(found: Sequence[tuple[int, Trouble]], shapes: Shapes) -> tuple[Child, ...]:
    """Rules to ask datalogic about, by one key that must hold where there is one."""
    keyed: dict[Path, dict[str, dict[int, None]]] = {}
    free: dict[int, None] = {}
    for position, trouble in found:
        atom = _guard(trouble)
        if atom is None:
            free[~position] = None
            continue
        for value in atom.values:
            if isinstance(value, str):
                keyed.setdefault(atom.path, {}).setdefault(value, {})[~position] = None
    children: list[Child] = [
        (shapes.node("key", path), {v: ((shapes.unsure, ((), tuple(p))),) for v, p in keyed[path].items()})
        for path in sorted(keyed)
    ]
    if free:
        children.append((shapes.unsure, ((), tuple(free))))
    return tuple(children)


def _guard(trouble: Trouble) -> Atom | None:
    """The deepest-nested key among the conditions before the trouble: fields are the more selective the deeper."""
    found: list[Atom] = []
    for guard in trouble.guards:
        conjunctions = cover(guard)
        if len(conjunctions) == 1:
            found.extend(a for a in conjunctions[0] if a.shape is Shape.KEY and len(a.values) <= 16)
    return found[-1] if found else None


def _reached(trouble: Trouble, leaves: Mapping[int, Sequence[Conjunction]]) -> bool:
    """Whether the index surely leads to one of the rule's leaves where this trouble is.

    All leaves of one conjunction must be certain, since which of them an event meets depends on its values.
    """
    if not leaves:
        return False
    guards = _flat(trouble.guards)
    single = [conjunctions[0] for conjunctions in map(cover, guards) if len(conjunctions) == 1]
    keys = [atom for conjunction in single for atom in conjunction if atom.shape is Shape.KEY]
    return any(
        all(_implied(atom, guards, keys, trouble) for leaf in branch for atom in leaf)
        for branch in leaves.values()
    )


def _flat(guards: Iterable[Node]) -> list[Node]:
    result: list[Node] = []
    for guard in guards:
        if isinstance(guard, Many) and guard.op == "and":
            result.extend(_flat(guard.items))
        else:
            result.append(guard)
    return result


def _implied(atom: Atom, guards: Sequence[Node], keys: Sequence[Atom], trouble: Trouble) -> bool:
    if atom.node is not None and atom.node in guards:
        return True
    if atom.shape is Shape.KEY:
        return any(key.path == atom.path and set(key.values) <= set(atom.values) for key in keys)
    if atom.shape in (Shape.ABOVE, Shape.BELOW):
        # These pass on everything that is neither null, a number nor a boolean.
        return trouble.path == atom.path and trouble.types <= {str, list, dict}
    if atom.shape in (Shape.PREFIX, Shape.SUFFIX):
        return trouble.path == atom.path and trouble.types <= {int, float, bool, list, dict}
    return False


