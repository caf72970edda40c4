"""Masks: the tables say of every value what the conditions say, and rules that go through masks get datalogic's answer."""

import random
from typing import Any

import orjson
import pytest

from rulesd.logic import Matcher, tree
from rulesd.logic.cover import Atom, Shape
from rulesd.logic.masks import (
    MAX_CODES,
    Column,
    bound_table,
    numbered,
    places,
    plan,
    ranked,
    text_table,
)
from tests.logic.fuzz import NUMBERS, TEXTS

Json = Any

FIELDS = {name: [f"{name}-{i}" for i in range(4)] for name in ("plan", "stage", "action", "policy")}
ODD: list[Json] = [None, True, False, 0, 1, 0.5, -1, "", "5", "3d", [], ["plan-1"], {}, {"k": 1}]


def rule(r: random.Random) -> Json:
    """A rule of fields with few values, as no key can find it."""
    parts: list[Json] = [{"===": [{"var": "tenant"}, f"t{r.randrange(3)}"]}]
    for name in r.sample(sorted(FIELDS), r.randint(1, 3)):
        value, several = r.choice(FIELDS[name]), r.sample(FIELDS[name], 2)
        field = {"var": f"data.{name}"}
        parts.append(
            r.choice(
                [
                    {"===": [field, value]},
                    {"==": [value, field]},
                    {"!==": [field, value]},
                    {"!=": [field, value]},
                    {"in": [field, several]},
                    {"!": {"in": [field, several]}},
                    {"!": [{"===": [field, value]}]},
                    {"!": {"!=": [field, value]}},
                    {"or": [{"===": [field, value]}, {"===": [{"var": "data.stage"}, "stage-1"]}]},
                ]
            )
        )
    for name in r.sample(["risk", "count"], r.randint(0, 2)):
        parts.append({r.choice(["<", "<=", ">", ">="]): [{"var": f"data.{name}"}, r.choice([0, 0.25, 0.5, 1, 3])]})  # fmt: skip
    if r.random() < 0.2:
        parts.append({"<": [0.25, {"var": "data.risk"}, 0.75]})
    if r.random() < 0.1:
        parts.append({"some": [{"var": "data.tags"}, {"===": [{"var": ""}, "a"]}]})
    if r.random() < 0.1:
        parts.append({"===": [{"cat": [{"var": "data.plan"}, "!"]}, "plan-1!"]})
    r.shuffle(parts)
    return {"and": parts}


def event(r: random.Random, drift: float) -> Json:
    data: dict[str, Json] = {name: r.choice(values) for name, values in FIELDS.items()}
    data |= {"risk": r.choice([0, 0.25, 0.3, 0.5, 1]), "count": r.randint(0, 4), "tags": ["a"]}
    for name in list(data):
        chance = r.random()
        if chance < drift / 3:
            del data[name]
        elif chance < drift:
            data[name] = r.choice([*ODD, *TEXTS[-4:], *NUMBERS[-3:]])
    return {"tenant": r.choice(["t0", "t1", "t2", "t9"]), "data": data}


def masked(matcher: Matcher) -> int:
    """How many kinds of masks the matcher has."""
    return sum(any("m & -m" in line for line in body) for _, body in matcher._index.shapes._bodies)


def differences(seed: int) -> tuple[int, int]:
    """Masks made, and answers that are not datalogic's."""
    r = random.Random(seed)
    matcher = Matcher({f"r{i}": rule(r) for i in range(90)})
    wrong = 0
    for _ in range(250):
        document = event(r, 0.3)
        expected = matcher.naive_evaluate(document)
        text = orjson.dumps(document)
        got = (matcher.evaluate(text), matcher.evaluate_document(document))
        wrong += got != (expected, expected) or matcher.match(text) != expected.matched
    return masked(matcher), wrong


@pytest.mark.parametrize("seed", range(6))
def test_rules_behind_a_mask_get_datalogics_answer(seed: int) -> None:
    masks, wrong = differences(seed)
    assert masks
    assert not wrong


