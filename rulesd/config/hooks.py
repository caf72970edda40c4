"""``hooks.yaml``: inbound webhooks, by name.

Law: a hook may do what ``may`` lists and nothing else, and only with its secret.
"""

from typing import Annotated, Literal

from pydantic import Field

from rulesd.config.conditions import logic_problem
from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.secrets import References
from rulesd.config.shape import Free, Strict, parse
from rulesd.logic import RuleError, value_of
from rulesd.model.event import Json

_LATER = ("set_switch", "rollout")

Act = Literal[
    "acknowledge", "unacknowledge", "resolve", "submit_event", "silence", "set_switch", "rollout"
]


class HookFields(Strict):
    """One inbound webhook, served at ``/hooks/<name>``."""

    secret: References
    mode: Literal["standard_webhooks", "token"] = "standard_webhooks"
    may: Annotated[list[Act], Field(min_length=1)]
    mapping: dict[str, Free] = Field(default_factory=dict)
    "JSON Logic over the request's body, by name of the field it gives; empty: the body already has the right names."

    description: str = ""


class HooksFile(Strict):
    """``notifiers/hooks.yaml``."""

    hooks: dict[str, HookFields]


def hooks(document: Document | None, problems: Problems) -> dict[str, dict[str, Json]]:
    """All hooks by name, as validated; ``mapping`` is checked to compile."""
    parsed = parse(HooksFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return {}
    out: dict[str, dict[str, Json]] = {}
    for name, fields in parsed.hooks.items():
        at: Path_ = ("hooks", name)
        for i, act in enumerate(fields.may):
            if act in _LATER:
                said, hint = (
                    f"a hook that may {act} is not acted on yet",
                    "It is refused when called.",
                )
                problems.at(document, (*at, "may", i), Code.NOT_ACTED_ON, said, hint, warning=True)
        for field, logic in fields.mapping.items():
            try:
                value_of(logic if not isinstance(logic, str) else {"cat": [logic]})
            except RuleError as error:
                logic_problem(error, (*at, "mapping", field), document, problems)
        out[name] = fields.model_dump(mode="json")
    return out
