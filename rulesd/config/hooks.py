"""``hooks.yaml`` and ``switches.yaml``: inbound webhooks and kill switches, by name.

Law: a hook may do what ``may`` lists and nothing else, and only with its secret; a switch has a safe value of its type.
"""

from typing import Annotated, Literal

from pydantic import Field

from rulesd.config.conditions import logic_problem
from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.secrets import References
from rulesd.config.shape import Free, Names, Positive, Strict, parse
from rulesd.logic import RuleError, value_of
from rulesd.model.event import Json

_LATER = ("silence", "set_switch", "rollout")

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


class SwitchFields(Strict):
    """One kill switch."""

    key: str = ""
    type: Literal["boolean", "string", "number", "object"] = "boolean"
    safe: Free
    default: Free = None
    ttl: Positive | None = None
    until: Literal["review"] | None = None
    description: str = ""
    limit_per_hour: Annotated[int, Field(ge=1)] | None = None
    approvals: Annotated[int, Field(ge=0)] = 0
    action: Literal["switch", "webhook", "mqtt"] = "switch"
    settings: dict[str, Free] = Field(default_factory=dict)
    may_set: Names = ()


class SwitchesFile(Strict):
    """``notifiers/switches.yaml``."""

    switches: dict[str, SwitchFields]


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


_PYTHON: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "string": (str,),
    "number": (int, float),
    "object": (dict,),
}


def switches(document: Document | None, problems: Problems) -> dict[str, dict[str, Json]]:
    """All switches by name, as validated."""
    parsed = parse(SwitchesFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return {}
    for name, fields in parsed.switches.items():
        fits = isinstance(fields.safe, _PYTHON[fields.type])
        if not fits or (isinstance(fields.safe, bool) and fields.type == "number"):
            hint = "Write the value that is safe to fall back to, of that type."
            said = f"the safe value is no {fields.type}"
            problems.at(document, ("switches", name, "safe"), Code.WRONG_TYPE, said, hint)
        if fields.ttl is not None and fields.until is not None:
            said, hint = "ttl and until say two different ends", "Keep one of them."
            problems.at(document, ("switches", name, "until"), Code.EXCLUSIVE, said, hint, key=True)
    return {
        name: {"key": fields.key or name, **fields.model_dump(mode="json", exclude={"key"})}
        for name, fields in parsed.switches.items()
    }