@pytest.mark.parametrize("broken", ["a text nobody asks for", "a bound itself", "odd types"])
def test_a_wrong_table_is_noticed(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rulesd.logic import masks

    def free_for_none(atoms: Any, every: int) -> Any:
        return text_table(atoms, every)[0], 0

    def never_on_a_bound(atoms: Any, every: int) -> Any:
        points, found, rest = bound_table(atoms, every)
        return points, [found[i - 1] if i % 2 else mask for i, mask in enumerate(found)], rest

    if broken == "a text nobody asks for":
        monkeypatch.setattr(masks, "text_table", free_for_none)
    elif broken == "a bound itself":
        monkeypatch.setattr(masks, "bound_table", never_on_a_bound)
    else:
        monkeypatch.setattr(tree, "mask_tables", lambda *a: [t if t.__class__ is not tuple else () for t in masks.mask_tables(*a)])  # fmt: skip
    assert sum(differences(seed)[1] for seed in range(3))


def atoms_of(r: random.Random, *, numeric: bool) -> list[tuple[int, Atom]]:
    found: list[tuple[int, Atom]] = []
    for number in range(12):
        shapes = (Shape.ABOVE, Shape.BELOW) if numeric else (Shape.KEY, Shape.EXCEPT)
        for shape in r.sample(shapes, r.randint(0, 2)):
            count = 1 if numeric else r.randint(1, 3)
            values = tuple(
                r.sample([0, 1, 1.5, 2, 3.0] if numeric else ["a", "b", "c", "d"], count)
            )
            found.append((1 << number, Atom(shape, ("x",), values, r.random() < 0.5, None)))
    return found


def holds(atom: Atom, value: Json) -> bool:
    if atom.shape is Shape.KEY:
        return value in atom.values
    if atom.shape is Shape.EXCEPT:
        return value not in atom.values
    bound: Json = atom.values[0]
    if value == bound:
        return not atom.strict
    return bool(value > bound) is (atom.shape is Shape.ABOVE)


@pytest.mark.parametrize("seed", range(20))
def test_a_table_says_what_its_conditions_say(seed: int) -> None:
    from bisect import bisect_left, bisect_right

    r = random.Random(seed)
    every = (1 << 12) - 1

    def expected(atoms: list[tuple[int, Atom]], value: Json) -> int:
        bad = 0
        for bit, atom in atoms:
            bad |= 0 if holds(atom, value) else bit
        return every & ~bad

    atoms = atoms_of(r, numeric=False)
    table, otherwise = text_table(atoms, every)
    for text in ("a", "b", "c", "d", "other"):
        assert table.get(text, otherwise) == expected(atoms, text)
    atoms = atoms_of(r, numeric=True)
    points, bits, rest = bound_table(atoms, every)
    for number in (-1, 0, 0.5, 1, 1.2, 1.5, 1.75, 2, 2.5, 3, 4):
        place = bisect_left(points, number) + bisect_right(points, number)
        assert bits[place] == expected(atoms, number)
    assert rest == every & ~sum({bit for bit, _ in atoms})


def test_texts_are_numbered_for_fields_with_few_of_them() -> None:
    few = Atom(Shape.KEY, ("few",), ("b", "a"), False, None)
    other = Atom(Shape.EXCEPT, ("few",), ("c",), False, None)
    many = Atom(Shape.KEY, ("many",), tuple(f"t{i}" for i in range(MAX_CODES + 1)), False, None)
    codes = numbered([(few, many), (other,)])
    assert codes == {("few",): {"a": 1, "b": 2, "c": 3}}
    columns = [Column(("few",), False, [(0, few)]), Column(("many",), False, [(0, many)]), Column(("few",), False, [(1, other)])]  # fmt: skip
    assert places(columns, codes) == [0, -1, 4]
    strange = few._replace(values=("nobody numbered this",))
    assert places([Column(("few",), False, [(0, strange)])], codes) == [-1]
    assert ranked([(few, many), (other, few), (many,)]) == {("few",): 0, ("many",): 1}


def test_masks_of_more_rules_than_a_word_has_bits() -> None:
    r = random.Random(5)
    rules = {f"r{i}": {"and": [{"===": [{"var": "tenant"}, "t0"]}, *rule(r)["and"]]} for i in range(400)}  # fmt: skip
    matcher = Matcher(rules)
    assert masked(matcher)
    for _ in range(60):
        document = event(r, 0.2)
        assert matcher.evaluate_document(document) == matcher.naive_evaluate(document)


def test_a_field_only_one_rule_asks_about_is_left_to_be_checked() -> None:
    one = Atom(Shape.KEY, ("a",), ("x",), False, None)
    two = Atom(Shape.KEY, ("b",), ("x",), False, None)
    found = plan([(one, two), (one,), ()], lambda *_: 0.25, {})
    assert [(column.path, len(column.atoms)) for column in found.columns] == [(("a",), 2)]
    assert found.left == 0.25 + 0.25 + 1.0
