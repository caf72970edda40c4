"""Arrange rules so that an event meets only those it may make true.

Law: every rule that is true for a document is reached, whatever the arrangement; the arrangement decides speed alone.

The tree splits on one field at a time, the one that spares most work first: a dictionary from its text to the rules that
need that text, and so on below. What cannot be split by a key is split by prefix, suffix or threshold (sorted bounds and
one bisection), then by conditions that several rules share, and what is left is checked rule by rule. At a leaf the rule
is simplified with all that the way down has proved, and rules with the same residual are checked once.
"""

from collections.abc import Mapping, Sequence, Set
from math import inf, nextafter
from operator import itemgetter
from typing import Any, Final

from rulesd.logic.cover import Atom, Conjunction, Shape
from rulesd.logic.entries import (
    Choice,
    Entry,
    Frequencies,
    affordable,
    best_key,
    decided,
    knowing,
    without,
)
from rulesd.logic.masks import MAX_BITS, Codes, mask_tables, numbered, plan, ranked
from rulesd.logic.raises import lists_last
from rulesd.logic.reads import root_paths, starts_opaque
from rulesd.logic.shapes import Shapes, Tree
from rulesd.logic.simplify import Known, simplify
from rulesd.logic.syntax import FALSE, TRUE, Node, Path

MAX_SHARED: Final = 40
"Values of a field up to which rules that do not ask for it are copied under each of them."

_SHARED_NODE: Final = 32
"Rules up to which a node is looked for among those already built."

_FEW: Final = 3
"Rules that are simply checked."

_NO_PATHS: Final[frozenset[Path]] = frozenset()

_FEW_LEFT: Final = 2.0
"A key that leaves so few rules for an average event needs no mask below it."

_MAX_LEVELS: Final = 6


_OTHER_SHAPES: Final = (
    Shape.NUMBER,
    Shape.PREFIX,
    Shape.SUFFIX,
    Shape.LOOKUP,
    Shape.ABOVE,
    Shape.BELOW,
    Shape.FLAG,
    Shape.GATE,
    Shape.EXCEPT,
)


_POSITION: Final = itemgetter(0)
_WHOLE: Final = (Shape.GATE, Shape.EXCEPT)
"Shared by rules that have the very same condition."


