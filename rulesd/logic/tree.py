"""Arrange rules so that an event meets only those it may make true.

Law: every rule that is true for a document is reached, whatever the arrangement; the arrangement decides speed alone.

The tree splits on one field at a time, the one that spares most work first: a dictionary from its text to the rules that
need that text, and so on below. What cannot be split by a key is split by prefix, suffix or threshold (sorted bounds and
one bisection), then by conditions that several rules share, and what is left is checked rule by rule. At a leaf the rule
is simplified with all that the way down has proved, and rules with the same residual are checked once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rulesd.logic.cover import Atom, Conjunction, Shape
from rulesd.logic.reads import root_paths
from rulesd.logic.shapes import Child, Shapes
from rulesd.logic.simplify import Known, simplify
from rulesd.logic.syntax import FALSE, TRUE, Const, Node, Path

MAX_VALUES: Final = 256
"Texts in one list of values that the index copies a rule for; longer lists are checked, not indexed."

_WORTH: Final = 1.5
"Rules that a split must spare for an average event."

_MAX_LEVELS: Final = 6


class Entry(NamedTuple):
    """One way for one rule to become true, part of it already looked up."""

    position: int
    branch: int
    atoms: Conjunction
    used: Conjunction
    values: tuple[tuple[Path, Const], ...]


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


class Builder:
    """Builds the tree of one matcher."""

    def __init__(self, rules: Sequence[Node], shapes: Shapes, frequencies: Frequencies) -> None:
        self._rules = rules
        self._shapes = shapes
        self._frequencies = frequencies
        self._residuals: dict[tuple[int, frozenset[Node]], Node] = {}
        self.leaves: dict[int, dict[int, list[Conjunction]]] = {}
        "For each rule and each of its conjunctions, the atoms that lead to its leaves."

    def build(self, entries: Sequence[Entry], level: int = 0) -> tuple[Child, ...]:
        """Children that together reach every entry."""
        children: list[Child] = []
        rest = list(entries)
        while len(rest) > 1 and level < _MAX_LEVELS:
            path = self._best_key(rest)
            if path is None:
                break
            children.append(self._split_key(path, rest, level))
            rest = [entry for entry in rest if _key(entry, path, Shape.KEY) is None]
        for shape in (Shape.NUMBER, Shape.PREFIX, Shape.SUFFIX, Shape.ABOVE, Shape.BELOW, Shape.FLAG, Shape.GATE):
            if len(rest) > 2 and level < _MAX_LEVELS:
                rest = self._split_others(shape, rest, children, level)
        children.extend(self._leaves(rest))
        return tuple(children)

    def _best_key(self, entries: Sequence[Entry]) -> Path | None:
        """The field whose split spares most rules an average event."""
        atoms: dict[Path, list[Atom]] = {}
        for entry in entries:
            for atom in entry.atoms:
                if atom.shape is Shape.KEY and len(atom.values) <= MAX_VALUES:
                    atoms.setdefault(atom.path, []).append(atom)
        best, gain = None, _WORTH if len(entries) > 2 else 0.9
        for path in sorted(atoms):
            found = atoms[path]
            distinct = len({value for atom in found for value in atom.values})
            spared = sum(1.0 - self._frequencies.share(path, atom.values, distinct) for atom in found)
            if spared > gain:
                best, gain = path, spared
        return best

    def _split_key(self, path: Path, entries: Sequence[Entry], level: int) -> Child:
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            atom = _key(entry, path, Shape.KEY)
            if atom is None:
                continue
            for value in atom.values:
                if isinstance(value, str):
                    known = (*entry.values, (path, Const("const", "str", value)))
                    groups.setdefault(value, []).append(_without(entry, atom)._replace(values=known))
        built = {value: self.build(group, level + 1) for value, group in groups.items()}
        return self._shapes.node("key", path), {value: child for value, child in built.items() if child}

    def _split_others(self, shape: Shape, entries: list[Entry], children: list[Child], level: int) -> list[Entry]:
        """Split by one kind of atom wherever at least three rules share a field (or a condition)."""
        groups: dict[object, list[tuple[Entry, Atom]]] = {}
        for entry in entries:
            seen: set[object] = set()
            for atom in entry.atoms:
                name = (atom.path, atom.strict) if shape is not Shape.GATE else atom.node
                if atom.shape is shape and name not in seen:
                    seen.add(name)
                    groups.setdefault(name, []).append((entry, atom))
        taken: set[int] = set()
        for name in sorted(groups, key=lambda name: -len(groups[name])):
            pairs = [(entry, atom) for entry, atom in groups[name] if id(entry) not in taken]
            if len(pairs) < 3:
                continue
            taken.update(id(entry) for entry, _ in pairs)
            children.append(self._split(shape, pairs, level))
        return [entry for entry in entries if id(entry) not in taken]

    def _split(self, shape: Shape, pairs: Sequence[tuple[Entry, Atom]], level: int) -> Child:
        path = pairs[0][1].path
        unsure = tuple(~position for position in sorted({entry.position for entry, _ in pairs}))
        if shape is Shape.GATE:
            condition = pairs[0][1].node
            if condition is None:
                raise AssertionError("a gate has a condition")
            below = self.build([_without(entry, atom) for entry, atom in pairs], level + 1)
            return self._shapes.gate(condition, below, unsure)
        if shape in (Shape.ABOVE, Shape.BELOW):
            return self._split_bounds(shape, pairs, unsure)
        grouped: dict[Any, list[Entry]] = {}
        for entry, atom in pairs:
            for value in atom.values:
                grouped.setdefault(value, []).append(_without(entry, atom))
        built: dict[Any, tuple[Child, ...]] = {value: self.build(group, level + 1) for value, group in grouped.items()}
        if shape is Shape.NUMBER:
            return self._shapes.node("number", path), built
        if shape is Shape.FLAG:
            return self._shapes.node("flag", path), (built.get(True, ()), built.get(False, ()))
        sizes = sorted({len(value) for value in built})
        tables = tuple((n, {value: child for value, child in built.items() if len(value) == n}) for n in sizes)
        return self._shapes.node("prefix" if shape is Shape.PREFIX else "suffix", path), (tables, unsure)

    def _split_bounds(self, shape: Shape, pairs: Sequence[tuple[Entry, Atom]], unsure: tuple[int, ...]) -> Child:
        ordered = sorted(pairs, key=lambda pair: (pair[1].values[0], pair[0].position))
        sure: list[tuple[Any, int]] = []
        checked: list[tuple[Any, Child]] = []
        for entry, atom in ordered:
            for number, constants in self._leaves([_without(entry, atom)]):
                if number == self._shapes.sure:
                    sure.extend((atom.values[0], position) for position in constants[0])
                else:
                    checked.append((atom.values[0], (number, constants)))
        k = (
            [bound for bound, _ in sure],
            [position for _, position in sure],
            [bound for bound, _ in checked],
            [child for _, child in checked],
            unsure,
        )
        above, strict = shape is Shape.ABOVE, pairs[0][1].strict
        # Counted from the left: bounds below the value, and the bound itself when it counts (or, below, when not).
        search = "bisect_left" if above is strict else "bisect_right"
        return self._shapes.node("above" if above else "below", pairs[0][1].path, search), k

    def _leaves(self, entries: Iterable[Entry]) -> list[Child]:
        """The checks of what is left of each rule, one for all rules with the same residual."""
        grouped: dict[Node, dict[int, None]] = {}
        for entry in entries:
            residual = self._residual(entry)
            self.leaves.setdefault(entry.position, {}).setdefault(entry.branch, []).append(entry.used)
            if residual != FALSE:
                grouped.setdefault(residual, {})[entry.position] = None
        result: list[Child] = []
        for residual, positions in grouped.items():
            found = tuple(sorted(positions))
            unsure = tuple(~position for position in found)
            if residual == TRUE:
                result.append((self._shapes.sure, (found, unsure)))
            else:
                number, constants = self._shapes.leaf(residual)
                result.append((number, (found, unsure, *constants)))
        return result

    def _residual(self, entry: Entry) -> Node:
        held = frozenset(atom.node for atom in entry.used if atom.node is not None)
        key = (entry.position, held)
        residual = self._residuals.get(key)
        if residual is None:
            residual = simplify(self._rules[entry.position], Known({}, held))
            self._residuals[key] = residual
        if entry.values and not isinstance(residual, Const):
            left = root_paths(residual)
            values = {path: value for path, value in entry.values if path in left}
            if values:
                return simplify(residual, Known(values, held))
        return residual


def _key(entry: Entry, path: Path, shape: Shape) -> Atom | None:
    for atom in entry.atoms:
        if atom.shape is shape and atom.path == path and len(atom.values) <= MAX_VALUES:
            return atom
    return None


def _without(entry: Entry, atom: Atom) -> Entry:
    """The entry once the index has found the atom."""
    left = tuple(other for other in entry.atoms if other is not atom)
    return Entry(entry.position, entry.branch, left, (*entry.used, atom), entry.values)
