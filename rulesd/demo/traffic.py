"""Ordinary traffic: what four tenants' assistants say on a normal day. No shipped rule fires on it, however long it runs.

Law: no counter per user, tool or session can reach a shipped threshold: users and sessions take turns, refusals are rare.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from rulesd.demo.forge import Event, Forge

LANGUAGES = ("en", "de", "es", "fr")
_SPOKEN = (70, 12, 10, 8)
USERS = 50_000
"Users of one tenant; they take turns, so that none is busy enough to look like a loop."


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """One deployed assistant."""

    tenant: str
    service: str
    route: str
    surface: str
    model: str
    release: str
    tools: tuple[str, ...]
    indexes: tuple[str, ...]

    def labels(self) -> Mapping[str, Any]:
        """What all its events carry."""
        return {
            "route": self.route,
            "surface": self.surface,
            "model": self.model,
            "release": self.release,
            "language": "en",
            "region": "eu-1",
            "policy_version": "2026-11",
            "prompt_version": "p18",
        }


ASSISTANTS = (
    Assistant(
        tenant="acme",
        service="support-assistant",
        route="support",
        surface="web",
        model="orion-4",
        release="2026.11.3",
        tools=("kb_read", "ticket_write", "order_lookup", "refund_quote"),
        indexes=("help_center", "orders"),
    ),
    Assistant(
        tenant="globex",
        service="sales-assistant",
        route="sales",
        surface="slack",
        model="orion-4",
        release="2026.11.1",
        tools=("crm_read", "calendar_read", "email_draft"),
        indexes=("crm", "price_list"),
    ),
    Assistant(
        tenant="initech",
        service="code-assistant",
        route="coding",
        surface="ide",
        model="lyra-coder-2",
        release="2026.10.9",
        tools=("repo_read", "run_tests", "sql_read", "run_code"),
        indexes=("repositories", "runbooks"),
    ),
    Assistant(
        tenant="northwind",
        service="research-assistant",
        route="research",
        surface="web",
        model="orion-4-mini",
        release="2026.11.2",
        tools=("web_search", "pdf_read", "chart_draw"),
        indexes=("reports", "web_cache"),
    ),
)
BY_TENANT: Mapping[str, Assistant] = {a.tenant: a for a in ASSISTANTS}


class Traffic:
    """A never-ending supply of ordinary events."""

    def __init__(self, forge: Forge) -> None:
        """Events are made by ``forge``."""
        self._forge = forge
        self._turn = count()
        kinds: dict[Callable[[Assistant], tuple[str, dict[str, Any]]], int] = {
            self._policy: 30,
            self._tool: 28,
            self._retrieval: 16,
            self._classification: 14,
            self._cost: 8,
            self._feedback: 3,
            self._heartbeat: 1,
        }
        self._kinds, self._weights = list(kinds), list(kinds.values())

    def next(self, at: float) -> Event:
        """One event of a tenant whose turn it is; ``at``: seconds since the epoch."""
        turn = next(self._turn)
        assistant = ASSISTANTS[turn % len(ASSISTANTS)]
        make = self._forge.random.choices(self._kinds, self._weights)[0]
        name, data = make(assistant)
        person = {
            "language": self._forge.random.choices(LANGUAGES, _SPOKEN)[0],
            "user_ref": f"u-{turn // len(ASSISTANTS) % USERS:05d}",
            "session_id": f"s-{turn:08x}",
        }
        return self._forge.event(
            name,
            at,
            {**assistant.labels(), **({} if name == "heartbeat" else person), **data},
            tenant=assistant.tenant,
            service=assistant.service,
        )

    def _rarely(self, share: float) -> bool:
        return self._forge.random.random() < share

    def _ms(self, usual: float) -> int:
        return round(self._forge.random.lognormvariate(0, 0.5) * usual)

    def _policy(self, _assistant: Assistant) -> tuple[str, dict[str, Any]]:
        said = {
            "stage": self._forge.random.choice(("input", "output", "tool_call")),
            "component": "policy-gate",
            "status": "ok",
            "hazard": "none",
        }
        if self._rarely(0.02):
            refused = {"verdict": "deny", "action": "refuse", "reason_code": "out_of_domain"}
            return "policy.decision", {**said, **refused, "latency_ms": self._ms(9)}
        asks = self._rarely(0.02)
        allowed = {"verdict": "allow", "action": "ask_clarify" if asks else "allow"}
        return "policy.decision", {**said, **allowed, "latency_ms": self._ms(9)}

    def _tool(self, assistant: Assistant) -> tuple[str, dict[str, Any]]:
        tool = self._forge.random.choice(assistant.tools)
        writes = tool in ("ticket_write", "email_draft")
        data: dict[str, Any] = {
            "tool": tool,
            "tool_type": "sandbox" if tool == "run_code" else "api",
            "tier": "write" if writes else "read",
            "phase": "result",
            "outcome": "ok",
            "scope": "in",
            "resource_tenant": assistant.tenant,
            "duration_ms": self._ms(120),
        }
        if tool == "run_code":
            data["egress"] = False
        if self._rarely(0.002):
            # Stopped where it should be: this is the product at work, not an incident.
            data |= {"scope": "out", "outcome": "denied", "deny_reason": "not_permitted"}
        elif self._rarely(0.01):
            data |= {"outcome": "timeout", "error_type": "deadline"}
        return "tool.call", data

    def _retrieval(self, assistant: Assistant) -> tuple[str, dict[str, Any]]:
        return "retrieval.query", {
            "index": self._forge.random.choice(assistant.indexes),
            "filter_outcome": "applied",
            "cross_tenant": False,
            "instruction_like": False,
            "outcome": "ok",
            "result_count": self._forge.random.randint(1, 12),
            "top_score": round(self._forge.random.uniform(0.55, 0.97), 3),
        }

    def _classification(self, _assistant: Assistant) -> tuple[str, dict[str, Any]]:
        flagged = self._rarely(0.03)
        return "output.classification", {
            "classifier": "harm-screen",
            "classifier_version": "7",
            "target": "output",
            "hazard": self._forge.random.choice(("harassment", "medical", "pii", "self_harm")),
            "label": "flag" if flagged else "pass",
            "confirmed": False,
            "score": round(self._forge.random.betavariate(8, 3) if flagged else 0.04, 3),
        }

    def _cost(self, assistant: Assistant) -> tuple[str, dict[str, Any]]:
        return "usage.cost", {
            "meter": "tokens",
            "budget_id": f"{assistant.route}-daily",
            "limit_state": "ok",
            "input_tokens": self._ms(900),
            "output_tokens": self._ms(240),
            "cost_usd": round(self._forge.random.uniform(0.001, 0.02), 4),
            "budget_used_ratio": round(self._forge.random.uniform(0.30, 0.34), 3),
        }

    def _feedback(self, _assistant: Assistant) -> tuple[str, dict[str, Any]]:
        kind = "thumbs_down" if self._rarely(0.12) else "thumbs_up"
        return "user.feedback", {"kind": kind}

    def _heartbeat(self, assistant: Assistant) -> tuple[str, dict[str, Any]]:
        component = f"{assistant.tenant}-policy-gate"
        return "heartbeat", {
            "component": component,
            "kind": "gate",
            "status": "ok",
            "dropped": 0,
            "interval_s": 10,
        }
