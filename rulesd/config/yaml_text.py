"""YAML 1.2 text as nodes with places. JSON Logic, labels and durations stay what the operator typed.

Law: the core schema only (null, booleans, whole and real numbers, text); no tags, no second document, no alias that holds
itself. A timestamp stays text. Aliases are written out and counted, so that a small file cannot become a large one.
"""

import math
import re
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from rulesd.config.document import MAX_DEPTH, MAX_VALUES, Node, Place
from rulesd.config.problems import Code, Problems
from rulesd.config.yaml_tree import MAPPING, SCALAR, SEQUENCE, Mapping, Scalar, compose
from rulesd.model.event import Json

_TAG = "tag:yaml.org,2002:"
_TEXT = {f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value", "!"}
_FLAT = {f"{_TAG}null", f"{_TAG}bool", f"{_TAG}int", f"{_TAG}float", *_TEXT}
_NESTED = {f"{_TAG}map", f"{_TAG}seq"}
_BRACKET = re.compile(r"[\[\]{}]")
_MOST_OPEN = 3 * MAX_DEPTH
_QUOTE = 'Quote it: "...".'


def read_yaml(text: str, shown: str, problems: Problems) -> Node | None:
    """The file's one document, or ``None`` after reporting why not."""
    if (at := _too_many_brackets(text)) is not None:
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        said = f"more than {_MOST_OPEN} brackets are open at once"
        problems.add(shown, line, column, Code.TOO_DEEP, said, "Flatten it, or close them.")
        return None
    try:
        tree = compose(text)
    except MarkedYAMLError as error:
        _syntax(error, shown, problems)
        return None
    except RecursionError:
        problems.add(shown, 1, 1, Code.TOO_DEEP, "the nesting is too deep to read", "Flatten it.")
        return None
    except (YAMLError, ValueError, OverflowError, AttributeError, TypeError, IndexError):
        # ruamel raises some of these for malformed directives, escapes and characters.
        problems.add(shown, 1, 1, Code.YAML, "the file is not YAML", "Write a YAML mapping.")
        return None
    if tree is None:
        problems.add(shown, 1, 1, Code.EMPTY, "the file is empty", "Write it, or remove it.")
        return None
    reader = _Reader(shown, problems)
    node = reader.read(tree, 0)
    return None if reader.failed else node


def _too_many_brackets(text: str) -> int | None:
    """Where brackets pile up. The parser's time grows with their square: 1,500 take seconds."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(depth - 1, 0)
        if depth > _MOST_OPEN:
            return found.start()
    return None


def _syntax(error: MarkedYAMLError, shown: str, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    what = str(error.problem or "the file is not YAML")
    code, said, hint = Code.YAML, what, "Correct the YAML here; mind the indentation and quotes."
    if "\\t" in what or "\t" in what:
        code, said, hint = Code.TAB, "a tab cannot indent YAML", "Use spaces."
    elif "undefined alias" in what:
        code, said = Code.ANCHOR, "this alias names no anchor that stands before it"
        hint = "Define it with &name, or write the value out."
    elif "another document" in what:
        code, said = Code.DOCUMENTS, "the file holds more than one YAML document"
        hint = "Keep one document in one file; remove the --- line."
    elif "mapping values are not allowed" in what:
        said, hint = (
            "a second colon in one line starts a mapping",
            f"Text with ': ' in it: {_QUOTE}",
        )
    elif "cannot start any token" in what:
        said, hint = "this character cannot start a value", _QUOTE
    problems.add(shown, line, column, code, said, hint)


class _Reader:
    """One walk over one composed tree."""

    def __init__(self, shown: str, problems: Problems) -> None:
        self.shown, self.problems = shown, problems
        self.count = 0
        self.open: set[int] = set()
        self.failed = False

    def read(self, tree: Any, depth: int) -> Node:
        """Turn a composed node and everything in it into a ``Node``."""
        place = (tree.start_mark.line + 1, tree.start_mark.column + 1)
        self.count += 1
        empty = Node(place=place, data=None)
        if self.count > MAX_VALUES:
            self._once(
                place,
                Code.TOO_MANY_VALUES,
                f"the file holds more than {MAX_VALUES} values",
                "Split it, or use fewer aliases.",
            )
            return empty
        if depth > MAX_DEPTH:
            self._once(
                place, Code.TOO_DEEP, f"more than {MAX_DEPTH} levels of nesting", "Flatten it."
            )
            return empty
        if id(tree) in self.open:
            self._once(
                place, Code.ALIAS, "an anchor holds an alias to itself", "Write the value out."
            )
            return empty
        if isinstance(tree, SCALAR):
            return self._scalar(tree, place)
        if tree.tag not in _NESTED:
            self._fail(
                place, Code.TAG, f"the tag {_short(str(tree.tag))} is not allowed", "Remove it."
            )
        self.open.add(id(tree))
        try:
            if isinstance(tree, MAPPING):
                return self._mapping(tree, place, depth)
            assert isinstance(tree, SEQUENCE)
            items = [self.read(item, depth + 1) for item in tree.value]
            return Node(place=place, data=[i.data for i in items], items=items)
        finally:
            self.open.discard(id(tree))

    def _mapping(self, tree: Mapping, place: Place, depth: int) -> Node:
        fields: dict[str, tuple[Place, Node]] = {}
        merged: dict[str, tuple[Place, Node]] = {}
        for key, value in tree.value:
            at = (key.start_mark.line + 1, key.start_mark.column + 1)
            if key.tag == f"{_TAG}merge":
                merged.update(
                    {k: v for k, v in self._merged(value, at, depth).items() if k not in merged}
                )
                continue
            if not isinstance(key, SCALAR) or key.tag not in _FLAT:
                self._fail(at, Code.KEY, "a key must be text", "Write the name of a field.")
                continue
            name = _half(str(key.value))
            if name in fields:
                first = fields[name][0]
                self._fail(
                    at,
                    Code.DUPLICATE_KEY,
                    f'"{name}" stands twice; first in line {first[0]}',
                    "Keep one of them.",
                )
            fields[name] = (at, self.read(value, depth + 1))
        for name, pair in merged.items():
            fields.setdefault(name, pair)
        return Node(place=place, data={k: v.data for k, (_, v) in fields.items()}, fields=fields)

    def _merged(self, value: Any, at: Place, depth: int) -> dict[str, tuple[Place, Node]]:
        sources = value.value if isinstance(value, SEQUENCE) else [value]
        out: dict[str, tuple[Place, Node]] = {}
        for source in sources:
            if not isinstance(source, MAPPING):
                self._fail(at, Code.KEY, "<< takes a mapping", "Give it an alias of a mapping.")
                continue
            for name, pair in (self.read(source, depth + 1).fields or {}).items():
                out.setdefault(name, pair)
        return out

    def _scalar(self, tree: Scalar, place: Place) -> Node:
        span = (tree.start_mark.index, tree.end_mark.index)
        if tree.tag not in _FLAT:
            self._fail(
                place, Code.TAG, f"the tag {_short(str(tree.tag))} is not allowed", "Remove it."
            )
            return Node(place=place, data=None)
        try:
            data = _value(tree)
        except ValueError:
            self._fail(place, Code.YAML, "this is not a number", _QUOTE)
            data = None
        if isinstance(data, float) and not math.isfinite(data):
            self._fail(place, Code.NOT_FINITE, "a number must be finite", "Write a number.")
            data = None
        return Node(place=place, data=data, span=span)

    def _fail(self, place: Place, code: Code, problem: str, hint: str) -> None:
        self.failed = True
        self.problems.add(self.shown, *place, code, problem, hint)

    def _once(self, place: Place, code: Code, problem: str, hint: str) -> None:
        if not self.failed:
            self._fail(place, code, problem, hint)


def _value(tree: Scalar) -> Json:
    text, tag = str(tree.value), str(tree.tag).removeprefix(_TAG)
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        return _whole(text.replace("_", ""))
    if tag == "float":
        plain = text.replace("_", "").lower()
        return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
    return _half(text)


def _whole(text: str) -> int | float:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.lstrip("+"))
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2].lower(), 10)
    if len(digits) > 64:
        raise ValueError("too long")
    return sign * int(digits if base == 10 else digits[2:], base)


def _half(text: str) -> str:
    """Text without halves of surrogate pairs, which no UTF-8 file can hold but an escape can name."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
