"""The console's form for a silence: what stands in it, how it is read, and what an alert fills in.

Law: it becomes the body of an API call and nothing else; what somebody typed comes back to them as they typed it, whatever was wrong with it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.silence import SilenceMatcher
from rulesd.web.alerts import tenant_of
from rulesd.web.silence_body import written

LENGTHS: tuple[tuple[str, str], ...] = (
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("2h", "2 hours"),
    ("4h", "4 hours"),
    ("8h", "8 hours"),
    ("1d", "1 day"),
    ("3d", "3 days"),
    ("7d", "7 days"),
)
"What may be chosen at a click; the command line takes any length."

USUAL = "1h"

_OPERATOR = re.compile(r"[=!~{]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What stands in the form."""

    matchers: str = ""
    "One a line."

    length: str = USUAL
    comment: str = ""
    end_on_resolve: bool = False
    seen: str = ""
    "The matchers whose effect was shown with this form; empty: none were."

    @property
    def looked(self) -> bool:
        """Whether what it would hide was shown for what stands in it now."""
        return bool(self.seen) and _lines(self.seen) == _lines(self.matchers)

    def body(self, comment: str = "") -> dict[str, Json]:
        """The API's words for it; ``comment`` where the form has none."""
        matchers: list[Json] = list(_lines(self.matchers))
        out: dict[str, Json] = {
            "matchers": matchers,
            "for": self.length,
            "comment": self.comment or comment,
        }
        return out | ({"end_on_resolve": True} if self.end_on_resolve else {})

    def lengths(self) -> list[tuple[str, str, bool]]:
        """Value, words and whether it is chosen; one that is not on the list is added."""
        known = [value for value, _ in LENGTHS]
        rows = LENGTHS if self.length in known else ((self.length, self.length), *LENGTHS)
        return [(value, words, value == self.length) for value, words in rows]


def read(fields: Mapping[str, str]) -> Form:
    """What was sent."""
    return Form(
        matchers=fields.get("matchers", ""),
        length=fields.get("for", USUAL).strip(),
        comment=fields.get("comment", "").strip(),
        end_on_resolve=bool(fields.get("end_on_resolve")),
        seen=fields.get("seen", ""),
    )


def about(alert: Alert, tenant: str = "") -> Form:
    """A form that speaks of this alert and no other; ``tenant`` is the caller's, if their token has one."""
    labels = {n: v for n, v in alert.labels.items() if v}
    if alert.foreign is None:
        labels = {"alertname": alert.rule, **labels}
    if tenant and tenant_of(alert) == tenant:
        labels.setdefault("tenant", tenant)
    lines = [written(SilenceMatcher(name=n, value=v)) for n, v in labels.items()]
    return Form(matchers="\n".join(lines))


def _lines(text: str) -> list[str]:
    """Each matcher; a bare word is a rule's name, as in the command line."""
    lines = [line.strip() for line in text.splitlines()]
    return [
        line if _OPERATOR.search(line) else written(SilenceMatcher(name="alertname", value=line))
        for line in lines
        if line
    ]
