"""``POST /api/v2/alerts``: alerts of Prometheus and everything that speaks as it does.

Law: a 200 means that they are on the disk. What is wrong with one alert is said in Alertmanager's words and costs the others nothing:
they are taken, and the answer is 400 with every reason. A token's tenant is the alert's tenant, whatever it claims.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
from aiohttp import hdrs, web

from rulesd.model.errors import EventError
from rulesd.model.fingerprint import fingerprint
from rulesd.model.inputs import PostedAlert
from rulesd.model.instant import Instant, Milliseconds, parse_instant
from rulesd.model.quick import quick
from rulesd.web import body as bodies
from rulesd.web.door import Door
from rulesd.web.tokens import Token
from rulesd.web.v2_answers import coded, quoted, raw, sentence

STRIDE = 500
"Alerts that are looked at before the event loop gets a turn."

MOST_SAID = 100
"Reasons one answer lists; the rest is counted."

MOST_LABELS = 128
LABELS_CHARACTERS = 16 * 1024
"Of all names and values of one alert's labels: they are kept while it fires, and travel with each page."

ANNOTATIONS_CHARACTERS = 64 * 1024
KEPT = 1_024
"Characters of a text that is worth remembering: what is sent must not fill the memory."

LONGEST_TIME = 64
"No time is written longer."

ZERO: Instant = -62_135_596_800_000
"0001-01-01T00:00:00Z, Go's way to say that a time was not given."

_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*:|/)[^\x00-\x1f\x7f]*")

_NO_START = frozenset({"", *"0123456789"})


class _Wire(msgspec.Struct):
    """One alert as it travels; unknown fields are passed over, as Alertmanager does."""

    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    startsAt: str | None = None  # noqa: N815 - the names of the wire
    endsAt: str | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815


_decode = msgspec.json.Decoder(list[_Wire] | None).decode


@dataclass(slots=True)
class Batch:
    """What one request holds."""

    alerts: list[PostedAlert] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    "Why the others were not taken, in order."

    claimed: int = 0
    "Alerts that named another tenant than their token's."


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What reading an alert needs to know."""

    now: Instant
    resolve_timeout: Milliseconds
    tenant: str = ""


async def post_alerts(door: Door, request: web.Request, token: Token) -> web.Response:
    """Take alerts; 200 and nothing else when all of them are durable."""
    expect_json(request)
    limits = door.settings.limits
    with door.room.place() as place:
        raw_body = await bodies.read(request, limits, place, limits.alerts_bytes)
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
        try:
            text = await bodies.unpack(raw_body, encoding, limits, place)
        except EventError as error:
            raise coded(400, error.message) from None
        del raw_body
        around = Around(
            now=door.daemon.now(),
            resolve_timeout=door.daemon.plan.resolve_timeout,
            tenant=token.tenant,
        )
        batch = await read_alerts(text, around)
        del text
        if batch.alerts:
            await door.daemon.post_alerts(batch.alerts, token.name)
    if batch.claimed:
        door.meter.notices.labels("tenant_disagrees").inc(batch.claimed)
    if batch.wrong:
        door.meter.rejected.labels("invalid_alert").inc(len(batch.wrong))
        raise sentence(400, _joined(batch.wrong))
    return raw(b"")


def expect_json(request: web.Request) -> None:
    """Raises ``V2Refused`` (415) for a body that does not claim to be JSON."""
    given = request.headers.get(hdrs.CONTENT_TYPE, "") or "application/octet-stream"
    media = given.partition(";")[0].strip().lower()
    if media != "application/json":
        said = f"unsupported media type {quoted(media)}, only [application/json] are allowed"
        raise coded(415, said)


async def read_alerts(text: bytes, around: Around) -> Batch:
    """Every alert of a body. Raises ``V2Refused`` (400, 422) when the body as a whole is wrong: then nothing is taken."""
    if not text.strip():
        raise coded(422, "alerts in body is required", 602)
    try:
        wire = _decode(text) or []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise coded(400, f'parsing alerts body from "" failed, because {_why(error)}') from None
    _whole(wire)
    batch = Batch()
    for position, one in enumerate(wire):
        if position and not position % STRIDE:
            await asyncio.sleep(0)
        try:
            batch.alerts.append(_one(one, around, batch))
        except ValueError as error:
            batch.wrong.append(str(error))
    return batch


