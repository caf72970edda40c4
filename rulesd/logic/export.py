"""Take rules written in Python to rule files.

Law: what comes out is plain JSON Logic that ``Matcher`` accepts; nothing is evaluated here.

``jsonlogic-py`` lets authors write ``Variable("data.score") > 0.9`` and emits JSON Logic; its ``~`` emits ``not``, which is
``!`` here, ``contains`` is ``in`` turned round and ``regex`` is ``matches``. Dictionaries and JSON text pass through.

Example::

    from jsonlogic import Variable
    to_logic((Variable("type") == "policy.decision") & (Variable("data.score") > 0.9))
"""

from typing import Final

import orjson

from rulesd.logic.errors import RuleError
from rulesd.logic.evaluator import accept
from rulesd.logic.guard import Logic, plain


def to_logic(expression: object) -> Logic:
    """The accepted, plain JSON Logic of an expression."""
    tree, text = plain(_emitted(expression))
    accept(tree, text)
    return tree


_SPELLINGS: Final = {"not": "!", "regex": "matches"}
"jsonlogic-py's own names for what is written otherwise here."


def _emitted(expression: object) -> object:
    if isinstance(expression, (list, tuple)):
        return [_emitted(item) for item in expression]
    if isinstance(expression, dict):
        renamed = [_renamed(key, _emitted(value)) for key, value in expression.items()]
        return {key: value for part in renamed for key, value in part.items()}
    if expression is None or isinstance(expression, (str, int, float)):
        return expression
    text = str(expression)
    try:
        return _emitted(orjson.loads(text))
    except orjson.JSONDecodeError:
        raise RuleError(
            f"a {type(expression).__name__} does not emit JSON Logic",
            hint="Give a dictionary, JSON text, or a jsonlogic-py expression.",
        ) from None


def _renamed(operator: str, arguments: object) -> dict[str, object]:
    """``haystack.contains(needle)`` is ``in`` with its arguments turned round."""
    if operator == "contains" and isinstance(arguments, list):
        return {"in": arguments[::-1]}
    return {_SPELLINGS.get(operator, operator): arguments}
