"""TOML text as nodes. The standard parser tells no places, so a scan of headers and keys does.

Law: values come from ``tomllib`` alone; the scan decides only where a message points. What stands inside an inline table or a
list of several lines is pointed at by the key that holds it.
"""

import datetime as dt
import math
import re
import tomllib

from rulesd.config.document import MAX_DEPTH, MAX_VALUES, Node, Path_, Place
from rulesd.config.problems import Code, Problems

_WHERE = re.compile(r" ?\((?:at line (\d+), column (\d+)|at end of document)\)$")
_NAME = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_HEADER = re.compile(rf"^([ \t]*)(\[\[?)[ \t]*({_DOTTED})[ \t]*\]\]?")
_PAIR = re.compile(rf"^([ \t]*)({_DOTTED})[ \t]*=[ \t]*")


def read_toml(text: str, shown: str, problems: Problems) -> Node | None:
    """The file's table, or ``None`` after reporting why not."""
    if not text.strip():
        problems.add(shown, 1, 1, Code.EMPTY, "the file is empty", "Write it, or remove it.")
        return None
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        where = _WHERE.search(str(error))
        line, column = (int(where[1]), int(where[2])) if where and where[1] else (1, 1)
        if where and not where[1]:
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        said = (
            _WHERE.sub("", str(error))
            if isinstance(error, tomllib.TOMLDecodeError)
            else "the file is not TOML"
        )
        code = Code.DUPLICATE_KEY if "overwrite" in said or "twice" in said else Code.TOML
        problems.add(
            shown, line, column, code, said[:1].lower() + said[1:], "Correct the TOML here."
        )
        return None
    return _Builder(_scan(text), shown, problems).build(data)


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(p.strip("\"'") for p in re.findall(_NAME, dotted))


def _scan(text: str) -> dict[Path_, tuple[Place, Place]]:
    """By path: the places of the key and of the value, for everything that starts a line."""
    found: dict[Path_, tuple[Place, Place]] = {}
    counts: dict[Path_, int] = {}
    prefix: Path_ = ()
    for number, row in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(row):
            prefix = _resolve(_parts(header[3]), counts, many=header[2] == "[[")
            at = (number, len(header[1]) + 1)
            found.setdefault(prefix, (at, at))
        elif pair := _PAIR.match(row):
            path = (*prefix, *_parts(pair[2]))
            found.setdefault(path, ((number, len(pair[1]) + 1), (number, pair.end() + 1)))
    return found


def _resolve(parts: tuple[str, ...], counts: dict[Path_, int], *, many: bool) -> Path_:
    """The path a header means: a list of tables stands for its last one."""
    path: Path_ = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        if many and i == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


class _Builder:
    """Puts places to the parser's values."""

    def __init__(
        self, places: dict[Path_, tuple[Place, Place]], shown: str, problems: Problems
    ) -> None:
        self.places, self.shown, self.problems = places, shown, problems
        self.count = 0
        self.failed = False

    def build(self, data: object) -> Node | None:
        node = self._node(data, (), ((1, 1), (1, 1)))
        return None if self.failed else node

    def _node(self, data: object, path: Path_, around: tuple[Place, Place]) -> Node:
        here = self.places.get(path, around)
        self.count += 1
        if self.count > MAX_VALUES or len(path) > MAX_DEPTH:
            code = Code.TOO_DEEP if len(path) > MAX_DEPTH else Code.TOO_MANY_VALUES
            self._fail(
                here[1],
                code,
                "the file is too large or too deep to be a rule",
                "Split or flatten it.",
            )
            return Node(place=here[1], data=None)
        if isinstance(data, dict):
            fields = {
                k: (self.places.get((*path, k), here)[0], self._node(v, (*path, k), here))
                for k, v in data.items()
            }
            return Node(
                place=here[1], data={k: v.data for k, (_, v) in fields.items()}, fields=fields
            )
        if isinstance(data, list):
            items = [self._node(v, (*path, i), here) for i, v in enumerate(data)]
            return Node(place=here[1], data=[i.data for i in items], items=items)
        if isinstance(data, float) and not math.isfinite(data):
            self._fail(here[1], Code.NOT_FINITE, "a number must be finite", "Write a number.")
            return Node(place=here[1], data=None)
        if isinstance(data, dt.datetime | dt.date | dt.time):
            return Node(place=here[1], data=data.isoformat())
        assert data is None or isinstance(data, bool | int | float | str)
        return Node(place=here[1], data=data)

    def _fail(self, place: Place, code: Code, problem: str, hint: str) -> None:
        if not self.failed:
            self.problems.add(self.shown, *place, code, problem, hint)
        self.failed = True
