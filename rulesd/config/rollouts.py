"""``rules/rollouts.yaml``: what a release must show before it passes, by kind of change.

Law: without the file every deploy is watched for an hour under the built-in criteria; a mistake is an error at its place.
"""

from collections.abc import Mapping

from pydantic import Field

from rulesd.config.document import Document
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.shape import Names, Positive, Strict, parse
from rulesd.model.alert import SEVERITIES
from rulesd.model.instant import HOUR
from rulesd.model.rollout import Criteria

KINDS = ("default", "model", "prompt", "policy", "tool", "retrieval_index", "flag", "code")


class RolloutFields(Strict):
    """What a change of this kind must show."""

    watch: Positive = HOUR
    min_events: int = Field(default=100, ge=0)
    fail_on: Names = ("critical", "high")
    redteam: bool = False
    reviews: bool = True
    signoff: bool = False
    rollback: str = ""
    "An action of switches.yaml."

    owner: str = ""


class RolloutsFile(Strict):
    """``rules/rollouts.yaml``: by kind of change (``data.kind`` of ``deploy.change``), and ``default``."""

    rollouts: dict[str, RolloutFields]


def rollouts(
    document: Document | None,
    owners: Mapping[str, object],
    actions: Mapping[str, object],
    problems: Problems,
) -> dict[str, Criteria]:
    """The criteria by kind."""
    parsed = parse(RolloutsFile, document, problems) if document is not None else None
    if document is None or parsed is None:
        return {}
    out: dict[str, Criteria] = {}
    for kind, fields in parsed.rollouts.items():
        at = ("rollouts", kind)
        if kind not in KINDS:
            hint = f"{did_you_mean(kind, KINDS)}The kinds are {', '.join(KINDS)}."
            said = f'"{kind}" is no kind of change'
            problems.at(document, at, Code.INVALID_VALUE, said, hint, key=True)
        for i, severity in enumerate(fields.fail_on):
            if severity not in SEVERITIES:
                hint = f"{did_you_mean(severity, SEVERITIES)}The four are {', '.join(SEVERITIES)}."
                said = f'"{severity}" is no severity'
                problems.at(document, (*at, "fail_on", i), Code.INVALID_VALUE, said, hint)
        if fields.rollback and fields.rollback not in actions:
            hint = f"{did_you_mean(fields.rollback, actions)}Known: {listed(actions) or 'none'}."
            said = f'the action "{fields.rollback}" is not in notifiers/switches.yaml'
            problems.at(document, (*at, "rollback"), Code.UNKNOWN_ACTION, said, hint)
        if fields.owner and fields.owner not in owners:
            hint = f"{did_you_mean(fields.owner, owners)}Known: {listed(owners)}."
            said = f'the owner "{fields.owner}" is not in owners.yaml'
            problems.at(document, (*at, "owner"), Code.UNKNOWN_OWNER, said, hint)
        out[kind] = Criteria(**{**fields.model_dump(), "fail_on": tuple(fields.fail_on)})
    return out
