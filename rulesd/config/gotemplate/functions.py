"""The functions a template may call: those of Go's text/template and those of Alertmanager, and a few of Prometheus.

Law: pure and bounded. Regular expressions are RE2's, so no pattern runs away; nothing here reads a file, a clock or the network but
``since``, which is given the time.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, unquote_plus

import re2

from rulesd.config.gotemplate.faults import Fault
from rulesd.config.gotemplate.humanize import humanize, humanize_duration
from rulesd.config.gotemplate.printf import printf
from rulesd.config.gotemplate.times import Length, Moment, zone
from rulesd.config.gotemplate.values import (
    Labels,
    Safe,
    Thing,
    Value,
    equal,
    kind,
    less,
    shown,
    truth,
)

Functions = Mapping[str, Callable[..., Value]]


def functions(now: datetime) -> Functions:
    """All of them by name; ``now`` is what ``since`` counts from."""
    return {**_ALL, "since": lambda at: Length(now - at.at)}


def names() -> frozenset[str]:
    """Every function there is; ``and`` and ``or`` are the evaluator's own."""
    return frozenset(_ALL) | {"since", "and", "or"}


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "" if isinstance(value, Labels) else None)
        elif isinstance(value, list | tuple | str):
            if not isinstance(key, int) or not 0 <= key < len(value):
                raise Fault("the index is out of range")
            value = ord(value[key]) if isinstance(value, str) else value[key]
        else:
            raise Fault(f"a {kind(value)} cannot be indexed")
    return value


def _slice(value: Value, *ends: Value) -> Value:
    if not isinstance(value, str | list) or not all(isinstance(e, int) for e in ends):
        raise Fault(f"a {kind(value)} cannot be sliced")
    start = ends[0] if ends else 0
    end = ends[1] if len(ends) > 1 else len(value)
    if not 0 <= start <= end <= len(value):
        raise Fault("the index is out of range")
    return value[start:end]


def _length(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, list | tuple | Mapping):
        return len(value)
    raise Fault(f"a {kind(value)} has no length")


def _eq(first: Value, *rest: Value) -> bool:
    if not rest:
        raise Fault("needs two values")
    return any(equal(first, one) for one in rest)


def _le(left: Value, right: Value) -> bool:
    return less(left, right) or equal(left, right)


def _print(*values: Value) -> str:
    """A space stands between two values neither of which is a text."""
    out: list[str] = []
    for position, value in enumerate(values):
        before = values[position - 1] if position else ""
        if position and not isinstance(value, str) and not isinstance(before, str):
            out.append(" ")
        out.append(shown(value))
    return "".join(out)


def _join(separator: str, parts: Sequence[str]) -> str:
    if not isinstance(parts, list | tuple):
        raise Fault("needs a list of texts")
    return str(separator).join(shown(one) for one in parts)


_WORD = re.compile(r"\w+(?:[.:'’·]\w+)*")
"A word, as Go's x/text/cases takes it: a point, a colon or an apostrophe inside ends none."


def _title(text: str) -> str:
    """The first letter of each word large, the others small."""

    def one(found: re.Match[str]) -> str:
        word = found[0]
        first = next((i for i, char in enumerate(word) if char.isalpha()), len(word))
        head = word[first : first + 1].title()
        return word[:first] + head + word[first + 1 :].lower()

    return _WORD.sub(one, _text(text))


def _replace(pattern: str, replacement: str, text: str) -> str:
    """``$1`` and ``${name}`` in the replacement are groups, as in Go."""
    expression = _pattern(pattern)

    def one(found: Any) -> str:
        def group(reference: re.Match[str]) -> str:
            name = reference[1] or reference[2]
            try:
                return found.group(int(name) if name.isdigit() else name) or ""
            except (IndexError, KeyError):
                return ""

        return re.sub(
            r"\$\$|\$\{(\w+)\}|\$(\w+)",
            lambda r: "$" if r[0] == "$$" else group(r),
            _text(replacement),
        )

    given, end = _text(text), 0
    out: list[str] = []
    for found in expression.finditer(given):
        # Go takes no empty match where the last one ended.
        if found.start() == found.end() == end and out:
            continue
        out += [given[end : found.start()], one(found)]
        end = found.end()
    return "".join([*out, given[end:]])


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        raise Fault("the pattern is no regular expression (RE2)") from None


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise Fault(f"needs a text, and this is a {kind(value)}")
    return str(value)


def _js(value: Value) -> str:
    """Fit for between the quotes of a JavaScript text."""

    def one(found: re.Match[str]) -> str:
        char = found[0]
        return f"\\{char}" if char in "'\"\\" else f"\\u{ord(char):04X}"

    return re.sub(r"['\"\\<>&=\x00-\x1f]", one, shown(value))


def _plain(value: Value) -> Any:
    """For ``toJson``."""
    if isinstance(value, Moment):
        return value.at.isoformat()
    if isinstance(value, Thing):
        return {_tag(name): _plain(one) for name, one in value.fields.items()}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _tag(name: str) -> str:
    """``startsAt`` for ``StartsAt``."""
    return name[:1].lower() + name[1:]


def _json(value: Value) -> str:
    text = json.dumps(
        _plain(value),
        separators=(",", ":"),
        ensure_ascii=False,
        sort_keys=isinstance(value, Mapping),
    )
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _date(layout: str, at: Moment) -> str:
    return str(at.methods["Format"](layout))


def _tz(name: str, at: Moment) -> Moment:
    return Moment(at.at.astimezone(zone(_text(name))))


def _seconds(value: Value) -> float:
    if isinstance(value, Length):
        return value.length.total_seconds()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Fault(f"needs a number, and this is a {kind(value)}") from None


def _dict(*pairs: Value) -> dict[str, Value]:
    if len(pairs) % 2:
        raise Fault("needs names and values in turn")
    return {_text(name): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _urlquery(*values: Value) -> str:
    return quote(_print(*values), safe="-_.~").replace("%20", "+")


_ALL: Functions = {
    "not": lambda value: not truth(value),
    "eq": _eq,
    "ne": lambda left, right: not equal(left, right),
    "lt": less,
    "le": _le,
    "gt": lambda left, right: not _le(left, right),
    "ge": lambda left, right: not less(left, right),
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "println": lambda *values: " ".join(shown(one) for one in values) + "\n",
    "printf": lambda layout, *values: printf(_text(layout), values),
    "html": lambda *values: (
        escape(_print(*values)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    ),
    "js": _js,
    "urlquery": _urlquery,
    "toUpper": lambda text: _text(text).upper(),
    "toLower": lambda text: _text(text).lower(),
    "title": _title,
    "trimSpace": lambda text: _text(text).strip(),
    "join": _join,
    "match": lambda pattern, text: bool(_pattern(_text(pattern)).search(_text(text))),
    "reReplaceAll": _replace,
    "stringSlice": lambda *texts: [_text(one) for one in texts],
    "safeHtml": lambda text: Safe(_text(text)),
    "safeUrl": lambda text: Safe(_text(text)),
    "urlUnescape": lambda text: unquote_plus(_text(text), errors="strict"),
    "date": _date,
    "tz": _tz,
    "humanizeDuration": lambda value: humanize_duration(_seconds(value)),
    "humanize": lambda value: humanize(_seconds(value)),
    "humanizePercentage": lambda value: f"{_seconds(value) * 100:.4g}%",
    "toJson": _json,
    "list": lambda *values: list(values),
    "append": lambda values, *more: [*values, *more],
    "dict": _dict,
}
