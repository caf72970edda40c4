"""Turn one text into one event: decode once, judge, redact, digest.

Law: whatever the bytes, the answer is an ``Event`` or a ``Rejected``, and neither holds raw content. One ``orjson.loads`` per
event. A plainly good event takes the short way, everything else the complete one (``ingest.envelope``,
``privacy.redact``); both give the same event, which a property test checks.

The digests are taken of what arrived, before redaction: ``key`` is the identity, ``body`` a keyed digest of the whole event
with sorted keys, so that the same event sent again in another framing or key order is the same.
"""

import zlib
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from typing import Any

import orjson

from rulesd.ingest.envelope import bare_name, event_time, settle, weight_of
from rulesd.ingest.faults import (
    Fault,
    json_fault,
    kind_of,
    number_fault,
    refusal,
    value_fault,
)
from rulesd.ingest.limits import Limits
from rulesd.ingest.plain import FORMS, Plain, convert
from rulesd.ingest.times import read_time
from rulesd.model.errors import EventError
from rulesd.model.event import Event, Rejected
from rulesd.model.fingerprint import digest64
from rulesd.model.instant import Instant
from rulesd.model.reasons import ErrorCode
from rulesd.privacy.redact import Redactor, flat, label_like, measure_depth

_SORTED = orjson.OPT_SORT_KEYS
_TABLE_LIMIT = 10_000
_EMPTY = blake2b(digest_size=8)
"What ``model.fingerprint.digest64`` starts from; a copy is cheaper than a new one."
_int64 = Struct(">q").unpack
_new = tuple.__new__

checksum: Callable[[bytes], int] = zlib.crc32
"A digest of bodies that is not secret: only for decoders whose events are never stored."

_loads = orjson.loads
_dumps = orjson.dumps