class Builder:
    """Builds the tree of one matcher."""

    def __init__(
        self,
        rules: Sequence[Node],
        shapes: Shapes,
        frequencies: Frequencies,
        opaque: Set[int],
        repeated: Mapping[int, frozenset[Path]],
    ) -> None:
        """``repeated``: the fields that a rule asks about more than once, for rules that do."""
        self._rules = rules
        self._opaque = opaque
        self._repeated = repeated
        self._nodes: dict[tuple[object, ...], Tree | None] = {}
        self._checks: dict[tuple[int, tuple[int, ...]], tuple[Node, Tree]] = {}
        self._shapes = shapes
        self._frequencies = frequencies
        self._residuals: dict[tuple[int, frozenset[int]], tuple[Node, frozenset[Path]]] = {}
        self._rank: dict[Path, int] = {}
        self._codes: Codes = {}
        self.leaves: dict[int, dict[int, list[Conjunction]]] = {}
        "For each rule and each of its conjunctions, the atoms that lead to its leaves."

    def start(self, entries: Sequence[Entry]) -> Tree | None:
        """The whole tree."""
        self._rank = ranked(entry.atoms for entry in entries)
        self._codes = numbered(entry.atoms for entry in entries)
        self._shapes.know(self._codes)
        return self.build(entries)

    def build(self, entries: Sequence[Entry], level: int = 0) -> Tree | None:
        """One node that reaches every entry; ``None`` for no entries that can be true.

        Rules copied under several values meet there in the same company again and again: one node serves all.
        """
        if not level or len(entries) > _SHARED_NODE:
            return self._build(entries, level)
        marks = [
            mark
            for position, branch, _, used, values, copies in entries
            for mark in (position, branch, copies, *map(id, used), *values)
        ]
        key = (level, *marks)
        if key not in self._nodes:
            self._nodes[key] = self._build(entries, level)
        return self._nodes[key]

    def _build(self, entries: Sequence[Entry], level: int) -> Tree | None:
        children: list[Tree] = []
        rest = list(entries)
        while len(rest) > _FEW and level < _MAX_LEVELS:
            choice = best_key(rest, self._frequencies)
            masked = self._masked(rest, choice) if level and len(rest) <= MAX_BITS else None
            if masked is not None:
                node, rest = masked
            elif choice is not None:
                node, rest = self._split_key(choice, rest, level)
            else:
                break
            if node is not None:
                children.append(node)
        if len(rest) > _FEW and level < _MAX_LEVELS:
            present = {atom[0] for entry in rest for atom in entry.atoms}
            for shape in _OTHER_SHAPES:
                if shape in present and len(rest) > _FEW:
                    rest = self._split_others(shape, rest, children, level)
        children.extend(self._leaves(rest))
        if not children:
            return None
        return self._shapes.all(children, fuse=level < 2 or len(children) > 6)

    def _masked(
        self, entries: Sequence[Entry], choice: Choice | None
    ) -> tuple[Tree | None, list[Entry]] | None:
        """One mask for all that it can tell apart, where that spares more than one key does."""
        if choice is not None and len(entries) - choice.spared <= _FEW_LEFT:
            return None
        found = plan([entry.atoms for entry in entries], self._frequencies.share, self._rank)
        if found.left > 1 + len(entries) / 4:
            return None
        atoms: dict[int, list[Atom]] = {}
        for column in found.columns:
            for number, atom in column.atoms:
                atoms.setdefault(number, []).append(atom)
        children: list[Tree | int | None] = [None]
        bits: dict[int, int] = {}
        for number, gone in atoms.items():
            for leaf in self._leaf(decided(entries[number], gone)):
                bits[number] = 1 << (len(children) - 1)
                children.append(leaf[1][0] if leaf[0] == self._shapes.sure else leaf)
        rest = [entry for number, entry in enumerate(entries) if number not in atoms]
        if not bits:
            return None, rest
        unsure = {number: ~entries[number].position for number in bits}
        tables = mask_tables(found.columns, bits, unsure, self._codes)
        return self._shapes.mask(found.columns, self._codes, tuple(children), tables), rest

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
            bare = without(entry, atom, len(atom.values))
            again = path in self._repeated.get(entry.position, ())
            for value in atom.values:
                if isinstance(value, str):
                    below = knowing(bare, path, value) if again else bare
                    known = groups.get(value)
                    if known is None:
                        groups[value] = [below]
                    else:
                        known.append(below)
        shared = (
            [entry for entry in rest if any(atom[0] is Shape.KEY for atom in entry.atoms)]
            if level == 0
            else []
        )
        if shared and len(groups) <= MAX_SHARED and len(shared) * len(groups) <= 3 * len(entries):
            # Looking up the others' next key separately would cost every event more than these copies do.
            for value, group in groups.items():
                groups[value] = sorted((*group, *shared), key=_POSITION)
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
                if atom.shape is not shape or not affordable(entry, atom):
                    continue
                name = _company(atom)
                if name not in seen:
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
        if shape in _WHOLE:
            condition = pairs[0][1].node
            below = self.build([without(entry, atom) for entry, atom in pairs], level + 1)
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
                grouped.setdefault(value, []).append(without(entry, atom, len(atom.values)))
        built: dict[Any, Tree] = {
            v: node for v, g in grouped.items() if (node := self.build(g, level + 1)) is not None
        }
        if shape is Shape.NUMBER:
            return self._shapes.node("number", path, built)
        if shape is Shape.FLAG:
            return self._shapes.node("flag", path, built.get(True), built.get(False))
        if shape is Shape.LOOKUP:
            return self._shapes.lookup(pairs[0][1], built, unsure)
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
            for node in self._leaves([without(entry, atom)]):
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

    def _leaves(self, entries: Sequence[Entry]) -> list[Tree]:
        """The checks of what is left of each rule, one for all rules with the same residual."""
        if len(entries) == 1:
            return self._leaf(entries[0])
        grouped: dict[Node, dict[int, None]] = {}
        unsure: dict[int, None] = {}
        for entry in entries:
            residual = self._residual(entry)
            if entry.position in self._opaque and starts_opaque(residual):
                unsure[~entry.position] = None
            elif residual != FALSE:
                grouped.setdefault(residual, {})[entry.position] = None
        result: list[Tree] = [(self._shapes.sure, tuple(unsure))] if unsure else []
        result.extend(
            self._check(residual, tuple(sorted(positions)))
            for residual, positions in grouped.items()
        )
        return result

    def _leaf(self, entry: Entry) -> list[Tree]:
        residual = self._residual(entry)
        if entry.position in self._opaque and starts_opaque(residual):
            return [(self._shapes.sure, (~entry.position,))]
        return [self._check(residual, (entry.position,))] if residual != FALSE else []

    def _check(self, residual: Node, positions: tuple[int, ...]) -> Tree:
        if residual == TRUE:
            return (self._shapes.sure, positions)
        key = (
            id(residual),
            positions,
        )  # Kept with its residual, so that no other gets its identity.
        known = self._checks.get(key)
        if known is None:
            known = self._checks[key] = (residual, self._shapes.leaf(residual, positions))
        return known[1]

    def forget(self) -> None:
        """Building is over: drop what only building needs, bit by bit."""
        drain(self._residuals)
        drain(self.leaves)
        drain(self._nodes)
        drain(self._checks)

    def _residual(self, entry: Entry) -> Node:
        position, branch, _, used, known_values, _ = entry
        self.leaves.setdefault(position, {}).setdefault(branch, []).append(used)
        key = (position, frozenset(map(id, used)))
        known = self._residuals.get(key)
        if known is None:
            held = frozenset([id(atom[4]) for atom in used])
            residual = lists_last(simplify(self._rules[position], Known({}, held)))
            left = root_paths(residual) if position in self._repeated else _NO_PATHS
            known = self._residuals[key] = (residual, left)
        residual, left = known
        values = {path: value for path, value in known_values if path in left}
        if values:
            return simplify(residual, Known(values, frozenset()))
        return residual


def _company(atom: Atom) -> object:
    """What rules must have in common to be split by such an atom together."""
    if atom.shape in _WHOLE:
        return atom.node
    if atom.shape is Shape.LOOKUP and atom.node is not None:
        return atom.path, atom.node.op
    return atom.path, atom.strict


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
