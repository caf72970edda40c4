"""What the index arranges: one way for one rule to become true, and how often fields have which text.

Law: an entry's ``used`` atoms are exactly what the way to it has found; nothing else is known of the document there.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rulesd.logic.cover import Atom, Conjunction, Shape
from rulesd.logic.syntax import Const, Path

MAX_COPIES: Final = 32
"Copies of one rule that lists of values may cause over all levels; at the first split four times as many."

_WORTH: Final = 1.6
"Rules that a split must spare for an average event."

_WIDE: Final = 0.5
"A list with more than this share of a field's values is checked, not looked up."

_KEY: Final = Shape.KEY


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
        known = self.counts.get(path) if self.total else None
        if known is None:
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


def best_key(entries: Sequence[Entry], frequencies: Frequencies) -> Choice | None:
    """The field to split on: nearly the most rules spared an average event, and of those the fewest values."""
    found: dict[Path, list[tuple[int, Atom]]] = {}
    for entry in entries:
        copies = entry.copies
        limit = MAX_COPIES if copies > 1 else 4 * MAX_COPIES
        for atom in entry.atoms:
            if atom[0] is _KEY and copies * len(atom[2]) <= limit:
                known = found.get(atom[1])
                if known is None:
                    found[atom[1]] = [(id(entry), atom)]
                else:
                    known.append((id(entry), atom))
    choices: list[Choice] = []
    for path, atoms in found.items():
        if len(atoms) <= _WORTH:
            continue  # Not even sparing all of them would be worth it.
        values: set[object] = set()
        for _, atom in atoms:
            values.update(atom[2])
        choice = _choice(path, atoms, len(values), frequencies)
        if choice.spared > _WORTH:
            choices.append(choice)
    if not choices:
        return None
    enough = 0.5 * max(choice.spared for choice in choices)
    return min(
        (c for c in choices if c.spared >= enough),
        key=lambda c: (c.distinct, -c.spared, c.path),
    )


def _choice(
    path: Path, atoms: Sequence[tuple[int, Atom]], distinct: int, frequencies: Frequencies
) -> Choice:
    taken: dict[int, Atom] = {}
    spared = 0.0
    if frequencies.total and path in frequencies.counts:
        for entry, atom in atoms:
            share = frequencies.share(path, atom.values, distinct)
            if share <= _WIDE:
                spared += 1.0 - share
                taken[entry] = atom
        return Choice(path, taken, spared, distinct)
    widest = _WIDE * (distinct + 1)
    total = 0
    for entry, atom in atoms:
        count = len(atom[2])
        if count <= widest:
            total += count
            taken[entry] = atom
    return Choice(path, taken, len(taken) - total / (distinct + 1), distinct)


def affordable(entry: Entry, atom: Atom) -> bool:
    """Whether the entry may be copied under each of the atom's values."""
    count = len(atom.values)
    return count < 2 or entry.copies * count <= (MAX_COPIES if entry.copies > 1 else 4 * MAX_COPIES)


def without(entry: Entry, atom: Atom, values: int = 1) -> Entry:
    """The entry once the index has found the atom."""
    position, branch, atoms, used, known, copies = entry
    left = tuple([other for other in atoms if other is not atom])
    return Entry(position, branch, left, (*used, atom), known, copies * values)


def decided(entry: Entry, atoms: Sequence[Atom]) -> Entry:
    """The entry once a mask has decided some of its atoms."""
    gone = set(map(id, atoms))
    left = tuple([atom for atom in entry.atoms if id(atom) not in gone])
    return Entry(
        entry.position, entry.branch, left, (*entry.used, *atoms), entry.values, entry.copies
    )


def knowing(entry: Entry, path: Path, value: str) -> Entry:
    """The entry below a field's text, for a rule that asks about the field more than once."""
    return entry._replace(values=(*entry.values, (path, text(value))))


def text(value: str) -> Const:
    """A text as a literal."""
    return Const("const", "str", value)