class EventDecoder:
    """Decodes single events. Not for several threads at once."""

    def __init__(
        self,
        redactor: Redactor,
        limits: Limits | None = None,
        *,
        digest: Callable[[bytes], int] | None = None,
        identity: Callable[[str, str, str], int] | None = None,
    ) -> None:
        """Decode under this redactor's key.

        Args:
            redactor: masks texts and digests bodies.
            limits: how much a delivery may hold.
            digest: of a body, instead of the redactor's. A replay stores nothing and takes a cheaper one.
            identity: of (tenant, source, id), instead of ``digest64``; also only where nothing is stored.
        """
        self.redactor = redactor
        self._digest = digest or redactor.digest
        self._identity = identity
        self.limits = limits or Limits()
        self.notices: Counter[str] = Counter()
        "Notices of events taken with ``one`` and ``recorded``, since the decoder was made."
        self._kinds: dict[str, tuple[str, type[Plain]]] = {}
        "By the type as producers write it: the bare name, and what a plainly good event looks like."
        self._tenants: set[str] = {""}

    def one(
        self, text: bytes, *, now: Instant, tenant: str = "", position: int = 0
    ) -> Event | Rejected:
        """Decode one event; ``tenant`` is the one the transport vouches for."""
        try:
            doc = _loads(text)
        except orjson.JSONDecodeError:
            return refusal((json_fault(text),), position, len(text))
        return self.take(doc, now, tenant, position, len(text), self.notices, text)

    def recorded(
        self, text: bytes, *, now: Instant, position: int = 0
    ) -> tuple[Event | Rejected, Instant]:
        """Decode one event of recorded traffic, and say when it arrived.

        ``arrivaltime`` counts, else the event's own ``time``, else ``now`` (the arrival before it).
        """
        try:
            doc = _loads(text)
        except orjson.JSONDecodeError:
            return refusal((json_fault(text),), position, len(text)), now
        at: Instant | None = None
        if type(doc) is dict:
            try:
                if "arrivaltime" in doc and (arrived := doc.pop("arrivaltime")) is not None:
                    try:
                        now = read_time(arrived)
                    except (ValueError, TypeError):
                        fault = Fault(ErrorCode.TIME, "/arrivaltime", _ARRIVAL)
                        return refusal((fault,), position, len(text)), now
                else:
                    now = at = read_time(doc["time"])
                # The way ``take`` goes first too.
                canonical = _dumps(doc, option=_SORTED)
                if canonical.isascii() and 92 not in canonical and 127 not in canonical:
                    event = self._short(doc, "", canonical, at)
                    if event is not None:
                        return event, now
            except (ValueError, TypeError, KeyError):
                pass
        return self.take(doc, now, "", position, len(text), self.notices, text, at), now

    def document(
        self, doc: dict[str, Any], *, now: Instant, tenant: str = "", position: int = 0
    ) -> Event | Rejected:
        """Take an event that another format was mapped to; ``doc`` is changed in place."""
        return self.take(doc, now, tenant, position, 0, self.notices, None)

    def take(
        self,
        doc: Any,
        now: Instant,
        tenant: str,
        position: int,
        size: int,
        notices: Counter[str],
        text: bytes | Callable[[], bytes] | None,
        at: Instant | None = None,
    ) -> Event | Rejected:
        """Judge, digest and redact one decoded event (positional arguments: this is the hot path).

        ``text`` is the event's own text, or fetches it, for the rare second look at its numbers. ``at`` is its ``time``, when that has been read already.
        """
        if type(doc) is not dict:
            return refusal((_not_object(doc),), position, size)
        doc.pop("arrivaltime", None)
        try:
            canonical = _dumps(doc, option=_SORTED)
        except TypeError:
            return refusal((_unwritable(doc, self.redactor),), position, size)
        # No backslash: no quoted control character. DEL is the one that JSON does not quote.
        if canonical.isascii() and 92 not in canonical and 127 not in canonical:
            event = self._short(doc, tenant, canonical, at)
            if event is not None:
                return event
        return self._complete(doc, now, tenant, position, size, notices, text, canonical)

    def _short(
        self, doc: dict[str, Any], tenant: str, canonical: bytes, at: Instant | None
    ) -> Event | None:
        """The event, when everything about it is as it should be and its texts are plain ASCII.

        ``None`` asks for the complete way; nothing of the document is changed then.
        """
        try:
            kind = self._kinds.get(doc["type"])
            if kind is None:
                return None
            seen = convert(doc, kind[1])
            if at is None:
                at = read_time(seen.time)
        except (ValueError, TypeError, KeyError):
            return None
        claimed = seen.tenant
        if (
            "data" not in doc
            or (claimed not in self._tenants and not self._learn_tenant(claimed))
            or (tenant and claimed and claimed != tenant)
            or seen.sampledrate > self.limits.weight
        ):
            return None
        data = doc["data"]
        if "content" in data:
            if not flat(data["content"]):
                return None
            del data["content"]
        doc["type"] = name = kind[0]
        if tenant:
            doc["tenant"] = tenant
        else:
            tenant = claimed
        event_id, source = seen.id, seen.source
        if self._identity is None:
            digest = _EMPTY.copy()
            digest.update(f"{tenant}\x1f{source}\x1f{event_id}".encode())
            key: int = _int64(digest.digest())[0]
        else:
            key = self._identity(tenant, source, event_id)
        return _new(
            Event,
            (
                event_id,
                source,
                name,
                tenant,
                at,
                doc,
                key,
                self._digest(canonical),
                seen.sampledrate,
            ),
        )

    def _complete(
        self,
        doc: dict[str, Any],
        now: Instant,
        tenant: str,
        position: int,
        size: int,
        notices: Counter[str],
        text: bytes | Callable[[], bytes] | None,
        canonical: bytes,
    ) -> Event | Rejected:
        """The slow way, for everything that is not plainly good."""
        mine: Counter[str] = Counter()
        redactor = self.redactor
        try:
            faults = settle(doc, redactor, mine)
            if faults:
                return refusal(faults, position, size)
            at = event_time(doc, now, mine)
            weight = weight_of(doc, self.limits.weight, mine)
            full_type = doc["type"]
            doc["type"] = name = bare_name(full_type)
            if redactor.redact(doc, name, mine):
                if text is None:
                    odd = value_fault(doc, redactor)
                else:
                    odd = number_fault(text if isinstance(text, bytes) else text(), redactor)
                if odd is not None:
                    return refusal((odd,), position, size)
        except EventError as error:
            fault = Fault(ErrorCode(error.code), error.pointer, error.message)
            return refusal((fault,), position, size)
        if doc["type"] == name and full_type not in self._kinds:
            if len(self._kinds) >= _TABLE_LIMIT:
                self._kinds.clear()
            self._kinds[full_type] = (name, FORMS.get(name, FORMS[""]))
        tenant = _settle_tenant(doc, tenant, mine)
        notices.update(mine)
        event_id, source = doc["id"], doc["source"]
        return Event(
            id=event_id,
            source=source,
            type=doc["type"],
            tenant=tenant,
            at=at,
            document=doc,
            key=(self._identity or digest64)(tenant, source, event_id),
            body=self._digest(canonical),
            weight=weight,
        )

    def _learn_tenant(self, tenant: str) -> bool:
        if label_like(tenant) is None:
            return False
        if len(self._tenants) >= _TABLE_LIMIT:
            self._tenants.clear()
        self._tenants.add(tenant)
        return True


def _settle_tenant(doc: dict[str, Any], vouched: str, notices: Counter[str]) -> str:
    """The transport's tenant wins; what the event claims instead stays visible to rules."""
    claimed: str = doc.get("tenant", "")
    if not vouched:
        return claimed
    if claimed and claimed != vouched:
        notices["tenant_disagrees"] += 1
        doc["tenant_claimed"] = claimed
    doc["tenant"] = vouched
    return vouched


def _not_object(doc: Any) -> Fault:
    hint = "Send several events as a batch" if type(doc) is list else "Send a JSON object"
    return Fault(ErrorCode.NOT_OBJECT, "", f"the event is {kind_of(doc)}. {hint}")


def _unwritable(doc: dict[str, Any], redactor: Redactor) -> Fault:
    """Why a decoded object cannot be written as JSON again: too deep, or not from JSON at all."""
    try:
        measure_depth(doc, 1)
    except EventError as error:
        return Fault(ErrorCode.DEPTH, error.pointer, error.message)
    return value_fault(doc, redactor) or Fault(
        ErrorCode.DATA,
        "/data",
        "the event holds something that JSON cannot. Send plain JSON values",
    )


_ARRIVAL = (
    "arrivaltime is not an RFC 3339 timestamp. Record one as in 2026-01-05T09:00:00.000Z, or none"
)
