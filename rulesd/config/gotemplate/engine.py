"""Running a template: nodes and data in, text out, within a budget.

Law: the same template and data give the same text. Steps, depth and length are bounded, so no template holds anything up; what goes
wrong is a ``Fault`` with its line. Nothing is executed but the functions of ``functions.py``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from datetime import UTC, datetime
from html import escape

from rulesd.config.gotemplate import functions as known
from rulesd.config.gotemplate.faults import Fault
from rulesd.config.gotemplate.nodes import (
    Action,
    Body,
    Call,
    Chain,
    Command,
    Dot,
    Function,
    If,
    Jump,
    Literal,
    Operand,
    Pipe,
    Range,
    Text,
    Variable,
)
from rulesd.config.gotemplate.parse import parse
from rulesd.config.gotemplate.values import Safe, Value, call, field, kind, shown, truth

STEPS = 100_000
DEPTH = 40
"Templates that call each other."

LENGTH = 400_000
"Characters of the result."

_NAMES = known.names()


@dataclass(frozen=True, slots=True)
class Template:
    """One template that has been read."""

    body: Body
    defined: Mapping[str, Body]

    @classmethod
    def read(cls, text: str) -> "Template":
        """Read a template. Raises ``Fault`` with the line that cannot be read."""
        try:
            return cls(*parse(text, _NAMES))
        except RecursionError:
            raise Fault("blocks are nested too deeply") from None

    def calls(self) -> set[str]:
        """Names of the templates it calls."""
        return {name for body in (self.body, *self.defined.values()) for name in called_in(body)}


@dataclass(slots=True)
class Library:
    """Named templates: the built-in ones and the operator's over them."""

    named: dict[str, Body] = member(default_factory=dict)

    def add(self, text: str) -> None:
        """Take the definitions of a file. Raises ``Fault``."""
        self.named.update(Template.read(text).defined)

    def render(
        self, template: Template, data: Value, *, html: bool = False, now: datetime | None = None
    ) -> str:
        """The text of a template. ``html``: values are escaped, but for what ``safeHtml`` made. Raises ``Fault``."""
        named = {**self.named, **template.defined}
        run = _Run(named, known.functions(now or datetime.now(UTC)), html=html)
        try:
            run.body(template.body, data, [("$", data)])
        except RecursionError:
            raise Fault("the template calls itself without end") from None
        return "".join(run.out)


class _Leave(Exception):
    """``break`` or ``continue``."""

    def __init__(self, jump: Jump) -> None:
        super().__init__()
        self.ends = jump.ends


def called_in(body: Body) -> Iterator[str]:
    """Names of the templates that nodes call."""
    for node in body:
        match node:
            case Call():
                yield node.name
            case If() | Range():
                yield from called_in(node.body)
                yield from called_in(node.orelse)


_Scope = list[tuple[str, Value]]


