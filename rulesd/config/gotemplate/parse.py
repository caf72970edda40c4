"""From words to nodes: the grammar of Go's text/template.

Law: what Go refuses when it reads a template is refused here with its line: an unknown function, an undefined variable, a block that
is not ended. Nesting is bounded.
"""

from collections.abc import Callable, Container

from rulesd.config.gotemplate.faults import Fault
from rulesd.config.gotemplate.lex import Kind, Word, words
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
    Node,
    Operand,
    Pipe,
    Range,
    Text,
    Variable,
)

DEPTH = 60
"Blocks and parentheses inside each other."

_CONSTANTS = {"true": True, "false": False, "nil": None}


def parse(text: str, functions: Container[str]) -> tuple[Body, dict[str, Body]]:
    """The body of a template, and the templates it defines by name. Raises ``Fault``."""
    parser = _Parser(text, functions)
    body, ended = parser.body(())
    if ended is not None:
        raise Fault(f"unexpected {{{{{ended.text}}}}}: nothing is open here", ended.line)
    return body, parser.defined


class _Parser:
    def __init__(self, text: str, functions: Container[str]) -> None:
        self._words = list(words(text))
        self._at = 0
        self._functions = functions
        self._scope = ["$"]
        self._depth = 0
        self._ranges = 0
        self.defined: dict[str, Body] = {}

    # ------------------------------------------------------------------ blocks

    def body(self, enders: tuple[str, ...]) -> tuple[Body, Word | None]:
        """Nodes up to one of ``enders`` (``end``, ``else``), whose word is given back, or to the end of the text."""
        out: list[Node] = []
        while True:
            word = self._next()
            if word.kind is Kind.END:
                if enders:
                    raise Fault("a block is not ended: {{ end }} is missing", word.line)
                return tuple(out), None
            if word.kind is Kind.TEXT:
                out.append(Text(word.text))
                continue
            first = self._peek()
            if first.kind is Kind.NAME and first.text in ("end", "else"):
                self._next()
                return tuple(out), first
            node = self._action(first)
            if node is not None:
                out.append(node)

    def _action(self, first: Word) -> Node | None:
        known: dict[str, Callable[[Word], Node | None]] = {
            "if": lambda w: self._nested(lambda: self._if(w, moves=False)),
            "with": lambda w: self._nested(lambda: self._if(w, moves=True)),
            "range": lambda w: self._nested(self._range),
            "template": self._template,
            "define": lambda w: self._nested(lambda: self._define(w)),
            "block": lambda w: self._nested(lambda: self._block(w)),
            "break": self._jump,
            "continue": self._jump,
        }
        if first.kind is Kind.NAME and first.text in known:
            self._next()
            return known[first.text](first)
        pipe = self._pipe()
        self._close()
        return Action(pipe)

    def _nested(self, read: Callable[[], Node | None]) -> Node | None:
        self._deeper()
        scope = len(self._scope)
        node = read()
        del self._scope[scope:]
        self._depth -= 1
        return node

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise Fault("blocks are nested too deeply", self._peek().line)

    def _if(self, word: Word, *, moves: bool) -> If:
        pipe = self._pipe()
        self._close()
        body, ended = self.body(("end", "else"))
        return If(pipe, body, self._orelse(ended, word, moves=moves), moves)

    def _orelse(self, ended: Word | None, word: Word, *, moves: bool) -> Body:
        assert ended is not None
        if ended.text == "end":
            self._close()
            return ()
        after = self._peek()
        if after.kind is Kind.NAME and after.text == ("with" if moves else "if"):
            self._next()
            return (self._if(word, moves=moves),)
        self._close()
        orelse, last = self.body(("end",))
        self._ended(last)
        return orelse

    def _range(self) -> Range:
        pipe = self._pipe(ranges=True)
        self._close()
        self._ranges += 1
        body, ended = self.body(("end", "else"))
        self._ranges -= 1
        assert ended is not None
        self._close()
        if ended.text == "end":
            return Range(pipe, body, ())
        orelse, last = self.body(("end",))
        self._ended(last)
        return Range(pipe, body, orelse)

    def _ended(self, last: Word | None) -> None:
        assert last is not None
        if last.text != "end":
            raise Fault("a second {{ else }}", last.line)
        self._close()

    def _template(self, word: Word) -> Call:
        name = self._string("template")
        if self._peek().kind is Kind.CLOSE:
            self._close()
            return Call(name, None, word.line)
        pipe = self._pipe()
        self._close()
        return Call(name, pipe, word.line)

    def _define(self, word: Word) -> None:
        if self._depth > 1:
            raise Fault("{{ define }} stands inside another block", word.line)
        name = self._string("define")
        self._close()
        self.defined[name] = self._own_scope()

    def _block(self, word: Word) -> Call:
        name = self._string("block")
        pipe = self._pipe()
        self._close()
        self.defined[name] = self._own_scope()
        return Call(name, pipe, word.line)

    def _own_scope(self) -> Body:
        before, self._scope = self._scope, ["$"]
        ranges, self._ranges = self._ranges, 0
        body, last = self.body(("end",))
        self._ended(last)
        self._scope, self._ranges = before, ranges
        return body

    def _jump(self, word: Word) -> Jump:
        if not self._ranges:
            raise Fault(f"{{{{ {word.text} }}}} stands outside of a range", word.line)
        self._close()
        return Jump(word.text == "break")

    # ------------------------------------------------------------------ pipelines

    def _pipe(self, *, ranges: bool = False) -> Pipe:
        line = self._peek().line
        names, declares = self._names(ranges=ranges)
        commands = [self._command()]
        while self._is_sign("|"):
            self._next()
            commands.append(self._command())
        for later in commands[1:]:
            first = later.operands[0]
            if not isinstance(first, Function | Chain):
                raise Fault("only a function or a method can follow |", later.line)
        # A variable is known from its declaration on, not inside it.
        self._scope += names if declares else ()
        return Pipe(tuple(commands), names, declares, line)

    def _names(self, *, ranges: bool) -> tuple[tuple[str, ...], bool]:
        """``$x :=``, ``$i, $x :=``, ``$x =``."""
        first, second = self._peek(), self._peek(1)
        if first.kind is not Kind.VARIABLE or second.kind is not Kind.SIGN:
            return (), False
        if second.text in (":=", "="):
            self._next()
            self._next()
            if second.text == "=":
                self._check_variable(first)
            return (first.text,), second.text == ":="
        third, sign = self._peek(2), self._peek(3)
        if second.text == "," and third.kind is Kind.VARIABLE and sign.text in (":=", "="):
            if not ranges:
                raise Fault("two variables can only be declared by range", first.line)
            for _ in range(4):
                self._next()
            return (first.text, third.text), sign.text == ":="
        return (), False

    def _command(self) -> Command:
        line = self._peek().line
        operands: list[Operand] = []
        while True:
            word = self._peek()
            done = word.kind is Kind.CLOSE or (word.kind is Kind.SIGN and word.text in ("|", ")"))
            if done or word.kind in (Kind.END, Kind.TEXT):
                break
            if operands and not word.spaced:
                raise Fault(f"unexpected {word.text!r}", word.line)
            operands.append(self._operand())
        if not operands:
            raise Fault("an empty command", line)
        return Command(tuple(operands), line)

    def _operand(self) -> Operand:
        term = self._term()
        fields: list[str] = []
        while self._peek().kind is Kind.FIELD and not self._peek().spaced:
            fields.append(self._next().text)
        if not fields:
            return term
        if isinstance(term, Literal):
            raise Fault("a constant has no fields", self._peek().line)
        if isinstance(term, Chain):
            return Chain(term.of, (*term.fields, *fields), term.line)
        return Chain(term, tuple(fields), self._peek().line)

    def _term(self) -> Operand:
        word = self._next()
        match word.kind:
            case Kind.STRING | Kind.NUMBER:
                return Literal(word.value)
            case Kind.DOT:
                return Dot()
            case Kind.FIELD:
                return Chain(Dot(), (word.text,), word.line)
            case Kind.VARIABLE:
                self._check_variable(word)
                return Variable(word.text, word.line)
            case Kind.NAME if word.text in _CONSTANTS:
                return Literal(_CONSTANTS[word.text])
            case Kind.NAME:
                if word.text not in self._functions:
                    raise Fault(f'there is no function "{word.text}"', word.line, word.text)
                return Function(word.text, word.line)
            case Kind.SIGN if word.text == "(":
                self._deeper()
                pipe = self._pipe()
                if not self._is_sign(")"):
                    raise Fault("a parenthesis is not closed", word.line)
                self._next()
                self._depth -= 1
                return pipe
        raise Fault(f"unexpected {word.text or word.kind!r}", word.line)

    def _check_variable(self, word: Word) -> None:
        if word.text not in self._scope:
            raise Fault(f"the variable {word.text} is not defined", word.line)

    # ------------------------------------------------------------------ words

    def _peek(self, ahead: int = 0) -> Word:
        return self._words[min(self._at + ahead, len(self._words) - 1)]

    def _next(self) -> Word:
        word = self._peek()
        self._at += 1
        return word

    def _is_sign(self, text: str) -> bool:
        word = self._peek()
        return word.kind is Kind.SIGN and word.text == text

    def _close(self) -> None:
        word = self._next()
        if word.kind is not Kind.CLOSE:
            raise Fault(f"unexpected {word.text or word.kind!r}", word.line)

    def _string(self, what: str) -> str:
        word = self._next()
        if word.kind is not Kind.STRING:
            raise Fault(f"{{{{ {what} }}}} needs a name in quotes", word.line)
        return str(word.value)
