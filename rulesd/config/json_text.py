"""JSON text as nodes with places.

Law: RFC 8259 and nothing more: no comments, no trailing commas, no NaN, no key twice.
"""

import json
import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]

from rulesd.config.document import MAX_DEPTH, MAX_VALUES, Node, Place
from rulesd.config.problems import Code, Problems
from rulesd.model.event import Json

_BLANK = re.compile(r"[ \t\n\r]*")
_FLAT = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SHAPE = "Write JSON: double quotes, a comma between values and none after the last."


class _Refused(Exception):
    """The text stops being JSON at ``index``."""

    def __init__(self, index: int, code: Code, problem: str, hint: str = _SHAPE) -> None:
        super().__init__(problem)
        self.index, self.code, self.problem, self.hint = index, code, problem, hint


def read_json(text: str, shown: str, problems: Problems) -> Node | None:
    """The file's one value, or ``None`` after reporting why not."""
    reader = _Reader(text, shown, problems)
    try:
        index = reader.blank(0)
        if index == len(text):
            raise _Refused(0, Code.EMPTY, "the file is empty", "Write it, or remove it.")
        node, index = reader.value(index, 0)
        if reader.blank(index) != len(text):
            raise _Refused(index, Code.JSON, "something stands after the end of the value")
    except _Refused as error:
        problems.add(shown, *reader.place(error.index), error.code, error.problem, error.hint)
        return None
    return None if reader.failed else node


class _Reader:
    def __init__(self, text: str, shown: str, problems: Problems) -> None:
        self.text, self.shown, self.problems = text, shown, problems
        self.count = 0
        self.failed = False
        self.line, self.line_start, self.seen = 1, 0, 0

    def blank(self, index: int) -> int:
        found = _BLANK.match(self.text, index)
        return found.end() if found else index

    def place(self, index: int) -> Place:
        """Line and column of a character; asked in rising order, so each line is counted once."""
        if index < self.seen:
            self.line, self.line_start, self.seen = 1, 0, 0
        breaks = self.text.count("\n", self.seen, index)
        if breaks:
            self.line += breaks
            self.line_start = self.text.rindex("\n", self.seen, index) + 1
        self.seen = index
        return self.line, index - self.line_start + 1

    def value(self, index: int, depth: int) -> tuple[Node, int]:
        self.count += 1
        if depth > MAX_DEPTH:
            raise _Refused(
                index, Code.TOO_DEEP, f"more than {MAX_DEPTH} levels of nesting", "Flatten it."
            )
        if self.count > MAX_VALUES:
            raise _Refused(
                index,
                Code.TOO_MANY_VALUES,
                f"the file holds more than {MAX_VALUES} values",
                "Split it.",
            )
        place = self.place(index)
        first = self.text[index : index + 1]
        if first == "{":
            return self._mapping(index, place, depth)
        if first == "[":
            return self._list(index, place, depth)
        if first == '"':
            text, end = self._string(index)
            return Node(place=place, data=text, span=(index, end)), end
        found = _FLAT.match(self.text, index)
        if not found:
            raise _Refused(index, Code.JSON, "a value is missing or is not JSON")
        data: Json = json.loads(found[0]) if len(found[0]) < 400 else None
        if isinstance(data, float) and data in (float("inf"), float("-inf")):
            raise _Refused(
                index, Code.NOT_FINITE, "a number is too large", "Write a smaller number."
            )
        return Node(place=place, data=data, span=found.span()), found.end()

    def _string(self, index: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self.text, index + 1, True)
        except JSONDecodeError as error:
            raise _Refused(
                min(error.pos, len(self.text)),
                Code.JSON,
                "this text does not end, or holds a bad character",
            ) from None
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), end

    def _list(self, index: int, place: Place, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        index = self.blank(index + 1)
        while self.text[index : index + 1] != "]":
            if items:
                index = self._comma(index)
            node, index = self.value(index, depth + 1)
            items.append(node)
            index = self.blank(index)
        return Node(place=place, data=[i.data for i in items], items=items), index + 1

    def _mapping(self, index: int, place: Place, depth: int) -> tuple[Node, int]:
        fields: dict[str, tuple[Place, Node]] = {}
        first = True
        index = self.blank(index + 1)
        while self.text[index : index + 1] != "}":
            if not first:
                index = self._comma(index)
            first = False
            if self.text[index : index + 1] != '"':
                raise _Refused(index, Code.JSON, "a key in double quotes is missing")
            at, start = self.place(index), index
            name, index = self._string(index)
            if name in fields:
                self.failed = True
                said = f'"{name}" stands twice; first in line {fields[name][0][0]}'
                self.problems.add(
                    self.shown, *self.place(start), Code.DUPLICATE_KEY, said, "Keep one of them."
                )
            index = self.blank(index)
            if self.text[index : index + 1] != ":":
                raise _Refused(index, Code.JSON, "a colon is missing")
            node, index = self.value(self.blank(index + 1), depth + 1)
            fields[name] = (at, node)
            index = self.blank(index)
        data: Json = {k: v.data for k, (_, v) in fields.items()}
        return Node(place=place, data=data, fields=fields), index + 1

    def _comma(self, index: int) -> int:
        if self.text[index : index + 1] != ",":
            raise _Refused(index, Code.JSON, "a comma or a closing bracket is missing")
        return self.blank(index + 1)
