"""What a query of API v2 chooses: label filters, receivers and states.

Law: Alertmanager's meaning: all filters must agree, a missing label is the empty text, a receiver's pattern is anchored, and a switch
that is not said is on.
"""

from collections.abc import Callable, Mapping, Sequence

import re2
from aiohttp import web

from rulesd.config.matchers import parse_matchers
from rulesd.core.plan import Matcher
from rulesd.core.standing import Standing
from rulesd.web.v2_answers import QUOTED, sentence

MOST_FILTERS = 100
"Filters of one query."

_YES = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})


def filters(request: web.Request) -> tuple[Matcher, ...]:
    """Every ``filter=``. Raises ``V2Refused`` (400) with Alertmanager's sentence."""
    texts = request.query.getall("filter", [])
    if len(texts) > MOST_FILTERS:
        raise sentence(400, f"more than {MOST_FILTERS} filters")
    out: list[Matcher] = []
    for text in texts:
        try:
            out += parse_matchers(text)
        except ValueError as error:
            said = str(error)
            if "regular expression" in said:
                raise sentence(400, said[:QUOTED]) from None
            raise sentence(400, f"bad matcher format: {text[:QUOTED]}") from None
    return tuple(out)


def fits(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether a label set satisfies all of them."""
    return all(m.test(labels.get(m.name, "")) for m in matchers)


def receiver(request: web.Request) -> Callable[[str], bool]:
    """``receiver=``: which names are wanted. Raises ``V2Refused`` (400)."""
    text = request.query.get("receiver", "")
    if not text:
        return lambda _name: True
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise sentence(400, f"failed to parse receiver param: {words[:QUOTED]}") from None
    return lambda name: pattern.fullmatch(name) is not None


def chosen(request: web.Request) -> Callable[[Standing], bool]:
    """``active``, ``unprocessed``, ``inhibited``, ``silenced``, ``muted``: which states are wanted."""
    on = {
        name: _on(request.query.get(name, ""))
        for name in ("active", "unprocessed", "inhibited", "silenced", "muted")
    }

    def wanted(standing: Standing) -> bool:
        if not on.get(standing.state, True):
            return False
        return not (
            (standing.inhibited_by and not on["inhibited"])
            or (standing.silenced_by and not on["silenced"])
            or (standing.muted_by and not on["muted"])
        )

    return wanted


def _on(text: str) -> bool:
    return not text or text.lower() in _YES
