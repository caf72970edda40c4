"""``hooks.yaml``: inbound webhooks, by name.

Law: a hook may do what ``may`` lists and nothing else, and only with its secret. Each has an address of its own, which nobody can take for
another's.
"""

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from rulesd.config.conditions import logic_problem
from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.secrets import References
from rulesd.config.shape import EmptyMapping, Free, Strict, parse
from rulesd.logic import RuleError, value_of
from rulesd.model.event import Json

Act = Literal[
    "acknowledge",
    "unacknowledge",
    "resolve",
    "submit_event",
    "silence",
    "set_switch",
    "revert_switch",
    "rollout",
    "review",
]


class SignatureFields(Strict):
    """Where a sender of mode ``hmac`` puts its signature: HMAC-SHA256 of the body."""

    header: Annotated[str, Field(min_length=1, max_length=100)] = "X-Hub-Signature-256"
    prefix: str = ""
    "What stands before it: ``sha256=`` with GitHub."

    encoding: Literal["hex", "base64"] = "hex"


class HookFields(Strict):
    """One inbound webhook, served at ``/hooks/<name>``."""

    secret: References
    mode: Literal["standard_webhooks", "token", "hmac"] = "standard_webhooks"
    signature: SignatureFields | None = None
    may: Annotated[list[Act], Field(min_length=1)]
    mapping: dict[str, Free] = Field(default_factory=dict)
    "JSON Logic over the request's body, by name of the field it gives; empty: the body already has the right names."

    description: str = ""


class HooksFile(Strict):
    """``notifiers/hooks.yaml``."""

    hooks: Annotated[dict[str, HookFields], EmptyMapping]


def hooks(document: Document | None, problems: Problems) -> dict[str, dict[str, Json]]:
    """All hooks by name, as validated; ``mapping`` is checked to compile."""
    parsed = parse(HooksFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return {}
    _names(parsed.hooks, document, problems)
    out: dict[str, dict[str, Json]] = {}
    for name, fields in parsed.hooks.items():
        at: Path_ = ("hooks", name)
        if (fields.mode == "hmac") is not (fields.signature is not None):
            said = "signature belongs to mode: hmac, and is needed there"
            hint = "Write mode: hmac and signature: {header: ..., prefix: ..., encoding: hex}."
            problems.at(document, (*at, "secret"), Code.EXCLUSIVE, said, hint, key=True)
        for field, logic in fields.mapping.items():
            try:
                value_of(logic if not isinstance(logic, str) else {"cat": [logic]})
            except RuleError as error:
                logic_problem(error, (*at, "mapping", field), document, problems)
        out[name] = fields.model_dump(mode="json", exclude_none=True)
    return out


def _names(given: Iterable[str], document: Document, problems: Problems) -> None:
    """Names that no call can reach, and two that people take for one."""
    known: dict[str, str] = {}
    for name in given:
        at: Path_ = ("hooks", name)
        if (
            not name
            or name in (".", "..")
            or any(c in "/{}?#% " or not c.isprintable() for c in name)
        ):
            said = f"no call can reach /hooks/{name[:60]}"
            hint = "Name it with letters, digits, '-' and '_'."
            problems.at(document, at, Code.KEY, said, hint, key=True)
            continue
        plain = "".join(c for c in _same(name) if c.isalnum())
        first = known.setdefault(plain or name, name)
        if first != name:
            line, _ = document.place(("hooks", first), key=True)
            said = (
                f'"{name[:60]}" is the name of "{first[:60]}" (line {line}) but for case or signs'
            )
            hint = "A sender that is set up with the wrong one is refused, or does what the other may. Name one of them anew."
            problems.at(document, at, Code.SAME_HOOK, said, hint, key=True, warning=True)


def _same(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
