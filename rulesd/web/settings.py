"""What an operator may set about the HTTP door, and the limits it keeps.

Law: every limit of this package stands here, with its unit; nothing else in it invents a number.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from rulesd.model.event import Json
from rulesd.web.links import Links

MIB = 1024 * 1024


def _no_secret(reference: Json) -> str:
    raise LookupError("no secrets are configured. Pass resolve_secret to the web settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLimits:
    """How much a client may send, and how slowly."""

    body_bytes: int = 16 * MIB
    "Largest body as it travels (contract 2.8)."

    alerts_bytes: int = 16 * MIB
    "Largest body of posted alerts (API v2; contract 2.8): some 30,000 of them."

    inflated_bytes: int = 64 * MIB
    "Largest body after gzip (contract 2.8)."

    bodies_in_memory: int = 192 * MIB
    "All bodies being read or taken at one moment; a request that does not fit is told to come back."

    lines_per_body: int = 1_000_000
    "Lines of one body; no body of events has more, but one of empty lines would keep us busy for nothing."

    head_s: float = 15.0
    "A request head must be complete within this, and an idle connection is closed after it."

    body_s: float = 10.0
    "Grace for a body, beside what ``body_rate`` allows for the bytes that have come."

    body_rate: int = 32 * 1024
    "A body must keep up this many bytes a second."

    linger_s: float = 5.0
    "How long what is still coming of a refused body is thrown away, so that its sender sees the answer."

    connections: int = 1_000
    "Open connections in all."

    connections_per_peer: int = 512
    "Open connections from one address (a load balancer is one address)."

    form_bytes: int = 64 * 1024
    "Largest body of everything that is not events."

    hook_bytes: int = 256 * 1024
    note_chars: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How this daemon's HTTP door is to behave."""

    version: str
    external_url: str = ""
    "The address people reach (``https://rulesd.example.org``); empty means: only this machine does."

    links: Links | None = None
    "Signs and checks read-only runbook links; ``None`` means there are none."

    open_metrics: bool = True
    "Whether ``/metrics`` and the reasons of ``/-/ready`` are shown to this machine itself without a token."

    resolve_secret: Callable[[Json], str] = _no_secret
    "Turns a reference (``{'file': ...}``, ``{'env': ...}``, ``{'credential': ...}``) into the secret."

    slack_answers: tuple[str, ...] = ("https://hooks.slack.com", "https://hooks.slack-gov.com")
    "Where what came of a click may be told: the origins Slack gives as ``response_url``. Tests have others."

    limits: WebLimits = field(default_factory=WebLimits)
