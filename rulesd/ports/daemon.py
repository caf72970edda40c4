"""What the HTTP API and other doors may ask of the running daemon.

Promises: every call that changes something returns only after the change is committed; callers are already authenticated and
``by`` is the name of their token. Nothing here raises for a normal "no": results say so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from rulesd.core.plan import Plan
from rulesd.core.standing import GroupView, Standing
from rulesd.model.alert import Alert
from rulesd.model.errors import Located
from rulesd.model.event import Json
from rulesd.model.inputs import PostedAlert
from rulesd.model.instant import Instant
from rulesd.model.silence import Silence
from rulesd.ports.acting import Acting
from rulesd.ports.explaining import Explaining
from rulesd.ports.intake import Intake
from rulesd.ports.learning import Learning
from rulesd.ports.oncall import OnCall
from rulesd.ports.silences import Preview, SilenceResult, SilenceView
from rulesd.ports.store import Store


class Done(StrEnum):
    """What became of a person's act on an alert."""

    DONE = "done"
    ALREADY = "already"
    "It was so before; nothing changed (acts are idempotent)."

    UNKNOWN = "unknown_alert"
    NOT_ACTIVE = "not_active"
    "The alert has resolved meanwhile; resolve wins over an older acknowledgement."


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the daemon does its work, and if not, what is wrong in words."""

    live: bool
    ready: bool
    degraded: Sequence[str]
    "Reasons, each a sentence for the operator."


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One delivery of a test page."""

    receiver: str
    channel: str
    outcome: str
    reason: str
    detail: str
    seconds: float


class Daemon(Protocol):
    """The running daemon, as its doors see it."""

    @property
    def intake(self) -> Intake:
        """The door for events."""
        ...

    @property
    def store(self) -> Store:
        """For reading only; changes go through the calls below."""
        ...

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        ...

    @property
    def acting(self) -> Acting:
        """Kill switches and reviews."""
        ...

    @property
    def explaining(self) -> Explaining:
        """Why something happened, or did not."""
        ...

    @property
    def oncall(self) -> OnCall:
        """Who is on call, and who stands in."""
        ...

    @property
    def learning(self) -> Learning:
        """What rules have learned."""
        ...

    def alerts(self) -> Sequence[Alert]:
        """Alerts that are pending or firing, and those resolved within the last hour."""
        ...

    def health(self) -> Health:
        """How the daemon is."""
        ...

    def now(self) -> int:
        """Processing time in milliseconds; never goes back."""
        ...

    async def acknowledge(self, alert: str, by: str, note: str) -> Done:
        """Take an alert."""
        ...

    async def unacknowledge(self, alert: str, by: str) -> Done:
        """Give an alert back."""
        ...

    async def resolve(self, alert: str, by: str, note: str) -> Done:
        """Say that it is over."""
        ...

    async def post_alerts(self, alerts: Sequence[PostedAlert], by: str) -> None:
        """Take alerts of another system. Raises ``Overloaded`` when that cannot be made durable now."""
        ...

    def standing(self, alert: Alert) -> Standing:
        """What holds an alert back now, and where it goes."""
        ...

    def groups(self) -> Sequence[GroupView]:
        """Every group that has alerts."""
        ...

    def described(self, alert: Alert) -> tuple[Mapping[str, str], str]:
        """An alert's annotations, and the address it comes from (may be empty)."""
        ...

    def silences(self, now: Instant) -> Sequence[Silence]:
        """Every silence that is pending, active, or was over less than 120 h ago."""
        ...

    async def silence_views(self, choose: Callable[[Silence], bool]) -> Sequence[SilenceView]:
        """Those chosen, newest first, with their history and what they hide now."""
        ...

    def check_silence(self, silence: Silence) -> SilenceResult:
        """Whether it could be set; changes nothing."""
        ...

    async def set_silence(self, silence: Silence, by: str, *, whole: bool = False) -> SilenceResult:
        """Make a silence (empty id) or change one, by Alertmanager's rules.

        ``whole``: end-on-resolve and windows are as given; else a change keeps what the silence has.
        """
        ...

    async def expire_silence(self, silence: str, by: str) -> Done:
        """End the silence of this id now; ``ALREADY`` when it is over, ``UNKNOWN`` when there is none."""
        ...

    async def approve_silence(self, silence: str, by: str) -> SilenceResult:
        """A second person agrees that it may hold back must-never-happen alerts."""
        ...

    async def preview_silence(self, silence: Silence, since: Instant) -> Preview:
        """What it would have held back since then, had it been active."""
        ...

    async def reload(self) -> Sequence[Located]:
        """Load rules and notifiers again. Problems mean: refused whole, the old plan stays. Empty means: done."""
        ...

    async def test_page(self, owner: str, severity: str, by: str) -> Sequence[Attempt]:
        """Send a marked test page along the owner's whole path and report each attempt."""
        ...

    async def redeliver(self, page: str, receiver: str, by: str) -> Done:
        """Owe a page again that was given up (``receiver`` empty: to everybody it was for), with the same idempotency id."""
        ...

    async def put_setting(self, name: str, value: bytes) -> None:
        """Keep a small value durably (tokens, replay guards)."""
        ...

    def runbook_link(self, rule: str) -> str:
        """The signed read-only link to a runbook (valid 7 days); empty without ``external_url``."""
        ...

    def status(self) -> Mapping[str, Json]:
        """Facts for the console: version, uptime, counters, sources, rules."""
        ...
