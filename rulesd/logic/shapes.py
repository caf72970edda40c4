"""The functions an index is made of, generated once for each shape and compiled when first needed.

Law: every function has the form ``f(e, out, k)``: ``e`` is the document in one of two forms, ``out`` collects positions of
rules that are true, and ``~position`` of rules that datalogic must decide; ``k`` holds the constants, and for inner nodes
the children. A child is ``(number, k)``: the number of its function, which differs between the two forms only in how
fields are read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from rulesd.logic.codegen import NAMESPACE, Writer
from rulesd.logic.projection import EMPTY_NAMESPACE, Form, Projection
from rulesd.logic.syntax import Node, Path

Function: TypeAlias = Callable[[object, list[int], Any], None]
Child: TypeAlias = tuple[int, Any]

_CHILDREN: Final = "for i, x in h: F[i](e, out, x)"

_TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "key": (
        "if {v}.__class__ is str:",
        "    h = k.get({v})",
        "    if h is not None:",
        f"        {_CHILDREN}",
    ),
    "number": (
        "if {v}.__class__ is int or {v}.__class__ is float:",
        "    h = k.get({v})",
        "    if h is not None:",
        f"        {_CHILDREN}",
    ),
    "flag": (
        "h = k[0] if {v} is True else k[1] if {v} is False else ()",
        _CHILDREN,
    ),
    "prefix": (
        "if {v}.__class__ is str:",
        "    for n, d in k[0]:",
        "        h = d.get({v}[:n])",
        "        if h is not None:",
        f"            {_CHILDREN}",
        "elif {v} is not None: out += k[1]",
    ),
    "suffix": (
        "if {v}.__class__ is str:",
        "    for n, d in k[0]:",
        "        h = d.get({v}[-n:])",
        "        if h is not None:",
        f"            {_CHILDREN}",
        "elif {v} is not None: out += k[1]",
    ),
    "types": (
        "if {v}.__class__ in k[0]:",
        "    for i, x in k[1]: F[i](e, out, x)",
    ),
    # k: bounds and positions of rules that need nothing else, bounds and children of the others, all positions as ~.
    "above": (
        "if {v} is None: {v} = 0",
        "elif {v}.__class__ is str or {v}.__class__ is list or {v}.__class__ is dict:",
        "    out += k[4]",
        "    return",
        "n = bisect(k[0], {v})",
        "if n: out += k[1][:n]",
        "n = bisect(k[2], {v})",
        "for i, x in k[3][:n]: F[i](e, out, x)",
    ),
    "below": (
        "if {v} is None: {v} = 0",
        "elif {v}.__class__ is str or {v}.__class__ is list or {v}.__class__ is dict:",
        "    out += k[4]",
        "    return",
        "out += k[1][bisect(k[0], {v}):]",
        "for i, x in k[3][bisect(k[2], {v}):]: F[i](e, out, x)",
    ),
}


class Shapes:
    """All functions of one matcher, by number, in both forms."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.numbers: dict[tuple[object, ...], int] = {}
        self._bodies: list[tuple[tuple[Path, ...], tuple[str, ...], str]] = []
        self.functions: dict[Form, list[Function]] = {form: [] for form in Form}
        self._namespaces: dict[Form, dict[str, object]] = {
            form: {**NAMESPACE, **EMPTY_NAMESPACE, "bisect_left": bisect_left, "bisect_right": bisect_right,
                   "F": self.functions[form]}
            for form in Form
        }  # fmt: skip
        self.sure = self._number((), ("out += k[0]",), "")
        self.unsure = self._number((), ("out += k[1]",), "")

    def __len__(self) -> int:
        return len(self._bodies)

    def _number(self, paths: tuple[Path, ...], body: tuple[str, ...], search: str) -> int:
        key = (paths, body, search)
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self._bodies)
            self._bodies.append((paths, body, search))
            for form in Form:
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
        paths, body, search = self._bodies[number]
        lines = [line for path in paths for line in self.projection.load(path, form)]
        source = "\n    ".join(("def f(e, out, k):", *lines, *body))
        namespace = self._namespaces[form]
        namespace.update(self.projection.namespace)
        own: dict[str, Function] = {}
        if search:
            source = source.replace("bisect(", f"{search}(")
        exec(compile(source, f"<rulesd {form} {number}>", "exec"), namespace, own)  # noqa: S102 - numbers and names of our own making.
        return own["f"]

    def node(self, name: str, path: Path, search: str = "") -> int:
        """The function of an inner node that looks at one field."""
        variable = f"v{self.projection.numbers[path]}"
        return self._number((path,), tuple(line.format(v=variable) for line in _TEMPLATES[name]), search)

    def gate(self, condition: Node, children: Sequence[Child], unsure: tuple[int, ...]) -> Child:
        """Children that all need one condition."""
        writer = Writer(self.projection.numbers, 2)
        expression = writer.expression(condition)
        body = (
            f"try: h = k[0] if {expression} else ()",
            "except Slow:",
            "    out += k[1]",
            "    return",
            _CHILDREN,
        )
        return self._number(tuple(writer.paths), body, ""), (tuple(children), unsure, *writer.constants)

    def leaf(self, residual: Node) -> tuple[int, tuple[object, ...]]:
        """The check of a residual condition: the function, and the constants that follow the positions in ``k``."""
        writer = Writer(self.projection.numbers, 2)
        expression = writer.expression(residual)
        if expression == "slow()":
            return self.unsure, ()
        body = ("try:", f"    if {expression}: out += k[0]", "except Slow: out += k[1]")
        return self._number(tuple(writer.paths), body, ""), tuple(writer.constants)
