"""How inputs, decisions and engine state are written down.

Law: what is written can be read by the next version; every shape is tagged by its kind. Inputs and decisions are JSON (people
read them), key states are MessagePack (there may be a million).
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec
import orjson

from rulesd.core.engine import KeyState
from rulesd.model.decision import Decision, line
from rulesd.model.event import Document, Event, Json, Rejected
from rulesd.model.inputs import (
    Acknowledged,
    AlertsPosted,
    BaselinesRelearned,
    Delivered,
    EventRefused,
    HumansOnly,
    Input,
    OverrideRemoved,
    OverrideSet,
    PlanReplaced,
    PostedAlert,
    ResolvedByPerson,
    ReviewAsked,
    ReviewCompleted,
    RolloutFinished,
    RolloutSigned,
    SilenceExpired,
    SilenceSet,
    SwitchApproved,
    SwitchReverted,
    SwitchSet,
    Unacknowledged,
)
from rulesd.model.instant import Instant
from rulesd.model.quick import quick
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.ports.store import DecisionRow, JournalRow, KeyRow

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
_unpack_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode


def event_row(event: Event, now: Instant) -> JournalRow:
    """An event as a journal row: its redacted document, and beside it what the document does not say."""
    payload = orjson.dumps([event.tenant, event.weight, event.document])
    return JournalRow(
        now=now, kind="event", payload=payload, key=event.key, body=event.body, at=event.at
    )


_PLAIN: dict[str, type[Input]] = {
    "posted": AlertsPosted,
    "silence": SilenceSet,
    "unsilence": SilenceExpired,
    "oncall_override": OverrideSet,
    "oncall_removed": OverrideRemoved,
    "switch": SwitchSet,
    "approve": SwitchApproved,
    "revert": SwitchReverted,
    "humans_only": HumansOnly,
    "review": ReviewCompleted,
    "review_asked": ReviewAsked,
    "rollout_signed": RolloutSigned,
    "rollout_finished": RolloutFinished,
    "relearn": BaselinesRelearned,
}
"Inputs written field by field as they are; a field that is new needs a default, so that older rows can be read."

_KINDS = {type_: kind for kind, type_ in _PLAIN.items()}


def input_row(item: Input, now: Instant) -> JournalRow:
    """Any input as a journal row."""
    match item:
        case Event():
            return event_row(item, now)
        case EventRefused():
            body: list[Json] = [item.source, *item.rejected]
            return JournalRow(now=now, kind="refused", payload=orjson.dumps(body))
        case Acknowledged():
            return _row(now, "ack", [item.alert, item.by, item.note])
        case Unacknowledged():
            return _row(now, "unack", [item.alert, item.by])
        case ResolvedByPerson():
            return _row(now, "resolve", [item.alert, item.by, item.note])
        case Delivered():
            return _row(
                now,
                "delivered",
                [
                    item.notification,
                    item.receiver,
                    item.channel,
                    str(item.outcome),
                    str(item.reason),
                    item.attempts,
                ],
            )
        case AlertsPosted():
            posted = msgspec.json.encode([item.by, [_short(one) for one in item.alerts]])
            return JournalRow(now=now, kind="posted", payload=posted)
        case PlanReplaced():
            return _row(now, "plan", [item.digest, item.owner_pages, item.owner_window])
        case _:
            return JournalRow(now=now, kind=_KINDS[type(item)], payload=msgspec.json.encode(item))


def _short(posted: PostedAlert) -> tuple[object, ...]:
    """A posted alert without the names of its fields; of one that is known already, only its times."""
    times = (posted.fingerprint, posted.starts_at, posted.ends_at, posted.timeout)
    if not posted.labels:
        return times
    return (*times, posted.labels, posted.annotations, posted.generator_url)


_NO_TEXTS: tuple[Mapping[str, str], Mapping[str, str], str] = ({}, {}, "")


def _long(row: list[Any]) -> PostedAlert:
    name, starts, ends, timeout, *texts = row
    labels, annotations, url = texts or _NO_TEXTS
    return PostedAlert(
        labels=labels,
        starts_at=starts,
        ends_at=ends,
        annotations=annotations,
        generator_url=url,
        timeout=timeout,
        fingerprint=name,
    )


def _row(now: Instant, kind: str, body: list[Json]) -> JournalRow:
    return JournalRow(now=now, kind=kind, payload=orjson.dumps(body))


def read_input(row: JournalRow) -> Input:
    """The input a journal row holds.

    Raises:
        ValueError: for a kind this version does not know.
    """
    body = orjson.loads(row.payload)
    match row.kind:
        case "event":
            tenant, weight, document = body
            doc = cast("Document", document)
            return Event(
                str(doc["id"]),
                str(doc["source"]),
                str(doc["type"]),
                tenant,
                row.at,
                doc,
                row.key,
                row.body,
                weight,
            )
        case "refused":
            source, *rejected = body
            return EventRefused(source=source, rejected=Rejected(*rejected))
        case "ack":
            return Acknowledged(alert=body[0], by=body[1], note=body[2])
        case "unack":
            return Unacknowledged(alert=body[0], by=body[1])
        case "resolve":
            return ResolvedByPerson(alert=body[0], by=body[1], note=body[2])
        case "delivered":
            return Delivered(
                notification=body[0],
                receiver=body[1],
                channel=body[2],
                outcome=DeliveryOutcome(body[3]),
                reason=DeliveryReason(body[4]),
                attempts=body[5],
            )
        case "posted" if isinstance(body, list):  # An older version wrote an object.
            return AlertsPosted(alerts=tuple(map(_long, body[1])), by=body[0])
        case "plan":
            return PlanReplaced(digest=body[0], owner_pages=body[1], owner_window=body[2])
        case kind if kind in _PLAIN:
            return msgspec.convert(body, _PLAIN[kind])
    raise ValueError(
        f"the journal holds an input of kind {row.kind!r}, which this version does not know"
    )


def decision_line(seq: int, decision: Decision) -> bytes:
    """One line of the decision log (contract 2.7), without the newline."""
    return orjson.dumps(line(seq, decision), option=orjson.OPT_SORT_KEYS)


def decision_row(seq: int, decision: Decision) -> DecisionRow:
    """A decision as the store keeps it."""
    fields = line(seq, decision)
    return _make_row(
        seq,
        decision.at,
        fields["kind"],
        fields.get("rule") or "",
        fields.get("alert") or "",
        orjson.dumps(fields, option=orjson.OPT_SORT_KEYS),
    )


_make_row = quick(DecisionRow, "seq", "at", "kind", "rule", "alert", "body")


def pack_key(state: KeyState) -> KeyRow:
    """One (rule, key) as the store keeps it."""
    data = b"" if state.data is None else _pack(state.data)
    return KeyRow(rule=state.rule, key=_pack(list(state.key)), state=data)


def unpack_keys(rows: Iterable[KeyRow]) -> Iterable[KeyState]:
    """Key states from what the store kept."""
    for row in rows:
        yield KeyState(row.rule, _unpack_labels(row.key), _unpack(row.state))


def pack_state(state: Json) -> bytes:
    """The small part of the engine's state."""
    return _pack(state)


def unpack_state(data: bytes) -> Json:
    """From what ``pack_state`` gave."""
    return cast("Json", _unpack(data))