def _why(error: Exception) -> str:
    """Msgspec names the place and the types, never the value."""
    return str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8"


def _whole(wire: Sequence[_Wire]) -> None:
    """What Alertmanager's reader checks before it looks at any alert, and what refuses the whole body."""
    for position, one in enumerate(wire):
        if one.generatorURL and not _address(one.generatorURL):
            said = (
                f"{position}.generatorURL in body must be of type uri: {quoted(one.generatorURL)}"
            )
            raise coded(422, said, 601)
        if one.labels is None:
            raise coded(422, f"{position}.labels in body is required", 602)
        for name, given in (("startsAt", one.startsAt), ("endsAt", one.endsAt)):
            if given and _instant(given) is None:
                said = f'parsing alerts body from "" failed, because {position}.{name} is not a time as in 2026-01-05T09:00:00Z'
                raise coded(400, said)


def _one(wire: _Wire, around: Around, batch: Batch) -> PostedAlert:
    """One alert with its times filled in (Alertmanager api/v2/api.go). Raises ``ValueError`` with what is wrong."""
    assert wire.labels is not None  # ``_whole`` has looked.
    starts = _instant(wire.startsAt) if wire.startsAt else None
    ends = _instant(wire.endsAt) if wire.endsAt else None
    starts = None if starts == ZERO else starts
    ends = None if ends == ZERO else ends
    if starts is None:
        starts = around.now if ends is None else ends
    timeout = ends is None
    if ends is None:
        ends = around.now + around.resolve_timeout
    if ends < starts:
        raise ValueError("start time must be before end time")
    labels = {name: value for name, value in wire.labels.items() if value}
    if around.tenant:
        batch.claimed += labels.get("tenant", around.tenant) != around.tenant
        labels["tenant"] = around.tenant
    _names(labels, "label set")
    if not labels or (around.tenant and len(labels) == 1):
        raise ValueError("at least one label pair required")
    annotations = {name: value or "" for name, value in (wire.annotations or {}).items()}
    _names(annotations, "annotations")
    _size(labels, annotations)
    url = wire.generatorURL or ""
    return _make(labels, starts, ends, annotations, url, timeout, fingerprint(labels))


_make = quick(
    PostedAlert,
    *("labels", "starts_at", "ends_at", "annotations", "generator_url", "timeout", "fingerprint"),
)


def _names(texts: Mapping[str, str], what: str) -> None:
    """Any UTF-8 name, as since 0.27; but none that is empty or begins with a digit, which is nearly always a mistake."""
    names = tuple(texts)
    small = sum(map(len, names)) <= KEPT
    wrong = _wrong_name(names) if small else _wrong_name.__wrapped__(names)
    if wrong is not None:
        raise ValueError(f"invalid {what}: invalid name {quoted(wrong)}")


@lru_cache(maxsize=512)
def _wrong_name(names: tuple[str, ...]) -> str | None:
    """The first that is no name. Kept: many alerts have the same names."""
    return next((name for name in names if name[:1] in _NO_START), None)


def _size(labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
    if len(labels) > MOST_LABELS:
        raise ValueError(f"invalid label set: more than {MOST_LABELS} labels")
    if _characters(labels) > LABELS_CHARACTERS:
        raise ValueError(f"invalid label set: more than {LABELS_CHARACTERS} characters")
    if _characters(annotations) > ANNOTATIONS_CHARACTERS:
        raise ValueError(f"invalid annotations: more than {ANNOTATIONS_CHARACTERS} characters")


def _characters(texts: Mapping[str, str]) -> int:
    return sum(map(len, texts)) + sum(map(len, texts.values()))


def _address(text: str) -> bool:
    return _is_address(text) if len(text) <= KEPT else _URI.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _is_address(text: str) -> bool:
    """Kept: the alerts of one rule have one address."""
    return _URI.fullmatch(text) is not None


def _instant(text: str) -> Instant | None:
    return _read(text) if len(text) <= LONGEST_TIME else None


@lru_cache(maxsize=4096)
def _read(text: str) -> Instant | None:
    """Kept, because the alerts of one evaluation share their times, and each is looked at twice."""
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        return None


def _joined(wrong: Sequence[str]) -> str:
    more = f"; and {len(wrong) - MOST_SAID} more" if len(wrong) > MOST_SAID else ""
    return "; ".join(wrong[:MOST_SAID]) + more
