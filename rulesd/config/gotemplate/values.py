"""Values as a Go template sees them: truth, text, fields, order.

Law: pure. Only these kinds go in: text, numbers, booleans, ``None``, lists, label sets (``Labels``), things with fields (``Thing``) and
moments (``rulesd.config.gotemplate.times``). What has no field of a name says so; nothing of Python can be reached by a name.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from rulesd.config.gotemplate.faults import Fault

Value: TypeAlias = Any
Method: TypeAlias = Callable[..., Value]

EXPONENT = 6
"From this power of ten on Go writes an exponent."

TEXT_LIMIT = 1_000_000
"Characters of any text a template makes on its way."


class Safe(str):
    """Text that is HTML already (``safeHtml``)."""

    __slots__ = ()


class Thing:
    """Something with fields and methods, by their names in Go."""

    __slots__ = ("fields", "methods")

    def __init__(
        self, fields: Mapping[str, Value], methods: Mapping[str, Method] | None = None
    ) -> None:
        """A method is a function of its arguments."""
        self.fields, self.methods = fields, methods or {}


class Labels(dict[str, str]):
    """A label set: ``.Names``, ``.Values``, ``.SortedPairs``, ``.Remove``; any other name is a label, empty where there is none."""

    __slots__ = ()

    def sorted_pairs(self) -> "Pairs":
        """``alertname`` first, then by name."""
        names = sorted(self, key=lambda name: (name != "alertname", name))
        return Pairs(Thing({"Name": n, "Value": self[n]}) for n in names)

    def without(self, names: Sequence[str]) -> "Labels":
        """Those of other names."""
        return Labels({n: v for n, v in self.items() if n not in set(names)})


class Pairs(list[Thing]):
    """Names and values in order: ``.Names``, ``.Values``."""

    __slots__ = ()

    def column(self, name: str) -> list[str]:
        """All names, or all values."""
        return [pair.fields[name] for pair in self]

    def __str__(self) -> str:
        """``a=b, c=d``."""
        return ", ".join(f"{p.fields['Name']}={p.fields['Value']}" for p in self)


class Alerts(list[Thing]):
    """Alerts: ``.Firing``, ``.Resolved``."""

    __slots__ = ()

    def in_state(self, status: str) -> "Alerts":
        """Those in one state."""
        return Alerts(a for a in self if a.fields["Status"] == status)


_METHODS: Mapping[type, Mapping[str, Callable[..., Value]]] = {
    Labels: {
        "SortedPairs": Labels.sorted_pairs,
        "Remove": Labels.without,
        "Names": lambda v: v.sorted_pairs().column("Name"),
        "Values": lambda v: v.sorted_pairs().column("Value"),
        "String": lambda v: str(v.sorted_pairs()),
    },
    Pairs: {
        "Names": lambda v: v.column("Name"),
        "Values": lambda v: v.column("Value"),
        "String": str,
    },
    Alerts: {
        "Firing": lambda v: v.in_state("firing"),
        "Resolved": lambda v: v.in_state("resolved"),
    },
}


def field(value: Value, name: str, arguments: Sequence[Value], line: int) -> Value:
    """``value.name``; a method takes the arguments. Raises ``Fault``."""
    method = _METHODS.get(type(value), {}).get(name)
    if method is not None:
        return call(name, method, (value, *arguments), line)
    if isinstance(value, Thing):
        if name in value.methods:
            return call(name, value.methods[name], arguments, line)
        if name not in value.fields:
            raise Fault(f"there is no field {name} here", line)
        found = value.fields[name]
    elif isinstance(value, Mapping):
        found = value.get(name, "" if isinstance(value, Labels) else None)
    elif value is None:
        raise Fault(f"nothing here has a field {name}", line)
    else:
        raise Fault(f"a {kind(value)} has no field {name}", line)
    if arguments:
        raise Fault(f"{name} takes no arguments", line)
    return found


def call(name: str, method: Callable[..., Value], arguments: Sequence[Value], line: int) -> Value:
    """Call a function or method that was named in a template. Raises ``Fault``."""
    try:
        out = method(*arguments)
    except Fault as fault:
        raise Fault(f"{name}: {fault.said}", line, name) from None
    except TypeError:
        raise Fault(f"{name} does not take these arguments", line, name) from None
    except (ValueError, LookupError, ArithmeticError, AttributeError, OverflowError) as error:
        raise Fault(f"{name} failed ({type(error).__name__})", line, name) from None
    if isinstance(out, str) and len(out) > TEXT_LIMIT:
        raise Fault(f"{name} gives too long a text", line, name)
    return out


def kind(value: Value) -> str:
    """What to call a value in a message."""
    match value:
        case None:
            return "nil"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case Mapping():
            return "map"
        case list() | tuple():
            return "list"
    return "value"


def truth(value: Value) -> bool:
    """Whether ``if`` takes it: not false, 0, nil, or empty."""
    if isinstance(value, Thing):
        return True
    if isinstance(value, bool | int | float | str | list | tuple | Mapping):
        return bool(value)
    return value is not None


def shown(value: Value) -> str:
    """The text of a value, as Go prints it (``%v``)."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case str():
            return str(value)
        case int():
            return str(value)
        case float():
            return number(value)
        case Pairs():
            return f"[{' '.join(_pair(one) for one in value)}]"
        case Mapping():
            return f"map[{' '.join(f'{k}:{shown(value[k])}' for k in sorted(value))}]"
        case list() | tuple():
            return f"[{' '.join(shown(one) for one in value)}]"
        case Thing() if value.fields:
            return f"{{{' '.join(shown(one) for one in value.fields.values())}}}"
    return str(value)


def _pair(pair: Thing) -> str:
    return f"{{{pair.fields['Name']} {pair.fields['Value']}}}"


def number(value: float) -> str:
    """A float as Go prints it: the shortest text that is this number, with an exponent below 1e-4 and from 1e6 on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + exponent - 1
    minus = "-" if sign else ""
    if text == "0":
        return f"{minus}0"
    if -5 < power < EXPONENT:
        return minus + (repr(abs(value)).removesuffix(".0"))
    head = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{minus}{head}e{'-' if power < 0 else '+'}{abs(power):02d}"


def equal(left: Value, right: Value) -> bool:
    """``eq``. Raises ``Fault`` for kinds that cannot be compared."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        if isinstance(left, bool) and isinstance(right, bool):
            return left == right
        raise Fault("incompatible types for comparison")
    if isinstance(left, str) and isinstance(right, str):
        return str(left) == str(right)
    # Go does not compare whole numbers with others.
    if type(left) is type(right) and isinstance(left, int | float):
        return bool(left == right)
    if isinstance(left, Mapping | list | Thing) or isinstance(right, Mapping | list | Thing):
        raise Fault("these values cannot be compared")
    if type(left) is type(right):
        return bool(left == right)
    raise Fault("incompatible types for comparison")


def less(left: Value, right: Value) -> bool:
    """``lt``. Raises ``Fault`` for kinds that have no order together."""
    ordered = isinstance(left, str) and isinstance(right, str)
    numbers = type(left) is type(right) and type(left) in (int, float)
    if not ordered and not numbers:
        raise Fault("incompatible types for comparison")
    return bool(left < right)
