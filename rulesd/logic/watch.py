"""Find the evaluations that raise although the index has no reason to look at their rule.

Law: for every document, every rule whose evaluation raises is reached either by the index or from here. A place that can
raise (``Trouble``) needs no watching when everything the index asks before it reaches the rule is already true there, as
in the usual rule that asks for exact keys first and compares numbers after.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from rulesd.logic.cover import Atom, Conjunction, Shape, cover
from rulesd.logic.entries import Entry
from rulesd.logic.lookups import LOOKUPS
from rulesd.logic.raises import ANYTHING, Trouble, troubles
from rulesd.logic.shapes import Shapes, Tree
from rulesd.logic.syntax import Many, Node, Path
from rulesd.logic.tree import Builder


def watch(rules: Sequence[Node], builder: Builder, shapes: Shapes) -> Iterator[Tree]:
    """Nodes to run beside the index when it matters which evaluations raise."""
    typed: dict[_Field, dict[frozenset[type], list[tuple[int, Trouble]]]] = {}
    entries: list[Entry] = []
    for position, rule in enumerate(rules):
        for trouble in troubles(rule):
            if _reached(trouble, builder.leaves.get(position, {})):
                continue
            if trouble.path is None:
                guards = cover(Many("and", trouble.guards)) if trouble.guards else ((),)
                # Branches of their own: these are other conjunctions than the index has.
                entries.extend(Entry(position, -1 - len(entries), c) for c in guards)
            else:
                field = (trouble.path, trouble.item)
                typed.setdefault(field, {}).setdefault(trouble.types, []).append(
                    (position, trouble)
                )
    for path, item in sorted(typed, key=lambda field: (field[0], field[1] or ())):
        yield _typed(path, item, typed[path, item], shapes)
    untyped = builder.build(entries)
    if untyped is not None:
        yield untyped


_Field: TypeAlias = tuple[Path, Path | None]


def _typed(
    path: Path,
    item: Path | None,
    kinds: Mapping[frozenset[type], Sequence[tuple[int, Trouble]]],
    shapes: Shapes,
) -> Tree:
    """One look at the type of a field that matters; an event with the usual types goes no further."""
    every: frozenset[type] = frozenset().union(*kinds)
    if item is not None:
        found = [pair for pairs in kinds.values() for pair in pairs]
        return shapes.node("item types", path, every, _guarded(found, shapes), item)
    children = tuple(
        shapes.node("types", path, types, _guarded(pairs, shapes)) for types, pairs in kinds.items()
    )
    return shapes.node("types", path, every, children)


def _guarded(found: Sequence[tuple[int, Trouble]], shapes: Shapes) -> tuple[Tree, ...]:
    """Rules to ask datalogic about, by one key that must hold where there is one."""
    keyed: dict[Path, dict[str, dict[int, None]]] = {}
    free: dict[int, None] = {}
    for position, trouble in found:
        atom = _guard(trouble)
        if atom is None:
            free[position] = None
            continue
        for value in atom.values:
            if isinstance(value, str):
                keyed.setdefault(atom.path, {}).setdefault(value, {})[position] = None
    children: list[Tree] = [
        shapes.node(
            "key", path, {value: (shapes.unsure, tuple(p)) for value, p in keyed[path].items()}
        )
        for path in sorted(keyed)
    ]
    if free:
        children.append((shapes.unsure, tuple(free)))
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
    if not leaves or trouble.item is not None:
        return False  # Leaves look at lists last, and so perhaps never.
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
    if atom.shape is Shape.LOOKUP and atom.node is not None:
        known = str if LOOKUPS[atom.node.op].reads == "text" else list
        return trouble.path == atom.path and trouble.types <= ANYTHING - {known, type(None)}
    return False
