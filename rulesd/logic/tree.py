"""Arrange rules so that an event meets only those it may make true.

Law: every rule that is true for a document is reached, whatever the arrangement; the arrangement decides speed alone.

The tree splits on one field at a time, the one that spares most work first: a dictionary from its text to the rules that
need that text, and so on below. What cannot be split by a key is split by prefix, suffix or threshold (sorted bounds and
one bisection), then by conditions that several rules share, and what is left is checked rule by rule. At a leaf the rule
is simplified with all that the way down has proved, and rules with the same residual are checked once.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from math import inf, nextafter
from typing import Any, Final, NamedTuple

from rulesd.logic.cover import Atom, Conjunction, Shape
from rulesd.logic.raises import lists_last
from rulesd.logic.reads import root_paths, starts_opaque
from rulesd.logic.shapes import Shapes, Tree
from rulesd.logic.simplify import Known, simplify
from rulesd.logic.syntax import FALSE, TRUE, Const, Node, Path

MAX_COPIES: Final = 32
"Copies of one rule that lists of values may cause over all levels; at the first split four times as many."

MAX_SHARED: Final = 40
"Values of a field up to which rules that do not ask for it are copied under each of them."

_WORTH: Final = 1.6
"Rules that a split must spare for an average event."

_WIDE: Final = 0.5
"A list with more than this share of a field's values is checked, not looked up."

_SHARED_NODE: Final = 32
"Rules up to which a node is looked for among those already built."

_FEW: Final = 3
"Rules that are simply checked."

_MAX_LEVELS: Final = 6


class Entry(NamedTuple):
    """One way for one rule to become true, part of it already looked up."""

    position: int
    branch: int
    atoms: Conjunction
    used: Conjunction = ()
    values: tuple[tuple[Path, Const], ...] = ()
    copies: int = 1


class Frequencies(NamedTuple):
    """How often fields have had which text, from a sample of events."""

    total: int
    counts: Mapping[Path, Mapping[str, int]]

    def share(self, path: Path, values: Sequence[object], distinct: int) -> float:
        """The expected share of events whose field is one of ``values``."""
        known = self.counts.get(path)
        if not self.total or known is None:
            return min(1.0, len(values) / (distinct + 1))
        seen = sum(known.get(value, 0) for value in values if isinstance(value, str))
        return min(1.0, (seen + 0.5) / (self.total + 1))


class Choice(NamedTuple):
    """A field to split on."""

    path: Path
    taken: Mapping[int, Atom]
    "The atom of each entry that goes under one of the values, by the entry's identity."

    spared: float
    distinct: int


_OTHER_SHAPES: Final = (
    Shape.NUMBER,
    Shape.PREFIX,
    Shape.SUFFIX,
    Shape.ABOVE,
    Shape.BELOW,
    Shape.FLAG,
    Shape.GATE,
)


class Builder:
    """Builds the tree of one matcher."""

    def __init__(
        self, rules: Sequence[Node], shapes: Shapes, frequencies: Frequencies, opaque: Set[int]
    ) -> None:
        self._rules = rules
        self._opaque = opaque
        self._nodes: dict[tuple[object, ...], Tree | None] = {}
        self._checks: dict[tuple[Node, tuple[int, ...]], Tree] = {}
        self._shapes = shapes
        self._frequencies = frequencies
        self._residuals: dict[tuple[int, frozenset[Node]], tuple[Node, frozenset[Path]]] = {}
        self.leaves: dict[int, dict[int, list[Conjunction]]] = {}
        "For each rule and each of its conjunctions, the atoms that lead to its leaves."

    def build(self, entries: Sequence[Entry], level: int = 0) -> Tree | None:
        """One node that reaches every entry; ``None`` for no entries that can be true.

        Rules copied under several values meet there in the same company again and again: one node serves all.
        """
        if not level or len(entries) > _SHARED_NODE:
            return self._build(entries, level)
        key = (level, *(self._mark(entry) for entry in entries))
        if key not in self._nodes:
            self._nodes[key] = self._build(entries, level)
        return self._nodes[key]

    def _mark(self, entry: Entry) -> tuple[object, ...]:
        """What makes two entries the same for a node."""
        return (
            entry.position,
            entry.branch,
            entry.copies,
            *map(id, entry.used),
            *[value.value for _, value in entry.values],
        )

    def _build(self, entries: Sequence[Entry], level: int) -> Tree | None:
        children: list[Tree] = []
        rest = list(entries)
        while len(rest) > _FEW and level < _MAX_LEVELS:
            choice = self._best_key(rest)
            if choice is None:
                break
            node, rest = self._split_key(choice, rest, level)
            if node is not None:
                children.append(node)
        for shape in _OTHER_SHAPES:
            if len(rest) > _FEW and level < _MAX_LEVELS:
                rest = self._split_others(shape, rest, children, level)
        children.extend(self._leaves(rest))
        if not children:
            return None
        return self._shapes.all(children, fuse=level < 2 or len(children) > 6)

    def _best_key(self, entries: Sequence[Entry]) -> Choice | None:
        """The field to split on: nearly the most rules spared an average event, and of those the fewest values."""
        atoms: dict[Path, list[tuple[Entry, Atom]]] = {}
        for entry in entries:
            for atom in entry.atoms:
                if atom.shape is Shape.KEY and _affordable(entry, atom):
                    atoms.setdefault(atom.path, []).append((entry, atom))
        choices: list[Choice] = []
        for path, found in atoms.items():
            distinct = len({value for _, atom in found for value in atom.values})
            taken: dict[int, Atom] = {}
            spared = 0.0
            for entry, atom in found:
                share = self._frequencies.share(path, atom.values, distinct)
                if share <= _WIDE:
                    spared += 1.0 - share
                    taken[id(entry)] = atom
            if spared > _WORTH:
                choices.append(Choice(path, taken, spared, distinct))
        if not choices:
            return None
        enough = 0.5 * max(choice.spared for choice in choices)
        return min(
            (c for c in choices if c.spared >= enough),
            key=lambda c: (c.distinct, -c.spared, c.path),
        )

    def _split_key(
        self, choice: Choice, entries: Sequence[Entry], level: int
    ) -> tuple[Tree | None, list[Entry]]:
        path = choice.path
        groups: dict[str, list[Entry]] = {}
        rest: list[Entry] = []
        for entry in entries:
            atom = choice.taken.get(id(entry))
            if atom is None:
                rest.append(entry)
                continue
            bare = _without(entry, atom, len(atom.values))
            for value in atom.values:
                if isinstance(value, str):
                    known = (*entry.values, (path, Const("const", "str", value)))
                    groups.setdefault(value, []).append(bare._replace(values=known))
        shared = [entry for entry in rest if any(atom.shape is Shape.KEY for atom in entry.atoms)]
        if (
            shared
            and level == 0
            and len(groups) <= MAX_SHARED
            and len(shared) * len(groups) <= 3 * len(entries)
        ):
            # Looking up the others' next key separately would cost every event more than these copies do.
            for value, group in groups.items():
                groups[value] = sorted((*group, *shared), key=lambda entry: entry.position)
            otherwise = self.build(shared, level + 1)
            kept = {id(entry) for entry in shared}
            rest = [entry for entry in rest if id(entry) not in kept]
        else:
            otherwise = None
        built: dict[str, Tree] = {}
        for value in tuple(groups):
            node = self.build(groups.pop(value), level + 1)  # Freed as we go: see ``drain``.
            if node is not None:
                built[value] = node
        if otherwise is not None:
            return self._shapes.node("key or", path, built, otherwise), rest
        return (self._shapes.node("key", path, built) if built else None), rest

    def _split_others(
        self, shape: Shape, entries: list[Entry], children: list[Tree], level: int
    ) -> list[Entry]:
        """Split by one kind of atom wherever at least three rules share a field (or a condition)."""
        groups: dict[object, list[tuple[Entry, Atom]]] = {}
        for entry in entries:
            seen: set[object] = set()
            for atom in entry.atoms:
                name: object = (atom.path, atom.strict) if shape is not Shape.GATE else atom.node
                if atom.shape is shape and name not in seen:
                    seen.add(name)
                    groups.setdefault(name, []).append((entry, atom))
        taken: set[int] = set()
        for group in sorted(groups.values(), key=len, reverse=True):
            pairs = [(entry, atom) for entry, atom in group if id(entry) not in taken]
            if len(pairs) < 3:
                continue
            taken.update(id(entry) for entry, _ in pairs)
            node = self._split(shape, pairs, level)
            if node is not None:
                children.append(node)
        return [entry for entry in entries if id(entry) not in taken]

    def _split(self, shape: Shape, pairs: Sequence[tuple[Entry, Atom]], level: int) -> Tree | None:
        path = pairs[0][1].path
        unsure = tuple(~position for position in sorted({entry.position for entry, _ in pairs}))
        if shape is Shape.GATE:
            condition = pairs[0][1].node
            below = self.build([_without(entry, atom) for entry, atom in pairs], level + 1)
            return (
                self._shapes.gate(condition, below, unsure)
                if below is not None and condition is not None
                else None
            )
        if shape in (Shape.ABOVE, Shape.BELOW):
            return self._split_bounds(shape, pairs, unsure)
        grouped: dict[Any, list[Entry]] = {}
        for entry, atom in pairs:
            for value in atom.values:
                grouped.setdefault(value, []).append(_without(entry, atom, len(atom.values)))
        built: dict[Any, Tree] = {
            v: node for v, g in grouped.items() if (node := self.build(g, level + 1)) is not None
        }
        if shape is Shape.NUMBER:
            return self._shapes.node("number", path, built)
        if shape is Shape.FLAG:
            return self._shapes.node("flag", path, built.get(True), built.get(False))
        sizes = sorted({len(value) for value in built})
        tables = tuple(
            (n, {value: node for value, node in built.items() if len(value) == n}) for n in sizes
        )
        return self._shapes.node(
            "prefix" if shape is Shape.PREFIX else "suffix", path, tables, unsure
        )

    def _split_bounds(
        self, shape: Shape, pairs: Sequence[tuple[Entry, Atom]], unsure: tuple[int, ...]
    ) -> Tree:
        ordered = sorted(pairs, key=lambda pair: (pair[1].values[0], pair[0].position))
        sure: list[tuple[Any, int]] = []
        checked: list[tuple[Any, Tree]] = []
        for entry, atom in ordered:
            for node in self._leaves([_without(entry, atom)]):
                if node[0] == self._shapes.sure and node[1][0] >= 0:
                    sure.extend((atom.values[0], position) for position in node[1])
                else:
                    checked.append((atom.values[0], node))
        above, strict = shape is Shape.ABOVE, pairs[0][1].strict
        return self._shapes.node(
            "above" if above else "below",
            pairs[0][1].path,
            [bound for bound, _ in sure],
            [position for _, position in sure],
            [bound for bound, _ in checked],
            [node for _, node in checked],
            unsure,
            # Strictly outside every bound, so that one comparison spares most events the search.
            nextafter(float(ordered[0][1].values[0]), -inf)
            if above
            else nextafter(float(ordered[-1][1].values[0]), inf),
            # Counted from the left: bounds below the value, and the bound itself when it counts (or, below, when not).
            search="bisect_left" if above is strict else "bisect_right",
        )

    def _leaves(self, entries: Iterable[Entry]) -> list[Tree]:
        """The checks of what is left of each rule, one for all rules with the same residual."""
        grouped: dict[Node, dict[int, None]] = {}
        unsure: dict[int, None] = {}
        for entry in entries:
            residual = self._residual(entry)
            self.leaves.setdefault(entry.position, {}).setdefault(entry.branch, []).append(
                entry.used
            )
            if entry.position in self._opaque and starts_opaque(residual):
                unsure[~entry.position] = None
            elif residual != FALSE:
                grouped.setdefault(residual, {})[entry.position] = None
        result: list[Tree] = [(self._shapes.sure, tuple(unsure))] if unsure else []
        for residual, positions in grouped.items():
            found = tuple(sorted(positions))
            known = self._checks.get((residual, found))
            if known is not None:
                result.append(known)
                continue
            sure = residual == TRUE
            check = (self._shapes.sure, found) if sure else self._shapes.leaf(residual, found)
            self._checks[residual, found] = check
            result.append(check)
        return result

    def forget(self) -> None:
        """Building is over: drop what only building needs, bit by bit."""
        drain(self._residuals)
        drain(self.leaves)
        drain(self._nodes)
        drain(self._checks)

    def _residual(self, entry: Entry) -> Node:
        held = frozenset(atom.node for atom in entry.used if atom.node is not None)
        key = (entry.position, held)
        known = self._residuals.get(key)
        if known is None:
            residual = lists_last(simplify(self._rules[entry.position], Known({}, held)))
            known = self._residuals[key] = (residual, root_paths(residual))
        residual, left = known
        values = {path: value for path, value in entry.values if path in left}
        if values:
            return simplify(residual, Known(values, held))
        return residual


def drain(held: dict[Any, Any] | list[Any]) -> None:
    """Empty a large container item by item: freeing it at once would keep every other thread waiting meanwhile."""
    if isinstance(held, dict):
        while held:
            held.popitem()
    else:
        while held:
            held.pop()


def drain_tree(node: object, levels: int = 6) -> None:
    """Empty the dictionaries of a tree, the deepest first."""
    if levels and isinstance(node, tuple):
        for part in node:
            drain_tree(part, levels - 1)
    elif levels and isinstance(node, dict):
        while node:
            drain_tree(node.popitem()[1], levels - 1)


def _affordable(entry: Entry, atom: Atom) -> bool:
    return entry.copies * len(atom.values) <= (MAX_COPIES if entry.copies > 1 else 4 * MAX_COPIES)


def _without(entry: Entry, atom: Atom, values: int = 1) -> Entry:
    """The entry once the index has found the atom."""
    left = tuple(other for other in entry.atoms if other is not atom)
    return Entry(
        entry.position, entry.branch, left, (*entry.used, atom), entry.values, entry.copies * values
    )
