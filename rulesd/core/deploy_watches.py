"""Deploy watches of rules that learn: when one is over, that is said.

Law: pure. The watch itself is the detectors' (``detectors.deploys``); here is only its end, once for each rule, however many deploys there were in it.
A rule that has forgotten everything meanwhile has nothing to learn anew.
"""

from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import Decision
from rulesd.model.event import Json
from rulesd.model.inputs import Input
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason


class DeployWatches:
    """By rule, the end of the watch that is open."""

    name = "deploy_watches"

    def __init__(self, plan: Plan) -> None:
        """None is open."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self.open: dict[str, Instant] = {}

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """No input is for this machine."""
        return False

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Hear of deploys, and of rules that begin anew."""
        if not isinstance(decision, BaselineChanged):
            return
        rule, until = decision.rule, decision.until
        if decision.reason is Reason.DEPLOY_WATCH and until is not None:
            self.open[rule] = max(until, self.open.get(rule, until))
        elif decision.reason is Reason.RELEARN_RULE or (
            decision.reason is Reason.RELEARN_ASKED and not decision.labels
        ):
            self.open.pop(rule, None)
        self._look()

    def _look(self) -> None:
        self.due = min(self.open.values(), default=NOT_DUE)

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Say which watches are over."""
        for rule, until in sorted(self.open.items()):
            if until <= now:
                del self.open[rule]
                out.append(
                    BaselineChanged(
                        at=now,
                        reason=Reason.RELEARN_DEPLOY,
                        rule=rule,
                        labels={},
                        keys=0,
                        detail="the watch after the deploy is over: each key learns anew from its next event on",
                    )
                )
        self._look()

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Rules that are gone have no watch."""
        self.plan = plan
        self.open = {rule: until for rule, until in self.open.items() if rule in plan.by_id}
        self._look()

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return dict(sorted(self.open.items()))

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        self.open = {rule: int(str(until)) for rule, until in data.items()}
        self._look()
