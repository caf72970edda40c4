"""Check many rules at once: one bit for each rule, one look-up for each field, whatever the conditions on it are.

Law: a bit is left exactly when all masked conditions of its rule are true; where a value has a type for which a condition
might raise, the rule is handed to datalogic instead. A masked condition never raises on any other value.

A field's table gives, for a text, the bits of the rules that accept it: rules that ask for it (``===``, ``in``), rules that
ask for anything else (``!==``, ``!`` of ``in``), rules that do not ask. For numbers the table has one entry for each bound
and each gap between bounds. Fields nobody knows a key for (few values, long lists, negations) cost one look-up together.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import or_
from typing import Any, Final, NamedTuple, TypeAlias

from rulesd.logic.cover import Atom, Conjunction, Shape
from rulesd.logic.syntax import Path

MAX_BITS: Final = 256
"Rules in one mask: beyond a few machine words, the whole mask costs more than a split."

MAX_CODES: Final = 100
"Texts of a field up to which every mask holds the bits for each of them."

_WORD: Final = 64
"Bits in a machine word."

MAX_COLUMNS: Final = 16
"Fields in one mask."

_TEXTS: Final = (Shape.KEY, Shape.EXCEPT)
_BOUNDS: Final = (Shape.ABOVE, Shape.BELOW)

Codes: TypeAlias = "Mapping[Path, Mapping[str, int]]"
"Numbers of texts, by field; 0 is any other value."

Share: TypeAlias = Callable[[Path, Sequence[object], int], float]
"The expected share of events whose field is one of some texts, of so many different ones."


class Column(NamedTuple):
    """The conditions on one field that a mask decides."""

    path: Path
    numeric: bool
    atoms: Sequence[tuple[int, Atom]]
    "The number of the rule, and its condition."


class Plan(NamedTuple):
    """What a mask would decide, and how many rules it would leave for an average event."""

    columns: Sequence[Column]
    left: float


def plan(conjunctions: Sequence[Conjunction], share: Share, rank: Mapping[Path, int]) -> Plan:
    """The columns worth a look-up: those on which two rules or more have a condition, in the order of ``rank``."""
    found: dict[tuple[Path, bool], dict[tuple[int, Shape], Atom]] = {}
    for number, conjunction in enumerate(conjunctions):
        for atom in conjunction:
            if atom.shape in _TEXTS or atom.shape in _BOUNDS:
                known = found.setdefault((atom.path, atom.shape in _BOUNDS), {})
                known.setdefault((number, atom.shape), atom)  # A second one stays to be checked.
    columns = [
        Column(path, numeric, [(number, atom) for (number, _), atom in atoms.items()])
        for (path, numeric), atoms in found.items()
        if len(atoms) > 1
    ]
    columns.sort(key=lambda column: (rank.get(column.path, len(rank)), column.path, column.numeric))
    del columns[MAX_COLUMNS:]
    left = [1.0] * len(conjunctions)
    for column in columns:
        if column.numeric:
            for number, _ in column.atoms:
                left[number] *= 0.5
            continue
        distinct = len({value for _, atom in column.atoms for value in atom.values})
        for number, atom in column.atoms:
            part = share(column.path, atom.values, distinct)
            left[number] *= part if atom.shape is Shape.KEY else 1.0 - part
    return Plan(columns, sum(left))


def text_table(atoms: Sequence[tuple[int, Atom]], every: int) -> tuple[dict[str, int], int]:
    """Bits by text, and the bits for any other value; ``atoms`` come with the bit of their rule."""
    asking = 0
    wanted: dict[str, int] = {}
    refused: dict[str, int] = {}
    for bit, atom in atoms:
        if atom.shape is Shape.KEY:
            asking |= bit
        target = wanted if atom.shape is Shape.KEY else refused
        for value in atom.values:
            if isinstance(value, str):
                target[value] = target.get(value, 0) | bit
    free = every & ~asking
    table = {value: free | bits for value, bits in wanted.items()}
    for value, bits in refused.items():
        table[value] = table.get(value, free) & ~bits
    return table, free


def bound_table(
    atoms: Sequence[tuple[int, Atom]], every: int
) -> tuple[list[float], list[int], int]:
    """Bounds ascending, bits for each gap and each bound in turn, and the bits of rules that do not ask.

    A number's place is how many bounds are below it plus how many are not above it: even in a gap, odd on a bound.
    """
    points: list[Any] = sorted({atom.values[0] for _, atom in atoms})
    places = {point: 2 * i + 1 for i, point in enumerate(points)}
    asking = 0
    rising, falling = [0] * (2 * len(points) + 1), [0] * (2 * len(points) + 1)
    above = below = 0
    for bit, atom in atoms:
        asking |= bit
        place = places[atom.values[0]]
        if atom.shape is Shape.ABOVE:
            above |= bit
            rising[place + 1 if atom.strict else place] |= bit
        else:
            below |= bit
            falling[place - 1 if atom.strict else place] |= bit
    ups = list(accumulate(rising, or_))
    downs = list(accumulate(reversed(falling), or_))[::-1]
    # A rule with a lower and an upper bound needs both.
    masks = [every & ~(above & ~up) & ~(below & ~down) for up, down in zip(ups, downs, strict=True)]
    return points, masks, every & ~asking


def ranked(conjunctions: Iterable[Conjunction]) -> dict[Path, int]:
    """The order of columns: first what leaves fewest rules, so that most events need no more."""
    weight: dict[Path, float] = {}
    for conjunction in conjunctions:
        for atom in conjunction:
            part = 1.0 / len(atom[2]) if atom[0] is Shape.KEY else 0.0
            weight[atom[1]] = weight.get(atom[1], 0.0) + part
    return {path: i for i, path in enumerate(sorted(weight, key=lambda p: (-weight[p], p)))}


def numbered(conjunctions: Iterable[Conjunction]) -> Codes:
    """A number for every text that rules ask of a field, from 1, for fields with few of them."""
    found: dict[Path, dict[str, int]] = {}
    for conjunction in conjunctions:
        for atom in conjunction:
            if atom[0] in _TEXTS:
                known = found.get(atom[1])
                if known is None:
                    known = found[atom[1]] = {}
                known.update(dict.fromkeys(atom[2], 0))
    few = {path: sorted(texts) for path, texts in found.items() if len(texts) <= MAX_CODES}
    return {path: {text: i for i, text in enumerate(texts, 1)} for path, texts in few.items()}


def places(columns: Sequence[Column], codes: Codes) -> list[int]:
    """For each column where its bits start in the row of all columns; -1 for one that has a table of its own."""
    found: list[int] = []
    at = 0
    for path, numeric, atoms in columns:
        known = {} if numeric else codes.get(path, {})
        if known and all(value in known for _, atom in atoms for value in atom.values):
            found.append(at)
            at += len(known) + 1
        else:
            found.append(-1)
    return found


def mask_tables(
    columns: Sequence[Column], bits: Mapping[int, int], unsure: Mapping[int, int], codes: Codes
) -> list[object]:
    """What ``body`` reads: the row, then the tables of columns that have their own; ``bits`` and ``unsure`` are by number.

    The row holds the bits for every numbered text side by side: looking at it touches little memory, which is what costs.
    """
    every = (1 << len(bits)) - 1
    row: list[int] = []
    tables: list[object] = []
    for (path, numeric, atoms), at in zip(columns, places(columns, codes), strict=True):
        known = [(bits[number], atom) for number, atom in atoms if number in bits]
        if numeric:
            asking = dict.fromkeys(unsure[number] for number, _ in atoms if number in bits)
            tables += (*bound_table(known, every), tuple(asking))
            continue
        table, free = text_table(known, every)
        if at < 0:
            tables += (table, free)
            continue
        part = [free] * (len(codes[path]) + 1)
        for text, mask in table.items():
            part[codes[path][text]] = mask
        row += part
    return [array("Q", row) if len(bits) <= _WORD else tuple(row), *tables]


def body(columns: Sequence[tuple[str, str, bool, int]]) -> tuple[str, ...]:
    """The code of a mask; ``k[1]`` are the children by bit.

    For each column: the names of its field and of its numbers, whether it is numeric, and its place in the row.
    """
    lines = ["m = -1"]
    at = 3
    for v, code, numeric, place in columns:
        if place >= 0:
            lines.append(
                f"if m: m &= k[2][{code}.get({v}, 0) + {place}] if {v}.__class__ is str else k[2][{place}]"
            )
        elif not numeric:
            lines.append(
                f"if m: m &= k[{at}].get({v}, k[{at + 1}]) if {v}.__class__ is str else k[{at + 1}]"
            )
            at += 2
        else:
            found = f"k[{at + 1}][bisect_left(k[{at}], {{0}}) + bisect_right(k[{at}], {{0}})]"
            lines += [
                "if m:",
                f"    if {v}.__class__ is float or {v}.__class__ is int or {v}.__class__ is bool: m &= {found.format(v)}",
                f"    elif {v} is None: m &= {found.format(0)}",
                "    else:",
                f"        m &= k[{at + 2}]",
                f"        out += k[{at + 3}]",
            ]
            at += 4
    lines += [
        "while m:",
        "    b = m & -m",
        "    m ^= b",
        "    h = k[1][b.bit_length()]",
        "    if h.__class__ is int: out.append(h)",
        "    else: F[h[0]](e, out, h)",
    ]
    return tuple(lines)