class _Run:
    """One rendering."""

    def __init__(
        self, named: Mapping[str, Body], functions: known.Functions, *, html: bool
    ) -> None:
        self.out: list[str] = []
        self._named, self._functions, self._html = named, functions, html
        self._steps, self._depth, self._length = 0, 0, 0

    def body(self, body: Body, dot: Value, scope: _Scope) -> None:
        """Run nodes; variables declared in them end with them."""
        mark = len(scope)
        for node in body:
            self._step()
            match node:
                case Text():
                    self._write(node.text)
                case Action():
                    value = self._pipe(node.pipe, dot, scope)
                    if not node.pipe.names:
                        self._write(self._printed(value))
                case If():
                    self._if(node, dot, scope)
                case Range():
                    self._range(node, dot, scope)
                case Call():
                    self._call(node, dot, scope)
                case Jump():
                    raise _Leave(node)
        del scope[mark:]

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            raise Fault("the template does not come to an end")

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > LENGTH:
            raise Fault("the template gives too long a text")
        self.out.append(text)

    def _printed(self, value: Value) -> str:
        text = shown(value)
        if not self._html or isinstance(value, Safe):
            return text
        return (
            escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;").replace("+", "&#43;")
        )

    # ------------------------------------------------------------------ blocks

    def _if(self, node: If, dot: Value, scope: _Scope) -> None:
        mark = len(scope)
        value = self._pipe(node.pipe, dot, scope)
        if truth(value):
            self.body(node.body, value if node.moves else dot, scope)
        else:
            self.body(node.orelse, dot, scope)
        del scope[mark:]

    def _range(self, node: Range, dot: Value, scope: _Scope) -> None:
        mark = len(scope)
        value = self._value(node.pipe, dot, scope)
        found = list(self._items(value, node.pipe.line))
        for key, one in found:
            self._step()
            del scope[mark:]
            self._bind(node.pipe, key, one, scope)
            try:
                self.body(node.body, one, scope)
            except _Leave as leave:
                if leave.ends:
                    break
        del scope[mark:]
        if not found:
            self.body(node.orelse, dot, scope)

    @staticmethod
    def _items(value: Value, line: int) -> Iterable[tuple[Value, Value]]:
        if value is None:
            return ()
        if isinstance(value, Mapping):
            return [(name, value[name]) for name in sorted(value)]
        if isinstance(value, list | tuple):
            return enumerate(value)
        if isinstance(value, int) and not isinstance(value, bool):
            if value > STEPS:
                raise Fault("the range does not come to an end", line)
            return [(n, n) for n in range(max(0, value))]
        raise Fault(f"range cannot go over a {kind(value)}", line)

    def _bind(self, pipe: Pipe, key: Value, value: Value, scope: _Scope) -> None:
        if not pipe.names:
            return
        pairs = list(
            zip(pipe.names, (key, value) if len(pipe.names) > 1 else (value,), strict=True)
        )
        if pipe.declares:
            scope += pairs
            return
        for name, one in pairs:
            _assign(scope, name, one, pipe.line)

    def _call(self, node: Call, dot: Value, scope: _Scope) -> None:
        body = self._named.get(node.name)
        if body is None:
            raise Fault(f'there is no template "{node.name}"', node.line, node.name)
        value = self._pipe(node.pipe, dot, scope) if node.pipe is not None else None
        self._depth += 1
        if self._depth > DEPTH:
            raise Fault("the template calls itself without end", node.line)
        self.body(body, value, [("$", value)])
        self._depth -= 1

    # ------------------------------------------------------------------ values

    def _pipe(self, pipe: Pipe, dot: Value, scope: _Scope) -> Value:
        value = self._value(pipe, dot, scope)
        for name in pipe.names:
            if pipe.declares:
                scope.append((name, value))
            else:
                _assign(scope, name, value, pipe.line)
        return value

    def _value(self, pipe: Pipe, dot: Value, scope: _Scope) -> Value:
        value: Value = None
        for position, command in enumerate(pipe.commands):
            self._step()
            value = self._command(command, dot, scope, (value,) if position else ())
        return value

    def _command(
        self, command: Command, dot: Value, scope: _Scope, last: tuple[Value, ...]
    ) -> Value:
        first, *rest = command.operands
        if isinstance(first, Function):
            return self._function(first, rest, dot, scope, last)
        if isinstance(first, Chain):
            arguments = [self._operand(one, dot, scope) for one in rest]
            return self._chain(first, dot, scope, (*arguments, *last))
        if rest or last:
            raise Fault("only a function or a method takes arguments", command.line)
        return self._operand(first, dot, scope)

    def _function(
        self,
        function: Function,
        rest: list[Operand],
        dot: Value,
        scope: _Scope,
        last: tuple[Value, ...],
    ) -> Value:
        if function.name in ("and", "or"):
            return self._short(function, rest, dot, scope, last)
        arguments = [self._operand(one, dot, scope) for one in rest]
        made = self._functions[function.name]
        return call(function.name, made, (*arguments, *last), function.line)

    def _short(
        self,
        function: Function,
        rest: list[Operand],
        dot: Value,
        scope: _Scope,
        last: tuple[Value, ...],
    ) -> Value:
        """``and`` and ``or`` give the value that decided and look at no further one."""
        value: Value = None
        if not rest and not last:
            raise Fault(f"{function.name} needs a value", function.line)
        for operand in rest:
            value = self._operand(operand, dot, scope)
            if truth(value) is (function.name == "or"):
                return value
        return last[0] if last else value

    def _operand(self, operand: Operand, dot: Value, scope: _Scope) -> Value:
        self._step()
        match operand:
            case Literal():
                return operand.value
            case Dot():
                return dot
            case Variable():
                return _look_up(scope, operand)
            case Pipe():
                return self._value(operand, dot, scope)
            case Chain():
                return self._chain(operand, dot, scope, ())
            case Function():
                return self._function(operand, [], dot, scope, ())

    def _chain(
        self, chain: Chain, dot: Value, scope: _Scope, arguments: tuple[Value, ...]
    ) -> Value:
        value = self._operand(chain.of, dot, scope)
        *before, final = chain.fields
        for name in before:
            self._step()
            value = field(value, name, (), chain.line)
        return field(value, final, arguments, chain.line)


def _look_up(scope: _Scope, variable: Variable) -> Value:
    for name, value in reversed(scope):
        if name == variable.name:
            return value
    raise Fault(f"the variable {variable.name} is not defined", variable.line)


def _assign(scope: _Scope, name: str, value: Value, line: int) -> None:
    for position in range(len(scope) - 1, -1, -1):
        if scope[position][0] == name:
            scope[position] = (name, value)
            return
    raise Fault(f"the variable {name} is not defined", line)
