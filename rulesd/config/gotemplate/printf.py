"""``printf`` as Go has it, as far as templates use it.

Law: pure; widths are bounded. A value that does not suit its verb is shown as Go shows it, ``%!d(string=x)``, and never raises.
"""

import json
import re
from collections.abc import Sequence

from rulesd.config.gotemplate.values import Value, shown

WIDTH = 1_000
_VERB = re.compile(r"%([-+# 0]*)(\d*)(?:\.(\d*))?([a-zA-Z%])")


def printf(layout: str, values: Sequence[Value]) -> str:
    """The text of ``values`` in ``layout``."""
    left = list(values)
    used = 0

    def one(found: re.Match[str]) -> str:
        nonlocal used
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        if used >= len(left):
            return f"%!{verb}(MISSING)"
        value = left[used]
        used += 1
        text = _verb(verb, value, flags, precision)
        return _padded(text, flags, min(int(width or 0), WIDTH), verb)

    out = _VERB.sub(one, layout)
    extra = left[used:]
    if extra:
        out += f"%!(EXTRA {', '.join(f'{_kind(v)}={shown(v)}' for v in extra)})"
    return out


def _verb(verb: str, value: Value, flags: str, precision: str | None) -> str:
    places = min(int(precision or 0), 100) if precision is not None else None
    whole = isinstance(value, int) and not isinstance(value, bool)
    plus = "+" if "+" in flags else ""
    match verb:
        case "v":
            return shown(value)
        case "s" if not whole and not isinstance(value, bool | float):
            text = shown(value)
            return text if places is None else text[:places]
        case "q" if isinstance(value, str):
            return json.dumps(str(value), ensure_ascii=False)
        case "t" if isinstance(value, bool):
            return shown(value)
        case "d" if whole:
            return format(value, f"{plus}d")
        case "x" | "X" if whole:
            return format(value, verb)
        case "x" | "X" if isinstance(value, str):
            text = value.encode().hex()
            return text.upper() if verb == "X" else text
        case "f" | "F" | "e" | "g" if isinstance(value, float):
            if verb == "g" and places is None:
                return shown(value)
            return format(value, f"{plus}.{6 if places is None else places}{verb}")
        case "T":
            return _kind(value)
    return f"%!{verb}({_kind(value)}={shown(value)})"


def _padded(text: str, flags: str, width: int, verb: str) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and verb in "dfgeFxX":
        return text.zfill(width)
    return text.rjust(width)


def _kind(value: Value) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case None:
            return "<nil>"
    return "value"
