"""Find what would make a pure module decide differently on another machine, in another process or at another time.

Law: the same input gives the same bytes. What breaks that, and import-linter cannot see:

* ``hash()`` differs from process to process (``id()`` does too, but is only ever compared);
* the order of a set differs too, so a set may be asked, compared, counted and sorted, but its order may not leak into
  anything: no ``for`` over it, no list, tuple, text or dict made from it;
* clocks, the environment, files and the console.

What is a set is inferred from literals, calls, operators, annotations and assignments in the same scope, and from the
annotations of attributes anywhere in the pure layers. A loop whose order truly does not matter says so on its line:
``# order-free: why``.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence

FORBIDDEN_CALLS: Mapping[str, str] = {
    "hash": "differs from process to process; use blake2b",
    "open": "the core touches no disk",
    "print": "the core explains itself by decisions",
    "input": "the core asks nobody",
    "globals": "state is an argument",
}
FORBIDDEN_MODULES = frozenset(
    [
        "asyncio",
        "concurrent",
        "ctypes",
        "getpass",
        "glob",
        "io",
        "locale",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "queue",
        "random",
        "sched",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "uuid",
        "weakref",
        "zoneinfo",
        "aiohttp",
        "aiomqtt",
        "pydantic",
    ]
)
CLOCKS = frozenset({"now", "utcnow", "today", "fromtimestamp"})
SETS = frozenset({"set", "frozenset", "Set", "AbstractSet", "FrozenSet", "MutableSet", "KeysView"})
SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference"})
KEEPS_ORDER = frozenset(
    {
        "list",
        "tuple",
        "dict",
        "iter",
        "enumerate",
        "map",
        "filter",
        "zip",
        "reversed",
        "next",
        "sum",
        "str",
        "repr",
        "deque",
    }
)
ORDER_FREE = frozenset({"sorted", "set", "frozenset", "len", "any", "all", "min", "max", "bool"})
MARK = "# order-free: "

Names = dict[str, bool]
"Local names, and whether each holds a set."


def faults(source: str, set_attributes: frozenset[str] = frozenset()) -> Sequence[str]:
    """Every impurity of a module as ``line: what``; ``set_attributes`` are attribute names known to hold sets."""
    tree = ast.parse(source)
    known = set_attributes | attributes(tree)[0] - attributes(tree)[1]
    excused = {n for n, line in enumerate(source.splitlines(), 1) if MARK in line}
    found = [*_names(tree), *_Orders(known).run(tree)]
    return [f"{line}: {what}" for line, what in sorted(set(found)) if line not in excused]


def attributes(tree: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """The attribute names annotated as sets, and those annotated as something else."""
    sets, others = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    (sets if _is_set_type(item.annotation) else others).add(item.target.id)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            (sets if _is_set_type(node.annotation) else others).add(node.target.attr)
    return frozenset(sets), frozenset(others)


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Calls and imports that no pure module may have."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.split(".")[0] in FORBIDDEN_MODULES:
                        yield node.lineno, f"imports {alias.name}"
            case ast.ImportFrom(module="sys", names=[ast.alias(name="intern")]):
                pass  # One object for equal texts: faster, and never seen.
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                yield node.lineno, f"imports {module}"
            case ast.Name(id=name, ctx=ast.Load()) if name in FORBIDDEN_CALLS:
                yield node.lineno, f"uses {name}: {FORBIDDEN_CALLS[name]}"
            case ast.Attribute(attr=attr, value=ast.Name(id="datetime" | "date")) if attr in CLOCKS:
                yield node.lineno, f"reads a clock: {attr}"
            case ast.Attribute(attr=attr, value=ast.Attribute(attr="datetime" | "date")) if (
                attr in CLOCKS
            ):
                yield node.lineno, f"reads a clock: {attr}"


class _Orders:
    """Walks scopes and finds where the order of a set leaks."""

    def __init__(self, set_attributes: frozenset[str]) -> None:
        self._attributes = set_attributes
        self._found: list[tuple[int, str]] = []

    def run(self, tree: ast.Module) -> Sequence[tuple[int, str]]:
        self._scope(tree, {})
        return self._found

    def _scope(self, scope: ast.AST, outer: Names) -> None:
        names = dict(outer)
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = scope.args
            for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
                names[a.arg] = a.annotation is not None and _is_set_type(a.annotation)
        # Twice, because an assignment may stand below the loop that uses it.
        for _ in range(2):
            for node in _own(scope):
                self._learn(node, names)
        for node in _own(scope):
            self._judge(node, names)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._scope(node, names)

    def _learn(self, node: ast.AST, names: Names) -> None:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = _is_set_type(node.annotation)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                names[name] = self._is_set(value, names)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                names[name] = self._is_set(value, names)

    def _judge(self, node: ast.AST, names: Names) -> None:
        match node:
            case ast.For(iter=source) | ast.AsyncFor(iter=source):
                self._leak(source, names, "loops over a set")
            case ast.ListComp(generators=loops) | ast.DictComp(generators=loops):
                for loop in loops:
                    self._leak(loop.iter, names, "keeps the order of a set")
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in KEEPS_ORDER:
                for a in arguments:
                    self._leak(_inner(a, name), names, f"gives the order of a set to {name}()")
            case ast.Call(func=ast.Attribute(attr="join" | "extend"), args=arguments):
                for a in arguments:
                    self._leak(_inner(a, "join"), names, "gives the order of a set away")
            case ast.Call(func=ast.Attribute(attr="pop", value=value), args=[]):
                self._leak(value, names, "pops from a set")
            case ast.Starred(value=value):
                self._leak(value, names, "unpacks a set")
            case ast.YieldFrom(value=value):
                self._leak(value, names, "yields a set's order")

    def _leak(self, source: ast.expr, names: Names, what: str) -> None:
        if self._is_set(source, names):
            self._found.append((source.lineno, f"{what}: sort it first"))

    def _is_set(self, node: ast.expr, names: Names) -> bool:
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Call(func=ast.Name(id="set" | "frozenset")):
                return True
            case ast.Call(func=ast.Attribute(attr=method, value=value)) if method in SET_METHODS:
                return self._is_set(value, names)
            case ast.Call(func=ast.Attribute(attr="copy", value=value)):
                return self._is_set(value, names)
            case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
                return any(
                    self._is_set(side, names) or _is_view(side) for side in (node.left, node.right)
                )
            case ast.IfExp(body=body, orelse=other):
                return self._is_set(body, names) or self._is_set(other, names)
            case ast.BoolOp(values=values):
                return any(self._is_set(v, names) for v in values)
            case ast.NamedExpr(value=value):
                return self._is_set(value, names)
            case ast.Name(id=name):
                return names.get(name, False)
            case ast.Attribute(attr=attr):
                return attr in self._attributes
        return False


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, those of inner functions and classes excluded (but not the definitions themselves)."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _inner(node: ast.expr, taker: str) -> ast.expr:
    """What a generator expression runs over, unless its element is the same for every member (``sum(1 for ...)``)."""
    if isinstance(node, ast.GeneratorExp):
        if taker == "sum" and isinstance(node.elt, ast.Constant):
            return node.elt
        return node.generators[0].iter
    return node


def _is_view(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"keys", "items"}
    )


def _is_set_type(annotation: ast.expr) -> bool:
    match annotation:
        case ast.Subscript(value=value):
            return _is_set_type(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in SETS - {"KeysView"}
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _is_set_type(left) or _is_set_type(right)
        case ast.Constant(value=str(text)):
            return _is_set_type(ast.parse(text, mode="eval").body)
    return False
