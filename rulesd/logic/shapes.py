"""The functions an index is made of, generated once for each shape and compiled when first needed.

Law: every function of a tree has the form ``f(e, out, k)``: ``e`` is the document in one of two forms, ``out`` collects positions of
rules that are true, and ``~position`` of rules that datalogic must decide; ``k`` is the node: the number of its function,
then its constants, or its children, which are nodes. The two forms differ only in how fields are read. Nodes are plain
tuples and dictionaries because an event touches few of them and each costs a cache miss.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from rulesd.logic import masks
from rulesd.logic.codegen import NAMESPACE, Writer
from rulesd.logic.cover import Atom
from rulesd.logic.lookups import LOOKUPS
from rulesd.logic.masks import Codes, Column
from rulesd.logic.projection import EMPTY_NAMESPACE, Form, Projection
from rulesd.logic.semantics import MAX_ITEMS, step
from rulesd.logic.syntax import Many, Node, Path, is_index

Function: TypeAlias = Callable[[object, list[int], Any], None]
Tree: TypeAlias = tuple[Any, ...]
"A node: function number first."

_FORMS: Final = (Form.STRUCT, Form.DICT)
"How functions of a tree read documents."

MAX_SHAPES: Final = 400
"Beyond this many functions, a conjunction is checked part by part: rules of endless variety share single conditions."

_CALL: Final = "F[h[0]](e, out, h)"

_TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "all": ("for h in k[1]: " + _CALL,),
    "key": (
        "if {v}.__class__ is str:",
        "    h = k[1].get({v})",
        "    if h is not None: " + _CALL,
    ),
    "key or": (
        "h = k[1].get({v}, k[2]) if {v}.__class__ is str else k[2]",
        "if h is not None: " + _CALL,
    ),
    "number": (
        "if {v}.__class__ is int or {v}.__class__ is float:",
        "    h = k[1].get({v})",
        "    if h is not None: " + _CALL,
    ),
    "flag": (
        "h = k[1] if {v} is True else k[2] if {v} is False else None",
        "if h is not None: " + _CALL,
    ),
    "prefix": (
        "if {v}.__class__ is str:",
        "    for n, d in k[1]:",
        "        h = d.get({v}[:n])",
        "        if h is not None: " + _CALL,
        "elif {v} is not None: out += k[2]",
    ),
    "suffix": (
        "if {v}.__class__ is str:",
        "    for n, d in k[1]:",
        "        h = d.get({v}[-n:])",
        "        if h is not None: " + _CALL,
        "elif {v} is not None: out += k[2]",
    ),
    # k: bounds and positions of rules that need nothing else, bounds and children of the others, all positions as ~,
    # and a number just outside all bounds, beyond which nothing need be searched.
    "above": (
        "if {v}.__class__ is float or {v}.__class__ is int or {v}.__class__ is bool: w = {v}",
        "elif {v} is None: w = 0",
        "else:",
        "    w = k[6]",
        "    out += k[5]",
        "if w > k[6]:",
        "    out += k[2][:bisect(k[1], w)]",
        "    for h in k[4][:bisect(k[3], w)]: " + _CALL,
    ),
    "below": (
        "if {v}.__class__ is float or {v}.__class__ is int or {v}.__class__ is bool: w = {v}",
        "elif {v} is None: w = 0",
        "else:",
        "    w = k[6]",
        "    out += k[5]",
        "if w < k[6]:",
        "    out += k[2][bisect(k[1], w):]",
        "    for h in k[4][bisect(k[3], w):]: " + _CALL,
    ),
    # k: the table of a lookup, and all positions as ~ for values that the operator cannot read.
    "lookup text": (
        "if {v}.__class__ is str:",
        "    for h in {find}({v}, k[1]): " + _CALL,
        "elif {v} is not None: out += k[2]",
    ),
    "lookup list": (
        "if {v}.__class__ is list:",
        "    for h in {find}({v}, k[1]): " + _CALL,
        "elif {v} is not None: out += k[2]",
    ),
    "types": (
        "if {v}.__class__ in k[1]:",
        "    for h in k[2]: " + _CALL,
    ),
    "item types": (
        "if {v} is not None and odd_items({v}, k[3], k[1]):",
        "    for h in k[2]: " + _CALL,
    ),
}


def odd_items(value: object, path: Path, types: frozenset[type]) -> bool:
    """Whether an item of a list has a field of one of the types (or the list is datalogic's business altogether)."""
    if isinstance(value, list):
        return len(value) > MAX_ITEMS or any(
            step(item, path, None).__class__ in types for item in value
        )
    return isinstance(value, dict)


class Shapes:
    """All functions of one matcher, by number, in both forms."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self._numbers: dict[tuple[object, ...], int] = {}
        self._fusions: set[int] = set()
        self._leaves: dict[Node, tuple[int, tuple[object, ...]]] = {}
        self._bodies: list[tuple[tuple[Path, ...], tuple[str, ...]]] = []
        self.functions: dict[Form, list[Function]] = {form: [] for form in _FORMS}
        helpers: dict[str, object] = {
            "bisect_left": bisect_left,
            "bisect_right": bisect_right,
            "odd_items": odd_items,
        }
        helpers |= {f"find_{name}": lookup.find for name, lookup in LOOKUPS.items()}
        self._namespaces: dict[Form, dict[str, object]] = {
            form: {**NAMESPACE, **EMPTY_NAMESPACE, **helpers, "F": self.functions[form]}
            for form in _FORMS
        }
        self.sure = self._number((), ("out += k[1]",))
        self.unsure = self._number((), ("out += [~i for i in k[1]]",))
        self._all = self._number((), _TEMPLATES["all"])

    def __len__(self) -> int:
        return len(self._bodies)

    def _number(self, paths: tuple[Path, ...], body: tuple[str, ...]) -> int:
        key = (paths, body)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._bodies)
            self._bodies.append(key)
            for form in _FORMS:
                self.functions[form].append(self._first(number, form))
        return number

    def _first(self, number: int, form: Form) -> Function:
        """Stands in for a function until it is called for the first time."""

        def compile_and_call(e: object, out: list[int], k: Any) -> None:
            function = self.compile(number, form)
            self.functions[form][number] = function
            function(e, out, k)

        return compile_and_call

    def compile(self, number: int, form: Form) -> Function:
        """Compile one function in one form."""
        paths, body = self._bodies[number]
        lines = [line for path in paths for line in self.projection.load(path, form)]
        source = "\n    ".join(("def f(e, out, k):", *lines, *body))
        namespace = self._namespaces[form]
        namespace.update(self.projection.namespace)
        own: dict[str, Function] = {}
        exec(compile(source, f"<rulesd {form} {number}>", "exec"), namespace, own)  # noqa: S102 - numbers and names of our own making.
        return own["f"]

    def node(self, name: str, path: Path, *rest: object, search: str = "") -> Tree:
        """An inner node that looks at one field."""
        variable = f"v{self.projection.numbers[path]}"
        body = tuple(line.format(v=variable, find=search) for line in _TEMPLATES[name])
        if search:
            body = tuple(line.replace("bisect(", f"{search}(") for line in body)
        return (self._number((path,), body), *rest)

    def all(self, children: Sequence[Tree], *, fuse: bool) -> Tree:
        """One node for several; fused into one function where many events will pass."""
        if len(children) == 1:
            return children[0]
        if fuse and len(children) <= 40:
            return self._fused(children)
        return (self._all, tuple(children))

    def _fused(self, children: Sequence[Tree]) -> Tree:
        paths: dict[Path, None] = {}
        lines: list[str] = []
        flat: list[Tree] = []
        for child in children:
            flat.extend(child[1:] if child[0] in self._fusions else (child,))
        for i, child in enumerate(flat):
            read, body = self._bodies[child[0]]
            paths.update(dict.fromkeys(read))
            lines.append(f"c = k[{i + 1}]")
            lines.extend(line.replace("k[", "c[") for line in body)
        number = self._number(tuple(paths), tuple(lines))
        self._fusions.add(number)
        return (number, *flat)

    def gate(self, condition: Node, below: Tree, unsure: tuple[int, ...]) -> Tree:
        """A node below that needs one condition."""
        writer = Writer(self.projection.numbers, 3)
        expression = writer.expression(condition)
        body = (
            f"try: h = k[1] if {expression} else None",
            "except Slow:",
            "    h = None",
            "    out += k[2]",
            "if h is not None: " + _CALL,
        )
        return (self._number(tuple(writer.paths), body), below, unsure, *writer.constants)

    def lookup(self, atom: Atom, built: Mapping[Any, Tree], unsure: tuple[int, ...]) -> Tree:
        """A node that finds rules by the keys of one of rulesd's own operators."""
        operator = atom.node.op if atom.node is not None else ""
        found = LOOKUPS[operator]
        name = f"lookup {found.reads}"
        return self.node(name, atom.path, found.table(built), unsure, search=f"find_{operator}")

    def know(self, codes: Codes) -> None:
        """The numbers of texts that masks use."""
        names = {f"C{self.projection.numbers[path]}": known for path, known in codes.items()}
        for form in _FORMS:
            self._namespaces[form].update(names)

    def mask(
        self,
        columns: Sequence[Column],
        codes: Codes,
        children: Sequence[object],
        tables: Sequence[object],
    ) -> Tree:
        """A node that decides many rules by several fields (``masks``)."""
        paths = tuple(dict.fromkeys(column.path for column in columns))
        numbers = [self.projection.numbers[column.path] for column in columns]
        lines = masks.body(
            [
                (f"v{number}", f"C{number}", column.numeric, place)
                for number, column, place in zip(
                    numbers, columns, masks.places(columns, codes), strict=True
                )
            ]
        )
        return (self._number(paths, lines), children, *tables)

    def leaf(self, residual: Node, positions: tuple[int, ...]) -> Tree:
        """The check of a residual condition."""
        known = self._leaves.get(residual) or self._check(residual)
        if known is not None:
            self._leaves[residual] = known
            number, constants = known
            return (number, positions, *constants)
        if not isinstance(residual, Many):
            raise AssertionError("only a conjunction is checked part by part")  # noqa: TRY004 - never happens.
        first, *others = residual.items
        rest = others[0] if len(others) == 1 else Many("and", tuple(others))
        return self.gate(
            first, self.leaf(rest, positions), tuple(~position for position in positions)
        )

    def _check(self, residual: Node) -> tuple[int, tuple[object, ...]] | None:
        writer = Writer(self.projection.numbers, 2)
        expression = writer.expression(residual)
        if expression == "slow()":
            return self.unsure, ()
        body = (
            "try:",
            f"    if {expression}: out += k[1]",
            "except Slow: out += [~i for i in k[1]]",
        )
        paths = tuple(writer.paths)
        several = isinstance(residual, Many) and residual.op == "and"
        if several and len(self) > MAX_SHAPES and (paths, body) not in self._numbers:
            return None
        return self._number(paths, body), tuple(writer.constants)

    def part(self, paths: Iterable[Path], form: Form) -> Callable[[object], object] | None:
        """A function from a document to the part of it that some rules read, or ``None`` where lists are indexed."""
        wanted = sorted(set(paths))
        if any(is_index(segment) for path in wanted for segment in path):
            return None
        holders: dict[Path, str] = {(): "d"}
        lines = ["d = {}"]
        values: dict[str, object] = {}
        for path in wanted:
            if any(path[:end] in wanted for end in range(1, len(path))):
                continue
            for end in range(1, len(path)):
                if path[:end] not in holders:
                    holders[path[:end]] = f"d{len(holders)}"
                    values[f"N{len(values)}"] = path[end - 1]
                    lines.append(
                        f"{holders[path[:end]]} = {holders[path[: end - 1]]}[N{len(values) - 1}] = {{}}"
                    )
            values[f"N{len(values)}"] = path[-1]
            lines.extend(self.projection.load(path, form))
            read = f"r{self.projection.numbers[path]}"
            lines.append(
                f"if {read} is not UNSET: {holders[path[:-1]]}[N{len(values) - 1}] = {read}"
            )
        namespace = {**self._namespaces[form], **self.projection.namespace, **values}
        source = "\n    ".join(("def f(e):", *lines, "return d"))
        own: dict[str, object] = {}  # Apart from what the function sees, which would make a cycle.
        exec(compile(source, f"<rulesd {form} part>", "exec"), namespace, own)  # noqa: S102 - numbers and names of our own making.
        return cast("Callable[[object], object]", own["f"])

    def release(self) -> None:
        """The functions are needed no more: let go of them and of what they see."""
        for form in _FORMS:
            self.functions[form].clear()
            self._namespaces[form].clear()

    def forget(self) -> None:
        """Building is over: drop what only building needs."""
        while (
            self._leaves
        ):  # Not ``clear()``: freeing all at once would keep other threads waiting.
            self._leaves.popitem()
