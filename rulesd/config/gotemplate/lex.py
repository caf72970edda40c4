"""From a template's text to words: text between actions, and the words inside them.

Law: pure, linear in the text. ``{{-`` and ``-}}`` take away the white space beside them, comments vanish, as in Go's text/template.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rulesd.config.gotemplate.faults import Fault


class Kind(StrEnum):
    """What a word is."""

    TEXT = "text"
    OPEN = "{{"
    CLOSE = "}}"
    FIELD = "field"
    DOT = "."
    VARIABLE = "variable"
    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    SIGN = "sign"
    END = "the end"


@dataclass(frozen=True, slots=True)
class Word:
    """One word."""

    kind: Kind
    text: str
    line: int
    spaced: bool
    "Whether white space stands before it."

    value: str | int | float = ""
    "Of a string or number."


_COMMENT = re.compile(r"\{\{(?:-\s+)?/\*.*?\*/(?:\s+-)?\}\}", re.DOTALL)
_SPACE = " \t\r\n"
_WORD = re.compile(
    r"""(?P<close>(?:[ \t\r\n]+-)?\}\})
    |(?P<space>[ \t\r\n]+)
    |(?P<field>\.[^\W\d]\w*)
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?\.?))(?![\w.])
    |(?P<dot>\.)
    |(?P<variable>\$\w*)
    |(?P<name>[^\W\d]\w*)
    |(?P<string>"(?:\\.|[^"\\\n])*")
    |(?P<raw>`[^`]*`)
    |(?P<char>'(?:\\.|[^'\\\n])+')
    |(?P<sign>:=|=|\||\(|\)|,)""",
    re.VERBOSE,
)
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"',
}  # fmt: skip
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)


def words(text: str) -> Iterator[Word]:
    """Every word of a template; the last is ``Kind.END``. Raises ``Fault``."""
    position, trims = 0, False
    while True:
        start = text.find("{{", position)
        chunk = text[position:] if start < 0 else text[position:start]
        line = text.count("\n", 0, position) + 1
        if trims:
            chunk = chunk.lstrip(_SPACE)
        if start < 0:
            if chunk:
                yield Word(Kind.TEXT, chunk, line, False)
            yield Word(Kind.END, "", text.count("\n") + 1, False)
            return
        if text.startswith("{{-", start) and text[start + 3 : start + 4] in tuple(_SPACE):
            chunk = chunk.rstrip(_SPACE)
        if chunk:
            yield Word(Kind.TEXT, chunk, line, False)
        comment = _COMMENT.match(text, start)
        if comment is not None:
            position, trims = comment.end(), comment[0].endswith("-}}")
            continue
        position, trims = yield from _action(text, start)


def _action(text: str, start: int) -> Generator[Word, None, tuple[int, bool]]:
    """The words of one action; gives back where it ends and whether it trims what follows."""
    line = text.count("\n", 0, start) + 1
    yield Word(Kind.OPEN, "{{", line, False)
    position = start + 2
    if text.startswith("-", position) and text[position + 1 : position + 2] in tuple(_SPACE):
        position += 1
    spaced = False
    while True:
        found = _WORD.match(text, position)
        if found is None:
            if position >= len(text):
                raise Fault("an action is not closed with }}", line)
            raise Fault(f"unexpected {text[position]!r} in an action", line)
        kind, said = str(found.lastgroup), found[0]
        position = found.end()
        if kind == "space":
            line += said.count("\n")
            spaced = True
            continue
        if kind == "close":
            yield Word(Kind.CLOSE, "}}", line, spaced)
            return position, len(said) > 2
        yield _word(kind, said, line, spaced)
        line += said.count("\n")
        spaced = False


def _word(kind: str, said: str, line: int, spaced: bool) -> Word:
    match kind:
        case "string":
            return Word(Kind.STRING, said, line, spaced, _unquoted(said[1:-1], line))
        case "raw":
            return Word(Kind.STRING, said, line, spaced, said[1:-1].replace("\r", ""))
        case "char":
            char = _unquoted(said[1:-1], line)
            if len(char) != 1:
                raise Fault("a character constant holds one character", line)
            return Word(Kind.NUMBER, said, line, spaced, ord(char))
        case "number":
            return Word(Kind.NUMBER, said, line, spaced, _number(said, line))
        case "field":
            return Word(Kind.FIELD, said[1:], line, spaced)
        case "variable":
            return Word(Kind.VARIABLE, said, line, spaced)
        case "name":
            return Word(Kind.NAME, said, line, spaced)
        case "dot":
            return Word(Kind.DOT, said, line, spaced)
    return Word(Kind.SIGN, said, line, spaced)


def _number(said: str, line: int) -> int | float:
    plain = said.replace("_", "")
    try:
        if plain.lower().lstrip("+-").startswith("0x"):
            return int(plain, 16)
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        raise Fault(f"{said} is no number", line) from None


def _unquoted(said: str, line: int) -> str:
    def one(found: re.Match[str]) -> str:
        word = found[1]
        if word[0] in "xuU" and len(word) > 1:
            return chr(int(word[1:], 16))
        if len(word) == 3 and word.isdigit():
            return chr(int(word, 8))
        if word in _ESCAPES:
            return _ESCAPES[word]
        raise Fault(f"there is no escape \\{word}", line)

    try:
        return _ESCAPE.sub(one, said)
    except (ValueError, OverflowError):
        raise Fault("a character constant that is none", line) from None
