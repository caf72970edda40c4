"""What each field of an event's ``data`` is: label, id, measure or content (contract 2.1).

Law: a table and its readings, frozen. Whoever redacts, checks rules or writes schemas reads this and keeps no list of his own.

A *label* is bounded and may group, route and appear in a page. An *id* has high cardinality: evidence and distinct counts.
A *measure* is a number. *Content* is raw text: it lives only under ``data.content`` and never reaches the journal.
Any text outside this table is undeclared: it stays only where it looks like a label.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class FieldClass(StrEnum):
    """How freely a field may travel."""

    LABEL = "label"
    ID = "id"
    MEASURE = "measure"
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFields:
    """The fields one event type declares, the ones common to every type left out."""

    labels: Mapping[str, tuple[str, ...]]
    "Each label with its usual values; empty where any short text will do. Other values are accepted too."

    ids: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    "Names under ``data.content``; every other name there goes as well."


_LABEL = re.compile(r"(\w+)(?:\(([^)]*)\))?")


def _type(labels: str, ids: str = "", measures: str = "", content: str = "") -> TypeFields:
    """Read one row of the contract's table: ``name`` or ``name(value/value)``, separated by spaces."""
    found = {m[1]: tuple(m[2].split("/")) if m[2] else () for m in _LABEL.finditer(labels)}
    return TypeFields(
        labels=MappingProxyType(found),
        ids=tuple(ids.split()),
        measures=tuple(measures.split()),
        content=tuple(content.split()),
    )


COMMON = _type(
    "service env release route surface region language segment model provider agent policy_version"
    " prompt_version",
    "conversation_id session_id request_id response_id user_ref trace_id span_id",
    "latency_ms",
)
"The fields every event type may have."

TYPES: Mapping[str, TypeFields] = MappingProxyType(
    {
        "policy.decision": _type(
            "stage verdict(allow/deny/modify/warn/escalate)"
            " action(allow/audit/block/modify/escalate/ask_clarify/require_approval/refuse)"
            " reason_code hazard rule_id component enforced status",
            "finding_id",
            "score",
            "input_text output_text",
        ),
        "tool.call": _type(
            "tool tool_type server endpoint tier(read/write/destructive/privileged)"
            " phase(attempt/result/effect) outcome(ok/denied/error/timeout) deny_reason error_type"
            " approval scope(in/out/unknown) egress",
            "tool_call_id resource_tenant args_hash",
            "duration_ms retry_index cost_usd",
            "arguments result error_message",
        ),
        "retrieval.query": _type(
            "index filter_outcome(applied/skipped/error) cross_tenant instruction_like outcome",
            "doc_id doc_ids resource_tenants",
            "result_count top_score top_source_share",
            "query_text documents",
        ),
        "output.classification": _type(
            "classifier classifier_version target hazard label(pass/fail/flag) confirmed",
            "response_id",
            "score threshold score_bin",
            "excerpt explanation",
        ),
        "user.feedback": _type(
            "kind(thumbs_up/thumbs_down/report/escalate/appeal) reason_code",
            "feedback_id",
            "rating",
            "comment",
        ),
        "usage.cost": _type(
            "meter budget_id limit_state(ok/soft/exceeded/rate_limited) limit_type",
            "api_key_ref",
            "input_tokens output_tokens cost_usd budget_used_ratio",
        ),
        "deploy.change": _type(
            "kind(model/prompt/policy/tool/retrieval_index/flag/code) component from_version"
            " to_version stage(start/canary/full/rollback) owner",
            "change_id",
            "rollout_percent",
            "diff",
        ),
        "redteam.finding": _type(
            "suite technique hazard result(pass/fail) regression",
            "case_id run_id",
            "success_rate",
            "prompt response",
        ),
        "review.outcome": _type(
            "label root_cause"
            " failure_kind(policy_wrong/enforcement_failed/detection_missed/benign)"
            " mitigation agree classifier_label reviewer_label",
            "review_id reviewer_ref",
            "minutes",
            "notes",
        ),
        "near_miss": _type("hazard stage"),
        "heartbeat": _type("component kind status", "", "interval_s queue_depth dropped"),
        "feature_flag.evaluation": _type("key value variant"),
        # Written by rulesd itself, so that rules can watch what it does.
        "alert.state": _type(
            "rule state(pending/firing/resolved) severity owner reason never",
            "alert fingerprint",
            "value threshold count",
        ),
        "containment.changed": _type(
            "switch key flag_type value previous_value seen reason until state stage shown_by",
            "alert actor",
            "ttl_s",
        ),
        "action.result": _type(
            "action kind(switch/webhook/mqtt) outcome(ok/denied/error/timeout) reason rule switch",
            "alert actor",
            "attempts duration_ms",
        ),
        "ingest.rejected": _type("origin code pointer", "", "size position"),
    }
)
"Every event type with fields of its own; other types are accepted and have the common fields."


def _classes(own: TypeFields) -> Mapping[str, FieldClass]:
    """All fields of a type, its own word on a field before the common one."""
    out: dict[str, FieldClass] = {}
    for fields in (COMMON, own):
        out.update(dict.fromkeys(fields.labels, FieldClass.LABEL))
        out.update(dict.fromkeys(fields.ids, FieldClass.ID))
        out.update(dict.fromkeys(fields.measures, FieldClass.MEASURE))
    out["content"] = FieldClass.CONTENT
    return MappingProxyType(out)


_UNKNOWN = _classes(TypeFields(labels=MappingProxyType({})))
_BY_TYPE = {name: _classes(fields) for name, fields in TYPES.items()}


def fields_of(event_type: str) -> Mapping[str, FieldClass]:
    """The declared fields of ``data`` for a bare type name; for an unknown type the common ones."""
    return _BY_TYPE.get(event_type, _UNKNOWN)


def values_of(event_type: str, field: str) -> tuple[str, ...]:
    """The usual values of a label, empty where none are listed."""
    own = TYPES.get(event_type)
    return own.labels.get(field, ()) if own is not None else ()


ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "specversion": "string",
        "id": "id",
        "source": "string",
        "type": "label",
        "time": "string",
        "subject": "string",
        "datacontenttype": "string",
        "dataschema": "string",
        "tenant": "label",
        "tenant_claimed": "label",
        "traceparent": "string",
        "tracestate": "string",
        "correlationid": "id",
        "causationid": "id",
        "sampledrate": "number",
        "dataclassification": "label",
        "dataregulation": "label",
        "datacategory": "label",
        "dataref": "string",
        "expirytime": "string",
        "recordedtime": "string",
        "sequence": "string",
        "sequencetype": "string",
        "partitionkey": "string",
        "severitytext": "string",
        "severitynumber": "number",
    }
)
"The envelope attributes rulesd knows, with the kind a rule finds there; others are treated as undeclared."


SIGNED = frozenset(("score", "top_score", "threshold", "rating", "value"))
"Measures that may be below 0; the others count, last or cost something."


def lint_schema() -> Mapping[str, Mapping[str, str]]:
    """For each event type, every field a rule may read (``tenant``, ``data.tool``) with its kind.

    ``rulesd.logic.lint_rule`` takes this as ``schema``. Content is listed, so that a rule reading it is told that it is gone.
    """
    out: dict[str, Mapping[str, str]] = {}
    for name in TYPES:
        fields = dict(ATTRIBUTES)
        fields.update((f"data.{field}", str(kind)) for field, kind in fields_of(name).items())
        fields.update((f"data.content.{field}", "content") for field in TYPES[name].content)
        out[name] = MappingProxyType(fields)
    return MappingProxyType(out)
