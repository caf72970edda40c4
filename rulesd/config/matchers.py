"""Label matchers as Alertmanager writes them: ``severity=~"critical|high"``, ``{a="b", c!="d"}``.

Law: both of Alertmanager's grammars, the new one first (configuration.md, "Label matchers"); regular expressions are RE2,
anchored at both ends; a missing label is the empty string. A list of matchers is in Alertmanager's order: name, value, operator.
"""

import re
from collections.abc import Callable, Iterable

import re2

from rulesd.core.plan import Matcher

_RANK = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_BARE = re.compile(r"""[^\s{}!=~,\\"'`]+""")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPERATOR = re.compile(r"=~|!~|!=|=")
_CLASSIC = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    '"': '"',
    "\\": "\\",
    "'": "'",
}


def matcher(name: str, op: str, value: str) -> Matcher:
    """One matcher. Raises ``ValueError`` with what is wrong with its regular expression."""
    test: Callable[[str], bool]
    if op in ("=~", "!~"):
        options = re2.Options()
        options.log_errors = False
        try:
            pattern = re2.compile(value, options)
        except re2.error as error:
            raise ValueError(f"the regular expression is not RE2: {_words(error)}") from None
        fits = pattern.fullmatch
        test = (
            (lambda text: fits(text) is not None)
            if op == "=~"
            else (lambda text: fits(text) is None)
        )
    elif op == "=":
        test = value.__eq__
    else:
        test = value.__ne__
    return Matcher(name=name, op=op, value=value, test=test)


def ordered(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """In Alertmanager's order, which the group key depends on."""
    return tuple(sorted(matchers, key=lambda m: (m.name, m.value, _RANK[m.op])))


def key_of(matchers: Iterable[Matcher]) -> str:
    """As Alertmanager prints a list of matchers: ``{a="b",c=~"d"}``."""
    return "{" + ",".join(str(m) for m in matchers) + "}"


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Every matcher of one text. Raises ``ValueError`` with what is wrong."""
    try:
        found = _modern(text)
    except ValueError as first:
        try:
            found = _classic(text)
        except ValueError:
            raise first from None
    return tuple(matcher(*each) for each in found)


def _modern(text: str) -> list[tuple[str, str, str]]:
    rest = text.strip()
    if rest.startswith("{") != rest.endswith("}"):
        raise ValueError("an opening brace needs a closing one")
    if rest.startswith("{"):
        rest = rest[1:-1].strip()
    out: list[tuple[str, str, str]] = []
    while rest:
        name, rest = _token(rest, "a label name")
        operator = _OPERATOR.match(rest)
        if not operator:
            raise ValueError(f'after "{name}" one of =, !=, =~, !~ is missing')
        value, rest = _token(rest[operator.end() :].lstrip(), f'a value for "{name}"')
        out.append((name, operator[0], value))
        if rest and not rest.startswith(","):
            raise ValueError("a comma between two matchers is missing")
        rest = rest[1:].lstrip()
    if not out:
        raise ValueError("a matcher is missing")
    return out


def _token(text: str, what: str) -> tuple[str, str]:
    if found := _QUOTED.match(text):
        return _unquote(found[0][1:-1]), text[found.end() :].lstrip()
    if found := _BARE.match(text):
        return found[0], text[found.end() :].lstrip()
    raise ValueError(f"{what} is missing")


def _unquote(inner: str) -> str:
    """A Go string literal's inside."""

    def replace(found: re.Match[str]) -> str:
        escape = found[1]
        if escape in _ESCAPES:
            return _ESCAPES[escape]
        raise ValueError(f"\\{escape} is no escape")

    if re.search(r"\\[xuU0-7]", inner):
        return _bytes_unquote(inner)
    return re.sub(r"\\(.)", replace, inner, flags=re.DOTALL)


def _bytes_unquote(inner: str) -> str:
    r"""The rare forms of Go: \xFF, \377, \u00ff and \U000000ff."""
    out = bytearray()
    pattern = r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|([^\\])"
    for part in re.finditer(pattern, inner, re.DOTALL):
        byte, octal, short, long, escape, plain = part.groups()
        if byte or octal:
            out.append(int(byte, 16) if byte else int(octal, 8) & 0xFF)
        elif short or long:
            out += chr(int(short or long, 16)).encode("utf-8", "replace")
        elif escape is not None:
            if escape not in _ESCAPES:
                raise ValueError(f"\\{escape} is no escape")
            out += _ESCAPES[escape].encode()
        else:
            out += plain.encode("utf-8", "replace")
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise ValueError("the quoted text is not UTF-8") from None


def _classic(text: str) -> list[tuple[str, str, str]]:
    inner = text.strip().removeprefix("{").removesuffix("}")
    out: list[tuple[str, str, str]] = []
    for token in _split(inner):
        found = _CLASSIC.fullmatch(token)
        if not found:
            raise ValueError("not a matcher")
        out.append((found[1], found[2], _classic_value(found[3])))
    if not out:
        raise ValueError("a matcher is missing")
    return out


def _split(text: str) -> list[str]:
    """Parts between commas that stand outside quotes; a comma at the end is allowed."""
    parts = re.findall(r'(?:"(?:[^"\\]|\\.)*"|\\.|[^,])+', text, re.DOTALL)
    return [p for p in parts if p.strip()]


def _classic_value(raw: str) -> str:
    quoted = len(raw) >= 2 and raw.startswith('"') and raw.endswith('"')
    inner = raw[1:-1] if quoted else raw
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        raise ValueError("a double quote inside the value needs a backslash")
    meaning = {"n": "\n", '"': '"', "\\": "\\"}
    return re.sub(r"\\(.)", lambda m: meaning.get(m[1], m[0]), inner, flags=re.DOTALL)


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
